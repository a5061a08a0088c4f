package store

import (
	"context"
	"errors"
	"time"
)

// A Refresh is a row of latchkey_refresh: a refresh token and the family it descends in by rotation.
type Refresh struct {
	JTI, Family string
	UserID      ID     // zero: no user
	Successor   string // the jti it was rotated to, empty before
	IssuedAt    time.Time
	ExpiresAt   time.Time
	RotatedAt   time.Time // zero: not yet
	RevokedAt   time.Time // zero: not
}

// InsertRefresh records a refresh token: *Duplicate for a jti that is there; in a transaction this may come with a later statement or its commit.
func (s *Store) InsertRefresh(ctx context.Context, r Refresh) error {
	return s.do(ctx, `INSERT INTO latchkey_refresh (jti, family, user_id, successor, issued_at, expires_at, rotated_at, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, r.JTI, r.Family, r.UserID.String(), r.Successor,
		s.stamp(r.IssuedAt), s.stamp(r.ExpiresAt), s.stamp(r.RotatedAt), s.stamp(r.RevokedAt))
}

// RefreshByJTI reads a refresh token.
func (s *Store) RefreshByJTI(ctx context.Context, jti string) (*Refresh, error) {
	r := &Refresh{JTI: jti}
	err := s.first(ctx, []any{&r.Family, &r.UserID, &r.Successor, instant{&r.IssuedAt}, instant{&r.ExpiresAt}, optional{&r.RotatedAt}, optional{&r.RevokedAt}},
		"SELECT family, user_id, successor, issued_at, expires_at, rotated_at, revoked_at FROM latchkey_refresh WHERE jti = $1", jti)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// LiveRefresh reads a refresh token that is neither rotated, revoked nor listed.
func (s *Store) LiveRefresh(ctx context.Context, jti string) (*Refresh, error) {
	r, err := s.RefreshByJTI(ctx, jti)
	if err != nil {
		return nil, err
	}
	if !r.RotatedAt.IsZero() || !r.RevokedAt.IsZero() {
		return nil, ErrNotFound
	}
	if s.Apps().Blacklist {
		listed, err := s.Blacklisted(ctx, jti)
		if err != nil {
			return nil, err
		}
		if listed {
			return nil, ErrNotFound
		}
	}
	return r, nil
}

// ClaimRefresh marks a token rotated to r.Successor, if it is neither rotated nor revoked, and tells whether it did: of calls that race one does. A token
// that is on record is known, and r.Family becomes its family; one that is not is recorded as r.
func (s *Store) ClaimRefresh(ctx context.Context, r *Refresh) (claimed, known bool, err error) {
	err = s.returning(ctx, []any{&r.Family}, `UPDATE latchkey_refresh SET rotated_at = $2, successor = $3
		WHERE jti = $1 AND rotated_at IS NULL AND revoked_at IS NULL RETURNING family`, r.JTI, s.stamp(r.RotatedAt), r.Successor)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return err == nil, true, err
	}
	n, err := s.exec(ctx, `INSERT INTO latchkey_refresh (jti, family, user_id, successor, issued_at, expires_at, rotated_at, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, NULL) ON CONFLICT (jti) DO NOTHING`, r.JTI, r.Family, r.UserID.String(), r.Successor,
		s.stamp(r.IssuedAt), s.stamp(r.ExpiresAt), s.stamp(r.RotatedAt))
	return n > 0, n == 0, err
}

// RevokeFamily ends a family: its rows are revoked, its device is over, and where there is a blacklist its tokens are listed.
func (s *Store) RevokeFamily(ctx context.Context, family string, now time.Time) error {
	return s.InTx(ctx, func(tx *Store) error {
		if err := tx.revokeAll(ctx, "family", family, now); err != nil {
			return err
		}
		err := tx.do(ctx, "UPDATE latchkey_device SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", family, s.stamp(now))
		if err != nil || !s.Apps().Blacklist {
			return err
		}
		return tx.do(ctx, `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
			SELECT $1, o.id FROM token_blacklist_outstandingtoken AS o JOIN latchkey_refresh AS r ON r.jti = o.jti WHERE r.family = $2 ORDER BY o.id
			ON CONFLICT (token_id) DO NOTHING`, s.stamp(now), family)
	})
}

// revokeAll revokes the rows that have this value in column. It repeats until it finds no more: a rotation under way holds
// the row it claimed, and the successor it inserts shows only after it committed.
func (s *Store) revokeAll(ctx context.Context, column, value string, now time.Time) error {
	for {
		n, err := s.exec(ctx, "UPDATE latchkey_refresh SET revoked_at = $2 WHERE "+column+" = $1 AND revoked_at IS NULL", value, s.stamp(now))
		if err != nil || n == 0 {
			return err
		}
	}
}
