package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// crowd has n transactions wait for one that runs, and lets them go together.
func crowd(t *testing.T, s *store.Store, n int, fn func(i int) error) []error {
	t.Helper()
	running, release := make(chan struct{}), make(chan struct{})
	errs := make([]error, n)
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.InTx(ctx, func(*store.Store) error { close(running); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-running
	for i := range n {
		all.Go(func() { errs[i] = fn(i) })
	}
	time.Sleep(50 * time.Millisecond) // most of them wait by then; all does not depend on it
	close(release)
	all.Wait()
	return errs
}

// TestTogether: of transactions that are written together each succeeds or fails for itself, on both engines.
func TestTogether(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		var told atomic.Int32
		errs := crowd(t, s, 40, func(i int) (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("panic: %.20v", p)
				}
			}()
			return s.InTx(ctx, func(tx *store.Store) error {
				tx.OnCommit("told", func() { told.Add(1) })
				u := &store.User{Username: fmt.Sprintf("user%d", i), IsActive: true, DateJoined: noon}
				if i%4 == 1 {
					u.Username = "user0" // which is taken, before or after
				}
				if err := tx.InsertUser(ctx, u); err != nil {
					return err
				}
				switch i % 4 {
				case 2:
					return errors.New("changed its mind")
				case 3:
					panic("at the disco")
				}
				return nil
			})
		})
		takers, duplicates := 0, 0
		for i, err := range errs {
			var duplicate *store.Duplicate
			switch {
			case errors.As(err, &duplicate):
				duplicates++
			case i == 0 || i%4 == 1: // one of them has the name
				if err == nil {
					takers++
				} else {
					t.Errorf("%d: %v", i, err)
				}
			case i%4 == 2 && (err == nil || err.Error() != "changed its mind"),
				i%4 == 3 && (err == nil || !strings.HasPrefix(err.Error(), "panic: at the disco")), i%4 == 0 && err != nil:
				t.Errorf("%d: %v", i, err)
			}
		}
		if takers != 1 || duplicates != 10 {
			t.Errorf("%d have the name and %d are told that it is taken, not 1 and 10", takers, duplicates)
		}
		users, err := s.Users(ctx)
		if err != nil || len(users) != 10 { // user0 and every fourth after it
			t.Errorf("%d users, not 10: %v", len(users), err)
		}
		if told.Load() != 10 {
			t.Errorf("%d were told of their commit, not 10", told.Load())
		}
	})
}

// TestTogetherGivesUp: who waits for its turn may give up, and nothing of it happens.
func TestTogetherGivesUp(t *testing.T) {
	s := testenv.OpenStore(t, testenv.SQLite(t))
	ran := false
	errs := crowd(t, s, 1, func(int) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		return s.InTx(ctx, func(*store.Store) error { ran = true; return nil })
	})
	if !errors.Is(errs[0], store.ErrUnavailable) || ran {
		t.Errorf("%v, and it ran: %v", errs[0], ran)
	}
}

// TestTogetherUndone: SQLite undoes a whole transaction for some errors, a full disk among them; those of it that do no harm are written all the same.
func TestTogetherUndone(t *testing.T) {
	s := testenv.OpenStore(t, testenv.SQLite(t))
	must(t, s.Exec(ctx, `CREATE TRIGGER undone BEFORE INSERT ON latchkey_mail WHEN new.subject = 'harm' BEGIN SELECT RAISE(ROLLBACK, 'undone'); END`))
	errs := crowd(t, s, 20, func(i int) error {
		return s.InTx(ctx, func(tx *store.Store) error {
			subject := "none"
			if i%5 == 0 {
				subject = "harm"
			}
			return tx.EnqueueMail(ctx, store.Mail{MessageID: fmt.Sprint(i), Subject: subject, CreatedAt: noon})
		})
	})
	for i, err := range errs {
		if harm := i%5 == 0; harm != (err != nil) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n, _, err := s.OwedMail(ctx); n != 16 || err != nil {
		t.Errorf("%d mails are owed, not 16: %v", n, err)
	}
}
