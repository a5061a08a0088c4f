package store

import (
	"context"
	"time"
)

// A SessionRow is a row of django_session; Data is signed and compressed as Django does.
type SessionRow struct {
	Key, Data string
	Expires   time.Time
}

// Session reads a session that has not expired.
func (s *Store) Session(ctx context.Context, key string, now time.Time) (*SessionRow, error) {
	row := &SessionRow{Key: key}
	err := s.first(ctx, []any{&row.Data, instant{&row.Expires}},
		"SELECT session_data, expire_date FROM django_session WHERE session_key = $1 AND expire_date > $2", key, s.stamp(now))
	if err != nil {
		return nil, err
	}
	return row, nil
}

// SaveSession writes a session, new or not.
func (s *Store) SaveSession(ctx context.Context, row SessionRow) error {
	return s.do(ctx, `INSERT INTO django_session (session_key, session_data, expire_date) VALUES ($1, $2, $3)
		ON CONFLICT (session_key) DO UPDATE SET session_data = excluded.session_data, expire_date = excluded.expire_date`,
		row.Key, row.Data, s.stamp(row.Expires))
}

// DeleteSession deletes a session and the device that it is, if they are there.
func (s *Store) DeleteSession(ctx context.Context, key, device string) error {
	return s.InTx(ctx, func(tx *Store) error {
		if err := tx.do(ctx, "DELETE FROM django_session WHERE session_key = $1", key); err != nil {
			return orNone(asAbsent(err))
		}
		return tx.do(ctx, "DELETE FROM latchkey_device WHERE id = $1", device)
	})
}
