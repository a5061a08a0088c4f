package account

import (
	"context"
	"errors"
	"strings"

	"latchkey/internal/mail"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// ConfirmEmail verifies the address of a confirmation key: ErrBadKey where the key is none, is too old, or its address is verified already. An address that
// somebody else verified meanwhile stays theirs, without an error: the answer does not tell.
func (s *Service) ConfirmEmail(ctx context.Context, key string) error {
	if !s.Store.Apps().Allauth {
		return ErrBadKey
	}
	id, err := s.addressOfKey(ctx, key)
	if err != nil {
		return err
	}
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		row, err := tx.EmailAddress(ctx, id)
		if err != nil {
			return err
		}
		user, err := tx.UserForUpdate(ctx, row.UserID)
		if err != nil {
			return err
		}
		if row, err = tx.EmailAddress(ctx, id); err != nil { // as it is under the lock
			return err
		}
		if row.Verified {
			return ErrBadKey
		}
		return s.confirm(ctx, tx, user, row)
	})
	var duplicate *store.Duplicate
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ErrBadKey
	case errors.As(err, &duplicate): // the database knows of somebody who has it
		return nil
	}
	return err
}

// LookAtKey is the address that a confirmation key would verify, for who asks before it does: ErrBadKey as for ConfirmEmail.
func (s *Service) LookAtKey(ctx context.Context, key string) (email string, err error) {
	if !s.Store.Apps().Allauth {
		return "", ErrBadKey
	}
	id, err := s.addressOfKey(ctx, key)
	if err != nil {
		return "", err
	}
	row, err := s.Store.EmailAddress(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Verified {
		return "", ErrBadKey
	}
	if err != nil {
		return "", err
	}
	return row.Email, nil
}

// addressOfKey is the row of account_emailaddress that a key stands for.
func (s *Service) addressOfKey(ctx context.Context, key string) (int64, error) {
	if s.Allauth.EmailConfirmationHMAC {
		id, ok := s.Keys.OpenConfirmationKey(s.Allauth.Salt, key, s.Allauth.confirmationExpiry(), s.Now())
		if !ok {
			return 0, ErrBadKey
		}
		return id, nil
	}
	row, err := s.Store.EmailConfirmationByKey(ctx, strings.ToLower(key))
	if errors.Is(err, store.ErrNotFound) || err == nil && (row.Sent.IsZero() || !row.Sent.Add(s.Allauth.confirmationExpiry()).After(s.Now())) {
		return 0, ErrBadKey
	}
	if err != nil {
		return 0, err
	}
	return row.AddressID, nil
}

// confirm verifies an address of a user whose row is locked, and makes it the account's own where there is no other or CHANGE_EMAIL says so.
func (s *Service) confirm(ctx context.Context, tx *store.Store, user *store.User, row *store.EmailAddress) error {
	if err := s.reserveAddress(ctx, tx, row.Email); err != nil {
		return err
	}
	verified, err := tx.VerifyEmailAddress(ctx, row.ID, !s.Allauth.UniqueEmail)
	if err != nil || !verified {
		return err
	}
	rows, err := tx.EmailAddressesOf(ctx, user.ID)
	if err != nil {
		return err
	}
	primary := false
	for _, r := range rows {
		primary = primary || r.Primary
	}
	if !primary || s.Allauth.ChangeEmail {
		if err := s.makeOwn(ctx, tx, user, row); err != nil {
			return err
		}
	}
	if s.Allauth.ChangeEmail {
		if err := tx.DeleteOtherEmailAddresses(ctx, *row); err != nil {
			return err
		}
	}
	if err := s.activateByAddress(ctx, tx, user, row); err != nil {
		return err
	}
	after, err := tx.User(ctx, user.ID)
	if err != nil {
		return err
	}
	if err := s.record(ctx, tx, after, Event{Name: EventEmailConfirmed, Via: ViaLink}); err != nil {
		return err
	}
	return s.recordDifference(ctx, tx, user, after)
}

// makeOwn makes a verified address the account's own, which ends what a change of address ends.
func (s *Service) makeOwn(ctx context.Context, tx *store.Store, user *store.User, row *store.EmailAddress) error {
	if err := tx.MakePrimary(ctx, *row); err != nil || user.Email == row.Email {
		return err
	}
	if err := tx.SetEmail(ctx, user.ID, row.Email); err != nil || !s.End.OnEmailChange || user.Email == "" || lower(user.Email) == lower(row.Email) {
		return err
	}
	return s.end(ctx, tx, user.ID, true)
}

// activateByAddress lets a user in who waits for an activation link to the address that is confirmed: both prove the same. It is the sign-up itself that
// must be on record as waiting; nobody whom an administrator switched off comes back by this.
func (s *Service) activateByAddress(ctx context.Context, tx *store.Store, user *store.User, row *store.EmailAddress) error {
	if s.Exact || user.IsActive || lower(user.Email) != lower(row.Email) {
		return nil
	}
	state, err := tx.ActivationOf(ctx, user.ID)
	if err != nil || !state.Pending {
		return err
	}
	if _, err := tx.Activate(ctx, user.ID); err != nil {
		return err
	}
	return tx.RecordActivation(ctx, user.ID, s.Now())
}

// ResendConfirmation mails a fresh key to an address that waits to be verified. Nobody having it costs the same work. Without an address the exact profile
// takes the first row of all, as the reference does, and the safe one nobody.
func (s *Service) ResendConfirmation(ctx context.Context, email string, letter Letter) error {
	if err := s.mayMail(ctx, email); err != nil {
		return err
	}
	row, err := s.rowToConfirm(ctx, email)
	if err != nil {
		return err
	}
	send := row != nil && !row.Verified
	if send && !s.Exact {
		if send, err = s.mayConfirm(ctx, row.Email); err != nil {
			return err
		}
	}
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		if !send {
			return s.postDecoy(ctx, tx, letter)
		}
		user, err := tx.User(ctx, row.UserID)
		if err != nil {
			return err
		}
		return s.postConfirmation(ctx, tx, user, row, &letter)
	})
}

// rowToConfirm is the oldest row of an address; nil for none.
func (s *Service) rowToConfirm(ctx context.Context, email string) (*store.EmailAddress, error) {
	if email == "" && s.Exact {
		row, err := s.Store.FirstEmailAddress(ctx)
		return row, ignore(err, store.ErrNotFound)
	}
	rows, err := s.Store.EmailAddressesBy(ctx, email, !s.Exact)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// mayConfirm counts a confirmation mail to an address and tells whether it may go: allauth's confirm_email limit, which withholds mails in silence.
func (s *Service) mayConfirm(ctx context.Context, email string) (bool, error) {
	if s.Counts == nil {
		return true, nil
	}
	rates, _ := s.Allauth.Cooldown() // config has refused what cannot be read
	may := true
	for _, rate := range rates {
		_, ok, err := s.Counts.Allow(ctx, "confirm_email "+rate.Period.String()+" "+shortened(lower(email)), rate)
		if err != nil {
			return false, err
		}
		may = may && ok
	}
	return may, nil
}

// postConfirmation queues a mail with a fresh key for an address.
func (s *Service) postConfirmation(ctx context.Context, tx *store.Store, user *store.User, row *store.EmailAddress, letter *Letter) error {
	site, err := s.site(ctx, tx, letter)
	if err != nil {
		return err
	}
	now := s.Now()
	var key string
	if s.Allauth.EmailConfirmationHMAC {
		key = s.Keys.ConfirmationKey(s.Allauth.Salt, row.ID, now)
	} else {
		key = tokens.NewConfirmationKey()
		// The mail is as good as sent: the queue loses none.
		if err := tx.InsertEmailConfirmation(ctx, store.EmailConfirmation{Key: key, AddressID: row.ID, Created: now, Sent: now}); err != nil {
			return err
		}
	}
	return s.enqueue(ctx, tx, letter, mail.Data{
		SiteName: site.Name, Domain: site.Domain, Protocol: letter.Protocol, Username: user.Username, Email: row.Email,
		Expires: s.Allauth.confirmationExpiry(), URL: linkURL(letter, site, "{key}", key),
	})
}
