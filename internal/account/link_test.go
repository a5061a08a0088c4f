package account_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/mail"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/tokens"
)

var purposes = []mail.Kind{mail.Activation, mail.PasswordReset, mail.UsernameReset}

// mailedFor registers somebody and has a link of a kind mailed.
func (w *world) mailedFor(kind mail.Kind, name string) (*store.User, account.Link) {
	w.t.Helper()
	user := w.register(name, kind == mail.Activation)
	if kind != mail.Activation {
		w.ask(kind, user.Email)
	}
	return user, w.link()
}

// ofDjango is a link that Django minted for a user: it is on no record of ours.
func (w *world) ofDjango(u *store.User) account.Link {
	subject := tokens.Subject{ID: u.ID.String(), Password: u.Password, Email: u.Email, LastLogin: u.LastLogin}
	return account.Link{UID: tokens.EncodeUID(u.ID.String()), Token: w.Resets.Make(subject, w.Now())}
}

func TestLinkServesItsPurposeOnce(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		for _, purpose := range purposes {
			_, link := w.mailedFor(purpose, "for_"+string(purpose))
			for _, other := range purposes {
				if other == purpose {
					continue
				}
				wants(t, string(purpose)+" used for "+string(other), w.use(link, other), account.ErrBadLink)
			}
			wants(t, string(purpose), w.use(link, purpose), nil)
			second := account.ErrBadLink
			if purpose == mail.Activation {
				second = account.ErrStale
			}
			wants(t, string(purpose)+" a second time", w.use(link, purpose), second)
		}
	})
}

// In the exact profile a token is a token, as in Django: an activation link resets the password, even after the activation.
func TestExactLinksAreInterchangeable(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, exact)
		_, link := w.mailedFor(mail.Activation, "ann")
		wants(t, "activation", w.use(link, mail.Activation), nil)
		wants(t, "activation a second time", w.use(link, mail.Activation), account.ErrStale)
		wants(t, "password reset with the activation link", w.use(link, mail.PasswordReset), nil)
		bob, link := w.mailedFor(mail.PasswordReset, "bob")
		must(t, w.Store.SetActive(ctx, bob.ID, false))
		wants(t, "activation with the password link", w.use(link, mail.Activation), nil)
		wants(t, "username reset with the password link", w.use(link, mail.UsernameReset), nil)
	})
}

// A link that Django mailed is checked as Django checks it; but it lets nobody in who was active before.
func TestLinksOfDjango(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		// Rows as Django leaves them, of which no table of ours knows.
		insert := func(name string, active bool, lastLogin time.Time) *store.User {
			t.Helper()
			user := &store.User{Username: name, Email: name + "@example.com", Password: "pbkdf2_sha256$1$salt$x", IsActive: active, DateJoined: noon, LastLogin: lastLogin}
			must(t, w.Store.InsertUser(ctx, user))
			return user
		}
		fresh := insert("fresh", false, time.Time{})
		link := w.ofDjango(fresh)
		wants(t, "activation of a new user", w.use(link, mail.Activation), nil)
		wants(t, "activation a second time", w.use(link, mail.Activation), account.ErrStale)
		must(t, w.Store.SetActive(ctx, fresh.ID, false)) // in Django's admin
		wants(t, "activation after an administrator switched the user off", w.use(link, mail.Activation), account.ErrBadLink)

		off := insert("off", false, noon.Add(-time.Hour))
		wants(t, "activation of a user who signed in before", w.use(w.ofDjango(off), mail.Activation), account.ErrBadLink)

		ann := insert("ann", true, time.Time{})
		link = w.ofDjango(ann)
		wants(t, "password reset", w.use(link, mail.PasswordReset), nil)
		wants(t, "password reset a second time", w.use(link, mail.PasswordReset), account.ErrBadLink)
		link = w.ofDjango(w.user(ann.ID))
		w.clock.advance(time.Second) // the token counts whole seconds of last_login
		wants(t, "username reset", w.use(link, mail.UsernameReset), nil)
		wants(t, "username reset a second time", w.use(link, mail.UsernameReset), account.ErrBadLink)
	})
}

func TestExpiredAndForgedLinks(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		_, link := w.mailedFor(mail.PasswordReset, "ann")
		bob := w.register("bob", false)
		forged := link
		forged.UID = tokens.EncodeUID(bob.ID.String())
		wants(t, "another user's uid", w.use(forged, mail.PasswordReset), account.ErrBadLink)
		for _, uid := range []string{"", "!", tokens.EncodeUID("4711"), tokens.EncodeUID("-1"), tokens.EncodeUID("99999999999999999999"), tokens.EncodeUID("1\x00")} {
			forged.UID = uid
			wants(t, "uid "+uid, w.use(forged, mail.PasswordReset), account.ErrBadUID)
		}
		w.clock.advance(w.Resets.Timeout)
		wants(t, "on its last second", second(w.UserOfLink(ctx, link)), nil)
		w.clock.advance(time.Second)
		wants(t, "a second too late", w.use(link, mail.PasswordReset), account.ErrBadLink)
	})
}

// A link in the mailbox of an address that was given up is worth nothing.
func TestLinkEndsWithItsAddress(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		for _, kind := range []mail.Kind{mail.PasswordReset, mail.UsernameReset} {
			user, link := w.mailedFor(kind, "user_"+string(kind))
			_, err := w.Update(ctx, account.Update{ID: user.ID, Values: []account.Value{{Field: "email", Value: "new@example.com"}}})
			must(t, err)
			wants(t, string(kind), w.use(link, kind), account.ErrBadLink)
			// And stays so when the address comes back.
			_, err = w.Update(ctx, account.Update{ID: user.ID, Values: []account.Value{{Field: "email", Value: user.Email}}})
			must(t, err)
			wants(t, string(kind)+" after the old address came back", w.use(link, kind), account.ErrBadLink)
			w.queue() // the notes
		}
	})
}

// resend asks for an activation mail and tells whether one is owed.
func (w *world) resend(email string) bool {
	w.t.Helper()
	w.ask(mail.Activation, email)
	return len(w.queue()) > 0
}

func TestResendActivation(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		waiting := w.register("waiting", true)
		w.queue()
		if !w.resend(waiting.Email) {
			t.Error("who waits for activation gets no mail")
		}

		// Each of them was active once, and was then switched off: by Latchkey's own command, or by Django's admin behind its back.
		activated, link := w.mailedFor(mail.Activation, "activated")
		wants(t, "activation", w.use(link, mail.Activation), nil)
		born := w.register("born", false)
		seen := w.register("seen", false)
		must(t, w.StampLogin(ctx, seen))
		encoded := w.user(born.ID).Password
		ofDjango := &store.User{Username: "django", Email: "django@example.com", Password: encoded, IsActive: true, DateJoined: noon}
		must(t, w.Store.InsertUser(ctx, ofDjango))
		w.signIn("django") // which leaves last_login alone
		for _, off := range []struct {
			what string
			user *store.User
			off  func(store.ID) error
		}{
			{"activated by a link, switched off here", activated, func(id store.ID) error { return w.SetActive(ctx, id, false) }},
			{"active from the start, switched off in Django", born, func(id store.ID) error { return w.Store.SetActive(ctx, id, false) }},
			{"made by Django, signed in here, switched off in Django", ofDjango, func(id store.ID) error { return w.Store.SetActive(ctx, id, false) }},
			{"signed in before, switched off in Django", seen, func(id store.ID) error { return w.Store.SetActive(ctx, id, false) }},
			{"waiting, switched off here", waiting, func(id store.ID) error { return w.SetActive(ctx, id, false) }},
		} {
			must(t, off.off(off.user.ID))
			if w.resend(off.user.Email) {
				t.Errorf("%s: a mail would let the user in", off.what)
			}
			wants(t, off.what, w.use(w.ofDjango(w.user(off.user.ID)), mail.Activation), account.ErrBadLink)
		}

		// A change of address locks the account until the new one is proven.
		moved := w.register("moved", false)
		_, err := w.Update(ctx, account.Update{
			ID: moved.ID, Values: []account.Value{{Field: "email", Value: "elsewhere@example.com"}}, Activation: letter(mail.Activation),
			Note: account.Letter{Protocol: "https"},
		})
		must(t, err)
		if w.user(moved.ID).IsActive {
			t.Error("the account is open before its new address is proven")
		}
		w.queue() // the activation, and the note to the old address
		w.ask(mail.Activation, "elsewhere@example.com")
		wants(t, "activation of a new address", w.use(w.link(), mail.Activation), nil)
	})
}

func TestExactResendLetsTheSwitchedOffIn(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, exact)
		ann := w.register("ann", false)
		must(t, w.StampLogin(ctx, ann))
		must(t, w.SetActive(ctx, ann.ID, false))
		w.ask(mail.Activation, ann.Email)
		wants(t, "activation", w.use(w.link(), mail.Activation), nil)
	})
}

// Whether an address is known shows in no row but the recipient's: the same work is done, and the same is queued.
func TestMailLinkForNobodyCostsTheSame(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		w.register("ann", false)
		w.register("bob", true)
		w.queue()
		for _, kind := range purposes {
			var rows [2][]int
			for i, email := range []string{map[bool]string{false: "ann@example.com", true: "bob@example.com"}[kind == mail.Activation], "nobody@example.com"} {
				before := []int{w.count("SELECT count(*) FROM latchkey_mail"), w.count("SELECT count(*) FROM latchkey_link")}
				w.clock.advance(time.Second) // two links of one second are one
				found, err := w.MailLink(ctx, account.Asking{Email: email, Inactive: kind == mail.Activation, Letter: letter(kind)})
				if err != nil || found != (i == 0) {
					t.Fatalf("%s for %s: %v, %v", kind, email, found, err)
				}
				rows[i] = []int{w.count("SELECT count(*) FROM latchkey_mail") - before[0], w.count("SELECT count(*) FROM latchkey_link") - before[1]}
			}
			same(t, string(kind)+" rows", rows[1], rows[0])
			same(t, string(kind)+" mails to somebody", len(w.queue()), 1)
		}
	})
}

// The password of a reset is judged against the user of the link, not against whoever sends it.
func TestResetJudgesThePasswordOfTheLinksUser(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		own := "annabelle-smith9"
		for _, profile := range []struct {
			name   string
			change func(*account.Service)
			weak   bool
		}{{"safe", nil, true}, {"exact", exact, false}} {
			w := newWorld(t, url, profile.change)
			_, link := w.mailedFor(mail.PasswordReset, profile.name+"annabelle-smith")
			err := w.ResetPassword(ctx, account.PasswordReset{Link: link, Password: own})
			var weak *account.WeakPassword
			if errors.As(err, &weak) != profile.weak || !profile.weak && err != nil {
				t.Errorf("%s: got %v", profile.name, err)
			}
		}
	})
}

// second drops the first of two results.
func second[T any](_ T, err error) error { return err }
