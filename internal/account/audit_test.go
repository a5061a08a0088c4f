package account_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// trail tells the audit trail, the oldest first: event result user actor via address times.
func (w *world) trail() []string {
	w.t.Helper()
	rows, err := w.Store.AuditTrail(ctx, store.AuditFilter{}, 1000)
	must(w.t, err)
	lines := []string{}
	for i := len(rows) - 1; i >= 0; i-- {
		a := rows[i]
		lines = append(lines, strings.Join([]string{a.Event, a.Result, a.Username, a.Actor, a.Via, a.Changed, a.Address, fmt.Sprint(a.Times)}, "|"))
	}
	return lines
}

// The trail tells who did what to whom, from where, and how it went; it outlives its people, and what was undone is not in it.
func TestAudit(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		step := func(ctx context.Context) context.Context { w.clock.advance(time.Second); return ctx }
		request := from("192.0.2.1", "browser")
		ann := w.register("ann", false)
		id := ann.ID.String()
		_, err := w.SignIn(step(from("192.0.2.9", "thief")), "ann", anything)
		wants(t, "a wrong password", err, account.ErrBadCredentials)
		_, err = w.SignIn(step(from("192.0.2.9", "thief")), anything, anything) // somebody mistook the field
		wants(t, "a wrong name", err, account.ErrBadCredentials)
		pair, err := w.NewPair(step(request), ann)
		must(t, err)
		must(t, w.Blacklist(step(from("192.0.2.1", "browser")), pair.Refresh))
		_, err = w.Update(step(from("192.0.2.1", "browser")), account.Update{ID: ann.ID, Values: []account.Value{{Field: "first_name", Value: "Ann"}}})
		must(t, err)
		step(ctx)
		w.register("bob", false)
		wants(t, "a taken name", w.ChangeUsername(step(from("192.0.2.1", "browser")), ann.ID, "bob", account.Letters{}), account.ErrTaken)
		staff := from("192.0.2.2", "admin")
		account.SetCaller(staff, store.IntID(99))
		must(t, w.Delete(step(staff), ann.ID))
		same(t, "trail", strings.Join(w.trail(), "\n"), strings.Join([]string{
			"user.registered|ok|ann|operator||||1",
			"login.failed|refused|ann||||192.0.2.9|1",
			"login.failed|refused|||||192.0.2.9|1",
			"user.login|ok|ann|" + id + "|jwt||192.0.2.1|1",
			"user.logout|ok|ann|" + id + "|jwt||192.0.2.1|1",
			"user.updated|ok|ann|" + id + "||first_name|192.0.2.1|1",
			"user.registered|ok|bob|operator||||1",
			"user.deleted|ok|ann|99|||192.0.2.2|1",
		}, "\n"))
		for _, secret := range []string{password, anything, pair.Refresh, pair.Access} {
			for _, column := range []string{"username", "actor", "agent", "request", "changed"} {
				same(t, "rows with a secret", w.count("SELECT count(*) FROM latchkey_audit WHERE "+column+" LIKE $1", "%"+secret+"%"), 0)
			}
		}
	})
}

// A flood of failed sign-ins has so many rows a minute, and one more that tells how many there were besides; what succeeds is always told.
func TestAuditOfAFlood(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		ann := w.register("ann", false)
		fail := func(n int) {
			for range n {
				_, err := w.SignIn(ctx, "nobody", anything)
				wants(t, "sign-in", err, account.ErrBadCredentials)
			}
		}
		failed := func() (rows, times int) {
			return w.count("SELECT count(*) FROM latchkey_audit WHERE event = 'login.failed'"), w.count("SELECT sum(times) FROM latchkey_audit WHERE event = 'login.failed'")
		}
		told := func(what string, rows, times int) {
			t.Helper()
			r, n := failed()
			same(t, what, []int{r, n}, []int{rows, times})
		}
		fail(200)
		_, err := w.NewPair(ctx, ann)
		must(t, err)
		told("in the first minute", 60, 60)
		same(t, "sign-ins", w.count("SELECT count(*) FROM latchkey_audit WHERE event = 'user.login'"), 1)
		w.clock.advance(time.Minute)
		fail(1)
		told("in the next one", 62, 201)
		fail(100)
		must(t, w.FlushAudit(ctx))
		must(t, w.FlushAudit(ctx))
		told("at the end", 60+1+60+1, 301)
	})
}

func TestNoAuditWhereNoneIsKept(t *testing.T) {
	w := newWorld(t, testenv.SQLite(t), func(s *account.Service) { s.Audit = false })
	w.register("ann", false)
	_, err := w.SignIn(ctx, "ann", anything)
	wants(t, "sign-in", err, account.ErrBadCredentials)
	same(t, "trail", w.trail(), []string{})
}
