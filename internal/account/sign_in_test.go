package account_test

import (
	"errors"
	"testing"

	"latchkey/internal/account"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

func TestSignIn(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, func(s *account.Service) {
			s.Backends = []string{account.LoginFieldBackend, account.ModelBackend}
			s.LoginField = "email"
		})
		w.register("ann", false)
		w.register("waiting", true)
		twin, err := w.Register(ctx, account.Registration{Username: "twin", Email: "ann@example.com", Password: anything})
		must(t, err)
		damaged := w.register("damaged", false)
		must(t, w.Store.SetPassword(ctx, damaged.ID, "pbkdf2_sha256$1000$salt"))
		for _, test := range []struct {
			name, password string
			want           error
		}{
			{"ann", password, nil},
			{"ann", anything, account.ErrBadCredentials},
			{"Ann", password, account.ErrBadCredentials},
			{"nobody", password, account.ErrBadCredentials},
			{"waiting", password, account.ErrBadCredentials},
			{"damaged", password, account.ErrBadCredentials},
			{"waiting@example.com", password, account.ErrBadCredentials},
			{"ann@example.com", password, account.ErrBadCredentials}, // two users have the address
			{twin.Email, anything, account.ErrBadCredentials},
			{"", "", account.ErrBadCredentials},
			{"\x00", "\x00", account.ErrBadCredentials},
			{"\xff", "\xff", account.ErrBadCredentials},
		} {
			_, err := w.SignIn(ctx, test.name, test.password)
			wants(t, test.name+" with "+test.password, err, test.want)
		}
		bob := w.register("bob", false)
		login, err := w.SignIn(ctx, "bob@example.com", password)
		if err != nil || login.User.ID != bob.ID || login.Backend != account.LoginFieldBackend {
			t.Errorf("by address: %v, %v", login, err)
		}
	})
}

// Every refused sign-in needs the hasher, whoever is named, so that time does not tell who has an account: while the hasher is taken and
// nobody may wait for it, each of them is sent away for that.
func TestEveryRefusalIsHashed(t *testing.T) {
	url := testenv.SQLite(t)
	w := newWorld(t, url, nil)
	w.register("ann", false)
	w.register("waiting", true)
	unusable := w.register("unusable", false)
	must(t, w.Store.SetPassword(ctx, unusable.ID, passwords.Unusable()))
	damaged := w.register("damaged", false)
	must(t, w.Store.SetPassword(ctx, damaged.ID, "argon2$bad"))
	for _, name := range []string{"a", "b"} {
		must(t, w.Store.InsertUser(ctx, &store.User{Username: name, Email: "shared@example.com", Password: "x", IsActive: true, DateJoined: noon}))
	}
	slow := passwords.DefaultConfig()
	slow.Iterations, slow.Workers, slow.Queue = 10_000_000, 1, 0 // seconds of work
	busy, err := passwords.New(slow)
	must(t, err)
	done := occupy(t, busy)
	for _, field := range []string{account.ModelBackend, account.LoginFieldBackend} {
		w.Passwords, w.Backends, w.LoginField = busy, []string{field}, "email"
		for _, name := range []string{"ann", "waiting", "unusable", "damaged", "nobody", "shared@example.com", "\x00"} {
			if _, err := w.SignIn(ctx, name, "wrong"); !errors.Is(err, passwords.ErrBusy) {
				t.Errorf("%s by %s came to %v without the hasher", name, field, err)
			}
		}
	}
	select {
	case <-done:
		t.Error("the hasher was free before the end")
	default:
	}
	<-done
}

// occupy returns when a hash is being made that takes seconds; done is closed at its end.
func occupy(t *testing.T, p *passwords.Passwords) (done chan struct{}) {
	t.Helper()
	done = make(chan struct{})
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := p.Make(ctx, password)
			if err == nil {
				close(done)
			}
			results <- err
		}()
	}
	if err := <-results; !errors.Is(err, passwords.ErrBusy) { // one of the two is sent away while the other hashes
		t.Fatalf("got %v", err)
	}
	return done
}
