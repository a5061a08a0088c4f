package store

import (
	"context"
	"time"
)

// A Link is a row of latchkey_link: what a mailed link was for, by a digest of it.
type Link struct {
	Digest, Purpose string
	UserID          ID
	CreatedAt       time.Time
	ExpiresAt       time.Time
	UsedAt          time.Time // zero: not yet
}

// InsertLink records a link. One with the same digest and purpose, as two mails of one second have, is left as it is.
func (s *Store) InsertLink(ctx context.Context, l Link) error {
	return s.do(ctx, `INSERT INTO latchkey_link (digest, purpose, user_id, created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (digest, purpose) DO NOTHING`, l.Digest, l.Purpose, l.UserID.String(), s.stamp(l.CreatedAt), s.stamp(l.ExpiresAt), s.stamp(l.UsedAt))
}

// LinkByDigest reads a link. Django's tokens do not differ by purpose, so one digest may stand for several links of one second; an unused one comes first.
func (s *Store) LinkByDigest(ctx context.Context, digest string) (*Link, error) {
	l := &Link{Digest: digest}
	err := s.first(ctx, []any{&l.Purpose, &l.UserID, instant{&l.CreatedAt}, instant{&l.ExpiresAt}, optional{&l.UsedAt}},
		`SELECT purpose, user_id, created_at, expires_at, used_at FROM latchkey_link WHERE digest = $1
		ORDER BY used_at IS NOT NULL, created_at, purpose LIMIT 1`, digest)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// UseLink uses a link up for its purpose, unless it is used or expired, and tells whether it did: of calls that race one does.
func (s *Store) UseLink(ctx context.Context, digest, purpose string, now time.Time) (bool, error) {
	n, err := s.exec(ctx, "UPDATE latchkey_link SET used_at = $3 WHERE digest = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
		digest, purpose, s.stamp(now))
	return n > 0, err
}

// EndLinks marks the user's unused links used.
func (s *Store) EndLinks(ctx context.Context, id ID, now time.Time) error {
	return s.do(ctx, "UPDATE latchkey_link SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL", id.String(), s.stamp(now))
}
