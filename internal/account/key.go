package account

import (
	"context"

	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// Key is the user's token key, made at the first sign-in and the same ever after.
func (s *Service) Key(ctx context.Context, user *store.User) (string, error) {
	if !s.Store.Apps().AuthToken {
		return "", ErrNotServed
	}
	return s.Store.TokenKeyFor(ctx, user.ID, tokens.NewTokenKey(), s.Now())
}

// DropKey ends the user's token key; without one there is nothing to end.
func (s *Service) DropKey(ctx context.Context, user *store.User) error {
	if !s.Store.Apps().AuthToken {
		return nil
	}
	return s.Store.DeleteTokenKey(ctx, user.ID)
}
