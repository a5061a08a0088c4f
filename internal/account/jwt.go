package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/message"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// A Pair is what a sign-in or a refresh hands out; Refresh is empty where none is.
type Pair struct{ Access, Refresh string }

// NewPair makes a refresh token and its access token for a user who has just signed in.
func (s *Service) NewPair(ctx context.Context, user *store.User) (Pair, error) {
	return s.newPair(ctx, user, s.stampAtIssue)
}

// NewPairUnstamped is NewPair where the dialect writes last_login by rules of its own.
func (s *Service) NewPairUnstamped(ctx context.Context, user *store.User) (Pair, error) {
	return s.newPair(ctx, user, s.noteSignIn)
}

func (s *Service) newPair(ctx context.Context, user *store.User, stamp func(context.Context, *store.Store, *store.User) error) (Pair, error) {
	if !s.mayHoldTokens(user) {
		return Pair{}, ErrBadCredentials
	}
	now, err := s.issueTime(ctx, user)
	if err != nil {
		return Pair{}, err
	}
	refresh := s.JWTs.NewRefresh(s.claimant(user), now)
	pair, err := s.encodePair(refresh, refresh, now)
	if err != nil {
		return Pair{}, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		if err := s.hold(ctx, tx, user); err != nil {
			return err
		}
		if err := s.recordIssued(ctx, tx, user, refresh, pair.Refresh, refresh.JTI()); err != nil {
			return err
		}
		if err := stamp(ctx, tx, user); err != nil {
			return err
		}
		return s.record(ctx, tx, user, Event{Name: EventLogin, Via: ViaJWT})
	})
	if err != nil {
		return Pair{}, err
	}
	return pair, nil
}

// NewSliding makes a sliding token for a user who has just signed in.
func (s *Service) NewSliding(ctx context.Context, user *store.User) (string, error) {
	if !s.mayHoldTokens(user) {
		return "", ErrBadCredentials
	}
	now, err := s.issueTime(ctx, user)
	if err != nil {
		return "", err
	}
	sliding := s.JWTs.NewSliding(s.claimant(user), now)
	s.Metrics.Token("sliding")
	raw, err := s.JWTs.Encode(sliding)
	if err != nil {
		return "", err
	}
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		if err := s.hold(ctx, tx, user); err != nil {
			return err
		}
		if err := s.recordOutstanding(ctx, tx, user.ID, sliding, raw); err != nil {
			return err
		}
		if err := s.noteRefresh(ctx, tx, user, sliding.JTI(), sliding); err != nil {
			return err
		}
		if err := s.stampAtIssue(ctx, tx, user); err != nil {
			return err
		}
		return s.record(ctx, tx, user, Event{Name: EventLogin, Via: ViaJWT})
	})
	if err != nil {
		return "", err
	}
	return raw, nil
}

// mayHoldTokens is SimpleJWT's default USER_AUTHENTICATION_RULE.
func (s *Service) mayHoldTokens(user *store.User) bool {
	return user.IsActive || !s.JWT.CheckUserIsActive
}

// hold keeps the user's row from changing until tokens for them are written. A change that ends all tokens came before, and then whoever proved the old
// password gets ErrBadCredentials, or it comes after, and then it finds these tokens too.
func (s *Service) hold(ctx context.Context, tx *store.Store, user *store.User) error {
	now, err := tx.UserForUpdate(ctx, user.ID)
	if gone(err) || err == nil && (now.Password != user.Password || user.IsActive && !now.IsActive) {
		return ErrBadCredentials
	}
	return err
}

// stampAtIssue notes that the user signed in: in last_login where SimpleJWT does so, else in the safe profile where only Latchkey looks, so that no mailed
// link lets the user in again after somebody switched them off in Django.
func (s *Service) stampAtIssue(ctx context.Context, tx *store.Store, user *store.User) error {
	if !s.JWT.UpdateLastLogin {
		return s.noteSignIn(ctx, tx, user)
	}
	err := tx.SetLastLogin(ctx, user.ID, s.Now())
	if gone(err) {
		return ErrBadCredentials
	}
	return err
}

func (s *Service) noteSignIn(ctx context.Context, tx *store.Store, user *store.User) error {
	if s.Exact || !user.IsActive {
		return nil
	}
	return tx.RecordActivation(ctx, user.ID, s.Now())
}

// encodePair signs a refresh token and the access token that is made of it, or of the one before it.
func (s *Service) encodePair(refresh, from tokens.Token, now time.Time) (pair Pair, err error) {
	if pair.Access, err = s.encodeAccess(from, refresh.JTI(), now); err != nil {
		return Pair{}, err
	}
	s.Metrics.Token("refresh")
	pair.Refresh, err = s.JWTs.Encode(refresh)
	return pair, err
}

// encodeAccess signs the access token of a refresh token. It is handed out beside the refresh token with the id, and known by that.
func (s *Service) encodeAccess(from tokens.Token, beside string, now time.Time) (string, error) {
	access := s.JWTs.AccessFor(from, now)
	if s.Devices {
		access = access.WithJTI(s.Keys.JTIBeside(beside))
	}
	s.Metrics.Token("access")
	return s.JWTs.Encode(access)
}

func (s *Service) claimant(user *store.User) tokens.Claimant {
	value, _ := user.Field(s.JWT.UserIDField)
	_, isID := value.(store.ID)
	return tokens.Claimant{ID: fmt.Sprint(value), IDIsInteger: isID && s.JWT.IntegerUserID, Password: user.Password}
}

// recordIssued writes a refresh token into Django's table, and into its family where one is kept.
func (s *Service) recordIssued(ctx context.Context, tx *store.Store, user *store.User, token tokens.Token, raw, family string) error {
	id := store.ID{}
	if user != nil {
		id = user.ID
	}
	if err := s.recordOutstanding(ctx, tx, id, token, raw); err != nil {
		return err
	}
	if err := s.noteRefresh(ctx, tx, user, family, token); err != nil || !s.JWT.RotateRefreshTokens || !s.Devices && !s.families() {
		return err
	}
	return tx.InsertRefresh(ctx, store.Refresh{JTI: token.JTI(), Family: family, UserID: id, IssuedAt: token.IssuedAt(), ExpiresAt: token.ExpiresAt()})
}

// families tells whether rotation ends refresh tokens, and reuse the family.
func (s *Service) families() bool {
	return !s.Exact && s.JWT.RotateRefreshTokens && s.JWT.BlacklistAfterRotation
}

func (s *Service) recordOutstanding(ctx context.Context, tx *store.Store, id store.ID, token tokens.Token, raw string) error {
	if !tx.Apps().Blacklist {
		return nil
	}
	return tx.InsertOutstanding(ctx, s.outstanding(id, token, raw, s.Now()))
}

// outstanding is a token's row. In the safe profile the token is kept without its signature: whoever reads the table cannot use it.
func (s *Service) outstanding(id store.ID, token tokens.Token, raw string, created time.Time) store.Outstanding {
	if !s.Exact {
		raw = raw[:strings.LastIndexByte(raw, '.')+1]
	}
	return store.Outstanding{UserID: id, JTI: token.JTI(), Token: raw, CreatedAt: created, ExpiresAt: token.ExpiresAt()}
}

var blacklisted = &tokens.Invalid{Message: message.T("Token is blacklisted")}

// list puts a token on the blacklist; blacklisted where somebody did so before.
func (s *Service) list(ctx context.Context, tx *store.Store, user *store.User, token tokens.Token, raw string) error {
	if !tx.Apps().Blacklist {
		return nil
	}
	id := store.ID{}
	if user != nil {
		id = user.ID
	}
	first, err := tx.Blacklist(ctx, s.outstanding(id, token, raw, s.Now()), s.Now())
	if err != nil {
		return err
	}
	if !first {
		return blacklisted
	}
	return nil
}

// Verify checks any token as jwt/verify does: *tokens.Invalid, or ErrBlacklisted where the blacklist is asked.
func (s *Service) Verify(ctx context.Context, raw string) error {
	token, err := s.JWTs.Decode(raw, "", s.Now(), nil)
	if err != nil {
		return err
	}
	if over, err := s.overAccess(ctx, token); err != nil || over {
		return cmp.Or(err, ErrBlacklisted)
	}
	if !s.Store.Apps().Blacklist || s.Exact && !s.JWT.BlacklistAfterRotation {
		return nil
	}
	listed, err := s.Store.Blacklisted(ctx, token.JTI())
	if err != nil {
		return err
	}
	if listed {
		return ErrBlacklisted
	}
	return nil
}

// Blacklist ends a refresh token. Without the blacklist app it only checks the token, as SimpleJWT does.
func (s *Service) Blacklist(ctx context.Context, raw string) error {
	token, err := s.JWTs.Decode(raw, "refresh", s.Now(), s.blacklisted(ctx))
	if err != nil {
		return err
	}
	user, err := s.userByClaim(ctx, token)
	if err != nil && !errors.Is(err, ErrUserNotFound) && !errors.Is(err, ErrNoUserClaim) {
		return err
	}
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		if err := s.list(ctx, tx, user, token, raw); err != nil || user == nil || !tx.Apps().Blacklist {
			return err
		}
		return s.record(ctx, tx, user, Event{Name: EventLogout, Via: ViaJWT})
	})
	if errors.Is(err, blacklisted) { // listed meanwhile: what was asked for is so
		return nil
	}
	return err
}

// BlacklistNobody makes a refresh token of nobody and blacklists it, as the reference does at a logout without token. Only the exact profile does.
func (s *Service) BlacklistNobody(ctx context.Context) error {
	if !s.Exact || !s.Store.Apps().Blacklist {
		return nil
	}
	token := s.JWTs.NewRefreshOfNobody(s.Now())
	raw, err := s.JWTs.Encode(token)
	if err != nil {
		return err
	}
	return s.list(ctx, s.Store, nil, token, raw)
}

// RefreshSliding gives a sliding token a new lease.
func (s *Service) RefreshSliding(ctx context.Context, raw string) (string, error) {
	var use store.TokenUse
	token, err := s.JWTs.Decode(raw, "sliding", s.Now(), func(token tokens.Token) (_ bool, err error) {
		use, err = s.tokenUse(ctx, token)
		return use.Listed, err
	})
	if err != nil {
		return "", err
	}
	next, err := s.JWTs.RefreshSliding(token, s.Now())
	if err != nil {
		return "", err
	}
	user, err := s.ownerOf(ctx, token, use)
	if err != nil {
		return "", err
	}
	if err := s.noteUse(ctx, user, next, use.Device); err != nil {
		return "", err
	}
	s.Metrics.Token("sliding")
	return s.JWTs.Encode(next)
}

// blacklisted asks Django's blacklist; nil where there is none.
func (s *Service) blacklisted(ctx context.Context) func(tokens.Token) (bool, error) {
	if !s.Store.Apps().Blacklist {
		return nil
	}
	return func(token tokens.Token) (bool, error) { return s.Store.Blacklisted(ctx, token.JTI()) }
}

// tokenUse finds what is on record of a refresh or sliding token that somebody uses.
func (s *Service) tokenUse(ctx context.Context, token tokens.Token) (store.TokenUse, error) {
	user, _ := s.JWTs.UserID(token)
	return s.Store.TokenUse(ctx, token.JTI(), s.JWT.UserIDField, user)
}

// ownerOf finds the user a refresh or sliding token is for and applies the rules of refreshing. A token that names nobody has no owner, which only the exact
// profile lets pass.
func (s *Service) ownerOf(ctx context.Context, token tokens.Token, use store.TokenUse) (*store.User, error) {
	if !s.JWTs.HasUserClaim(token) {
		if s.Exact {
			return nil, nil
		}
		return nil, ErrUserNotFound
	}
	user := use.User
	if user == nil {
		var err error
		if user, err = s.userByClaim(ctx, token); err != nil {
			return nil, err
		}
	}
	if !s.mayHoldTokens(user) {
		return nil, ErrInactive
	}
	if s.JWT.CheckRevokeToken && !s.JWTs.RevokeMatches(token, user.Password) {
		return user, ErrPasswordChanged
	}
	return user, nil
}

// userByClaim finds the user that a token's claim names: ErrNoUserClaim, ErrUserNotFound.
func (s *Service) userByClaim(ctx context.Context, token tokens.Token) (*store.User, error) {
	text, present := s.JWTs.UserID(token)
	if !present {
		return nil, ErrNoUserClaim
	}
	user, err := s.Store.UserBy(ctx, s.JWT.UserIDField, text)
	if err != nil {
		return nil, notFound(err)
	}
	return user, nil
}
