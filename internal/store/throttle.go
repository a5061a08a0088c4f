package store

import (
	"context"
	"errors"
	"time"
)

// CountHit counts an attempt among those of its key within the period, or tells how long to wait until one would be allowed: one statement, so that of many at
// once no more than count are allowed.
func (s *Store) CountHit(ctx context.Context, key string, count int, period time.Duration, now time.Time) (wait time.Duration, ok bool, err error) {
	at := now.UnixMicro()
	var oldest int64
	err = s.returning(ctx, []any{flag{&ok}, &oldest}, s.engine.countHit, key, at, at-period.Microseconds(), count, s.stamp(now.Add(period)))
	if err != nil || ok {
		return 0, ok, err
	}
	if oldest == 0 {
		return period, false, nil
	}
	return time.Duration(oldest+period.Microseconds()-at) * time.Microsecond, false, nil
}

// countTry writes the number of the try and when the next one is allowed; no row comes back while that is in the future.
var countTry = func() string {
	delay := func(tries string) string {
		over := "CAST(" + tries + " - $3 AS integer)"
		doubled := "(CAST($4 AS bigint) << " + over + ")"
		return "CAST($2 AS bigint) + CASE WHEN " + over + " < 0 THEN 0 WHEN " + over + " >= 32 OR " + doubled + " > $5 THEN CAST($5 AS bigint) ELSE " + doubled + " END"
	}
	const tries = "CASE WHEN t.expires_at <= $7 THEN 1 ELSE t.tries + 1 END"
	return "INSERT INTO latchkey_try AS t (key, tries, next_at, expires_at) VALUES ($1, 1, " + delay("1") + ", $6) " +
		"ON CONFLICT (key) DO UPDATE SET tries = " + tries + ", next_at = " + delay(tries) + ", expires_at = excluded.expires_at " +
		"WHERE t.next_at <= $2 RETURNING tries"
}()

// CountTry counts a try that may fail, unless the last ones forbid it for a while: one statement, so that tries at once count one after the other. The delay
// is none before try number free, first after that one, and twice as long with each more, up to longest.
func (s *Store) CountTry(ctx context.Context, key string, free int, first, longest, forget time.Duration, now time.Time) (wait time.Duration, ok bool, err error) {
	at := now.UnixMicro()
	var tries int
	err = s.returning(ctx, []any{&tries}, countTry, key, at, free, first.Microseconds(), longest.Microseconds(), s.stamp(now.Add(longest+forget)), s.stamp(now))
	switch {
	case err == nil:
		return 0, true, nil
	case !errors.Is(err, ErrNotFound):
		return 0, false, err
	}
	var until int64
	if err := s.first(ctx, []any{&until}, "SELECT next_at FROM latchkey_try WHERE key = $1", key); err != nil && !errors.Is(err, ErrNotFound) {
		return 0, false, err
	}
	return max(time.Duration(until-at)*time.Microsecond, time.Microsecond), false, nil
}

// ForgetTries forgets those of a key.
func (s *Store) ForgetTries(ctx context.Context, key string) error {
	return s.do(ctx, "DELETE FROM latchkey_try WHERE key = $1", key)
}
