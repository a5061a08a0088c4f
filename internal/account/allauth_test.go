package account_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/mail"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/throttle"
	"latchkey/internal/tokens"
)

// allauth gives a service allauth's defaults, and its backend behind Django's.
func allauth(s *account.Service) {
	s.Allauth = account.DefaultConfig()
	s.Backends = []string{account.ModelBackend, account.AllauthBackend}
}

// both applies several changes.
func both(changes ...func(*account.Service)) func(*account.Service) {
	return func(s *account.Service) {
		for _, change := range changes {
			change(s)
		}
	}
}

var confirmation = account.Letter{Kind: mail.EmailConfirmation, Path: "confirm/{key}", Protocol: "https", SubjectPrefix: "[{site_name}] "}

// signUp makes an account by allauth's rules.
func (w *world) signUp(name, email string) (*store.User, error) {
	return w.SignUp(ctx, account.SignUp{Username: name, Email: email, Password: password, Letter: confirmation})
}

var mailedKey = regexp.MustCompile(`https://example\.com/confirm/(\S+)`)

// keys are those of the mails that are owed, by address.
func (w *world) keys() map[string]string {
	w.t.Helper()
	keys := map[string]string{}
	for _, m := range w.queue() {
		found := mailedKey.FindStringSubmatch(m.Text)
		if found == nil || m.HTML != "" || !strings.HasPrefix(m.Subject, "[Example] ") {
			w.t.Fatalf("no confirmation: %+v", m)
		}
		keys[m.Recipient] = found[1]
	}
	return keys
}

// addresses are all rows, one a line.
func (w *world) addresses() string {
	w.t.Helper()
	rows, err := w.db.Query(`SELECT user_id, email, verified, "primary" FROM account_emailaddress ORDER BY id`)
	must(w.t, err)
	defer rows.Close()
	var list []string
	for rows.Next() {
		var id int
		var email string
		var verified, primary bool
		must(w.t, rows.Scan(&id, &email, &verified, &primary))
		list = append(list, fmt.Sprint(id, " ", email, " ", verified, " ", primary))
	}
	must(w.t, rows.Err())
	return strings.Join(list, "\n")
}

func TestSignUp(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, allauth)
		ann, err := w.signUp("Ann", "Ann@Example.com")
		must(t, err)
		same(t, "the user", fmt.Sprint(ann.Username, " ", ann.Email, " ", ann.IsActive), "Ann ann@example.com true")
		for _, name := range []string{"ann", "ANN", "Ann"} {
			_, err := w.signUp(name, "")
			wants(t, name, err, account.ErrTaken)
		}
		_, err = w.signUp("bob", "ann@example.com") // an unverified address may be taken again, and is nobody's first
		must(t, err)
		same(t, "rows", w.addresses(), "1 ann@example.com false true\n2 ann@example.com false false")
		same(t, "mails", len(w.keys()), 1)

		carol, err := w.signUp("", "Carol.Jones+x@example.com")
		must(t, err)
		same(t, "the name made of the address", carol.Username, "carol.jones+x")
		again, err := w.signUp("", "carol.jones+X@other.example")
		must(t, err)
		if !regexp.MustCompile(`^carol\.jones\+x[0-9a-z]+$`).MatchString(again.Username) {
			t.Errorf("the second such name is %q", again.Username)
		}
		odd, err := w.signUp("", "¡¡@example.com")
		must(t, err)
		same(t, "a name of nothing", odd.Username, "user")
	})
}

func TestSignUpSettings(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, both(allauth, func(s *account.Service) {
			s.Allauth.PreserveUsernameCasing = false
			s.Allauth.EmailVerification = account.NoVerification
			s.Allauth.UsernameBlacklist = []string{"Dora"}
		}))
		user, err := w.signUp("MixedCase", "a@example.com")
		must(t, err)
		same(t, "the name", user.Username, "mixedcase")
		_, err = w.signUp("other", "a@example.com") // no mail is due, and so no row
		must(t, err)
		same(t, "rows", w.addresses(), "1 a@example.com false true")
		same(t, "mails", len(w.queue()), 0)
		dora, err := w.signUp("", "dora@example.com")
		must(t, err)
		same(t, "a name that is listed", dora.Username, "user")
		for name, want := range map[string]account.NameRefused{"DORA": account.NameListed, "MIXEDCASE": account.NameTaken, "free": account.NameFree, "ｍixedcase": account.NameTaken} {
			got, err := w.JudgeName(ctx, name, store.ID{})
			must(t, err)
			same(t, name, got, want)
		}
		got, err := w.JudgeName(ctx, "Mixedcase", user.ID)
		must(t, err)
		same(t, "one's own name", got, account.NameFree)
	})
}

func TestConfirmationCooldown(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, allauth)
		w.Counts = throttle.NewMemory(w.clock.Now)
		for _, name := range []string{"a", "b"} {
			_, err := w.signUp(name, "same@example.com")
			must(t, err)
		}
		same(t, "mails at once", len(w.queue()), 1)
		must(t, w.ResendConfirmation(ctx, "SAME@example.com", confirmation))
		same(t, "mails asked for again", len(w.queue()), 0)
		w.clock.advance(3*time.Minute + time.Second)
		must(t, w.ResendConfirmation(ctx, "SAME@example.com", confirmation))
		same(t, "mails later", len(w.queue()), 1)
	})
}

func TestConfirmEmail(t *testing.T) {
	for _, hmac := range []bool{true, false} {
		testenv.EachDatabase(t, func(t *testing.T, url string) {
			w := newWorld(t, url, both(allauth, func(s *account.Service) { s.Allauth.EmailConfirmationHMAC = hmac }))
			_, err := w.signUp("ann", "ann@example.com")
			must(t, err)
			key := w.keys()["ann@example.com"]
			for _, bad := range []string{"", "x", key + "x", "x" + key, key[1:]} {
				wants(t, bad, w.ConfirmEmail(ctx, bad), account.ErrBadKey)
			}
			w.clock.advance(72 * time.Hour)
			if hmac {
				w.clock.advance(-time.Second)
				must(t, w.ConfirmEmail(ctx, key))
			} else {
				wants(t, "a stored key of three days", w.ConfirmEmail(ctx, key), account.ErrBadKey)
				w.clock.advance(-time.Second)
				must(t, w.ConfirmEmail(ctx, strings.ToUpper(key)))
			}
			wants(t, "again", w.ConfirmEmail(ctx, key), account.ErrBadKey)
			same(t, "rows", w.addresses(), "1 ann@example.com true true")

			_, err = w.signUp("bob", "bob@example.com")
			must(t, err)
			key = w.keys()["bob@example.com"]
			w.clock.advance(72*time.Hour + time.Second)
			wants(t, "an old key", w.ConfirmEmail(ctx, key), account.ErrBadKey)
		})
	}
}

func TestConfirmedByAnother(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		for _, unique := range []bool{true, false} { // where the index forbids it, the setting changes nothing
			w := newWorld(t, url, both(allauth, func(s *account.Service) { s.Allauth.UniqueEmail = unique }))
			email := fmt.Sprintf("shared-%v@example.com", unique)
			var keys []string
			for i := range 2 {
				_, err := w.signUp(fmt.Sprint("user", unique, i), email)
				must(t, err)
				keys = append(keys, w.keys()[email])
			}
			must(t, w.ConfirmEmail(ctx, keys[1]))
			must(t, w.ConfirmEmail(ctx, keys[0])) // says nothing
			same(t, "verified", w.count("SELECT count(*) FROM account_emailaddress WHERE verified AND email = $1", email), 1)
		}
	})
}

func TestChangeEmail(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, both(allauth, func(s *account.Service) { s.Allauth.ChangeEmail = true }))
		ann, err := w.signUp("ann", "ann@example.com")
		must(t, err)
		w.queue()
		_, err = w.Store.InsertEmailAddress(ctx, &store.EmailAddress{UserID: ann.ID, Email: "new@example.com"})
		must(t, err)
		pair, err := w.NewPair(ctx, w.user(ann.ID))
		must(t, err)
		must(t, w.ResendConfirmation(ctx, "new@example.com", confirmation))
		must(t, w.ConfirmEmail(ctx, w.keys()["new@example.com"]))
		_, err = w.Refresh(ctx, pair.Refresh)
		wants(t, "a refresh token from before", err, listed)
		same(t, "rows", w.addresses(), "1 new@example.com true true")
		same(t, "the account's own", w.user(ann.ID).Email, "new@example.com")
	})
}

// TestConfirmationRaces lets many confirm at once: one key by all, and one address by two users.
func TestConfirmationRaces(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, allauth)
		services := [2]*account.Service{w.Service, newService(t, url, w.clock, allauth)}
		var keys []string
		for i := range 2 {
			_, err := w.signUp(fmt.Sprint("user", i), "shared@example.com")
			must(t, err)
			keys = append(keys, w.keys()["shared@example.com"])
		}
		results := race(services, func(s *account.Service, i int) error { return s.ConfirmEmail(ctx, keys[i%2]) })
		for _, err := range results {
			if err != nil && !errors.Is(err, account.ErrBadKey) {
				t.Errorf("a racer got %v", err)
			}
		}
		same(t, "verified", w.count("SELECT count(*) FROM account_emailaddress WHERE verified"), 1)

		_, err := w.signUp("ann", "ann@example.com")
		must(t, err)
		key := w.keys()["ann@example.com"]
		oneWins(t, race(services, func(s *account.Service, _ int) error { return s.ConfirmEmail(ctx, key) }), account.ErrBadKey)
	})
}

// TestSignUpRaces lets many take one name in different capitals, and then many take one address.
func TestSignUpRaces(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, allauth)
		services := [2]*account.Service{w.Service, newService(t, url, w.clock, allauth)}
		up := func(s *account.Service, name, email string) error {
			_, err := s.SignUp(ctx, account.SignUp{Username: name, Email: email, Password: password, Letter: confirmation})
			return err
		}
		oneWins(t, race(services, func(s *account.Service, i int) error {
			name := []byte("annofmanycapitals")
			for bit := range 5 {
				if i>>bit&1 == 1 {
					name[bit+7] -= 'a' - 'A'
				}
			}
			return up(s, string(name), "")
		}), account.ErrTaken)
		for _, err := range race(services, func(s *account.Service, i int) error { return up(s, fmt.Sprint("user", i), "one@example.com") }) {
			must(t, err)
		}
		same(t, "rows", w.count("SELECT count(*) FROM account_emailaddress WHERE email = 'one@example.com'"), racers)
		same(t, "verified", w.count("SELECT count(*) FROM account_emailaddress WHERE verified"), 0)
	})
}

func resetAsking(email string) account.ResetAsking {
	return account.ResetAsking{Email: email, Letter: account.Letter{Kind: mail.PasswordResetKey, Path: "password_reset_key/{uid}/{token}", Protocol: "https"}}
}

// allauthLink is the link of the one mail that is owed, in allauth's form.
func (w *world) allauthLink() account.Link {
	w.t.Helper()
	link := w.link()
	link.Allauth = true
	return link
}

func TestMailReset(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, allauth)
		ann, err := w.signUp("ann", "ann@example.com")
		must(t, err)
		mallory, err := w.signUp("mallory", "mallory@example.com")
		must(t, err)
		w.queue()
		_, err = w.db.Exec("UPDATE auth_user SET email = 'Ann@Example.com' WHERE username = 'ann'") // as an administrator may
		must(t, err)
		for _, nobody := range []string{"nobody@example.com", "ann@example.co"} {
			must(t, w.MailReset(ctx, resetAsking(nobody)))
			same(t, "decoys", w.count("SELECT count(*) FROM latchkey_mail WHERE recipient = ''"), 1)
			same(t, "mails to "+nobody, len(w.queue()), 0)
		}
		must(t, w.MailReset(ctx, resetAsking("ANN@example.com")))
		link := w.allauthLink()
		same(t, "uid", link.UID, "1")
		reset := func(link account.Link) error {
			return w.ResetPassword(ctx, account.PasswordReset{Link: link, Password: anything, KeepLastLogin: true})
		}
		for _, bad := range []account.Link{{UID: "2", Token: link.Token}, {UID: "1", Token: "x"}, {UID: link.UID, Token: link.Token + "x"}} {
			bad.Purpose, bad.Allauth = link.Purpose, true
			wants(t, bad.Token, reset(bad), account.ErrBadLink)
		}
		wants(t, "no uid", reset(account.Link{UID: "zz", Token: link.Token, Purpose: link.Purpose, Allauth: true}), account.ErrBadUID)
		django := link
		django.Allauth, django.UID = false, tokens.EncodeUID("1")
		wants(t, "in Django's form", reset(django), account.ErrBadLink)

		_, pair := w.signIn("ann")
		must(t, reset(link))
		wants(t, "twice", reset(link), account.ErrBadLink)
		if !w.user(ann.ID).LastLogin.IsZero() {
			t.Error("last_login was written")
		}
		_, err = w.Refresh(ctx, pair.Refresh)
		wants(t, "a token from before", err, listed)
		if !strings.Contains(w.addresses(), fmt.Sprint(ann.ID, " ann@example.com true true")) {
			t.Errorf("the reset proved nothing:\n%s", w.addresses())
		}

		// Through a row that is not the account's own address the reset works, and proves nothing.
		_, err = w.Store.InsertEmailAddress(ctx, &store.EmailAddress{UserID: mallory.ID, Email: "other@example.com"})
		must(t, err)
		must(t, w.MailReset(ctx, resetAsking("other@example.com")))
		must(t, reset(w.allauthLink()))
		if strings.Contains(w.addresses(), fmt.Sprint(mallory.ID, " mallory@example.com true")) {
			t.Errorf("an address was proven by another:\n%s", w.addresses())
		}

		// A link dies with an address more, with the account switched off, and with time.
		for _, kill := range []func(){
			func() {
				_, err := w.Store.InsertEmailAddress(ctx, &store.EmailAddress{UserID: mallory.ID, Email: "third@example.com"})
				must(t, err)
			},
			func() { w.clock.advance(72*time.Hour + time.Second) },
			func() { must(t, w.SetActive(ctx, mallory.ID, false)) },
		} {
			must(t, w.MailReset(ctx, resetAsking("mallory@example.com")))
			link := w.allauthLink()
			kill()
			wants(t, "a dead link", reset(link), account.ErrBadLink)
		}
		must(t, w.MailReset(ctx, resetAsking("mallory@example.com")))
		same(t, "mails to an inactive user", len(w.queue()), 0)
	})
}

func TestResetRaces(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, allauth)
		services := [2]*account.Service{w.Service, newService(t, url, w.clock, allauth)}
		_, err := w.signUp("ann", "ann@example.com")
		must(t, err)
		w.queue()
		must(t, w.MailReset(ctx, resetAsking("ann@example.com")))
		link := w.allauthLink()
		oneWins(t, race(services, func(s *account.Service, i int) error {
			return s.ResetPassword(ctx, account.PasswordReset{Link: link, Password: anything + fmt.Sprint(i), KeepLastLogin: true})
		}), account.ErrBadLink)
	})
}

func TestSignInByAllauth(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		by := func(methods ...string) func(*account.Service) {
			return both(allauth, func(s *account.Service) { s.Allauth.LoginMethods = methods })
		}
		w := newWorld(t, url, by("username", "email"))
		for _, who := range [][2]string{{"Ann", "Ann@Example.com"}, {"bob", "shared@example.com"}, {"carol", "shared@example.com"}} {
			_, err := w.SignUp(ctx, account.SignUp{Username: who[0], Email: who[1], Password: password + who[0], Letter: confirmation})
			must(t, err)
		}
		_, err := w.db.Exec("INSERT INTO account_emailaddress (user_id, email, verified, \"primary\") VALUES (1, 'second@example.com', false, false)")
		must(t, err)
		only := newService(t, url, w.clock, by("email"))
		names := newService(t, url, w.clock, by("username"))
		loose := newService(t, url, w.clock, both(by("username", "email"), exact))
		try := func(s *account.Service, c account.Credentials, want string) {
			t.Helper()
			login, err := s.SignInWith(ctx, c)
			got := ""
			if err == nil {
				got = login.User.Username
			} else {
				wants(t, fmt.Sprint(c), err, account.ErrBadCredentials)
			}
			same(t, fmt.Sprintf("%+v", c), got, want)
		}
		ann := password + "Ann"
		try(w.Service, account.Credentials{Username: "ANN", Password: ann}, "Ann")
		try(w.Service, account.Credentials{Username: "ann@EXAMPLE.com", Password: ann}, "Ann")
		try(w.Service, account.Credentials{Email: "ann@EXAMPLE.com", Password: ann}, "Ann")
		try(w.Service, account.Credentials{Email: "second@example.com", Password: ann}, "") // nobody proved it
		try(loose, account.Credentials{Email: "second@example.com", Password: ann}, "Ann")
		try(w.Service, account.Credentials{Email: "Ann", Password: ann}, "")
		try(w.Service, account.Credentials{Password: ann}, "")
		try(names, account.Credentials{Email: "ann@example.com", Password: ann}, "")
		try(names, account.Credentials{Username: "ann@example.com", Password: ann}, "")
		try(only, account.Credentials{Username: "ANN", Password: ann}, "")
		try(only, account.Credentials{Username: "ann@example.com", Password: ann}, "Ann")

		try(w.Service, account.Credentials{Email: "shared@example.com", Password: password + "bob"}, "bob")
		try(w.Service, account.Credentials{Email: "shared@example.com", Password: password + "carol"}, "carol")
		_, err = w.db.Exec("UPDATE account_emailaddress SET verified = true WHERE user_id = 3")
		must(t, err)
		try(w.Service, account.Credentials{Email: "shared@example.com", Password: password + "bob"}, "")
		try(w.Service, account.Credentials{Email: "Shared@example.com", Password: password + "carol"}, "carol")

		try(w.Service, account.Credentials{Username: "bob", Password: password + "bob", Untrimmed: " " + password + "bob"}, "bob")
		must(t, w.SetPassword(ctx, store.IntID(2), " spaced "))
		try(w.Service, account.Credentials{Username: "bob", Password: "spaced", Untrimmed: " spaced "}, "bob")
		try(w.Service, account.Credentials{Username: "bob", Password: "spaced"}, "")
		must(t, w.SetActive(ctx, store.IntID(1), false))
		try(w.Service, account.Credentials{Username: "Ann", Password: ann}, "")
		try(w.Service, account.Credentials{Email: "ann@example.com", Password: ann}, "")
	})
}

// TestProvenAddresses goes from each API's proof to the other's question.
func TestProvenAddresses(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, allauth)
		verified := func(user *store.User, want bool) {
			t.Helper()
			got, err := w.Verified(ctx, w.user(user.ID))
			must(t, err)
			same(t, "verified: "+user.Username, got, want)
		}
		// djoser's activation verifies.
		ann := w.register("ann", true)
		verified(ann, false)
		must(t, w.use(w.link(), mail.Activation))
		verified(ann, true)
		// Its reset does.
		bob := w.register("bob", false)
		w.ask(mail.PasswordReset, "bob@example.com")
		must(t, w.use(w.link(), mail.PasswordReset))
		verified(bob, true)
		// A confirmation activates who waits for it, and nobody else.
		carol := w.register("carol", true)
		w.queue()
		must(t, w.ResendConfirmation(ctx, "carol@example.com", confirmation))
		must(t, w.ConfirmEmail(ctx, w.keys()["carol@example.com"]))
		same(t, "carol may log in", w.user(carol.ID).IsActive, true)
		dan, err := w.signUp("dan", "dan@example.com")
		must(t, err)
		key := w.keys()["dan@example.com"]
		must(t, w.SetActive(ctx, dan.ID, false))
		must(t, w.ConfirmEmail(ctx, key))
		same(t, "dan may log in", w.user(dan.ID).IsActive, false)
		// A new address is unproven, and can be proven.
		_, err = w.Update(ctx, account.Update{ID: ann.ID, Values: []account.Value{{Field: "email", Value: "Ann2@example.com"}}})
		must(t, err)
		verified(ann, false)
		w.queue()
		must(t, w.ResendConfirmation(ctx, "ann2@example.com", confirmation))
		must(t, w.ConfirmEmail(ctx, w.keys()["ann2@example.com"]))
		verified(ann, true)
		// What another has verified stays theirs.
		eve := w.register("eve", false)
		_, err = w.Update(ctx, account.Update{ID: eve.ID, Values: []account.Value{{Field: "email", Value: "bob@example.com"}}})
		must(t, err)
		w.queue()
		w.ask(mail.PasswordReset, "bob@example.com")
		for _, m := range w.queue() {
			found := mailed.FindStringSubmatch(m.Text)
			must(t, w.use(account.Link{UID: found[2], Token: found[3]}, mail.PasswordReset))
		}
		verified(bob, true)
		verified(eve, false)
	})
}

// TestExactKeepsApart wants no row but those that allauth itself would write.
func TestExactKeepsApart(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, both(allauth, exact))
		w.register("ann", true)
		must(t, w.use(w.link(), mail.Activation))
		same(t, "rows", w.addresses(), "")
		must(t, w.MailReset(ctx, resetAsking("ann@example.com")))
		must(t, w.ResetPassword(ctx, account.PasswordReset{Link: w.allauthLink(), Password: anything}))
		same(t, "rows", w.addresses(), "1 ann@example.com false false")
		must(t, w.ResendConfirmation(ctx, "", confirmation)) // the first row of all
		must(t, w.ConfirmEmail(ctx, w.keys()["ann@example.com"]))
		same(t, "rows", w.addresses(), "1 ann@example.com true true")
	})
}

func TestCooldownSettings(t *testing.T) {
	for _, test := range []struct {
		limits any
		want   string
	}{
		{nil, "[{1 3m0s}]"}, {false, "[]"}, {map[string]any{"login": "1/m/ip"}, "[{1 3m0s}]"}, {map[string]any{"confirm_email": nil}, "[]"}, {map[string]any{"confirm_email": ""}, "[]"},
		{map[string]any{"confirm_email": "1/3m/key"}, "[{1 3m0s}]"}, {map[string]any{"confirm_email": "2/h/key, 5/1.5d/key"}, "[{2 1h0m0s} {5 36h0m0s}]"},
		{true, "error"}, {"1/m/key", "error"}, {map[string]any{"confirm_email": "1/3m"}, "error"}, {map[string]any{"confirm_email": "1/3w/key"}, "error"},
		{map[string]any{"confirm_email": "x/m/key"}, "error"}, {map[string]any{"confirm_email": "1//key"}, "error"}, {map[string]any{"confirm_email": int64(3)}, "error"},
	} {
		config := account.DefaultConfig()
		config.RateLimits = test.limits
		rates, err := config.Cooldown()
		got := fmt.Sprint(rates)
		if err != nil {
			got = "error"
		}
		same(t, fmt.Sprint(test.limits), got, test.want)
	}
}
