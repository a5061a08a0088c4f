package account

import (
	"context"
	"strings"

	"latchkey/internal/store"
)

// A Registration is what a new account is made of. The caller has checked the form of each value and the password's strength.
type Registration struct {
	Username, Email, FirstName, LastName, Password string
	// Extra are the values of other columns by the names of their fields, as store.User has them.
	Extra map[string]any
	// Inactive accounts wait for their activation link.
	Inactive bool
	// Staff and Superuser are for the command line; no API sets them.
	Staff, Superuser bool
	// NewAddress refuses an address that somebody has, whatever its case.
	NewAddress bool
	// Verbatim stores the name as it was sent instead of in its normal form.
	Verbatim bool
	// Letter goes to the new user's address, if there is one.
	Letter *Letter
}

// Set puts a field's value, as store.User has it, where it belongs.
func (reg *Registration) Set(m *store.Model, field string, value any) {
	if text, isText := value.(string); isText { // and not NULL
		switch field {
		case m.NameField:
			reg.Username = text
			return
		case m.EmailField:
			reg.Email = text
			return
		case "first_name":
			reg.FirstName = text
			return
		case "last_name":
			reg.LastName = text
			return
		}
	}
	if reg.Extra == nil {
		reg.Extra = map[string]any{}
	}
	reg.Extra[field] = value
}

// Register makes the account and the mail it owes in one transaction. ErrTaken where the name's normal form belongs to somebody, or somebody was quicker.
func (s *Service) Register(ctx context.Context, reg Registration) (*store.User, error) {
	user := &store.User{
		Username:    NormalizeUsername(reg.Username),
		Email:       NormalizeEmail(reg.Email),
		FirstName:   reg.FirstName,
		LastName:    reg.LastName,
		IsActive:    !reg.Inactive,
		IsStaff:     reg.Staff,
		IsSuperuser: reg.Superuser,
		DateJoined:  s.Now(),
		Extra:       reg.Extra,
	}
	if reg.Verbatim {
		user.Username = reg.Username
	}
	if err := s.askBefore(ctx, s.BeforeRegistration, "before.registration", user); err != nil {
		return nil, err
	}
	var err error
	if user.Password, err = s.Passwords.Make(ctx, reg.Password); err != nil {
		return nil, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		if reg.NewAddress {
			if err := newAddress(ctx, tx, user.Email); err != nil {
				return err
			}
		}
		if err := tx.InsertUser(ctx, user); err != nil {
			return err
		}
		record := tx.RecordActivation // so that no link lets the user in again whom somebody switches off in Django
		if reg.Inactive {
			record = tx.RecordPending
		}
		if err := record(ctx, user.ID, s.Now()); err != nil {
			return err
		}
		if err := s.listAddress(ctx, tx, user, true); err != nil {
			return err
		}
		if err := s.record(ctx, tx, user, Event{Name: EventRegistered}); err != nil {
			return err
		}
		return s.post(ctx, tx, user, reg.Letter)
	})
	if err != nil {
		return nil, taken(err)
	}
	return user, nil
}

// newAddress refuses an address that somebody has, and keeps others from taking it before the transaction ends.
func newAddress(ctx context.Context, tx *store.Store, email string) error {
	if err := tx.Reserve(ctx, tx.Model().EmailField, strings.ToLower(email)); err != nil {
		return err
	}
	users, err := tx.UsersByEmailFold(ctx, email)
	if err == nil && len(users) > 0 {
		err = &store.Duplicate{Column: tx.Model().EmailField}
	}
	return err
}

// EmailTaken tells whether somebody has the address, whatever its case.
func (s *Service) EmailTaken(ctx context.Context, email string) (bool, error) {
	users, err := s.Store.UsersByEmailFold(ctx, email)
	return len(users) > 0, err
}
