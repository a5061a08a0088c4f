package account_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/webhook"
)

// A told event is one that came to a receiver.
type told struct {
	id, event, user string
	status          int
}

// An ear is a receiver: a real server that keeps what it was told and answers by a function.
type ear struct {
	mu     sync.Mutex
	came   []told
	answer func(told) int
	sender *webhook.Sender
	notify chan struct{}
}

func listen(t *testing.T, answer func(told) int) *ear {
	e := &ear{answer: answer, notify: make(chan struct{}, 1000)}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var m struct {
			Type string
			Data struct{ User struct{ Username string } }
		}
		if err := json.Unmarshal(body, &m); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		one := told{id: r.Header.Get("webhook-id"), event: m.Type, user: m.Data.User.Username}
		one.status = e.answer(one)
		e.mu.Lock()
		e.came = append(e.came, one)
		e.mu.Unlock()
		w.WriteHeader(one.status)
		e.notify <- struct{}{}
	}))
	t.Cleanup(web.Close)
	var err error
	e.sender, err = webhook.NewSender(webhook.Target{URL: web.URL, Secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="})
	must(t, err)
	return e
}

// wait waits for n requests in all, and returns them.
func (e *ear) wait(t *testing.T, n int) []told {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		e.mu.Lock()
		came := slices.Clone(e.came)
		e.mu.Unlock()
		if len(came) >= n {
			return came
		}
		select {
		case <-e.notify:
		case <-deadline:
			t.Fatalf("only %v came", came)
		}
	}
}

// taken are the events that were answered 2xx, by user, in the order of their coming.
func taken(came []told) map[string][]string {
	all := map[string][]string{}
	for _, one := range came {
		if one.status/100 == 2 {
			all[one.user] = append(all[one.user], one.event)
		}
	}
	return all
}

// starts runs the service's background work until the end of the test.
func (w *world) starts() {
	running, stop := context.WithCancel(ctx)
	wait := w.Start(running)
	w.t.Cleanup(func() { stop(); wait() })
}

// settled waits until a query counts as many as wanted.
func (w *world) settled(want int, query string) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); w.count(query) != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: %d, want %d", query, w.count(query), want)
		}
	}
}

const (
	pending = "SELECT count(*) FROM latchkey_webhook WHERE failed_at IS NULL"
	putOff  = "SELECT count(*) FROM latchkey_webhook WHERE failed_at IS NULL AND last_error <> ''"
	givenUp = "SELECT count(*) FROM latchkey_webhook WHERE failed_at IS NOT NULL"
)

// Every event comes once, and those of one user in their order, even where the first attempt fails.
func TestEventsComeInOrder(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		tries := map[string]int{}
		e := listen(t, func(one told) int {
			mu.Lock()
			defer mu.Unlock()
			if tries[one.id]++; one.event == "user.login" && tries[one.id] == 1 {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		})
		w := newWorld(t, url, func(s *account.Service) { s.Receivers = []*account.Receiver{{Name: "ear", Tell: e.sender.Send}} })
		const users = 6
		want := []string{"user.registered", "user.login", "password.changed", "user.deleted"}
		act := func(name string) {
			user := w.register(name, false)
			_, err := w.NewPair(ctx, user)
			must(t, err)
			must(t, w.ChangePassword(ctx, account.PasswordChange{User: user, Password: anything}))
			must(t, w.Delete(ctx, user.ID))
		}
		for i := range users / 2 {
			act(fmt.Sprint("early", i))
		}
		w.starts()
		for i := range users / 2 {
			act(fmt.Sprint("late", i))
		}
		came := e.wait(t, 2*users) // nothing passes the login that failed
		same(t, "taken before the second attempt", len(came)-users, users)
		w.settled(users, putOff)
		w.clock.advance(time.Minute)
		w.register("waker", false)
		came = e.wait(t, len(want)*users+users+1)
		w.settled(0, pending)
		byUser := taken(came)
		same(t, "the waker's", byUser["waker"], []string{"user.registered"})
		delete(byUser, "waker")
		same(t, "users", len(byUser), users)
		for name, got := range byUser {
			same(t, "what was told of "+name, got, want)
		}
		for id, n := range tries {
			if n > 2 {
				t.Errorf("%s was told %d times", id, n)
			}
		}
	})
}

// A receiver that does not answer holds up neither another receiver nor, in it, other users.
func TestDeadReceiverHoldsUpNobody(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		release := make(chan struct{})
		slow := listen(t, func(one told) int {
			if one.user == "ann" {
				<-release
			}
			return 200
		})
		quick := listen(t, func(told) int { return 200 })
		w := newWorld(t, url, func(s *account.Service) {
			s.Receivers = []*account.Receiver{{Name: "slow", Tell: slow.sender.Send}, {Name: "quick", Tell: quick.sender.Send}}
		})
		w.starts()
		for _, name := range []string{"ann", "bob", "eve"} {
			w.register(name, false)
		}
		quick.wait(t, 3)
		same(t, "told while ann's hangs", len(slow.wait(t, 2)), 2)
		close(release)
		slow.wait(t, 3)
		w.settled(0, pending)
	})
}

// What is given up stays, lets the user's next events pass, and comes again under its own id when it is replayed.
func TestGivingUpAndReplay(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		answers := map[string]int{"user.registered": 500, "user.login": http.StatusGone}
		e := listen(t, func(one told) int {
			mu.Lock()
			defer mu.Unlock()
			if status := answers[one.event]; status != 0 {
				return status
			}
			return 204
		})
		w := newWorld(t, url, func(s *account.Service) { s.Receivers = []*account.Receiver{{Name: "ear", Tell: e.sender.Send}} })
		ann := w.register("ann", false)
		_, err := w.NewPair(ctx, ann)
		must(t, err)
		w.starts()
		first := e.wait(t, 1)[0]
		w.settled(1, putOff)
		w.clock.advance(3*24*time.Hour + time.Second)
		must(t, w.Delete(ctx, ann.ID)) // wakes
		came := e.wait(t, 4)
		w.settled(2, givenUp)
		w.settled(0, pending)
		same(t, "taken", taken(came), map[string][]string{"ann": {"user.deleted"}})
		failed, err := w.Owed(ctx, true, 10)
		must(t, err)
		same(t, "given up", []any{failed[0].Event, failed[0].LastError, failed[0].EventID, failed[1].Event}, []any{"user.registered", "the receiver answered 500", first.id, "user.login"})

		mu.Lock()
		clear(answers)
		mu.Unlock()
		n, err := w.ReplayAll(ctx)
		must(t, err)
		same(t, "replayed", n, 2)
		w.register("waker", false)
		replayed := e.wait(t, 7)[4:]
		w.settled(0, "SELECT count(*) FROM latchkey_webhook")
		same(t, "taken", taken(replayed)["ann"], []string{"user.registered", "user.login"})
		if !slices.ContainsFunc(replayed, func(one told) bool { return one.id == first.id }) {
			t.Error("the replayed event has another id")
		}
	})
}

// A receiver that panics, as a function of a program around the server may, is told again and stops nobody.
func TestPanicWhileTelling(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		calls := 0
		w := newWorld(t, url, func(s *account.Service) {
			s.Receivers = []*account.Receiver{{Name: "function", Tell: func(context.Context, webhook.Message) error {
				mu.Lock()
				defer mu.Unlock()
				if calls++; calls == 1 {
					panic("a bug")
				}
				return nil
			}}}
		})
		w.starts()
		w.register("ann", false)
		w.settled(1, putOff)
		w.clock.advance(time.Minute)
		w.register("bob", false)
		w.settled(0, pending)
		mu.Lock()
		same(t, "calls", calls, 3)
		mu.Unlock()
	})
}

// Of several services on one database each event goes out by one.
func TestServicesShareTheQueue(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		e := listen(t, func(told) int { return 200 })
		tell := func(s *account.Service) { s.Receivers = []*account.Receiver{{Name: "ear", Tell: e.sender.Send}} }
		w := newWorld(t, url, tell)
		other := &world{Service: newService(t, url, w.clock, tell), t: t, clock: w.clock, db: w.db}
		w.starts()
		other.starts()
		var users []*store.User
		for i := range 10 {
			users = append(users, []*world{w, other}[i%2].register(fmt.Sprint("user", i), false))
		}
		var wait sync.WaitGroup
		for i, user := range users {
			wait.Go(func() {
				for range 5 {
					if _, err := []*world{w, other}[i%2].NewPair(ctx, user); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		came := e.wait(t, 60)
		w.settled(0, pending)
		ids := map[string]bool{}
		for _, one := range came {
			ids[one.id] = true
		}
		same(t, "requests, and events", []int{len(e.wait(t, 60)), len(ids)}, []int{60, 60})
		for name, events := range taken(came) {
			same(t, "first of "+name, events[0], "user.registered")
		}
	})
}
