package account

import (
	"context"
	"errors"
	"slices"
	"strings"

	"latchkey/internal/store"
)

// In allauth a user has addresses: beside the account's own, auth_user.email, there are rows of account_emailaddress, each proven or not.

// lower is an address as allauth stores it.
func lower(email string) string { return strings.ToLower(email) }

// sameAddress compares two addresses, letter by letter in the exact profile.
func (s *Service) sameAddress(a, b string) bool {
	return a == b || !s.Exact && lower(a) == lower(b)
}

// allauthCandidates are those whom allauth's backend would try a password on. What was sent as a name may be an address.
func (s *Service) allauthCandidates(ctx context.Context, c Credentials) ([]store.User, error) {
	var users []store.User
	if c.Username != "" && s.Allauth.LoginBy("email") {
		found, err := s.usersOfAddress(ctx, c.Username)
		if err != nil {
			return nil, err
		}
		users = found
	}
	if c.Username != "" && s.Allauth.LoginBy("username") {
		found, err := s.usersNamed(ctx, c.Username)
		if err != nil {
			return nil, err
		}
		users = append(users, found[:min(len(found), 1)]...)
	}
	if c.Email != "" && s.Allauth.LoginBy("email") {
		found, err := s.usersOfAddress(ctx, c.Email)
		if err != nil {
			return nil, err
		}
		users = append(users, found...)
	}
	return users, nil
}

// usersNamed finds users by name as allauth does: whatever the case, or where names are kept in lower case, by the lowered name.
func (s *Service) usersNamed(ctx context.Context, name string) ([]store.User, error) {
	field := s.Store.Model().NameField
	if field == "" {
		return nil, nil // people have no names here
	}
	if s.Allauth.PreserveUsernameCasing {
		return s.Store.UsersByFold(ctx, field, name)
	}
	return s.Store.UsersBy(ctx, field, lower(name))
}

// usersOfAddress finds whom an address logs in. Whoever has it verified has it alone; else the exact profile takes every row that anybody has made, and the
// safe one only the account's own address.
func (s *Service) usersOfAddress(ctx context.Context, email string) ([]store.User, error) {
	email = lower(email)
	var rows []store.EmailAddress
	if s.Store.Apps().Allauth {
		var err error
		if rows, err = s.Store.EmailAddressesBy(ctx, email, !s.Exact); err != nil {
			return nil, err
		}
	}
	verified := slices.DeleteFunc(slices.Clone(rows), func(row store.EmailAddress) bool { return !row.Verified })
	if len(verified) > 0 {
		return s.owners(ctx, verified, nil)
	}
	own, err := s.usersWith(ctx, email)
	if err != nil || !s.Exact {
		return own, err
	}
	return s.owners(ctx, rows, own)
}

// owners are the users of rows, and more, each once.
func (s *Service) owners(ctx context.Context, rows []store.EmailAddress, more []store.User) ([]store.User, error) {
	var users []store.User
	seen := map[store.ID]bool{}
	for _, row := range rows {
		if seen[row.UserID] {
			continue
		}
		seen[row.UserID] = true
		user, err := s.Store.User(ctx, row.UserID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		users = append(users, *user)
	}
	for _, user := range more {
		if !seen[user.ID] {
			users = append(users, user)
		}
	}
	return users, nil
}

// Verified tells whether a user's own address is verified. Where there are no rows of addresses, nobody's needs to be.
func (s *Service) Verified(ctx context.Context, user *store.User) (bool, error) {
	if !s.Store.Apps().Allauth {
		return true, nil
	}
	rows, err := s.Store.EmailAddressesOf(ctx, user.ID)
	for _, row := range rows {
		if row.Verified && user.Email != "" && s.sameAddress(row.Email, user.Email) {
			return true, nil
		}
	}
	return false, err
}

// AddressVerified tells whether somebody has verified an address.
func (s *Service) AddressVerified(ctx context.Context, email string) (bool, error) {
	rows, err := s.Store.EmailAddressesBy(ctx, lower(email), !s.Exact)
	for _, row := range rows {
		if row.Verified {
			return true, nil
		}
	}
	return false, err
}

// NameRefused says why a name cannot be had; NameFree if it can.
type NameRefused uint8

// What may be wrong with a name.
const (
	NameFree NameRefused = iota
	NameListed
	NameTaken
)

// JudgeName holds a name against ACCOUNT_USERNAME_BLACKLIST and those of all users, own left out: the safe profile also compares its normal form.
func (s *Service) JudgeName(ctx context.Context, name string, own store.ID) (NameRefused, error) {
	if s.listed(name) {
		return NameListed, nil
	}
	forms := []string{name}
	if normal := NormalizeUsername(name); !s.Exact && normal != name {
		forms = append(forms, normal)
	}
	for _, form := range forms {
		users, err := s.usersNamed(ctx, form)
		if err != nil {
			return NameFree, err
		}
		for i := range users {
			if users[i].ID != own || own.IsZero() {
				return NameTaken, nil
			}
		}
	}
	return NameFree, nil
}

// prove notes that a user has shown, by a mailed link, to hold the account's own address: it becomes a verified, primary address of theirs, unless somebody else
// has it verified. So activation, reset and confirmation agree about who may log in where addresses must be verified.
func (s *Service) prove(ctx context.Context, tx *store.Store, user *store.User) error {
	if s.Exact || user.Email == "" || !tx.Apps().Allauth {
		return nil
	}
	row, err := s.ownRow(ctx, tx, user)
	if err != nil {
		return err
	}
	if !row.Verified {
		if err := s.reserveAddress(ctx, tx, row.Email); err != nil {
			return err
		}
		verified, err := tx.VerifyEmailAddress(ctx, row.ID, false)
		if err != nil || !verified {
			return err
		}
		if err := s.record(ctx, tx, user, Event{Name: EventEmailConfirmed, Via: ViaLink}); err != nil {
			return err
		}
	}
	return tx.MakePrimary(ctx, *row)
}

// listAddress gives a user's own address a row, unverified, where another dialect writes it: it can then be confirmed where that is asked for. allauth does so
// by and by; the exact profile leaves it to whoever does.
func (s *Service) listAddress(ctx context.Context, tx *store.Store, user *store.User, primary bool) error {
	if s.Exact || user.Email == "" || !tx.Apps().Allauth {
		return nil
	}
	_, err := tx.InsertEmailAddress(ctx, &store.EmailAddress{UserID: user.ID, Email: lower(user.Email), Primary: primary})
	return err
}

// ownRow is the row of a user's own address, made where there is none.
func (s *Service) ownRow(ctx context.Context, tx *store.Store, user *store.User) (*store.EmailAddress, error) {
	own := &store.EmailAddress{UserID: user.ID, Email: lower(user.Email)}
	inserted, err := tx.InsertEmailAddress(ctx, own)
	if err != nil || inserted {
		return own, err
	}
	rows, err := tx.EmailAddressesOf(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(row store.EmailAddress) bool { return row.Email == own.Email })
	if i < 0 {
		return nil, store.ErrNotFound // it went in this moment
	}
	return &rows[i], nil
}

// reserveAddress holds an address against other transactions that verify it, so that of two the second sees what the first did.
func (s *Service) reserveAddress(ctx context.Context, tx *store.Store, email string) error {
	return tx.Reserve(ctx, "verified email", lower(email))
}
