package account

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// Refresh takes a refresh token and makes an access token, and where rotation is on a new refresh token. One that was rotated a moment ago is answered with
// the same successor again: two tabs of a browser asked at once, or an answer got lost. One that was rotated earlier ends its family.
// Errors: *tokens.Invalid, ErrUserNotFound, ErrInactive, ErrPasswordChanged.
func (s *Service) Refresh(ctx context.Context, raw string) (Pair, error) {
	var next *store.Refresh // the successor that the token has already
	var use store.TokenUse
	token, err := s.JWTs.Decode(raw, "refresh", s.Now(), func(token tokens.Token) (listed bool, err error) {
		if use, err = s.tokenUse(ctx, token); use.Listed && err == nil && s.families() {
			next, err = s.successor(ctx, token.JTI())
		}
		return use.Listed && next == nil, err
	})
	if err != nil {
		return Pair{}, err
	}
	user, err := s.ownerOf(ctx, token, use)
	if errors.Is(err, ErrPasswordChanged) {
		return Pair{}, errors.Join(err, s.list(ctx, s.Store, user, token, raw))
	}
	if err != nil {
		return Pair{}, err
	}
	now, err := s.issueTime(ctx, user)
	if err != nil {
		return Pair{}, err
	}
	if !s.JWT.RotateRefreshTokens {
		if err := s.noteUse(ctx, user, token, use.Device); err != nil {
			return Pair{}, err
		}
		access, err := s.encodeAccess(token, token.JTI(), now)
		return Pair{Access: access}, err
	}
	if next == nil {
		pair, err := s.rotate(ctx, user, token, raw, now)
		if !errors.Is(err, errRotated) {
			return pair, err
		}
		if next, err = s.successor(ctx, token.JTI()); err != nil {
			return Pair{}, err
		}
	}
	if next == nil {
		return Pair{}, blacklisted
	}
	return s.reissue(token, next, now)
}

// errRotated says that somebody else rotated the token first.
var errRotated = errors.New("the token was rotated meanwhile")

// rotate replaces a refresh token. Where the old one ends, marking its place in its family, or where it has none listing it, is the claim: of two requests
// that bring it at once, one wins.
func (s *Service) rotate(ctx context.Context, user *store.User, token tokens.Token, raw string, now time.Time) (Pair, error) {
	next := s.JWTs.Rotate(token, now)
	pair, err := s.encodePair(next, token, now)
	if err != nil {
		return Pair{}, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		// In the order of end, so that the two do not lock each other out.
		family, known, err := s.claim(ctx, tx, user, token, next)
		if err != nil {
			return err
		}
		if !known { // no claim keeps a change that ends all tokens from passing by
			if err := s.holdOwner(ctx, tx, user); err != nil {
				return err
			}
		}
		if s.JWT.BlacklistAfterRotation {
			if err := s.list(ctx, tx, user, token, raw); err != nil {
				return err
			}
		}
		return s.recordIssued(ctx, tx, user, next, pair.Refresh, family)
	})
	if err != nil {
		return Pair{}, err
	}
	return pair, nil
}

// holdOwner holds the row of a refresh token's owner in the safe profile: blacklisted where a change came before that ended the token.
func (s *Service) holdOwner(ctx context.Context, tx *store.Store, user *store.User) error {
	if s.Exact || user == nil {
		return nil
	}
	err := s.hold(ctx, tx, user)
	if errors.Is(err, ErrBadCredentials) {
		return blacklisted
	}
	return err
}

// claim marks a token's place in its family as taken by its successor, names the family, and tells whether the place was known before: that of a token that
// Django made, or of one from before families were kept, is made now. errRotated where the place is taken.
func (s *Service) claim(ctx context.Context, tx *store.Store, user *store.User, token, next tokens.Token) (family string, known bool, err error) {
	family = token.JTI()
	if !s.families() {
		family, err = s.familyOf(ctx, tx, token)
		return family, false, err
	}
	now := s.Now()
	place := store.Refresh{JTI: token.JTI(), Family: family, Successor: next.JTI(), IssuedAt: token.IssuedAt(), ExpiresAt: token.ExpiresAt(), RotatedAt: now}
	if place.IssuedAt.IsZero() {
		place.IssuedAt = now // a token made by hand need not say
	}
	if user != nil {
		place.UserID = user.ID
	}
	claimed, known, err := tx.ClaimRefresh(ctx, &place)
	if err == nil && !claimed {
		err = errRotated
	}
	return place.Family, known, err
}

// familyOf is the family of a token that stays good beside its successors: blacklisted where it was ended.
func (s *Service) familyOf(ctx context.Context, tx *store.Store, token tokens.Token) (string, error) {
	if !s.Devices {
		return token.JTI(), nil
	}
	d, err := tx.DeviceOfRefresh(ctx, token.JTI())
	switch {
	case gone(err):
		return token.JTI(), nil
	case err != nil:
		return "", err
	case !d.EndedAt.IsZero():
		return "", blacklisted
	}
	return d.ID, nil
}

// successor is what a rotated token became, if it may be handed out once more: within the grace, and while it is unused itself. nil otherwise; a token that
// comes back after the grace ends its family: one of the two who hold it stole it.
func (s *Service) successor(ctx context.Context, jti string) (*store.Refresh, error) {
	place, err := s.Store.RefreshByJTI(ctx, jti)
	if err != nil {
		return nil, ignore(err, store.ErrNotFound)
	}
	if place.RotatedAt.IsZero() || !place.RevokedAt.IsZero() {
		return nil, nil // ended by its owner, or with its family
	}
	if s.RefreshGrace == 0 || s.Now().Sub(place.RotatedAt) > s.RefreshGrace {
		return nil, s.endFamily(ctx, place)
	}
	next, err := s.Store.LiveRefresh(ctx, place.Successor)
	return next, ignore(err, store.ErrNotFound)
}

// reissue answers a rotated token as its rotation did. The successor is signed anew, from what its predecessor says and what is on record: it is kept nowhere
// in a form that could be used.
func (s *Service) reissue(token tokens.Token, next *store.Refresh, now time.Time) (Pair, error) {
	return s.encodePair(s.JWTs.Successor(token, next.JTI, next.IssuedAt, next.ExpiresAt), token, now)
}

// endFamily ends the family of a rotated refresh token that came back.
func (s *Service) endFamily(ctx context.Context, place *store.Refresh) error {
	s.Log.WarnContext(ctx, "a rotated refresh token came back: its family is ended", "user", place.UserID.String())
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		if err := tx.RevokeFamily(ctx, place.Family, s.Now()); err != nil {
			return err
		}
		if err := s.cutOff(ctx, tx, place.UserID, false, s.EndAccess); err != nil {
			return err
		}
		user, err := tx.User(ctx, place.UserID)
		if err != nil && !gone(err) {
			return err
		}
		return s.record(ctx, tx, user, Event{Name: EventTokenReused, Via: ViaJWT})
	})
}
