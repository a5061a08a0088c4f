package store

import (
	"context"
	"math"
	"slices"
	"time"
)

// An Outstanding is a row of token_blacklist_outstandingtoken: a refresh token that was handed out.
type Outstanding struct {
	UserID    ID // zero: NULL
	JTI       string
	Token     string
	CreatedAt time.Time // zero: NULL
	ExpiresAt time.Time
}

// InsertOutstanding records a token: *Duplicate for a jti that is there, *Referenced for a user who is not; in a transaction this may come with a later statement or its commit.
func (s *Store) InsertOutstanding(ctx context.Context, o Outstanding) error {
	return s.do(ctx, "INSERT INTO token_blacklist_outstandingtoken (user_id, jti, token, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
		o.UserID, o.JTI, o.Token, s.stamp(o.CreatedAt), s.stamp(o.ExpiresAt))
}

// Blacklisted tells whether the token with this jti is listed.
func (s *Store) Blacklisted(ctx context.Context, jti string) (bool, error) {
	return s.exists(ctx, isListed, jti)
}

const isListed = "SELECT 1 FROM token_blacklist_outstandingtoken AS o JOIN token_blacklist_blacklistedtoken AS b ON b.token_id = o.id WHERE o.jti = $1"

// Blacklist lists a token, recording it first where it is not (without owner, if there is no such user). Of calls that race one is first.
func (s *Store) Blacklist(ctx context.Context, o Outstanding, now time.Time) (first bool, err error) {
	owner := o.UserID
	if !s.holds(owner) {
		owner = ID{}
	}
	err = s.InTx(ctx, func(tx *Store) error {
		list := func() error {
			n, err := tx.exec(ctx, `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
				SELECT $1, id FROM token_blacklist_outstandingtoken WHERE jti = $2 ON CONFLICT (token_id) DO NOTHING`, s.stamp(now), o.JTI)
			first = n > 0
			return err
		}
		if err := list(); err != nil || first { // mostly it is on record
			return err
		}
		// Asking first keeps an INSERT that does nothing from using up an id.
		err := tx.do(ctx, `INSERT INTO token_blacklist_outstandingtoken (user_id, jti, token, created_at, expires_at)
			SELECT (SELECT `+s.key()+` FROM `+s.users+s.byKey()+`), CAST($2 AS text), $3, $4, $5
			WHERE NOT EXISTS (SELECT 1 FROM token_blacklist_outstandingtoken WHERE jti = CAST($2 AS text)) ON CONFLICT (jti) DO NOTHING`,
			owner, o.JTI, o.Token, s.stamp(o.CreatedAt), s.stamp(o.ExpiresAt))
		if err != nil {
			return err
		}
		return list()
	})
	return first && err == nil, err
}

// BlacklistUser ends the user's refresh tokens: it lists every outstanding one that has not expired, and revokes the user's families.
func (s *Store) BlacklistUser(ctx context.Context, id ID, now time.Time) error {
	return s.InTx(ctx, func(tx *Store) error {
		if err := tx.revokeAll(ctx, "user_id", id.String(), now); err != nil {
			return err
		}
		if !s.Apps().Blacklist {
			return nil
		}
		return orNone(tx.do(ctx, `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
			SELECT $1, id FROM token_blacklist_outstandingtoken WHERE user_id = $2 AND expires_at > $3 ORDER BY id
			ON CONFLICT (token_id) DO NOTHING`, s.stamp(now), id, s.stamp(now)))
	})
}

// A purge is a table of Latchkey's whose rows expire, with an index of when.
type purge struct{ table, key string }

var purges = []purge{{"latchkey_refresh", "jti"}, {"latchkey_link", "digest"}, {"latchkey_webhook", "id"}, {"latchkey_device", "id"}, {"latchkey_throttle", "key"}, {"latchkey_try", "key"}}

// Expired counts the rows that FlushExpired would delete.
func (s *Store) Expired(ctx context.Context, now time.Time) (total int64, err error) {
	tables := purges
	if s.Apps().Blacklist {
		tables = append(slices.Clip(tables), purge{"token_blacklist_outstandingtoken", "id"})
	}
	for _, p := range tables {
		var n int64
		if err := s.first(ctx, []any{&n}, "SELECT count(*) FROM "+p.table+" WHERE expires_at <= $1", s.stamp(now)); err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// FlushExpired deletes tokens that have expired, as Django's flushexpiredtokens does, and Latchkey's rows about expired tokens and links, and
// events that were given up long ago.
// It works in transactions of at most limit rows each, so that nobody waits long for it, and tells deleted, where that is not nil, how many rows each took.
func (s *Store) FlushExpired(ctx context.Context, now time.Time, limit int, deleted func(rows int64)) (total int64, err error) {
	limit = max(limit, 1)
	count := func(rows int64) {
		total += rows
		if deleted != nil {
			deleted(rows)
		}
	}
	for _, p := range purges {
		for gone := int64(limit); gone >= int64(limit); count(gone) {
			err = s.InTx(ctx, func(tx *Store) (err error) {
				gone, err = tx.exec(ctx, "DELETE FROM "+p.table+" WHERE "+p.key+" IN (SELECT "+p.key+" FROM "+p.table+" WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
					s.stamp(now), limit)
				return err
			})
			if err != nil {
				return total, err
			}
		}
	}
	if s.Apps().Blacklist {
		err = s.flushOutstanding(ctx, now, limit, count)
	}
	return total, err
}

// flushOutstanding is FlushExpired for Django's table, which has no index of when its rows expire: it is read whole, page by page in the order of ids and before
// the transactions, so that no other one waits while it looks at the many rows that stay.
func (s *Store) flushOutstanding(ctx context.Context, now time.Time, limit int, deleted func(rows int64)) error {
	for after := int64(math.MinInt64); ; {
		var last int64
		var found, expired int
		err := s.first(ctx, []any{&found, &last, &expired}, `SELECT count(*), coalesce(max(id), 0), count(CASE WHEN expires_at <= $1 THEN 1 END)
			FROM (SELECT id, expires_at FROM token_blacklist_outstandingtoken WHERE id > $2 ORDER BY id LIMIT $3) AS page`, s.stamp(now), after, limit)
		if err != nil || found == 0 {
			return err
		}
		if expired > 0 {
			const over = "token_blacklist_outstandingtoken WHERE id > $1 AND id <= $2 AND expires_at <= $3"
			var gone int64
			err := s.InTx(ctx, func(tx *Store) error {
				err := tx.do(ctx, "DELETE FROM token_blacklist_blacklistedtoken WHERE token_id IN (SELECT id FROM "+over+")", after, last, s.stamp(now))
				if err != nil {
					return err
				}
				gone, err = tx.exec(ctx, "DELETE FROM "+over, after, last, s.stamp(now))
				return err
			})
			if err != nil {
				return err
			}
			deleted(gone)
		}
		after = last
	}
}
