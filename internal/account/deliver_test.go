package account_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/mail"
	"latchkey/internal/testenv"
)

// A courier is a mail.Sender that hands each message to the test, which says what comes of it.
type courier struct {
	messages chan mail.Message
	fate     func(m mail.Message) error
}

func (c *courier) Send(_ context.Context, m mail.Message) error {
	c.messages <- m
	return c.fate(m)
}

// deliver starts delivery through a courier; it stops with the test.
func (w *world) deliver(fate func(m mail.Message) error) *courier {
	c := &courier{messages: make(chan mail.Message, 100), fate: fate}
	w.Sender = c
	running, stop := context.WithCancel(ctx)
	wait := w.Start(running)
	w.t.Cleanup(func() { stop(); wait() })
	return c
}

// next is the message that is handed over next.
func (c *courier) next(t *testing.T) mail.Message {
	t.Helper()
	select {
	case m := <-c.messages:
		return m
	case <-time.After(time.Minute):
		t.Fatal("no mail came")
		panic("unreachable")
	}
}

// drained waits until nothing is owed.
func (w *world) drained() {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); w.count("SELECT count(*) FROM latchkey_mail") > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("mail is still owed")
		}
	}
}

// postponed waits until a mail that did not go is put off.
func (w *world) postponed() {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); w.count("SELECT count(*) FROM latchkey_mail WHERE last_error <> ''") == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("no mail is put off")
		}
	}
}

// A sender that panics fails that mail, which is tried again, and stops neither the server nor the mail of others.
func TestPanicWhileSending(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		var log lockedBuffer
		w := newWorld(t, url, func(s *account.Service) { s.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		panics := true
		var mu sync.Mutex
		c := w.deliver(func(m mail.Message) error {
			mu.Lock()
			defer mu.Unlock()
			if panics && m.To == "ann@example.com" {
				panic("a bug")
			}
			return nil
		})
		w.register("ann", true)
		first := c.next(t)
		w.postponed()
		w.register("bob", true)
		same(t, "the next mail", c.next(t).To, "bob@example.com")
		mu.Lock()
		panics = false
		mu.Unlock()
		w.clock.advance(time.Minute)
		w.register("eve", true) // wakes delivery
		again := c.next(t)
		if again.To != first.To {
			again = c.next(t)
		}
		same(t, "the mail that came again", again.ID+" "+again.To, first.ID+" "+first.To)
		w.drained()
		if !strings.Contains(log.String(), "panicked") || !strings.Contains(log.String(), "deliver.go") {
			t.Errorf("the log does not tell where it panicked:\n%s", log.String())
		}
	})
}

// A mail whose server takes its time holds up no other.
func TestSlowMailHoldsUpNoOther(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		names := []string{"slow", "ann", "bob", "eve"}
		for _, name := range names {
			w.register(name, true)
		}
		release := make(chan bool)
		c := w.deliver(func(m mail.Message) error {
			if m.To == "slow@example.com" {
				<-release
			}
			return nil
		})
		came := map[string]bool{}
		for range names {
			came[c.next(t).To] = true
		}
		same(t, "people who got mail", len(came), len(names))
		close(release)
		w.drained()
	})
}

// A decoy is thrown away without being sent to anybody.
func TestDecoyGoesToNobody(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		c := w.deliver(func(mail.Message) error { return errors.New("there is somebody after all") })
		for _, kind := range purposes {
			w.ask(kind, "nobody@example.com")
		}
		w.drained()
		select {
		case m := <-c.messages:
			t.Errorf("a decoy went to %q", m.To)
		default:
		}
	})
}

// What cannot be delivered is tried less and less often, and is given up after five days.
func TestGivingUp(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		var log lockedBuffer
		w := newWorld(t, url, func(s *account.Service) { s.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		c := w.deliver(func(mail.Message) error { return errors.New("try later") })
		w.register("ann", true)
		first := c.next(t)
		w.postponed()
		w.clock.advance(5*24*time.Hour + time.Second)
		w.register("bob", false) // owes nothing, and wakes delivery
		w.drained()
		same(t, "the last try", c.next(t).ID, first.ID)
		if !strings.Contains(log.String(), "a mail is given up") {
			t.Error("nothing tells that the mail was given up")
		}
	})
}

// A lockedBuffer is a log that is written and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
