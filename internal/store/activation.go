package store

import (
	"context"
	"errors"
	"time"
)

// An Activation is what is on record of a user's activation.
type Activation struct {
	// Activated says that the user was active before.
	Activated bool
	// Pending says that a mailed link may let the user in: a sign-up or a change of address waits for it.
	Pending bool
}

// RecordActivation remembers that the user was active, or was switched by an administrator; nothing is pending any more. The first time counts.
func (s *Store) RecordActivation(ctx context.Context, id ID, now time.Time) error {
	return s.do(ctx, "INSERT INTO latchkey_activation (user_id, activated_at, pending_at) VALUES ($1, $2, NULL) "+
		"ON CONFLICT (user_id) DO UPDATE SET activated_at = coalesce(latchkey_activation.activated_at, excluded.activated_at), pending_at = NULL "+
		"WHERE latchkey_activation.activated_at IS NULL OR latchkey_activation.pending_at IS NOT NULL", // else there is nothing to write
		id.String(), s.stamp(now))
}

// RecordPending remembers that the user waits for a mailed link.
func (s *Store) RecordPending(ctx context.Context, id ID, now time.Time) error {
	return s.do(ctx, "INSERT INTO latchkey_activation (user_id, activated_at, pending_at) VALUES ($1, NULL, $2) "+
		"ON CONFLICT (user_id) DO UPDATE SET pending_at = excluded.pending_at", id.String(), s.stamp(now))
}

// ActivationOf reads what is on record of the user; nothing on record is the zero Activation.
func (s *Store) ActivationOf(ctx context.Context, id ID) (a Activation, err error) {
	var activated, pending time.Time
	err = s.first(ctx, []any{optional{&activated}, optional{&pending}}, "SELECT activated_at, pending_at FROM latchkey_activation WHERE user_id = $1", id.String())
	if errors.Is(err, ErrNotFound) {
		return Activation{}, nil
	}
	return Activation{Activated: !activated.IsZero(), Pending: !pending.IsZero()}, err
}
