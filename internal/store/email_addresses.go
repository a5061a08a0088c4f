package store

import (
	"context"
	"fmt"
	"time"
)

// An EmailAddress is a row of allauth's account_emailaddress. A user has an address once and at most one primary one; at most one user has an
// address verified, unless allauth's tables were made without that rule.
type EmailAddress struct {
	ID                int64
	UserID            ID
	Email             string
	Verified, Primary bool
}

const emailColumns = `id, user_id, email, verified, "primary"`

func (a *EmailAddress) fields() []any {
	return []any{&a.ID, &a.UserID, &a.Email, flag{&a.Verified}, flag{&a.Primary}}
}

// emailAddresses reads the rows that fit a condition, ordered by key.
func (s *Store) emailAddresses(ctx context.Context, condition string, args ...any) ([]EmailAddress, error) {
	var all []EmailAddress
	err := s.each(ctx, func(rows row) error {
		var a EmailAddress
		err := rows.Scan(a.fields()...)
		all = append(all, a)
		return err
	}, "SELECT "+emailColumns+" FROM account_emailaddress "+condition, args...)
	return all, err
}

// EmailAddress reads an address by key.
func (s *Store) EmailAddress(ctx context.Context, id int64) (*EmailAddress, error) {
	a := &EmailAddress{}
	// Compared in 64 bits, a key beyond the column's range is merely not there.
	err := s.first(ctx, a.fields(), "SELECT "+emailColumns+" FROM account_emailaddress WHERE id = CAST($1 AS bigint)", id)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// FirstEmailAddress reads the oldest address of all.
func (s *Store) FirstEmailAddress(ctx context.Context) (*EmailAddress, error) {
	a := &EmailAddress{}
	if err := s.first(ctx, a.fields(), "SELECT "+emailColumns+" FROM account_emailaddress ORDER BY id LIMIT 1"); err != nil {
		return nil, err
	}
	return a, nil
}

// EmailAddressesOf reads a user's addresses, ordered by key.
func (s *Store) EmailAddressesOf(ctx context.Context, user ID) ([]EmailAddress, error) {
	return s.emailAddresses(ctx, "WHERE user_id = $1 ORDER BY id", user)
}

// EmailAddressesBy reads the rows of an address, letter by letter or, folded, whatever its case, ordered by key.
func (s *Store) EmailAddressesBy(ctx context.Context, email string, folded bool) ([]EmailAddress, error) {
	equal := "email = $1"
	if folded {
		equal = fmt.Sprintf(s.engine.fold, "email")
	}
	return s.emailAddresses(ctx, "WHERE "+equal+" ORDER BY id", email)
}

// InsertEmailAddress writes a new address and sets a.ID, unless the user has it already, or has a primary one where a is to be primary:
// it tells whether it did.
func (s *Store) InsertEmailAddress(ctx context.Context, a *EmailAddress) (bool, error) {
	err := s.returning(ctx, []any{&a.ID}, `INSERT INTO account_emailaddress (user_id, email, verified, "primary") VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING RETURNING id`, a.UserID, a.Email, a.Verified, a.Primary)
	return err == nil, orNone(err)
}

// VerifyEmailAddress marks an unverified address verified and tells whether it did: of calls that race one does. Unless shared, an address that
// somebody has verified stays theirs; *Duplicate where an index says so.
func (s *Store) VerifyEmailAddress(ctx context.Context, id int64, shared bool) (bool, error) {
	n, err := s.exec(ctx, `UPDATE account_emailaddress SET verified = true WHERE id = $1 AND verified <> true
		AND ($2 OR NOT EXISTS (SELECT 1 FROM account_emailaddress AS o WHERE o.email = account_emailaddress.email AND o.verified = true))`, id, shared)
	return n > 0, err
}

// MakePrimary makes an address its user's only primary one.
func (s *Store) MakePrimary(ctx context.Context, a EmailAddress) error {
	if _, err := s.exec(ctx, `UPDATE account_emailaddress SET "primary" = false WHERE user_id = $1 AND id <> $2 AND "primary" = true`, a.UserID, a.ID); err != nil {
		return err
	}
	return s.change(ctx, `UPDATE account_emailaddress SET "primary" = true WHERE id = $1`, a.ID)
}

// DeleteOtherEmailAddresses leaves a user this one address.
func (s *Store) DeleteOtherEmailAddresses(ctx context.Context, a EmailAddress) error {
	err := s.do(ctx, `DELETE FROM account_emailconfirmation WHERE email_address_id IN
		(SELECT id FROM account_emailaddress WHERE user_id = $1 AND id <> $2)`, a.UserID, a.ID)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "DELETE FROM account_emailaddress WHERE user_id = $1 AND id <> $2", a.UserID, a.ID)
	return err
}

// An EmailConfirmation is a row of account_emailconfirmation: a key that was mailed, where keys are kept in the database.
type EmailConfirmation struct {
	Key           string
	AddressID     int64
	Created, Sent time.Time // Sent is zero for NULL: the mail never left
}

// InsertEmailConfirmation records a key.
func (s *Store) InsertEmailConfirmation(ctx context.Context, c EmailConfirmation) error {
	_, err := s.exec(ctx, `INSERT INTO account_emailconfirmation (created, sent, "key", email_address_id) VALUES ($1, $2, $3, $4)`,
		s.stamp(c.Created), s.stamp(c.Sent), c.Key, c.AddressID)
	return err
}

// EmailConfirmationByKey reads a key's row.
func (s *Store) EmailConfirmationByKey(ctx context.Context, key string) (*EmailConfirmation, error) {
	c := &EmailConfirmation{Key: key}
	err := s.first(ctx, []any{&c.AddressID, instant{&c.Created}, optional{&c.Sent}},
		`SELECT email_address_id, created, sent FROM account_emailconfirmation WHERE "key" = $1`, key)
	if err != nil {
		return nil, err
	}
	return c, nil
}
