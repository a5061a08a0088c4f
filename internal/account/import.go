package account

import (
	"context"
	"crypto/rand"

	"latchkey/internal/store"
)

// An Arrival is a new user whose row was written past registration, by an import.
type Arrival struct {
	ID     store.ID
	Email  string
	Active bool
	// Listed gives the address a row, Verified one that is proven.
	Listed, Verified bool
}

// Arrived does for new users what registration does beside the user's own row. No receiver is told of them: they are users of old. The audit trail has one row
// for all of them.
func (s *Service) Arrived(ctx context.Context, tx *store.Store, users []Arrival) error {
	var active []store.ID
	var addresses []store.EmailAddress
	for _, user := range users {
		if user.Active {
			active = append(active, user.ID) // so that no link lets the user in again whom somebody switches off in Django
		}
		if user.Listed && user.Email != "" && tx.Apps().Allauth {
			addresses = append(addresses, store.EmailAddress{UserID: user.ID, Email: lower(user.Email), Verified: user.Verified, Primary: true})
		}
	}
	if err := tx.RecordActivations(ctx, active, s.Now()); err != nil {
		return err
	}
	if err := tx.InsertEmailAddresses(ctx, addresses); err != nil || !s.Audit {
		return err
	}
	return tx.InsertAudit(ctx, store.Audit{ID: rand.Text(), At: s.Now(), Event: string(EventImported), Result: AuditOK, Actor: Operator, Times: len(users)})
}

// Overwritten does what belongs to a change of a user, after an import has written over these columns of the row: it records the change, and ends what it ends.
// Nobody is told by mail.
func (s *Service) Overwritten(ctx context.Context, tx *store.Store, before *store.User, columns []string) error {
	after, err := tx.User(ctx, before.ID)
	if err != nil {
		return err
	}
	var changed []string
	for _, column := range columns {
		old, known := before.Field(column)
		if value, _ := after.Field(column); column != "password" && (!known || !same(old, value)) {
			changed = append(changed, column)
		}
	}
	if err := s.recordUpdate(ctx, tx, before, after, changed); err != nil {
		return err
	}
	if after.Password != before.Password {
		if err := s.record(ctx, tx, after, Event{Name: EventPasswordChanged}); err != nil {
			return err
		}
	}
	if before.IsActive != after.IsActive {
		if err := tx.RecordActivation(ctx, before.ID, s.Now()); err != nil {
			return err
		}
	}
	if after.Email != before.Email {
		if err := s.listAddress(ctx, tx, after, false); err != nil {
			return err
		}
	}
	off := before.IsActive && !after.IsActive && s.End.OnDeactivation
	moved := after.Email != before.Email && s.End.OnEmailChange
	if off || moved || after.Password != before.Password && s.End.OnPasswordChange {
		return s.end(ctx, tx, before.ID, off || moved)
	}
	return nil
}

// ImportAddress gives a user an address that an import found, unless somebody else has it verified: ErrTaken. Where the user has it already it is brought up
// to date, and never made unproven.
func (s *Service) ImportAddress(ctx context.Context, tx *store.Store, address store.EmailAddress) error {
	row := address
	row.Email, row.Verified, row.Primary = lower(address.Email), false, false
	inserted, err := tx.InsertEmailAddress(ctx, &row)
	if err != nil {
		return err
	}
	if !inserted {
		rows, err := tx.EmailAddressesOf(ctx, address.UserID)
		if err != nil {
			return err
		}
		for _, known := range rows {
			if known.Email == row.Email {
				row = known
			}
		}
	}
	if address.Verified && !row.Verified {
		verified, err := tx.VerifyEmailAddress(ctx, row.ID, !s.Allauth.UniqueEmail)
		if err != nil {
			return taken(err)
		}
		if !verified {
			return &Taken{"email"}
		}
	}
	if address.Primary && !row.Primary {
		return tx.MakePrimary(ctx, row)
	}
	return nil
}
