package account

import (
	"context"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// Key is the token key of a user who has just signed in, made at the first sign-in and the same ever after. ErrBadCredentials where the user changed since.
func (s *Service) Key(ctx context.Context, user *store.User) (key string, err error) {
	if !s.Store.Apps().AuthToken {
		return "", ErrNotServed
	}
	err = s.Store.InTx(ctx, func(tx *store.Store) (err error) {
		if err := s.hold(ctx, tx, user); err != nil {
			return err
		}
		if key, err = tx.TokenKeyFor(ctx, user.ID, tokens.NewTokenKey(), s.Now()); err != nil {
			return err
		}
		if s.Devices {
			if err := tx.SaveDevice(ctx, s.device(ctx, user, store.TokenDevice, store.KeyDeviceID(user.ID), "", time.Time{})); err != nil {
				return err
			}
		}
		return s.record(ctx, tx, user, Event{Name: EventLogin, Via: ViaToken})
	})
	return key, err
}

// DropKey ends the user's token key; without one there is nothing to end.
func (s *Service) DropKey(ctx context.Context, user *store.User) error {
	if !s.Store.Apps().AuthToken {
		return nil
	}
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		had, err := tx.DeleteTokenKey(ctx, user.ID)
		if err != nil || !had {
			return err
		}
		if err := tx.EndDevicesOf(ctx, user.ID, store.TokenDevice, s.Now()); err != nil {
			return err
		}
		return s.record(ctx, tx, user, Event{Name: EventLogout, Via: ViaToken})
	})
}
