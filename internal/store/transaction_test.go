package store_test

import (
	"context"
	"errors"
	"testing"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// TestDeferredStatements: of statements that nobody waits for, errors come with a later one or with the commit, and nothing is half-written.
func TestDeferredStatements(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := testenv.OpenStore(t, url)
		refresh := func(tx *store.Store, jti string) error {
			return tx.InsertRefresh(ctx, store.Refresh{JTI: jti, Family: "f", IssuedAt: noon, ExpiresAt: noon})
		}
		count := func() string { return rows(t, s, "SELECT count(*) FROM latchkey_refresh")[0] }
		duplicate := func(what string, err error) {
			t.Helper()
			if !errors.As(err, new(*store.Duplicate)) {
				t.Errorf("%s: %v", what, err)
			}
			if n := count(); n != "1" {
				t.Errorf("%s: %s rows", what, n)
			}
		}
		must(t, s.InTx(ctx, func(tx *store.Store) error { return refresh(tx, "a") }))
		if n := count(); n != "1" {
			t.Fatalf("%s rows are committed", n)
		}
		duplicate("alone", refresh(s, "a"))
		duplicate("with the commit", s.InTx(ctx, func(tx *store.Store) error {
			return errors.Join(refresh(tx, "b"), refresh(tx, "a"))
		}))
		duplicate("with a later statement", s.InTx(ctx, func(tx *store.Store) error {
			if err := errors.Join(refresh(tx, "b"), refresh(tx, "a")); err != nil {
				return err
			}
			_, err := tx.RefreshByJTI(ctx, "b")
			return err
		}))
		failed := errors.New("failed")
		err := s.InTx(ctx, func(tx *store.Store) error { return errors.Join(refresh(tx, "b"), failed) })
		if !errors.Is(err, failed) || count() != "1" {
			t.Errorf("undone: %v, %s rows", err, count())
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is gone")
				}
			}()
			_ = s.InTx(ctx, func(tx *store.Store) error {
				must(t, refresh(tx, "b"))
				_, err := tx.RefreshByJTI(ctx, "b")
				must(t, err)
				panic("at the disco")
			})
		}()
		must(t, s.InTx(ctx, func(tx *store.Store) error {
			if err := refresh(tx, "b"); err != nil {
				return err
			}
			_, err := tx.RefreshByJTI(ctx, "b") // sees what was written before it
			return err
		}))
		if n := count(); n != "2" {
			t.Errorf("%s rows in the end", n)
		}
	})
}

// TestTransactionOfFailedStatement: what PostgreSQL has undone is not told as committed, even by one who takes no notice of the error.
func TestTransactionOfFailedStatement(t *testing.T) {
	s := testenv.OpenStore(t, testenv.Postgres(t))
	hooks := 0
	err := s.InTx(ctx, func(tx *store.Store) error {
		tx.OnCommit("hook", func() { hooks++ })
		must(t, tx.InsertRefresh(ctx, store.Refresh{JTI: "a", Family: "f", IssuedAt: noon, ExpiresAt: noon}))
		_ = tx.AskNonsense(ctx)
		return nil
	})
	if err == nil || hooks != 0 {
		t.Errorf("error %v, %d hooks", err, hooks)
	}
	same(t, "rows", rows(t, s, "SELECT count(*) FROM latchkey_refresh"), []string{"0"})
}

// TestTransactionOfEndedConnection: a transaction whose connection ends before it was to be committed runs again on another one; one whose context is over does not.
func TestTransactionOfEndedConnection(t *testing.T) {
	url := testenv.Postgres(t)
	s, other := testenv.OpenStore(t, url), testenv.OpenStore(t, url)
	const others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	for _, when := range []string{"before the first statement", "after it", "after the last one"} {
		must(t, s.Ping(ctx))
		runs := 0
		err := s.InTx(ctx, func(tx *store.Store) error {
			runs++
			kill := func(now string) {
				if runs == 1 && now == when {
					must(t, other.Exec(ctx, others))
				}
			}
			kill("before the first statement")
			if _, err := tx.RefreshByJTI(ctx, when); !errors.Is(err, store.ErrNotFound) {
				return errors.Join(err, errors.New("it is there"))
			}
			kill("after it")
			must(t, tx.InsertRefresh(ctx, store.Refresh{JTI: when, Family: "f", IssuedAt: noon, ExpiresAt: noon}))
			_, err := tx.RefreshByJTI(ctx, when)
			kill("after the last one")
			return err
		})
		n := rows(t, other, "SELECT count(*) FROM latchkey_refresh WHERE jti = '"+when+"'")[0]
		switch {
		case when == "after the last one": // only COMMIT was left: nobody can tell
			if runs != 1 || !errors.Is(err, store.ErrUnavailable) || n != "0" {
				t.Errorf("%s: %d runs, %v, %s rows", when, runs, err, n)
			}
		case runs != 2 || err != nil || n != "1":
			t.Errorf("%s: %d runs, %v, %s rows", when, runs, err, n)
		}
	}
	over, end := context.WithCancel(ctx)
	runs := 0
	err := s.InTx(over, func(tx *store.Store) error {
		runs++
		end()
		_, err := tx.RefreshByJTI(over, "a")
		return err
	})
	if runs != 1 || err == nil {
		t.Errorf("given up: %d runs, %v", runs, err)
	}
	must(t, s.Ping(ctx))
}
