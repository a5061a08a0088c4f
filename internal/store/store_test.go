package store_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

var ctx = context.Background()

// noon is a time with microseconds, as databases keep it.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 45712000, time.UTC)

// each runs fn on a fresh, migrated database of both kinds.
func each(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	t.Helper()
	testenv.EachDatabase(t, func(t *testing.T, url string) { fn(t, testenv.OpenStore(t, url)) })
}

// must fails the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rows reads a query's rows, each joined by |.
func rows(t testing.TB, s *store.Store, query string, args ...any) []string {
	t.Helper()
	all, err := s.Rows(ctx, query, args...)
	must(t, err)
	lines := make([]string, len(all))
	for i, row := range all {
		lines[i] = strings.Join(row, "|")
	}
	return lines
}

// same compares two lists of lines, and names those that only one has.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("%s: too much: %s", what, line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%s: missing: %s", what, line)
		}
	}
	if !t.Failed() {
		t.Errorf("%s: another order:\ngot  %q\nwant %q", what, got, want)
	}
}

// withParam adds a parameter to a database's URL.
func withParam(t testing.TB, address, key, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	query := u.Query()
	query.Set(key, value)
	u.RawQuery = query.Encode()
	return u.String()
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	const secret = "hunter2"
	folder := t.TempDir()
	tests := []struct {
		url, want string
	}{
		{"", "the database must be"},
		{"mysql://ann:hunter2@db/app", "the database must be"},
		{"sqlite://", "needs the path of a file"},
		{"sqlite://:memory:", "needs the path of a file"},
		{"sqlite://" + folder + "/none/latchkey.db", "there is no folder " + folder + "/none"},
		{"sqlite://" + folder + "/a.db?mode=ro", "takes no parameters"},
		{"postgres://ann:hunter2@%zz/app", "cannot be read"},
		{"postgres://ann:hunter2@127.0.0.1:1/app?sslmode=sometimes", "open postgres://ann@127.0.0.1:1/app: its parameters"},
		{"postgres://ann:hunter2@127.0.0.1:1/app?pool_max_conns=0", "pool_max_conns must be"},
		{"postgres://ann@127.0.0.1:1/app?password=hunter2&sslmode=disable", "open postgres://ann@127.0.0.1:1/app: "},
		{"postgres://ann:hunter2@127.0.0.1:1/app", "open postgres://ann@127.0.0.1:1/app: "},
	}
	for _, test := range tests {
		_, err := store.Open(ctx, store.Config{URL: test.url, User: store.DefaultUserModel()})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v; want %q and no password", test.url, err, test.want)
		}
	}
	_, err := store.Open(ctx, store.Config{URL: "postgres://ann:hunter2@127.0.0.1:1/app", User: store.DefaultUserModel()})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a server that is not there: got %v, want ErrUnavailable", err)
	}
	for _, model := range []store.UserModel{{}, {Table: "auth_user", UsernameField: "nick", EmailField: "email"}, {UsernameField: "username", EmailField: "email"}} {
		if _, err := store.Open(ctx, store.Config{URL: "sqlite://" + folder + "/a.db", User: model}); err == nil {
			t.Errorf("%+v: opened", model)
		}
	}
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	s := testenv.OpenStore(t, "sqlite://with space.db")
	must(t, s.Ping(ctx))
}

// The file with the password hashes is its owner's alone, and after Close it is the only one.
func TestSQLiteFile(t *testing.T) {
	folder := t.TempDir()
	s, err := store.Open(ctx, store.Config{URL: "sqlite://" + folder + "/latchkey.db", User: store.DefaultUserModel()})
	must(t, err)
	must(t, s.Migrate(ctx))
	addUser(t, s, "ann")
	open, err := os.ReadDir(folder)
	must(t, err)
	for _, entry := range open {
		info, err := entry.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got mode %v", entry.Name(), info.Mode())
		}
	}
	must(t, s.Close())
	left, err := os.ReadDir(folder)
	must(t, err)
	if len(open) != 3 || len(left) != 1 {
		t.Errorf("got %v, then %v; want the file with its journal and index, then the file alone", open, left)
	}
}

func TestInTx(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		boom := errors.New("boom")
		err := s.InTx(ctx, func(tx *store.Store) error {
			must(t, tx.InsertUser(ctx, &store.User{Username: "ann", DateJoined: noon}))
			return tx.InTx(ctx, func(tx *store.Store) error { // the same transaction
				if taken, err := tx.UsernameTaken(ctx, "ann"); err != nil || !taken {
					t.Errorf("a transaction does not see its own rows: %v", err)
				}
				return boom
			})
		})
		if err != boom {
			t.Fatalf("got %v, want the error of fn", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = s.InTx(ctx, func(tx *store.Store) error {
				must(t, tx.InsertUser(ctx, &store.User{Username: "bob", DateJoined: noon}))
				panic(boom)
			})
		}()
		must(t, s.InTx(ctx, func(tx *store.Store) error {
			return tx.InsertUser(ctx, &store.User{Username: "eve", DateJoined: noon})
		}))
		same(t, "users", rows(t, s, "SELECT username FROM auth_user"), []string{"eve"})
	})
}

// Two transactions that wait for each other: PostgreSQL ends one, which runs again.
func TestDeadlockIsTriedAgain(t *testing.T) {
	s := testenv.OpenStore(t, withParam(t, testenv.Postgres(t), "deadlock_timeout", "50ms"))
	ann, bob := addUser(t, s, "ann"), addUser(t, s, "bob")
	runs := make(chan bool, 10)
	lock := func(first, second store.ID, mine, other chan bool) error {
		meet := true
		return s.InTx(ctx, func(tx *store.Store) error {
			runs <- true
			if _, err := tx.UserForUpdate(ctx, first); err != nil {
				return err
			}
			if meet { // both hold their first row before either asks for its second; not again when tried again
				meet = false
				close(mine)
				<-other
			}
			_, err := tx.UserForUpdate(ctx, second)
			return err
		})
	}
	a, b, done := make(chan bool), make(chan bool), make(chan error)
	go func() { done <- lock(ann.ID, bob.ID, a, b) }()
	go func() { done <- lock(bob.ID, ann.ID, b, a) }()
	must(t, errors.Join(<-done, <-done))
	if len(runs) < 3 {
		t.Errorf("%d runs; one should have run again", len(runs))
	}
}

func TestUnavailable(t *testing.T) {
	unavailable := func(t *testing.T, what string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable", what, err)
		}
	}
	// beside runs fn while another transaction holds a user's row, or the database.
	beside := func(t *testing.T, other *store.Store, id store.ID, fn func()) {
		t.Helper()
		must(t, other.InTx(ctx, func(tx *store.Store) error {
			if err := tx.SetNames(ctx, id, "A", "B"); err != nil {
				return err
			}
			fn()
			return nil
		}))
	}
	t.Run("sqlite", func(t *testing.T) {
		url := testenv.SQLite(t)
		s, other := testenv.OpenStore(t, url), testenv.OpenStore(t, url)
		ann := addUser(t, s, "ann")
		must(t, s.Exec(ctx, "PRAGMA busy_timeout = 0"))
		beside(t, other, ann.ID, func() {
			unavailable(t, "locked", s.SetActive(ctx, ann.ID, false))
			if u, err := s.User(ctx, ann.ID); err != nil || u.FirstName != "" {
				t.Errorf("a reader beside a writer: %v", err)
			}
		})
		must(t, s.InTx(ctx, func(*store.Store) error {
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			unavailable(t, "no connection in time", s.SetActive(short, ann.ID, false))
			return nil
		}))
		must(t, s.Exec(ctx, "PRAGMA max_page_count = 1"))
		unavailable(t, "full", func() (err error) {
			for i := 0; err == nil && i < 100; i++ {
				err = s.EnqueueMail(ctx, store.Mail{Text: strings.Repeat("x", 10000), CreatedAt: noon})
			}
			return err
		}())
		must(t, s.Exec(ctx, "PRAGMA query_only = 1"))
		unavailable(t, "read-only", s.SetActive(ctx, ann.ID, false))
	})
	t.Run("postgres", func(t *testing.T) {
		url := testenv.Postgres(t)
		other := testenv.OpenStore(t, url)
		s := testenv.OpenStore(t, withParam(t, withParam(t, url, "lock_timeout", "20"), "pool_max_conns", "1"))
		ann := addUser(t, s, "ann")
		beside(t, other, ann.ID, func() { unavailable(t, "locked", s.SetActive(ctx, ann.ID, false)) })
		must(t, s.InTx(ctx, func(*store.Store) error {
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			unavailable(t, "no connection in time", s.SetActive(short, ann.ID, false))
			return nil
		}))
		unavailable(t, "ended by an operator", s.InTx(ctx, func(tx *store.Store) error {
			pid := rows(t, tx, "SELECT pg_backend_pid()")[0]
			rows(t, other, "SELECT pg_terminate_backend("+pid+")")
			return tx.SetActive(ctx, ann.ID, false)
		}))
		unavailable(t, "read-only", s.InTx(ctx, func(tx *store.Store) error {
			must(t, tx.Exec(ctx, "SET TRANSACTION READ ONLY"))
			return tx.SetActive(ctx, ann.ID, false)
		}))
		must(t, s.SetActive(ctx, ann.ID, false)) // and well again
	})
	each(t, func(t *testing.T, s *store.Store) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.SetActive(gone, store.IntID(1), false); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a client that went away: got %v, want context.Canceled", err)
		}
	})
}

// Text that PostgreSQL cannot hold is found nowhere, and refused before it ends a transaction.
func TestInvalidText(t *testing.T) {
	s := testenv.OpenStore(t, testenv.Postgres(t))
	ann := addUser(t, s, "ann")
	must(t, s.InTx(ctx, func(tx *store.Store) error {
		for _, text := range []string{"a\x00b", "\xff"} {
			if _, err := tx.UserBy(ctx, "username", text); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("UserBy(%q): got %v, want ErrNotFound", text, err)
			}
			if taken, err := tx.UsernameTaken(ctx, text); taken || err != nil {
				t.Errorf("UsernameTaken(%q): got %v, %v", text, taken, err)
			}
			if users, err := tx.UsersByEmailFold(ctx, text); users != nil || err != nil {
				t.Errorf("UsersByEmailFold(%q): got %v, %v", text, users, err)
			}
			if _, err := tx.UserByTokenKey(ctx, text); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("UserByTokenKey(%q): got %v, want ErrNotFound", text, err)
			}
			if listed, err := tx.Blacklisted(ctx, text); listed || err != nil {
				t.Errorf("Blacklisted(%q): got %v, %v", text, listed, err)
			}
			if err := tx.SetUsername(ctx, ann.ID, text); !errors.Is(err, store.ErrInvalidText) {
				t.Errorf("SetUsername(%q): got %v, want ErrInvalidText", text, err)
			}
			if err := tx.DeleteSession(ctx, text, ""); err != nil {
				t.Errorf("DeleteSession(%q): %v", text, err)
			}
		}
		return nil
	}))
	if err := s.SetUsername(ctx, ann.ID, strings.Repeat("x", 151)); !errors.Is(err, store.ErrInvalidText) {
		t.Errorf("a name too long: got %v, want ErrInvalidText", err)
	}
}

// addUser inserts a user who can sign in.
func addUser(t testing.TB, s *store.Store, name string) *store.User {
	t.Helper()
	u := &store.User{Username: name, Email: name + "@example.com", Password: "pbkdf2_sha256$1$salt$" + name, IsActive: true, DateJoined: noon}
	must(t, s.InsertUser(ctx, u))
	return u
}

// What waits for a transaction comes after it, once under each name, and not after one that was undone.
func TestOnCommit(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := testenv.OpenStore(t, url)
		var told []string
		ask := func(tx *store.Store, name string) {
			tx.OnCommit(name, func() {
				if _, err := s.UserBy(ctx, "username", "ann"); err != nil { // another connection sees it
					t.Errorf("called before the commit: %v", err)
				}
				told = append(told, name)
			})
		}
		undone := errors.New("undone")
		if err := s.InTx(ctx, func(tx *store.Store) error { ask(tx, "undone"); return undone }); err != undone {
			t.Errorf("got %v", err)
		}
		must(t, s.InTx(ctx, func(tx *store.Store) error {
			ask(tx, "mail")
			must(t, tx.InTx(ctx, func(inner *store.Store) error { ask(inner, "mail"); return nil }))
			return tx.InsertUser(ctx, &store.User{Username: "ann", IsActive: true, DateJoined: noon})
		}))
		ask(s, "outside")
		same(t, "called", told, []string{"mail", "outside"})
	})
}
