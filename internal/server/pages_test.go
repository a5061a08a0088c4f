package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/testenv"
)

// A visitor goes through the pages as a browser does, but follows no redirect by itself.
type visitor struct {
	s    *site
	web  *http.Client
	host string
}

// withPages serves the pages of accounts too, at the host that mails lead to, and mails to smtp.
func withPages(t *testing.T, url string, smtp *testenv.SMTP, given map[string]string) *site {
	t.Helper()
	return start(t, url, with(map[string]string{
		"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": fmt.Sprint(smtp.Port()),
		"DJOSER.SEND_ACTIVATION_EMAIL": "true", "pages.enabled": "true",
		"mounts": "[{path: /auth, dialect: djoser}, {path: /api/auth, dialect: dj-rest-auth}, {path: /api/token, dialect: simplejwt}]",
	}, given))
}

func (s *site) visitor() *visitor {
	jar, _ := cookiejar.New(nil) // never fails
	return &visitor{s, &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, "example.com"}
}

func (v *visitor) do(method, path string, form url.Values, header ...string) reply {
	v.s.t.Helper()
	r, err := http.NewRequest(method, v.s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.s.t.Fatal(err)
	}
	r.Host = v.host
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := v.web.Do(r)
	if err != nil {
		v.s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.s.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(text)}
}

func (v *visitor) get(path string) reply {
	v.s.t.Helper()
	return v.do("GET", path, nil)
}

var formToken = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([A-Za-z0-9]{64})"`)

// form loads a page for its token, and sends its form.
func (v *visitor) form(path string, values ...string) reply {
	v.s.t.Helper()
	page := v.get(path)
	token := formToken.FindStringSubmatch(page.body)
	if token == nil {
		return page // which asks nothing
	}
	form := url.Values{"csrfmiddlewaretoken": {token[1]}}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	return v.do("POST", path, form, "Origin", "http://"+v.host)
}

// leads checks where a form led.
func (v *visitor) leads(a reply, to string) {
	v.s.t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != to {
		v.s.t.Fatalf("got %d to %q, want %q\n%s", a.status, a.header.Get("Location"), to, a.body)
	}
}

// heading is the title that a page shows.
func (a reply) heading() string {
	_, rest, _ := strings.Cut(a.body, "<h1>")
	heading, _, _ := strings.Cut(rest, "</h1>")
	return heading
}

var anyLink = regexp.MustCompile(`http://example\.com(/\S+)`)

// mailed is the path of the next mail's link.
func mailed(t *testing.T, smtp *testenv.SMTP) string {
	t.Helper()
	found := anyLink.FindStringSubmatch(smtp.Take(1, time.Minute)[0].Text)
	if found == nil {
		t.Fatal("there is no link in the mail")
	}
	return found[1]
}

// A mailed link is opened by scanners, twice by people, and by several at once: opening it changes nothing, and its button works once.
func TestMailedLinks(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, address string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		s := withPages(t, address, smtp, unlimited)
		rows := func() string {
			return fmt.Sprint(
				s.count("SELECT count(*) FROM auth_user WHERE is_active"), s.count("SELECT count(*) FROM latchkey_link WHERE used_at IS NOT NULL"),
				s.count("SELECT count(*) FROM account_emailaddress"), s.count("SELECT count(*) FROM account_emailaddress WHERE verified"))
		}
		passwordOf := func() (encoded string) {
			if err := s.db.QueryRow("SELECT password FROM auth_user WHERE username = 'ann'").Scan(&encoded); err != nil {
				t.Fatal(err)
			}
			return encoded
		}
		opens := func(link, heading string) {
			t.Helper()
			before := rows() + passwordOf()
			for _, method := range []string{"GET", "HEAD", "GET"} {
				a := s.visitor().do(method, link, nil)
				if a.status != 200 || method == "GET" && a.heading() != heading || method == "HEAD" && a.body != "" {
					t.Errorf("%s: got %d %q, want %q", method, a.status, a.heading(), heading)
				}
			}
			if after := rows() + passwordOf(); after != before {
				t.Errorf("opening %s made %s of %s", link, after, before)
			}
		}
		// sends sends a link's form from many browsers at once, of which one gets through.
		sends := func(link, done string, values ...string) {
			t.Helper()
			var wg sync.WaitGroup
			var mu sync.Mutex
			through := 0
			for range 8 {
				wg.Go(func() {
					a := s.visitor().form(link, values...)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case a.status == http.StatusSeeOther && a.header.Get("Location") == done:
						through++
					case a.status != http.StatusNotFound && a.status != http.StatusBadRequest: // the name is taken already, by the one who got through
						t.Errorf("got %d %s", a.status, a.body)
					}
				})
			}
			wg.Wait()
			if through != 1 {
				t.Errorf("%d of 8 got through with %s", through, link)
			}
			if a := s.visitor().get(link); a.status != 404 {
				t.Errorf("afterwards: %d %s", a.status, a.heading())
			}
		}
		s.register("ann")
		link := mailed(t, smtp)
		opens(link, "Activate your account")
		sends(link, "/account/done/activated")
		if s.count("SELECT count(*) FROM auth_user WHERE is_active") != 1 {
			t.Error("the account is not active")
		}

		s.wants(204, "POST", "/auth/users/reset_password/", "", fields{"email": "ann@example.com"})
		link = mailed(t, smtp)
		opens(link, "Choose a new password")
		before := passwordOf()
		if a := s.visitor().form(link, "new_password", "123"); a.status != 400 || !strings.Contains(a.body, "This password is too short.") || passwordOf() != before {
			t.Errorf("a weak password: %d %s", a.status, a.body)
		}
		sends(link, "/account/done/password", "new_password", "fresh-horse-8")
		if passwordOf() == before {
			t.Error("the password is the old one")
		}

		// allauth's form of the link, at the same path
		s.wants(200, "POST", "/api/auth/password/reset/", "", fields{"email": "ann@example.com"})
		link = mailed(t, smtp)
		opens(link, "Choose a new password")
		sends(link, "/account/done/password", "new_password1", "other-horse-9", "new_password2", "other-horse-9")

		s.wants(204, "POST", "/auth/users/reset_username/", "", fields{"email": "ann@example.com"})
		link = mailed(t, smtp)
		opens(link, "Choose a new name to sign in with")
		sends(link, "/account/done/username", "new_username", "anna")

		s.wants(201, "POST", "/api/auth/registration/", "", fields{"username": "bob", "email": "bob@example.com", "password1": password, "password2": password})
		link = mailed(t, smtp)
		if _, err := s.db.Exec("UPDATE auth_user SET username = 'ann' WHERE username = 'anna'"); err != nil {
			t.Fatal(err)
		}
		opens(link, "Confirm your e-mail address")
		if a := s.visitor().get(link); !strings.Contains(a.body, "bob@example.com") {
			t.Errorf("the page does not say which address: %s", a.body)
		}
		sends(link, "/account/done/confirmed")
		if s.count("SELECT count(*) FROM account_emailaddress WHERE email = 'bob@example.com' AND verified") != 1 {
			t.Error("the address is not verified")
		}
		for _, bad := range []string{"/activate/MQ/nonsense", "/activate/%00/x", "/password/reset/confirm/MQ/x-y/", "/username/reset/confirm/////", "/account-confirm-email/x/"} {
			if a := s.visitor().get(bad); a.status != 404 {
				t.Errorf("%s: %d", bad, a.status)
			}
		}
	})
}

// No other site can send a form, and none can be sent without the page it came with: not to sign in either.
func TestPagesRefuseForgery(t *testing.T) {
	smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
	s := withPages(t, testenv.SQLite(t), smtp, unlimited)
	s.register("ann")
	link := mailed(t, smtp)
	for _, path := range []string{link, "/account/sign-in", "/account/sign-up", "/account/forgot-password", "/account/delete", "/account/sign-out"} {
		v := s.visitor()
		page := v.get("/account/sign-in")
		token := formToken.FindStringSubmatch(page.body)[1]
		good := url.Values{"csrfmiddlewaretoken": {token}, "username": {"ann"}, "current_password": {password}, "email": {"ann@example.com"}}
		bare := url.Values{"username": {"ann"}, "current_password": {password}}
		stale := url.Values{"csrfmiddlewaretoken": {s.forged()}}
		for name, a := range map[string]reply{
			"no cookie":      s.visitor().do("POST", path, good),
			"no token":       v.do("POST", path, bare),
			"another token":  v.do("POST", path, stale),
			"another origin": v.do("POST", path, good, "Origin", "http://evil.example"),
			"no origin":      v.do("POST", path, good, "Origin", "null"),
			"no form":        v.do("POST", path, nil, "Content-Type", "application/json"),
		} {
			if a.status != 403 || !strings.Contains(a.body, "did not come from this site") || strings.Contains(a.body, "sessionid") {
				t.Errorf("%s, %s: %d %s", path, name, a.status, a.body)
			}
		}
	}
	if s.count("SELECT count(*) FROM auth_user WHERE is_active") != 0 || s.count("SELECT count(*) FROM django_session") != 0 {
		t.Error("a forged form did something")
	}
	v := s.visitor()
	if a := v.do("DELETE", "/account/sign-in", nil); a.status != 405 || a.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("DELETE: %d %v", a.status, a.header)
	}
}

// forged is a token with a secret that no cookie has.
func (s *site) forged() string { return strings.Repeat("aB3", 22)[:64] }

// The same session as Django's, under a key that nobody knew before the sign-in; it lives through a change of password and ends with the sign-out.
func TestPagesSignIn(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, address string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		s := withPages(t, address, smtp, with(unlimited, map[string]string{
			"REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES": "[rest_framework.authentication.SessionAuthentication]",
		}))
		s.register("ann")
		v := s.visitor()
		v.leads(v.form(mailed(t, smtp)), "/account/done/activated")
		v.leads(v.get("/account/"), "/account/sign-in")
		const planted = "plantedplantedplantedplantedplan"
		base := &url.URL{Scheme: "http", Host: v.host} // a client's cookies are those of the Host that it sends
		v.web.Jar.SetCookies(base, []*http.Cookie{{Name: "sessionid", Value: planted}})
		before := v.cookie("csrftoken")
		v.leads(v.form("/account/sign-in", "username", " ann ", "current_password", password), "/account/")
		first := v.cookie("sessionid")
		if first == "" || first == planted || v.cookie("csrftoken") == before {
			t.Errorf("session %s, token %s as before", first, before)
		}
		if a := v.get("/auth/users/me/"); a.status != 200 || a.field(t, "username") != "ann" {
			t.Errorf("the API does not know the session: %d %s", a.status, a.body)
		}
		v.leads(v.get("/account/sign-in"), "/account/")
		v.leads(v.form("/account/password", "current_password", password, "new_password", "fresh-horse-8"), "/account/?changed=password")
		if a := v.get("/account/?changed=password"); a.status != 200 || !strings.Contains(a.body, "Your new password is set") || v.cookie("sessionid") == first {
			t.Errorf("after the new password: %d %s", a.status, a.body)
		}
		other := s.visitor()
		other.web.Jar.SetCookies(base, []*http.Cookie{{Name: "sessionid", Value: first}})
		other.leads(other.get("/account/"), "/account/sign-in")

		token := formToken.FindStringSubmatch(v.get("/account/").body)[1]
		v.leads(v.do("POST", "/account/sign-out", url.Values{"csrfmiddlewaretoken": {token}}), "/account/done/signed-out")
		v.leads(v.get("/account/"), "/account/sign-in")
		if a := v.get("/auth/users/me/"); a.status == 200 {
			t.Error("the session lives on")
		}
		// Nobody is told who has an account.
		unknown, wrong := s.visitor().form("/account/sign-in", "username", "nobody", "current_password", "x"), s.visitor().form("/account/sign-in", "username", "nobody", "current_password", password)
		known := s.visitor().form("/account/sign-in", "username", "ann", "current_password", "x")
		hide := func(a reply) string {
			return strings.NewReplacer(formToken.FindString(a.body), "", "nobody", "", "ann", "").Replace(a.body)
		}
		if unknown.status != 400 || known.status != 400 || wrong.status != 400 || hide(known) != hide(unknown) || hide(wrong) != hide(unknown) {
			t.Errorf("got %d %s\nand %d %s", unknown.status, unknown.body, known.status, known.body)
		}
		for _, email := range []string{"ann@example.com", "nobody@example.com"} {
			v.leads(s.visitor().form("/account/forgot-password", "email", email), "/account/done/asked-password")
			v.leads(s.visitor().form("/account/resend", "email", email), "/account/done/resent")
		}
	})
}

// cookie is what the browser has by that name.
func (v *visitor) cookie(name string) string {
	for _, c := range v.web.Jar.Cookies(&url.URL{Scheme: "http", Host: v.host}) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Where only dj-rest-auth is mounted the pages are its: its sign-up, its links, and nobody signs in before the address is verified.
func TestPagesOfDjRestAuth(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, address string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		s := withPages(t, address, smtp, with(unlimited, map[string]string{
			"mounts": "[{path: /api/auth, dialect: dj-rest-auth}]", "ACCOUNT_EMAIL_VERIFICATION": "mandatory", "ACCOUNT_SIGNUP_FIELDS": "[email*, username*, password1*, password2*]",
			"AUTHENTICATION_BACKENDS": "[allauth.account.auth_backends.AuthenticationBackend]", "ACCOUNT_LOGIN_METHODS": "[username, email]", "ACCOUNT_RATE_LIMITS": "false",
		}))
		v := s.visitor()
		if a := v.form("/account/sign-up", "username", "ann", "email", "ann@example.com", "password1", password, "password2", "x"); a.status != 400 || !strings.Contains(a.body, "The two password fields didn") {
			t.Errorf("two passwords: %d %s", a.status, a.body)
		}
		v.leads(v.form("/account/sign-up", "username", "ann", "email", "ann@example.com", "password1", password, "password2", password), "/account/done/signed-up")
		link := mailed(t, smtp)
		if a := v.form("/account/sign-in", "username", "ann", "current_password", password); a.status != 403 || !strings.Contains(a.body, "Confirm your e-mail address first") {
			t.Errorf("unverified: %d %s", a.status, a.body)
		}
		v.leads(v.form("/account/resend", "email", "ann@example.com"), "/account/done/resent")
		smtp.Take(1, time.Minute)
		v.leads(v.form(link), "/account/done/confirmed")
		v.leads(v.form("/account/sign-in", "username", "ANN@example.com", "current_password", password), "/account/")
		if a := v.form("/account/password", "current_password", "x", "new_password1", "fresh-horse-8", "new_password2", "fresh-horse-8"); a.status != 400 || !strings.Contains(a.body, "Invalid password.") {
			t.Errorf("without the old password: %d %s", a.status, a.body)
		}
		v.leads(v.form("/account/password", "current_password", password, "new_password1", "fresh-horse-8", "new_password2", "fresh-horse-8"), "/account/?changed=password")
		v.leads(v.form("/account/profile", "username", "anna", "first_name", "Ann", "last_name", "Example"), "/account/?changed=profile")
		if a := v.get("/account/"); !strings.Contains(a.body, "anna") || strings.Contains(a.body, "/account/delete") || strings.Contains(a.body, "/account/email") {
			t.Errorf("the account shows %s", a.body)
		}
		for _, path := range []string{"/account/delete", "/account/email", "/account/username", "/account/forgot-username", "/activate/MQ/x"} {
			if a := v.get(path); a.status != 404 || strings.Contains(a.body, "<h1>This link") {
				t.Errorf("%s: %d, though no dialect does it", path, a.status)
			}
		}
	})
}

// A project's own columns are asked for and kept like Django's, each by an input of its kind.
func TestPagesOfOwnColumns(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, address string) {
		testenv.OpenStore(t, address) // makes the tables
		db := testenv.OpenDB(t, address)
		for _, column := range []string{"phone varchar(20) NOT NULL DEFAULT ''", "born date NULL", "letters boolean NOT NULL DEFAULT false", "floor integer NULL"} {
			if _, err := db.Exec("ALTER TABLE auth_user ADD COLUMN " + column); err != nil {
				t.Fatal(err)
			}
		}
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		s := withPages(t, address, smtp, with(unlimited, map[string]string{
			"mounts":            "[{path: /auth, dialect: djoser}]",
			"user_model.fields": "[{name: phone, label: Telephone, required: true, blank: false}, born, letters, {name: floor, registration: false}]",
		}))
		v := s.visitor()
		page := v.get("/account/sign-up")
		for _, input := range []string{`<label for="phone">Telephone</label>`, `<input id="born" name="born" type="date"`, `<input id="letters" name="letters" type="checkbox" value="true"`} {
			if !strings.Contains(page.body, input) {
				t.Errorf("%s is not in %s", input, page.body)
			}
		}
		ann := []string{"username", "ann", "email", "ann@example.com", "password", password, "phone", "555", "letters", "true"}
		if a := v.form("/account/sign-up", append(ann, "born", "yesterday")...); a.status != 400 || !strings.Contains(a.body, `aria-describedby="born-error"`) || !strings.Contains(a.body, `value="true" checked`) {
			t.Errorf("a bad date: %d %s", a.status, a.body)
		}
		v.leads(v.form("/account/sign-up", append(ann, "born", "1990-12-31")...), "/account/done/signed-up")
		v.leads(v.form(mailed(t, smtp)), "/account/done/activated")
		v.leads(v.form("/account/sign-in", "username", "ann", "current_password", password), "/account/")
		page = v.get("/account/profile")
		for _, input := range []string{`value="555"`, `value="1990-12-31"`, ` checked`, `name="floor" type="text" value="" inputmode="numeric"`} {
			if !strings.Contains(page.body, input) {
				t.Errorf("%s is not in %s", input, page.body)
			}
		}
		v.leads(v.form("/account/profile", "phone", "556", "born", "", "floor", "3"), "/account/?changed=profile")
		if got := s.count("SELECT count(*) FROM auth_user WHERE phone = '556' AND born IS NULL AND NOT letters AND floor = 3"); got != 1 {
			t.Error("the profile is not what was sent")
		}
	})
}

// Attempts count together with those of the APIs.
func TestPagesThrottle(t *testing.T) {
	s := withPages(t, testenv.SQLite(t), testenv.NewSMTP(t, testenv.SMTPOptions{}), map[string]string{"throttle_rates": "{login: 3/min, mail: 1/hour}"})
	v := s.visitor()
	for range 2 {
		if a := v.form("/account/sign-in", "username", "ann", "current_password", "x"); a.status != 400 {
			t.Fatalf("got %d", a.status)
		}
	}
	s.wants(401, "POST", "/auth/jwt/create/", "", credentials("ann"))
	a := v.form("/account/sign-in", "username", "ann", "current_password", "x")
	if a.status != 429 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "Request was throttled.") {
		t.Errorf("got %d %v %s", a.status, a.header, a.body)
	}
	v.leads(v.form("/account/forgot-password", "email", "ann@example.com"), "/account/done/asked-password")
	if a := v.form("/account/forgot-password", "email", "ann@example.com"); a.status != 429 {
		t.Errorf("a second mail: %d", a.status)
	}
}

// Wrong passwords are followed by growing delays here too.
func TestPagesDelay(t *testing.T) {
	s := withPages(t, testenv.SQLite(t), testenv.NewSMTP(t, testenv.SMTPOptions{}), with(unlimited, map[string]string{"login_delay_after": "2"}))
	v := s.visitor()
	for _, want := range []int{400, 400, 429} {
		if a := v.form("/account/sign-in", "username", "ann", "current_password", "x"); a.status != want || want == 429 && a.header.Get("Retry-After") == "" {
			t.Errorf("got %d %v, want %d", a.status, a.header, want)
		}
	}
}

// Which pages there are: those of links only where the links lead here, those of accounts only where they are asked for.
func TestPagesServed(t *testing.T) {
	smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
	const activation, confirmation, reset = "/activate/MQ/x-y", "/account-confirm-email/x:y/", "/password/reset/confirm/MQ/x-y/"
	for name, test := range map[string]struct {
		given  map[string]string
		host   string
		served string // the paths of these that have a page
	}{
		"here":                 {map[string]string{"pages.enabled": ""}, "example.com", activation + " " + reset},
		"asked for":            {nil, "example.com", activation + " " + reset + " /account/sign-in"},
		"off":                  {map[string]string{"pages.enabled": "false"}, "example.com", ""},
		"a front end's domain": {map[string]string{"DOMAIN": "app.example.com"}, "example.com", "/account/sign-in"},
		"EMAIL_FRONTEND":       {map[string]string{"DJOSER.EMAIL_FRONTEND_DOMAIN": "app.example.com"}, "example.com", reset + " /account/sign-in"},
		"behind a #":           {map[string]string{"DJOSER.ACTIVATION_URL": "#/activate/{uid}/{token}"}, "example.com", reset + " /account/sign-in"},
		"a query":              {map[string]string{"DJOSER.ACTIVATION_URL": "activate?u={uid}&t={token}"}, "example.com", reset + " /account/sign-in /activate?u=MQ&t=x-y"},
		"whole URLs": {map[string]string{"links.account_confirm_email": "https://app.example.com/account-confirm-email/{key}/", "links.password_reset_confirm": "https://app.example.com/r/{uid}/{token}"},
			"example.com", activation + " " + reset + " /account/sign-in"}, // djoser's is here still
		"any allowed host": {map[string]string{"ALLOWED_HOSTS": "[a.example.com, example.com]"}, "a.example.com", confirmation + " " + reset + " /account/sign-in"},
		"elsewhere":        {map[string]string{"pages.path": "/me/"}, "example.com", activation + " " + reset + " /me/sign-in"},
	} {
		t.Run(name, func(t *testing.T) {
			given := with(unlimited, test.given)
			if v, there := given["pages.enabled"]; there && v == "" {
				given["pages.enabled"] = "null"
			}
			s := withPages(t, testenv.SQLite(t), smtp, given)
			v := s.visitor()
			v.host = test.host
			for _, path := range []string{activation, confirmation, reset, "/account/sign-in", "/me/sign-in", "/activate?u=MQ&t=x-y"} {
				a := v.get(path)
				want := strings.Contains(" "+test.served+" ", " "+path+" ") || path == confirmation && strings.Contains(test.served, reset) && name != "whole URLs"
				if got := a.header.Get("Referrer-Policy") != ""; got != want {
					t.Errorf("%s has a page: %t, want %t", path, got, want)
				}
			}
		})
	}
}

// Every page forbids what it does not need, keeps its address to itself, and is kept by nobody.
func TestPagesHeaders(t *testing.T) {
	s := withPages(t, testenv.SQLite(t), testenv.NewSMTP(t, testenv.SMTPOptions{}), unlimited)
	v := s.visitor()
	for _, path := range []string{"/account/", "/account/sign-in", "/account/sign-up", "/account/done/deleted", "/activate/MQ/x", "/account/done/nothing"} {
		a := v.get(path)
		for name, want := range map[string]string{
			"Content-Security-Policy":      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"Referrer-Policy":              "strict-origin",
			"X-Content-Type-Options":       "nosniff",
			"Cache-Control":                "no-store",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	for _, path := range []string{"/account", "/account/"} {
		v.leads(v.get(path), "/account/sign-in")
	}
	for _, path := range []string{"/account/sign-in/", "/account/done/deleted/"} {
		if a := v.get(path); a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range []string{"/account/x/", "/account/done/", "/account/done/deleted/x", "/accountsign-in", "/account/sign-in/x"} {
		if a := v.get(path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := v.get("/account/nothing"); a.status != 404 || a.header.Get("Referrer-Policy") != "" {
		t.Errorf("no page: %d", a.status)
	}
	if a := v.get("/account/sign-in?next=//evil.example"); strings.Contains(a.body, "evil") {
		t.Error("the page leads elsewhere")
	}
	a := s.visitor().do("GET", "/account/sign-in", nil, "Accept-Language", "ru")
	if a.heading() != "Войти" || !strings.Contains(a.body, `<html lang="ru">`) || a.header.Get("Content-Language") != "ru" {
		t.Errorf("in Russian: %s", a.body)
	}
}

// Name, logo, colours and templates are the operator's, and a mistake in them is told at the start.
func TestPagesOfOnesOwn(t *testing.T) {
	smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
	write := func(name, text string) string {
		t.Helper()
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	logo := filepath.Join(write("logo.svg", `<svg xmlns="http://www.w3.org/2000/svg"/>`), "logo.svg")
	own := write("sign_in.html", `{{define "title"}}Come in{{end}}{{define "button"}}Knock{{end}}{{define "main"}}{{template "form" .}}{{t "Password"}}{{end}}`)
	s := withPages(t, testenv.SQLite(t), smtp, map[string]string{
		"pages.name": "Tom & Co", "pages.logo": logo, "pages.templates": own, "pages.colours.accent": "#7a1fa2", "pages.colours.accent_dark": "#ffd54f",
	})
	v := s.visitor()
	page := v.get("/account/sign-in")
	if page.heading() != "Come in" || !strings.Contains(page.body, "<button>Knock</button>") || !strings.Contains(page.body, "<span>Tom &amp; Co</span>") {
		t.Errorf("the page is %s", page.body)
	}
	for address, want := range map[string]string{
		regexp.MustCompile(`href="(/account/style[^"]+)"`).FindStringSubmatch(page.body)[1]: "--accent: #7a1fa2; --on-accent: #ffffff; }\n@media (prefers-color-scheme: dark) { :root { --accent: #ffd54f; --on-accent: #0d1526;",
		regexp.MustCompile(`src="(/account/logo[^"]+)"`).FindStringSubmatch(page.body)[1]:   "<svg xmlns",
	} {
		if a := v.get(address); a.status != 200 || !strings.Contains(a.body, want) || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v %s", address, a.status, a.header, a.body)
		}
	}
	for name, test := range map[string]struct{ key, value, want string }{
		"syntax":       {"pages.templates", write("sign_in.html", "{{define \"title\"}}x{{end}}\n{{define \"main\"}}{{if}}{{end}}"), "sign_in.html:2"},
		"no field":     {"pages.templates", write("layout.html", "<p>\n{{.Sight}}"), "layout.html:2"},
		"unknown file": {"pages.templates", write("sing_in.html", ""), "sing_in.html takes the place of no built-in file"},
		"no folder":    {"pages.templates", "/nowhere", "/nowhere"},
		"no logo":      {"pages.logo", "/nowhere.png", "/nowhere.png"},
		"no image":     {"pages.logo", "/etc/passwd", "no image"},
	} {
		cfg := load(t, testenv.SQLite(t), map[string]string{"pages.enabled": "true", test.key: test.value})
		if s, err := New(ctx, cfg, Options{Terminal: io.Discard}); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.key) {
			if err == nil {
				_ = s.Close()
			}
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	for key, value := range map[string]string{"pages.colours.accent": "red", "pages.colours.accent_dark": "#223344", "pages.path": "/a b"} {
		_, err := config.Load(config.Options{Flags: map[string]string{"development": "true", key: value}})
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %s was taken: %v", key, value, err)
		}
	}
}
