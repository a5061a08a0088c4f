package beside

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// atOnce has both write at the same time, each from several connections: every answer is kept, of two sign-ups with one name one wins,
// nobody fails for the other's locks, and the database is whole.
func (p *pair) atOnce(t *testing.T) {
	const workers, rounds = 4, 4
	busy := func(s site, worker int) string { return fmt.Sprintf("busy_%s_%d", s.name, worker) }
	for worker := range workers {
		p.joins(t, p.latchkey, busy(p.python, worker))
		p.joins(t, p.latchkey, busy(p.latchkey, worker))
	}
	var mu sync.Mutex
	kept := map[string]int{} // by user, the sign-ups that were answered 201
	var failures []string
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failures = append(failures, err.Error())
	}
	var all sync.WaitGroup
	for worker := range workers {
		for _, s := range []site{p.python, p.latchkey} {
			all.Go(func() {
				for round := range rounds {
					contested := fmt.Sprintf("contested_%d_%d", worker, round)
					own := fmt.Sprintf("own_%s_%d_%d", s.name, worker, round)
					for _, name := range []string{contested, own} {
						a, err := s.send("POST", "/auth/users/", "", fields{"username": name, "email": address(name), "password": password})
						switch {
						case err != nil:
							fail(err)
						case a.status == 201:
							mu.Lock()
							kept[name]++
							mu.Unlock()
						case a.status != 400 || name == own:
							fail(fmt.Errorf("%s: sign-up of %s: %d %s", s.name, name, a.status, a.text))
						}
					}
				}
			})
			all.Go(func() { // and the user of each worker signs in, renews and signs out meanwhile
				for range rounds {
					if err := s.comeAndGo(busy(s, worker)); err != nil {
						fail(err)
					}
				}
			})
		}
	}
	all.Wait()
	for _, failure := range failures {
		t.Error(failure)
	}
	for name, times := range kept {
		if rows := column(t, p.db, "SELECT username FROM auth_user WHERE username = $1", name); times != 1 || len(rows) != 1 {
			t.Errorf("%s: %d sign-ups were answered 201, and %d rows are there", name, times, len(rows))
		}
	}
	if want := workers * rounds * 3; len(kept) != want {
		t.Errorf("%d users signed up, not %d", len(kept), want)
	}
	p.whole(t)
}

// comeAndGo signs a user in by all ways, renews the token and signs out.
func (s site) comeAndGo(name string) error {
	pair, err := s.send("POST", "/auth/jwt/create/", "", fields{"username": name, "password": password})
	if err != nil || pair.status != 200 {
		return fmt.Errorf("%s: sign-in of %s: %d %s: %w", s.name, name, pair.status, pair.text, err)
	}
	key, err := s.send("POST", "/auth/token/login/", "", fields{"username": name, "password": password})
	if err != nil || key.status != 200 {
		return fmt.Errorf("%s: key of %s: %d %s: %w", s.name, name, key.status, key.text, err)
	}
	twice := 401
	if s.name == "Latchkey" { // which answers a second time what it answered the first
		twice = 200
	}
	for _, step := range []struct {
		path, credential string
		body             any
		status           int
	}{
		{"/auth/jwt/refresh/", "", fields{"refresh": fmt.Sprint(pair.body["refresh"])}, 200},
		{"/auth/jwt/refresh/", "", fields{"refresh": fmt.Sprint(pair.body["refresh"])}, twice},
		{"/auth/token/logout/", "Token " + fmt.Sprint(key.body["auth_token"]), nil, 204},
	} {
		a, err := s.send("POST", step.path, step.credential, step.body)
		if err != nil || a.status != step.status {
			return fmt.Errorf("%s: %s for %s: %d %s: %w", s.name, step.path, name, a.status, a.text, err)
		}
	}
	return nil
}

// whole checks what the database itself guarantees, which SQLite does on request.
func (p *pair) whole(t *testing.T) {
	t.Helper()
	for _, query := range []string{
		"SELECT username FROM auth_user GROUP BY username HAVING count(*) > 1",
		"SELECT jti FROM token_blacklist_outstandingtoken WHERE user_id IS NOT NULL AND user_id NOT IN (SELECT id FROM auth_user)",
		"SELECT 'blacklisted ' || id FROM token_blacklist_blacklistedtoken WHERE token_id NOT IN (SELECT id FROM token_blacklist_outstandingtoken)",
		`SELECT "key" FROM authtoken_token WHERE user_id NOT IN (SELECT id FROM auth_user)`,
	} {
		if rows := column(t, p.db, query); len(rows) != 0 {
			t.Errorf("%s: %v", query, rows)
		}
	}
	if !isSQLite(t, p.db) {
		return
	}
	if rows := column(t, p.db, `SELECT "table" FROM pragma_foreign_key_check`); len(rows) != 0 {
		t.Errorf("foreign keys lead nowhere in %s", strings.Join(slices.Compact(rows), ", "))
	}
	if rows := column(t, p.db, "PRAGMA integrity_check"); len(rows) != 1 || rows[0] != "ok" {
		t.Errorf("integrity_check: %v", rows)
	}
}
