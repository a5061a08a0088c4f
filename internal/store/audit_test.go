package store_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/internal/store"
)

// trail adds one row a minute: twenty, of two users and three events by turns.
func trail(t *testing.T, s *store.Store) {
	t.Helper()
	for i := range 20 {
		a := store.Audit{
			ID: fmt.Sprintf("%02d", i), At: noon.Add(time.Duration(i) * time.Minute), Event: []string{"user.login", "user.logout", "login.failed"}[i%3], Result: "ok",
			UserID: []string{"7", "8"}[i%2], Username: []string{"ann", "bob"}[i%2], Actor: "7", Address: "192.0.2.1", Agent: "curl", Request: "r", Via: "jwt", Times: 1,
		}
		must(t, s.InsertAudit(ctx, a))
	}
}

func TestAuditTrail(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		trail(t, s)
		at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
		for _, test := range []struct {
			what   string
			filter store.AuditFilter
			limit  int
			want   string
		}{
			{"all", store.AuditFilter{}, 3, "19 18 17 "},
			{"by name", store.AuditFilter{User: "bob"}, 3, "19 17 15 "},
			{"by id, who did it or had it done", store.AuditFilter{User: "7"}, 3, "19 18 17 "},
			{"by the id of who had it done alone", store.AuditFilter{User: "8"}, 2, "19 17 "},
			{"by event", store.AuditFilter{Events: []string{"login.failed"}}, 3, "17 14 11 "},
			{"by the beginning of events", store.AuditFilter{Events: []string{"user"}}, 4, "19 18 16 15 "},
			{"by several", store.AuditFilter{Events: []string{"user.logout", "login"}}, 4, "19 17 16 14 "},
			{"since and until", store.AuditFilter{Since: at(3), Until: at(6)}, 9, "05 04 03 "},
			{"behind a row", store.AuditFilter{Before: &store.Audit{ID: "02", At: at(2)}}, 9, "01 00 "},
			{"of nobody", store.AuditFilter{User: "eve"}, 9, ""},
		} {
			rows, err := s.AuditTrail(ctx, test.filter, test.limit)
			must(t, err)
			got := ""
			for _, a := range rows {
				got += a.ID + " "
			}
			if got != test.want {
				t.Errorf("%s: got %q, want %q", test.what, got, test.want)
			}
		}
		want := store.Audit{ID: "19", At: at(19), Event: "user.logout", Result: "ok", UserID: "8", Username: "bob", Actor: "7", Via: "jwt", Address: "192.0.2.1",
			Agent: "curl", Request: "r", Times: 1}
		if rows, err := s.AuditTrail(ctx, store.AuditFilter{}, 1); err != nil || rows[0] != want {
			t.Errorf("got %+v, %v; want %+v", rows, err, want)
		}
	})
}

// Nothing changes the trail, and nothing takes from it but the end of its retention.
func TestAuditIsAppendOnly(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		trail(t, s)
		before := rows(t, s, "SELECT id, event, username FROM latchkey_audit ORDER BY id")
		if err := s.Exec(ctx, "UPDATE latchkey_audit SET username = 'eve'"); err == nil {
			t.Error("the trail can be changed")
		}
		if err := s.Exec(ctx, "INSERT INTO latchkey_audit SELECT * FROM latchkey_audit WHERE id = '01' ON CONFLICT (id) DO UPDATE SET username = 'eve'"); err == nil {
			t.Error("the trail can be changed by an insertion")
		}
		if s.IsPostgres() {
			if err := s.Exec(ctx, "TRUNCATE latchkey_audit"); err == nil {
				t.Error("the trail can be truncated")
			}
		}
		must(t, s.Exec(ctx, "DELETE FROM latchkey_audit"))
		same(t, "afterwards", rows(t, s, "SELECT id, event, username FROM latchkey_audit ORDER BY id"), before)
		for range 2 {
			if n, err := s.PurgeAudit(ctx, noon.Add(15*time.Minute), 4); err != nil || n != int64(len(before)-5) {
				t.Errorf("purged %d, %v", n, err)
			}
			same(t, "after the purge", rows(t, s, "SELECT id, event, username FROM latchkey_audit ORDER BY id"), before[len(before)-5:])
			before = before[len(before)-5:]
		}
	})
}
