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
	normal := NormalizeUsername(value)
	if column == s.Store.Model().EmailField {
		normal = NormalizeEmail(value)
	}
	if normal != value {
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

// Letters are the mails that a new name owes.
type Letters struct {
	// Changed goes to the user, if it is wanted.
	Changed *Letter
	// Note goes to the old address in the safe profile, where users sign in with their address and so have a new one.
	Note Letter
}

// ChangeUsername writes a new name, as it was sent. ErrTaken where somebody was quicker.
func (s *Service) ChangeUsername(ctx context.Context, id store.ID, name string, letters Letters) error {
	err := s.Store.InTx(ctx, func(tx *store.Store) error {
		before, err := tx.UserForUpdate(ctx, id)
		if err != nil {
			return err
		}
		if err := tx.SetUsername(ctx, id, name); err != nil {
			return err
		}
		return s.renamed(ctx, tx, before, letters)
	})
	if gone(err) {
		return ErrUserNotFound
	}
	return taken(err)
}

// ResetUsername writes a new name and last_login if the link is good, once: ErrBadUID, ErrBadLink, ErrTaken.
func (s *Service) ResetUsername(ctx context.Context, link Link, name string, letters Letters) error {
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
		return s.renamed(ctx, tx, user, letters)
	})
	return taken(err)
}

// renamed does what follows a new name: where it is the address too, also what follows a new address.
func (s *Service) renamed(ctx context.Context, tx *store.Store, before *store.User, letters Letters) error {
	changed, err := tx.User(ctx, before.ID)
	if err != nil {
		return err
	}
	if changed.Email != before.Email {
		if err := s.leftAddress(ctx, tx, before, letters.Note); err != nil {
			return err
		}
		if err := s.listAddress(ctx, tx, changed, false); err != nil {
			return err
		}
	}
	if err := s.recordDifference(ctx, tx, before, changed); err != nil {
		return err
	}
	return s.post(ctx, tx, changed, letters.Changed)
}
