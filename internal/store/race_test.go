package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// race runs fn in 32 goroutines on two Stores, as two servers would, and counts those that won.
func race(t *testing.T, stores []*store.Store, fn func(s *store.Store, i int) (won bool, err error)) int {
	t.Helper()
	var wait sync.WaitGroup
	var won atomic.Int64
	start := make(chan bool)
	for i := range 32 {
		wait.Go(func() {
			<-start
			ok, err := fn(stores[i%len(stores)], i)
			if err != nil {
				t.Error(err)
			}
			if ok {
				won.Add(1)
			}
		})
	}
	close(start)
	wait.Wait()
	return int(won.Load())
}

// Whatever must happen once happens once, however many ask at the same time.
func TestRaces(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		stores := []*store.Store{testenv.OpenStore(t, url), testenv.OpenStore(t, url)}
		s, hour := stores[0], noon.Add(time.Hour)
		ann := addUser(t, s, "ann")
		must(t, s.SetActive(ctx, ann.ID, false))
		must(t, s.InsertRefresh(ctx, store.Refresh{JTI: "r", Family: "r", IssuedAt: noon, ExpiresAt: hour}))
		must(t, s.InsertLink(ctx, store.Link{Digest: "d", Purpose: "p", CreatedAt: noon, ExpiresAt: hour}))
		for range 3 {
			must(t, s.EnqueueMail(ctx, store.Mail{CreatedAt: noon}))
		}
		var keys, claimed sync.Map
		duplicate := func(err error) (bool, error) {
			if errors.As(err, new(*store.Duplicate)) {
				return false, nil
			}
			return err == nil, err
		}
		for _, test := range []struct {
			what string
			want int
			fn   func(s *store.Store, i int) (bool, error)
		}{
			{"rotation of a refresh token", 1, func(s *store.Store, i int) (won bool, err error) {
				err = s.InTx(ctx, func(tx *store.Store) (err error) {
					if won, err = claim(ctx, tx, "r", fmt.Sprint(i), noon); err != nil || !won {
						return err
					}
					return tx.InsertRefresh(ctx, store.Refresh{JTI: fmt.Sprint(i), Family: "r", IssuedAt: noon, ExpiresAt: hour})
				})
				return won, err
			}},
			{"rotation of one that is not on record", 1, func(s *store.Store, i int) (bool, error) {
				return claim(ctx, s, "q", fmt.Sprint("q", i), noon)
			}},
			{"use of a link", 1, func(s *store.Store, i int) (bool, error) { return s.UseLink(ctx, "d", "p", noon) }},
			{"making of a token key", 1, func(s *store.Store, i int) (bool, error) {
				key, err := s.TokenKeyFor(ctx, ann.ID, fmt.Sprint("key", i), noon)
				_, seen := keys.LoadOrStore(key, true)
				return !seen, err
			}},
			{"sign-up under a name", 1, func(s *store.Store, i int) (bool, error) {
				return duplicate(s.InsertUser(ctx, &store.User{Username: "new", DateJoined: noon}))
			}},
			{"listing of a token", 1, func(s *store.Store, i int) (bool, error) {
				return s.Blacklist(ctx, store.Outstanding{UserID: ann.ID, JTI: "j", ExpiresAt: hour}, noon)
			}},
			{"activation", 1, func(s *store.Store, i int) (bool, error) { return s.Activate(ctx, ann.ID) }},
			{"reset with a link", 1, func(s *store.Store, i int) (bool, error) {
				return s.ResetPassword(ctx, ann.ID, ann.Password, time.Time{}, fmt.Sprint("new", i), noon)
			}},
			{"claim of each mail", 3, func(s *store.Store, i int) (bool, error) {
				mails, err := s.ClaimMail(ctx, noon, time.Minute, 1)
				for _, m := range mails {
					if _, seen := claimed.LoadOrStore(m.ID, true); seen {
						t.Errorf("mail %d was claimed twice", m.ID)
					}
				}
				return len(mails) > 0, err
			}},
		} {
			if won := race(t, stores, test.fn); won != test.want {
				t.Errorf("%s: %d won, want %d", test.what, won, test.want)
			}
		}
		same(t, "family", rows(t, s, "SELECT count(*) FROM latchkey_refresh"), []string{"3"})
	})
}

// The same where the name is the stock table's email, which no index guards.
func TestRaceForAnEmail(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		model := store.UserModel{Table: "auth_user", UsernameField: "email", EmailField: "email"}
		stores := []*store.Store{open(t, url, model), open(t, url, model)}
		must(t, stores[0].Migrate(ctx))
		must(t, stores[1].Migrate(ctx))
		won := race(t, stores, func(s *store.Store, i int) (bool, error) {
			err := s.InsertUser(ctx, &store.User{Username: fmt.Sprint(i), Email: "ann@example.com", DateJoined: noon})
			if errors.As(err, new(*store.Duplicate)) {
				return false, nil
			}
			return err == nil, err
		})
		if won != 1 {
			t.Errorf("%d won", won)
		}
	})
}

// TestJob: of the processes on one PostgreSQL one does a job at a time, and the next one may when it is done, or dead.
func TestJob(t *testing.T) {
	url := testenv.Postgres(t)
	one, other := testenv.OpenStore(t, url), testenv.OpenStore(t, url)
	job := func(s *store.Store, fn func() error) bool {
		t.Helper()
		ran, err := s.Job(ctx, "purge", fn)
		must(t, err)
		return ran
	}
	nothing := func() error { return nil }
	ran := job(one, func() error {
		if job(other, func() error { t.Error("two do it at once"); return nil }) {
			t.Error("the other one says that it did it")
		}
		if ran, err := other.Job(ctx, "another", nothing); !ran || err != nil {
			t.Errorf("another job is not done meanwhile: %v", err)
		}
		return nil
	})
	if !ran || !job(other, nothing) {
		t.Error("a job that nobody does is not done")
	}
	killed := errors.New("killed")
	_, err := one.Job(ctx, "purge", func() error {
		must(t, other.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"))
		for end := time.Now().Add(10 * time.Second); !job(other, nothing); {
			if time.Now().After(end) {
				t.Fatal("the job of a dead process is not done by another one")
			}
		}
		return killed
	})
	if !errors.Is(err, killed) {
		t.Errorf("the job failed with %v", err)
	}
	if !job(one, nothing) {
		t.Error("the first one cannot do it again")
	}
}
