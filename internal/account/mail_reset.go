package account

import (
	"context"
	"errors"
	"slices"

	"latchkey/internal/mail"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// A ResetAsking is a request to mail a password reset link of allauth's form to whoever has an address.
type ResetAsking struct {
	Email  string
	Letter Letter
}

// MailReset mails the letter to every active user who has the address, as their own or in any row of theirs, each with a link for that user. Nobody having it
// costs the same work, as in MailLink.
func (s *Service) MailReset(ctx context.Context, ask ResetAsking) error {
	email := lower(ask.Email)
	if err := s.mayMail(ctx, email); err != nil {
		return err
	}
	rows, err := s.Store.EmailAddressesBy(ctx, email, !s.Exact)
	if err != nil {
		return err
	}
	own, err := s.usersWith(ctx, email)
	if err != nil {
		return err
	}
	users, err := s.owners(ctx, rows, own)
	if err != nil {
		return err
	}
	users = slices.DeleteFunc(users, func(u store.User) bool { return !u.IsActive })
	slices.SortFunc(users, func(a, b store.User) int { return a.ID.Compare(b.ID) })
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		for i := range users {
			to := email
			if !s.Exact { // letters of other alphabets may be equal in capitals: the mail goes to the address that is stored
				to = stored(&users[i], rows, email)
			}
			if err := s.postReset(ctx, tx, &users[i], to, &ask.Letter); err != nil {
				return err
			}
		}
		if len(users) > 0 {
			return nil
		}
		return s.postResetDecoy(ctx, tx, ask.Letter)
	})
}

// stored is how a user's address is written that was found whatever its case.
func stored(user *store.User, rows []store.EmailAddress, email string) string {
	address := user.Email
	for _, row := range rows {
		if row.UserID == user.ID && (row.Email == email || lower(user.Email) != email) {
			address = row.Email
		}
	}
	return address
}

// ownAddress marks, beside a link's purpose, that it was mailed to the account's own address.
const ownAddress mail.Kind = "own address"

// postReset queues a reset link for a user to an address of theirs.
func (s *Service) postReset(ctx context.Context, tx *store.Store, user *store.User, to string, letter *Letter) error {
	site, err := s.site(ctx, tx, letter)
	if err != nil {
		return err
	}
	addresses, err := s.addressesOf(ctx, tx, user)
	if err != nil {
		return err
	}
	token := s.Resets.MakeAllauth(subject(user), addresses, s.Now())
	if err := s.recordLink(ctx, tx, user, letter.Kind, token); err != nil {
		return err
	}
	if lower(to) == lower(user.Email) {
		if err := s.recordLink(ctx, tx, user, ownAddress, token); err != nil {
			return err
		}
	}
	data := mail.Data{
		SiteName: site.Name, Domain: site.Domain, Protocol: letter.Protocol, Username: user.Username, Email: to, Expires: s.Resets.Timeout,
		URL: linkURL(letter, site, "{uid}", AllauthUID(user.ID), "{token}", token),
	}
	if letter.Nameless {
		data.Username = ""
	}
	return s.enqueue(ctx, tx, letter, data)
}

// postResetDecoy does what postReset does, for nobody.
func (s *Service) postResetDecoy(ctx context.Context, tx *store.Store, letter Letter) error {
	nobody := &store.User{ID: s.Store.NobodyID()}
	if _, err := s.addressesOf(ctx, tx, nobody); err != nil {
		return err
	}
	if err := s.recordLink(ctx, tx, nobody, ownAddress, tokens.NewTokenKey()); err != nil {
		return err
	}
	return s.postDecoy(ctx, tx, letter)
}

// addressesOf are the texts of a user's rows. As in allauth, whoever makes or checks a token of its form adds a row for the account's own address.
func (s *Service) addressesOf(ctx context.Context, tx *store.Store, user *store.User) ([]string, error) {
	if user.Email != "" {
		if _, err := s.ownRow(ctx, tx, user); err != nil {
			return nil, err
		}
	}
	return listedAddresses(ctx, tx, user)
}

// listedAddresses are the texts of the rows that there are. A link whose user's own address has none by now was made before that address, and is good no more.
func listedAddresses(ctx context.Context, tx *store.Store, user *store.User) ([]string, error) {
	rows, err := tx.EmailAddressesOf(ctx, user.ID)
	addresses := make([]string, len(rows))
	for i, row := range rows {
		addresses[i] = row.Email
	}
	return addresses, err
}

// checkAllauth checks a token of allauth's form. In the safe profile none is good for an inactive user.
func (s *Service) checkAllauth(ctx context.Context, tx *store.Store, user *store.User, link Link) (bool, error) {
	addressesOf := s.addressesOf
	if link.Look {
		addressesOf = listedAddresses
	}
	addresses, err := addressesOf(ctx, tx, user)
	if err != nil {
		return false, err
	}
	return s.Resets.CheckAllauth(subject(user), addresses, link.Token, s.Now()) && (s.Exact || user.IsActive), nil
}

// provedByReset notes that whoever reset a password holds the account's own address, where the link was mailed to it. djoser mails to no other.
func (s *Service) provedByReset(ctx context.Context, tx *store.Store, user *store.User, link Link) error {
	if s.Exact {
		return nil
	}
	mailed := ownAddress
	if !link.Allauth {
		mailed = link.Purpose
	}
	_, err := tx.LinkByDigest(ctx, digest(user.ID, mailed, link.Token))
	if errors.Is(err, store.ErrNotFound) {
		return nil // Django mailed it, who knows where
	}
	if err != nil {
		return err
	}
	return s.prove(ctx, tx, user)
}
