package account

import (
	"context"
	"time"

	"latchkey/internal/mail"
	"latchkey/internal/store"
)

// An Update writes some of a user's columns.
type Update struct {
	ID     store.ID
	Values []Value
	// Activation makes the account prove a new address before it is let in again, and goes to every inactive user who is updated.
	Activation *Letter
	// Note goes to the old address in the safe profile.
	Note Letter
}

// A Value is a column's new value, by its field's name, stored as it is.
type Value struct {
	Field string
	Value any
}

// Update writes the columns that change and returns the user as it is now: ErrUserNotFound, ErrTaken.
func (s *Service) Update(ctx context.Context, change Update) (*store.User, error) {
	var user *store.User
	err := s.Store.InTx(ctx, func(tx *store.Store) error {
		before, err := tx.UserForUpdate(ctx, change.ID)
		if err != nil {
			return err
		}
		var changed []string
		for _, v := range change.Values {
			if old, _ := before.Field(v.Field); same(old, v.Value) {
				continue
			}
			if err := tx.SetField(ctx, change.ID, v.Field, v.Value); err != nil {
				return err
			}
			changed = append(changed, v.Field)
			if v.Field == tx.Model().EmailField {
				if err := s.movedAddress(ctx, tx, before, change); err != nil {
					return err
				}
			}
		}
		if user, err = tx.User(ctx, change.ID); err != nil {
			return err
		}
		if user.Email != before.Email {
			if err := s.listAddress(ctx, tx, user, false); err != nil {
				return err
			}
		}
		if err := s.recordUpdate(ctx, tx, before, user, changed); err != nil {
			return err
		}
		if user.IsActive || change.Activation == nil {
			return nil
		}
		may, err := s.mayActivate(ctx, tx, user)
		if err != nil || !may {
			return err
		}
		return s.post(ctx, tx, user, change.Activation)
	})
	if err != nil {
		return nil, taken(notFound(err))
	}
	return user, nil
}

// same tells whether two values of a column are one.
func same(a, b any) bool {
	if t, ok := a.(time.Time); ok {
		u, ok := b.(time.Time)
		return ok && t.Equal(u)
	}
	return a == b
}

// recordUpdate records which columns changed, if any did, and what else that means.
func (s *Service) recordUpdate(ctx context.Context, tx *store.Store, before, after *store.User, changed []string) error {
	if len(changed) == 0 {
		return nil
	}
	if err := s.record(ctx, tx, after, Event{Name: EventUpdated, Changed: changed}); err != nil {
		return err
	}
	return s.recordDifference(ctx, tx, before, after)
}

// movedAddress locks an account whose address changed until the new one is proven, where that is wanted.
func (s *Service) movedAddress(ctx context.Context, tx *store.Store, before *store.User, change Update) error {
	if change.Activation != nil && before.IsActive {
		if err := tx.SetActive(ctx, before.ID, false); err != nil {
			return err
		}
		if err := tx.RecordPending(ctx, before.ID, s.Now()); err != nil {
			return err
		}
	}
	return s.leftAddress(ctx, tx, before, change.Note)
}

// leftAddress ends what a change of address ends, and tells the old one.
func (s *Service) leftAddress(ctx context.Context, tx *store.Store, before *store.User, note Letter) error {
	if s.End.OnEmailChange {
		if err := s.end(ctx, tx, before.ID, true); err != nil {
			return err
		}
	}
	if s.Exact {
		return nil
	}
	note.Kind = mail.EmailChanged
	return s.post(ctx, tx, before, &note)
}
