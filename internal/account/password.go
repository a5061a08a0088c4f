package account

import (
	"context"
	"errors"

	"latchkey/internal/store"
)

// A PasswordChange is a new password for somebody who proved the old one.
type PasswordChange struct {
	User     *store.User // as it was when the old password was checked
	Password string
	// DropKey ends the caller's token key whatever else is kept.
	DropKey bool
	Letter  *Letter
}

// ChangePassword writes the password if nobody changed it since it was checked; otherwise ErrBadPassword. The user is brought up to date.
func (s *Service) ChangePassword(ctx context.Context, change PasswordChange) error {
	encoded, err := s.Passwords.Make(ctx, change.Password)
	if err != nil {
		return err
	}
	user := change.User
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		written, err := tx.ChangePassword(ctx, user.ID, user.Password, encoded)
		if err != nil {
			return err
		}
		if !written {
			return ErrBadPassword
		}
		if s.End.OnPasswordChange {
			if err := s.end(ctx, tx, user.ID, false); err != nil {
				return err
			}
		}
		if change.DropKey && tx.Apps().AuthToken {
			if _, err := tx.DeleteTokenKey(ctx, user.ID); err != nil {
				return err
			}
		}
		if err := s.record(ctx, tx, user, Event{Name: EventPasswordChanged}); err != nil {
			return err
		}
		return s.post(ctx, tx, user, change.Letter)
	})
	if err != nil {
		return err
	}
	user.Password = encoded
	return nil
}

// A PasswordReset is a new password for whoever holds the link.
type PasswordReset struct {
	Link     Link
	Password string
	// KeepLastLogin leaves last_login alone, which djoser writes.
	KeepLastLogin bool
	Letter        *Letter
}

// ResetPassword writes the password and last_login if the link is good, once: ErrBadUID, ErrBadLink, or *WeakPassword where the password is too much like the
// link's user.
func (s *Service) ResetPassword(ctx context.Context, reset PasswordReset) error {
	user, err := s.UserOfLink(ctx, reset.Link)
	if err != nil {
		return err
	}
	if !s.Exact {
		if err := s.JudgePassword(reset.Password, About(user)); err != nil {
			return err
		}
	}
	encoded, err := s.Passwords.Make(ctx, reset.Password) // outside the transaction: it is slow
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		user, err := s.userOfLink(ctx, tx, reset.Link, tx.UserForUpdate)
		if err != nil {
			return err
		}
		if err := s.spend(ctx, tx, user, reset.Link); err != nil {
			return err
		}
		written := false
		if reset.KeepLastLogin {
			written, err = tx.ChangePassword(ctx, user.ID, user.Password, encoded)
		} else {
			written, err = tx.ResetPassword(ctx, user.ID, user.Password, user.LastLogin, encoded, s.Now())
		}
		if err != nil {
			return err
		}
		if !written {
			return ErrBadLink
		}
		if err := s.provedByReset(ctx, tx, user, reset.Link); err != nil {
			return err
		}
		if s.End.OnPasswordChange {
			if err := s.end(ctx, tx, user.ID, false); err != nil {
				return err
			}
		}
		if err := s.record(ctx, tx, user, Event{Name: EventPasswordReset, Via: ViaLink}); err != nil {
			return err
		}
		return s.post(ctx, tx, user, reset.Letter)
	})
}

// SetPassword writes a password without asking for the old one, as an administrator does.
func (s *Service) SetPassword(ctx context.Context, id store.ID, password string) error {
	encoded, err := s.Passwords.Make(ctx, password)
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		user, err := tx.UserForUpdate(ctx, id)
		if err != nil {
			return notFound(err)
		}
		if err := tx.SetPassword(ctx, id, encoded); err != nil {
			return notFound(err)
		}
		if err := s.record(ctx, tx, user, Event{Name: EventPasswordChanged}); err != nil {
			return err
		}
		if !s.End.OnPasswordChange {
			return nil
		}
		return s.end(ctx, tx, id, false)
	})
}

// gone tells whether a row that was there a moment ago no longer is.
func gone(err error) bool { return errors.Is(err, store.ErrNotFound) }
