package account

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// end ends what a user has open: refresh tokens, token key, outstanding links, and where they are asked for the access tokens. Sessions are told apart: a new
// password ends them by itself, here and in Django.
func (s *Service) end(ctx context.Context, tx *store.Store, id store.ID, sessions bool) error {
	if err := s.signOut(ctx, tx, id, sessions); err != nil {
		return err
	}
	return tx.EndLinks(ctx, id, s.Now())
}

// signOut is end without the links.
func (s *Service) signOut(ctx context.Context, tx *store.Store, id store.ID, sessions bool) error {
	now := s.Now()
	if tx.Apps().Blacklist {
		if err := tx.BlacklistUser(ctx, id, now); err != nil {
			return err
		}
	}
	if tx.Apps().AuthToken {
		if _, err := tx.DeleteTokenKey(ctx, id); err != nil {
			return err
		}
	}
	kinds := []string{store.RefreshDevice, store.TokenDevice}
	if sessions {
		kinds = append(kinds, store.SessionDevice)
	}
	for _, kind := range kinds {
		if err := tx.EndDevicesOf(ctx, id, kind, now); err != nil {
			return err
		}
	}
	return s.cutOff(ctx, tx, id, sessions, s.EndAccess)
}

// cutOff ends what no row tells of: sessions that Django opened and that came here never yet, and access tokens.
func (s *Service) cutOff(ctx context.Context, tx *store.Store, id store.ID, sessions, access bool) error {
	var cut store.Cutoff
	if sessions {
		cut.Sessions = s.Now()
	}
	if access { // their iat counts whole seconds: all of this one are over, and the next to be made waits for the next; see issueTime
		cut.Access = s.Now().Truncate(time.Second).Add(time.Second)
	}
	if cut == (store.Cutoff{}) {
		return nil
	}
	return tx.CutOff(ctx, id, cut)
}

// issueTime is when a token is made for a user: now, or where what the user had open was ended in this very second the next one, which it waits for.
func (s *Service) issueTime(ctx context.Context, user *store.User) (time.Time, error) {
	if !s.EndAccess || user == nil {
		return s.Now(), nil
	}
	cut, err := s.Store.CutoffOf(ctx, user.ID)
	if err != nil {
		return time.Time{}, err
	}
	if wait := cut.Access.Sub(s.Now()); wait > 0 {
		timer := time.NewTimer(min(wait, time.Second))
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-timer.C:
		}
	}
	if now := s.Now(); now.After(cut.Access) {
		return now, nil
	}
	return cut.Access, nil
}

// over tells whether a token was made before what its user had open was ended.
func (s *Service) over(ctx context.Context, user *store.User, token tokens.Token) (bool, error) {
	if !s.EndAccess {
		return false, nil
	}
	cut, err := s.Store.CutoffOf(ctx, user.ID)
	return token.IssuedAt().Before(cut.Access), err
}

// overAccess is over for a token that nobody is signed in with; one of another kind is not.
func (s *Service) overAccess(ctx context.Context, token tokens.Token) (bool, error) {
	if !s.EndAccess || token.Type != "access" {
		return false, nil
	}
	user, err := s.userByClaim(ctx, token)
	if errors.Is(err, ErrUserNotFound) || errors.Is(err, ErrNoUserClaim) {
		return false, nil // it is verified all the same
	}
	if err != nil {
		return false, err
	}
	return s.over(ctx, user, token)
}
