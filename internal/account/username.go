package account

import (
	"context"
	"errors"

	"latchkey/internal/store"
)

// ColumnTaken tells whether a value of a unique column belongs to somebody: letter by letter and, where folded, in the safe profile also in its normal form.
func (s *Service) ColumnTaken(ctx context.Context, column, value string, folded bool) (bool, error) {
	taken, err := s.columnTaken(ctx, column, value)
	if err != nil || taken || s.Exact || !folded {
		return taken, err
	}
	if normal := NormalizeUsername(value); normal != value {
		return s.columnTaken(ctx, column, normal)
	}
	return false, nil
}

func (s *Service) columnTaken(ctx context.Context, column, value string) (bool, error) {
	_, err := s.Store.UserBy(ctx, column, value)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil || errors.Is(err, store.ErrMultiple), ignore(err, store.ErrMultiple)
}

// ChangeUsername writes a new name, as it was sent. ErrTaken where somebody was quicker.
func (s *Service) ChangeUsername(ctx context.Context, user *store.User, name string, letter *Letter) error {
	err := s.Store.InTx(ctx, func(tx *store.Store) error {
		if err := tx.SetUsername(ctx, user.ID, name); err != nil {
			return err
		}
		changed, err := tx.User(ctx, user.ID)
		if err != nil {
			return err
		}
		return s.post(ctx, tx, changed, letter)
	})
	if gone(err) {
		return ErrUserNotFound
	}
	if err == nil {
		s.wakeDelivery()
	}
	return taken(err)
}

// ResetUsername writes a new name and last_login if the link is good, once: ErrBadUID, ErrBadLink, ErrTaken.
func (s *Service) ResetUsername(ctx context.Context, link Link, name string, letter *Letter) error {
	err := s.Store.InTx(ctx, func(tx *store.Store) error {
		user, err := s.userOfLink(ctx, tx, link, tx.UserForUpdate)
		if err != nil {
			return err
		}
		if err := s.spend(ctx, tx, user, link); err != nil {
			return err
		}
		written, err := tx.ResetUsername(ctx, user.ID, user.Password, user.LastLogin, name, s.Now())
		if err != nil {
			return err
		}
		if !written {
			return ErrBadLink
		}
		changed, err := tx.User(ctx, user.ID)
		if err != nil {
			return err
		}
		return s.post(ctx, tx, changed, letter)
	})
	if err == nil {
		s.wakeDelivery()
	}
	return taken(err)
}
