package account_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/mail"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/tokens"
)

// opened is all that a user may have open.
type opened struct {
	user    *store.User
	refresh string
	key     string
	session string
	link    account.Link
}

func (w *world) open(name string) opened {
	w.t.Helper()
	w.register(name, false)
	user, pair := w.signIn(name)
	key, err := w.Key(ctx, user)
	must(w.t, err)
	session, err := w.OpenSession(ctx, "", account.Login{User: user, Backend: account.ModelBackend})
	must(w.t, err)
	w.queue()
	w.ask(mail.UsernameReset, user.Email)
	return opened{user, pair.Refresh, key, session, w.link()}
}

// alive tells what of it is still good.
func (w *world) alive(o opened) map[string]bool {
	w.t.Helper()
	_, keyErr := w.UserOfKey(ctx, o.key)
	_, sessionErr := w.UserOfSession(ctx, o.session)
	link := w.count("SELECT count(*) FROM latchkey_link WHERE user_id = $1 AND used_at IS NULL", o.user.ID.String()) > 0
	return map[string]bool{
		"refresh": !w.lists(o.refresh), "key": keyErr == nil, "session": sessionErr == nil, "link": link,
	}
}

// lists tells whether a token is on the blacklist.
func (w *world) lists(raw string) bool {
	err := w.Verify(ctx, raw)
	if err != nil && !is(err, account.ErrBlacklisted) {
		w.t.Errorf("verify: %v", err)
	}
	return err != nil
}

func TestWhatEndsWithAChange(t *testing.T) {
	all := map[string]bool{"refresh": true, "key": true, "session": true, "link": true}
	none := map[string]bool{"refresh": false, "key": false, "session": false, "link": false}
	with := func(m map[string]bool, what string, value bool) map[string]bool {
		changed := map[string]bool{what: value}
		for k, v := range m {
			if k != what {
				changed[k] = v
			}
		}
		return changed
	}
	for _, test := range []struct {
		what   string
		off    func(*account.End)
		change func(w *world, o opened) error
		// ended is what is left after the change, kept what is left where the switch is off
		ended, kept map[string]bool
	}{
		{"change of password", func(e *account.End) { e.OnPasswordChange = false }, func(w *world, o opened) error {
			return w.ChangePassword(ctx, account.PasswordChange{User: w.user(o.user.ID), Password: anything})
		}, none, with(all, "session", false)},
		{"reset of the password", func(e *account.End) { e.OnPasswordChange = false }, func(w *world, o opened) error {
			w.clock.advance(time.Second) // a token of the same second would be that of the link which is open
			return w.ResetPassword(ctx, account.PasswordReset{Link: w.ofDjango(w.user(o.user.ID)), Password: anything})
		}, none, with(all, "session", false)},
		{"password set by an administrator", func(e *account.End) { e.OnPasswordChange = false }, func(w *world, o opened) error {
			return w.SetPassword(ctx, o.user.ID, anything)
		}, none, with(all, "session", false)},
		{"change of address", func(e *account.End) { e.OnEmailChange = false }, func(w *world, o opened) error {
			_, err := w.Update(ctx, account.Update{ID: o.user.ID, Values: []account.Value{{Field: "email", Value: "new@example.com"}}, Note: account.Letter{Protocol: "https"}})
			return err
		}, none, all},
		{"deactivation", func(e *account.End) { e.OnDeactivation = false }, func(w *world, o opened) error {
			return w.SetActive(ctx, o.user.ID, false)
		}, none, with(with(all, "session", false), "key", false)},
		// The row takes key and links with it, whatever the switch says.
		{"deletion", func(e *account.End) { e.OnDeletion = false }, func(w *world, o opened) error {
			return w.Delete(ctx, o.user.ID)
		}, none, with(none, "refresh", true)},
	} {
		t.Run(test.what, func(t *testing.T) {
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				w := newWorld(t, url, func(s *account.Service) { s.Backends = []string{account.ModelBackend} })
				bystander, ann := w.open("bob"), w.open("ann")
				same(t, "before", w.alive(ann), all)
				must(t, test.change(w, ann))
				same(t, "after", w.alive(ann), test.ended)
				same(t, "somebody else's", w.alive(bystander), all)

				w = newWorld(t, url, func(s *account.Service) { test.off(&s.End) })
				eve := w.open("eve")
				must(t, test.change(w, eve))
				same(t, "after, with the switch off", w.alive(eve), test.kept)
			})
		})
	}
}

// What a deactivation ends stays ended when it is taken back.
func TestDeactivatedTokensDoNotComeBack(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		ann := w.open("ann")
		must(t, w.SetActive(ctx, ann.user.ID, false))
		must(t, w.SetActive(ctx, ann.user.ID, true))
		_, err := w.UserOfKey(ctx, ann.key)
		wants(t, "key", err, account.ErrUserNotFound)
		_, err = w.Refresh(ctx, ann.refresh)
		wants(t, "refresh", err, listed)
		_, err = w.UserOfSession(ctx, ann.session)
		wants(t, "session", err, account.ErrNoSession)
	})
}

// djangoSession opens a session as Django does: Latchkey is not told.
func (w *world) djangoSession(user *store.User, key string) string {
	w.t.Helper()
	now := w.Now()
	session := tokens.Session{UserID: user.ID.String(), Backend: account.ModelBackend, Hash: w.SessionHash(user)}
	must(w.t, w.Store.SaveSession(ctx, store.SessionRow{Key: key, Data: w.Keys.EncodeSession(session, now), Expires: now.Add(w.SessionAge)}))
	return key
}

// Sessions that Django opened end too, whether they came here before or not, and those that are opened afterwards are good.
func TestSessionsOfDjangoEnd(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		ann, bob := w.register("ann", false), w.register("bob", false)
		seen, unseen, other := w.djangoSession(ann, "seen-session"), w.djangoSession(ann, "unseen-session"), w.djangoSession(bob, "bobs-session")
		for range 2 {
			user, err := w.UserOfSession(ctx, seen)
			must(t, err)
			same(t, "user", user.ID, ann.ID)
		}
		must(t, w.SetActive(ctx, ann.ID, false))
		_, err := w.UserOfSession(ctx, unseen)
		wants(t, "an inactive user's session", err, account.ErrUserNotFound)
		must(t, w.SetActive(ctx, ann.ID, true))
		same(t, "rows of the session that was known", w.count("SELECT count(*) FROM django_session WHERE session_key = $1", seen), 0)
		_, err = w.UserOfSession(ctx, unseen)
		wants(t, "a session that was unknown", err, account.ErrNoSession)
		same(t, "its rows", w.count("SELECT count(*) FROM django_session WHERE session_key = $1", unseen), 0)
		_, err = w.UserOfSession(ctx, other)
		wants(t, "somebody else's", err, nil)

		opened, err := w.OpenSession(ctx, "", account.Login{User: w.user(ann.ID), Backend: account.ModelBackend})
		must(t, err)
		_, err = w.UserOfSession(ctx, opened)
		wants(t, "a session opened here in the same second", err, nil)
		w.clock.advance(time.Second)
		_, err = w.UserOfSession(ctx, w.djangoSession(ann, "later-session"))
		wants(t, "a later one of Django's", err, nil)
	})
}

// Where it is asked for, access tokens end with the rest, and those that are handed out afterwards are good at once.
func TestAccessTokensEnd(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		classes := account.TokenClasses([]string{"rest_framework_simplejwt.tokens.AccessToken"})
		for what, change := range map[string]func(w *world, ann *store.User) error{
			"change of password": func(w *world, ann *store.User) error {
				return w.ChangePassword(ctx, account.PasswordChange{User: w.user(ann.ID), Password: password})
			},
			"deactivation taken back": func(w *world, ann *store.User) error {
				must(t, w.SetActive(ctx, ann.ID, false))
				return w.SetActive(ctx, ann.ID, true)
			},
			"signing out everywhere": func(w *world, ann *store.User) error { return w.EndDevices(ctx, ann) },
			"reuse of a refresh token": func(w *world, ann *store.User) error {
				_, pair := w.signIn(ann.Username)
				w.refresh(pair.Refresh)
				w.clock.advance(w.RefreshGrace + 1)
				_, err := w.Refresh(ctx, pair.Refresh)
				wants(t, "reuse", err, listed)
				return nil
			},
		} {
			for _, asked := range []bool{true, false} {
				w := newWorld(t, url, func(s *account.Service) { s.EndAccess = asked })
				name := strings.ReplaceAll(fmt.Sprint(what, asked), " ", "-")
				ann := w.register(name, false)
				_, before := w.signIn(name)
				must(t, change(w, ann))
				w.clock.advance(990 * time.Millisecond) // still in the same second, but not for long
				_, after := w.signIn(name)
				_, _, err := w.UserOfToken(ctx, before.Access, classes, false)
				var bad *account.BadToken
				if errors.As(err, &bad) != asked || (err == nil) == asked {
					t.Errorf("%s: the old token is answered %v", what, err)
				}
				wants(t, what+": verify of the old token", w.Verify(ctx, before.Access), map[bool]error{true: account.ErrBlacklisted}[asked])
				w.clock.advance(time.Second) // a new one is of the second after, which it was waited for
				_, _, err = w.UserOfToken(ctx, after.Access, classes, true)
				wants(t, what+": the new token", err, nil)
				wants(t, what+": verify of the new token", w.Verify(ctx, after.Access), nil)
				next, err := w.Refresh(ctx, after.Refresh)
				must(t, err)
				_, _, err = w.UserOfToken(ctx, next.Access, classes, false)
				wants(t, what+": one more", err, nil)
			}
		}
	})
}

// Whoever proved a password that is changed, or was switched off, before the tokens are handed out gets none:
// they would outlive the change that ends all tokens.
func TestSignInLosesAgainstAChange(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		for what, change := range map[string]func(id store.ID) error{
			"a new password": func(id store.ID) error { return w.SetPassword(ctx, id, anything) },
			"deactivation":   func(id store.ID) error { return w.SetActive(ctx, id, false) },
			"deletion":       func(id store.ID) error { return w.Delete(ctx, id) },
		} {
			w.register("ann", false)
			for name, issue := range map[string]func(*store.User) error{
				"pair":    func(u *store.User) error { return second(w.NewPair(ctx, u)) },
				"sliding": func(u *store.User) error { return second(w.NewSliding(ctx, u)) },
				"session": func(u *store.User) error {
					return second(w.OpenSession(ctx, "", account.Login{User: u, Backend: account.ModelBackend}))
				},
				"key": func(u *store.User) error { return second(w.Key(ctx, u)) },
			} {
				login, err := w.SignIn(ctx, "ann", password)
				must(t, err)
				must(t, change(login.User.ID))
				wants(t, name+" after "+what, issue(login.User), account.ErrBadCredentials)
				if what != "deletion" {
					must(t, w.SetPassword(ctx, login.User.ID, password))
					must(t, w.SetActive(ctx, login.User.ID, true))
				} else {
					w.register("ann", false)
				}
			}
			login, err := w.SignIn(ctx, "ann", password)
			must(t, err)
			must(t, w.Delete(ctx, login.User.ID))
		}
		same(t, "keys", w.count("SELECT count(*) FROM authtoken_token"), 0)
	})
}

// A sign-in that comes to hash an old password anew, and finds that another one did so before, is as good; one that finds another password is none.
func TestSignInThatIsOvertaken(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		ann := w.register("ann", false)
		old := passwords.DefaultConfig()
		old.Iterations = 2
		outdated, err := passwords.New(old)
		must(t, err)
		encoded, err := outdated.Make(ctx, password)
		must(t, err)
		must(t, w.Store.SetPassword(ctx, ann.ID, encoded))
		first, late := w.user(ann.ID), w.user(ann.ID)
		for _, user := range []*store.User{first, late} {
			if ok, err := w.CheckPassword(ctx, user, password); !ok || err != nil {
				t.Errorf("got %v, %v", ok, err)
			}
			same(t, "the user's hash", user.Password, w.user(ann.ID).Password)
		}
		if first.Password == encoded {
			t.Error("the old hash is still there")
		}
		must(t, w.Store.SetPassword(ctx, ann.ID, encoded))
		late = w.user(ann.ID)
		must(t, w.SetPassword(ctx, ann.ID, anything))
		if ok, err := w.CheckPassword(ctx, late, password); ok || err != nil {
			t.Errorf("a password that was changed meanwhile: %v, %v", ok, err)
		}
	})
}

// A refresh on the way hands out no successor that would outlive the change of password.
func TestRotationRacesWithAChangeOfPassword(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		other := newService(t, url, w.clock, nil)
		services := [2]*account.Service{w.Service, other}
		ann := w.register("ann", false)
		for _, django := range []bool{false, true, false, true, false, true} {
			_, pair := w.signIn("ann")
			if django { // such a token has no place in a family
				_, err := w.db.Exec("DELETE FROM latchkey_refresh")
				must(t, err)
			}
			next := make([]account.Pair, racers)
			for i, err := range race(services, func(s *account.Service, i int) (err error) {
				if i == racers/2 {
					return s.SetPassword(ctx, ann.ID, password)
				}
				next[i], err = s.Refresh(ctx, pair.Refresh)
				return err
			}) {
				if err != nil && !is(err, listed) {
					t.Errorf("call %d: %v", i, err)
				}
			}
			for _, p := range append(next, pair) {
				if p.Refresh != "" && !w.lists(p.Refresh) {
					t.Error("a refresh token outlived the change of password")
				}
			}
		}
	})
}

// The same where refresh tokens are rotated without being listed: nothing but the user's row makes the two wait for each other.
func TestRotationHoldsTheUser(t *testing.T) {
	url := testenv.Postgres(t)
	w := newWorld(t, url+"&application_name=held", func(s *account.Service) { s.JWT.BlacklistAfterRotation = false })
	ann := w.register("ann", false)
	_, pair := w.signIn("ann")
	admin := testenv.OpenDB(t, url)
	block, err := admin.Begin()
	must(t, err)
	defer func() { _ = block.Rollback() }() // after the commit it does nothing
	_, err = block.Exec("LOCK TABLE token_blacklist_outstandingtoken IN SHARE MODE")
	must(t, err)
	waiting := func() (n int) {
		must(t, admin.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'held' AND wait_event_type = 'Lock'").Scan(&n))
		return n
	}
	next, changed := make(chan account.Pair, 1), make(chan error, 1)
	go func() {
		pair, _ := w.Refresh(ctx, pair.Refresh) // to be refused is as good
		next <- pair
	}()
	for end := time.Now().Add(time.Minute); waiting() < 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the refresh does not write")
		}
	}
	go func() { changed <- w.SetPassword(ctx, ann.ID, anything) }()
	for end := time.Now().Add(time.Minute); waiting() < 2 && len(changed) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the change of password neither waits nor ends")
		}
	}
	must(t, block.Commit())
	must(t, <-changed)
	if pair := <-next; pair.Refresh != "" && !w.lists(pair.Refresh) {
		t.Error("a refresh token outlived the change of password")
	}
}
