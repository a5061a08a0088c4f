package djrestauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/config"
	"latchkey/internal/server"
	"latchkey/internal/testenv"
)

// A site is a whole server with its mail.
type site struct {
	t    *testing.T
	base string
	smtp *testenv.SMTP
	*server.Server
}

const password = "correct-horse-7"

// start serves dj-rest-auth at /api/auth and djoser at /auth on a fresh database, in the safe profile and JWT mode unless more says otherwise.
func start(t *testing.T, database, more string) *site {
	t.Helper()
	smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
	text := fmt.Sprintf("listen: 127.0.0.1:0\ndatabase: %q\nsecret_key: a-secret-key-of-this-test-0123456789-0123456789\npbkdf2_iterations: 1000\n"+
		"EMAIL_HOST: 127.0.0.1\nEMAIL_PORT: %d\nDOMAIN: site.example\nSITE_NAME: Site\nthrottle_rates: {login: null, register: null, mail: null, link: null, password: null}\n%s\n",
		database, smtp.Port(), more)
	if !strings.Contains(more, "mounts:") {
		text += "mounts: [{path: /api/auth, dialect: dj-rest-auth}, {path: /auth, dialect: djoser}]\n"
	}
	if !strings.Contains(more, "REST_AUTH:") {
		text += "REST_AUTH: {USE_JWT: true, JWT_AUTH_HTTPONLY: false}\n"
	}
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{File: file})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	s, err := server.New(context.Background(), cfg, server.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		web.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &site{t: t, base: web.URL, smtp: smtp, Server: s}
}

// An answer is what came back.
type answer struct {
	status  int
	header  http.Header
	body    string
	cookies map[string]string
}

// ask sends a request; headers are pairs of name and value, and a body that is not empty is JSON unless they say otherwise.
func (s *site) ask(method, path, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	got := answer{response.StatusCode, response.Header, string(text), map[string]string{}}
	for _, c := range response.Cookies() {
		got.cookies[c.Name] = c.Value
	}
	return got
}

// post is ask by POST under /api/auth/.
func (s *site) post(path, body string, headers ...string) answer {
	s.t.Helper()
	return s.ask(http.MethodPost, "/api/auth/"+path, body, headers...)
}

// want checks status and body; an empty body is not looked at.
func (s *site) want(what string, got answer, status int, body string) {
	s.t.Helper()
	if got.status != status || body != "" && got.body != body {
		s.t.Errorf("%s: %d %s\nwant %d %s", what, got.status, got.body, status, body)
	}
}

// field is a text of the answer's body.
func (a answer) field(name string) string {
	var object map[string]any
	_ = json.Unmarshal([]byte(a.body), &object) // what is no object has no field
	text, _ := object[name].(string)
	return text
}

// register signs somebody up at name@site.example.
func (s *site) register(name string, headers ...string) answer {
	s.t.Helper()
	return s.post("registration/", fmt.Sprintf(`{"username":%q,"email":"%s@site.example","password1":%q,"password2":%q}`, name, name, password, password), headers...)
}

func (s *site) login(name string, headers ...string) answer {
	s.t.Helper()
	return s.post("login/", fmt.Sprintf(`{"username":%q,"password":%q}`, name, password), headers...)
}

var link = regexp.MustCompile(`https?://\S+`)

// mailed is the link of the next mail to somebody.
func (s *site) mailed(to string) string {
	s.t.Helper()
	mails := s.smtp.Take(1, 10*time.Second)
	if len(mails) != 1 || len(mails[0].To) != 1 || mails[0].To[0] != to {
		s.t.Fatalf("no mail to %s: %+v", to, mails)
	}
	return link.FindString(mails[0].Text)
}

// rows is the number of a table's rows.
func (s *site) rows(database, table string) (n int) {
	s.t.Helper()
	db := testenv.OpenDB(s.t, database)
	if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// TestAcrossDialects signs up here and logs in there, and the other way round.
func TestAcrossDialects(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, "ACCOUNT_EMAIL_VERIFICATION: mandatory\nDJOSER: {SEND_ACTIVATION_EMAIL: true, ACTIVATION_URL: 'activate/{uid}/{token}'}")
		const notVerified = `{"non_field_errors":["E-mail is not verified."]}`
		s.want("register", s.register("ann"), 201, `{"detail":"Verification e-mail sent."}`)
		key := s.mailed("ann@site.example")
		s.want("unverified", s.login("ann"), 400, notVerified)
		djoser := s.ask("POST", "/auth/jwt/create/", fmt.Sprintf(`{"username":"ann","password":%q}`, password))
		s.want("through djoser", djoser, 200, "")
		s.want("verify", s.post("registration/verify-email/", fmt.Sprintf(`{"key":%q}`, strings.Split(key, "/")[4])), 200, `{"detail":"ok"}`)
		s.want("verified", s.login("ann"), 200, "")

		s.want("djoser's sign-up", s.ask("POST", "/auth/users/", fmt.Sprintf(`{"username":"bob","email":"bob@site.example","password":%q}`, password)), 201, "")
		path := strings.Split(s.mailed("bob@site.example"), "/")
		s.want("inactive", s.login("bob"), 400, `{"non_field_errors":["Unable to log in with provided credentials."]}`)
		s.want("activation", s.ask("POST", "/auth/users/activation/", fmt.Sprintf(`{"uid":%q,"token":%q}`, path[4], path[5])), 204, "")
		in := s.login("bob")
		s.want("activated", in, 200, "")
		s.want("djoser's user", s.ask("GET", "/auth/users/me/", "", bearer(in.field("access"))...), 200, `{"email":"bob@site.example","id":2,"username":"bob"}`)

		s.want("reset", s.post("password/reset/", `{"email":"BOB@site.example"}`), 200, `{"detail":"Password reset e-mail has been sent."}`)
		path = strings.Split(s.mailed("bob@site.example"), "/")
		confirm := fmt.Sprintf(`{"uid":%q,"token":%q,"new_password1":"battery-staple-8","new_password2":"battery-staple-8"}`, path[6], path[7])
		s.want("confirm", s.post("password/reset/confirm/", confirm), 200, `{"detail":"Password has been reset with the new password."}`)
		s.want("again", s.post("password/reset/confirm/", confirm), 400, `{"token":["Invalid value"]}`)
		s.want("the refresh token from before", s.post("token/refresh/", fmt.Sprintf(`{"refresh":%q}`, in.field("refresh"))), 401, `{"detail":"Token is blacklisted","code":"token_not_valid"}`)
		s.want("the new password at djoser", s.ask("POST", "/auth/jwt/create/", `{"username":"bob","password":"battery-staple-8"}`), 200, "")
	})
}

// TestMailServerDown answers as if nothing were wrong, and owes the mail.
func TestMailServerDown(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, "")
		s.smtp.Stop()
		s.want("register", s.register("ann"), 201, "")
		s.want("login", s.login("ann"), 200, "")
		s.want("reset", s.post("password/reset/", `{"email":"ann@site.example"}`), 200, "")
		s.want("resend", s.post("registration/resend-email/", `{"email":"ann@site.example"}`), 200, `{"detail":"ok"}`)
		s.want("the name is taken", s.register("ANN"), 400, `{"username":["A user with that username already exists."]}`)
		if n, _, err := s.Store.OwedMail(context.Background()); err != nil || n < 2 {
			t.Errorf("%d mails are owed, %v", n, err)
		}
		s.smtp.Start()
	})
}

func TestLogout(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, "REST_AUTH: {USE_JWT: true, JWT_AUTH_HTTPONLY: false, SESSION_LOGIN: false}")
		const absent = `{"detail":"Refresh token was not included in request data."}`
		for body, want := range map[string]answer{
			`{}`: {status: 401, body: absent}, `{"refresh":null}`: {status: 401, body: absent}, `[1]`: {status: 400}, `"x"`: {status: 400}, `null`: {status: 400},
			`{"refresh":"\ud800"}`: {status: 401, body: `{"detail":"Token is invalid"}`}, `{"refresh":{"a":1}}`: {status: 401, body: `{"detail":"Token is invalid"}`},
		} {
			s.want(body, s.post("logout/", body), want.status, want.body)
		}
		if n := s.rows(database, "token_blacklist_outstandingtoken"); n != 0 {
			t.Errorf("strangers made %d rows", n)
		}
		s.register("ann")
		in := s.login("ann")
		token := fmt.Sprintf(`{"token":%q}`, in.field("refresh"))
		s.want("verify", s.post("token/verify/", token), 200, `{}`)
		s.want("logout", s.post("logout/", fmt.Sprintf(`{"refresh":%q}`, in.field("refresh"))), 200, `{"detail":"Successfully logged out."}`)
		s.want("verify", s.post("token/verify/", token), 400, `{"non_field_errors":["Token is blacklisted"]}`)
	})
}

const cookieSettings = `REST_AUTH: {USE_JWT: true, JWT_AUTH_COOKIE: access, JWT_AUTH_REFRESH_COOKIE: refresh, SESSION_LOGIN: false}
REST_FRAMEWORK: {DEFAULT_AUTHENTICATION_CLASSES: [dj_rest_auth.jwt_auth.JWTCookieAuthentication]}
CSRF_TRUSTED_ORIGINS: ['https://app.example', 'https://*.good.example']
`

func TestCookies(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, cookieSettings)
		up := s.register("ann")
		if up.field("refresh") != "" || up.cookies["access"] == "" || up.cookies["refresh"] == "" || up.cookies["sessionid"] != "" {
			t.Errorf("registration: %s %v", up.body, up.cookies)
		}
		in := s.login("ann", "Cookie", "access=stale")
		s.want("login with a stale cookie", in, 200, "")
		access, refresh := "access="+in.cookies["access"], "refresh="+in.cookies["refresh"]
		s.want("user", s.ask("GET", "/api/auth/user/", "", "Cookie", access), 200, `{"pk":1,"username":"ann","email":"ann@site.example","first_name":"","last_name":""}`)
		for _, stale := range []string{"access=stale", "access="} {
			got := s.ask("GET", "/api/auth/user/", "", "Cookie", stale)
			s.want(stale, got, 401, "")
			if got.field("code") != "token_not_valid" || got.header.Get("Www-Authenticate") != `Bearer realm="api"` {
				t.Errorf("%s: %s %v", stale, got.body, got.header)
			}
		}
		s.want("a bad header", s.login("ann", append(bearer("x"), "Cookie", access)...), 401, "")

		const evil = `{"detail":"CSRF Failed: Origin checking failed - https://evil.example does not match any trusted origins."}`
		for _, test := range []struct {
			headers []string
			status  int
			body    string
		}{
			{[]string{"Origin", "https://evil.example"}, 403, evil},
			{[]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403, evil},
			{[]string{"Sec-Fetch-Site", "cross-site"}, 403, `{"detail":"CSRF Failed: Origin checking failed - the request comes from another site."}`},
			{[]string{"Sec-Fetch-Site", "same-site"}, 403, ""},
			{[]string{"Origin", "null"}, 403, ""},
			{[]string{"Sec-Fetch-Site", "same-origin", "Origin", s.base}, 200, ""},
			{[]string{"Origin", s.base}, 200, ""},
			{[]string{"Origin", "https://app.example", "Sec-Fetch-Site", "cross-site"}, 200, ""},
			{[]string{"Origin", "https://a.good.example", "Sec-Fetch-Site", "cross-site"}, 200, ""},
			{nil, 200, ""},
		} {
			cookie := []string{"Cookie", access + "; " + refresh}
			s.want(fmt.Sprint("user ", test.headers), s.ask("PATCH", "/api/auth/user/", `{"first_name":"A"}`, append(cookie, test.headers...)...), test.status, test.body)
			s.want(fmt.Sprint("refresh ", test.headers), s.post("token/refresh/", `{}`, append(cookie, test.headers...)...), test.status, test.body)
			if test.status == 403 {
				s.want(fmt.Sprint("logout ", test.headers), s.post("logout/", "", append([]string{"Cookie", refresh}, test.headers...)...), 403, test.body)
			}
			s.want(fmt.Sprint("with a header ", test.headers), s.ask("PATCH", "/api/auth/user/", `{}`, append(bearer(in.cookies["access"]), test.headers...)...), 200, "")
			s.want(fmt.Sprint("reading ", test.headers), s.ask("GET", "/api/auth/user/", "", append(cookie, test.headers...)...), 200, "")
		}
		out := s.post("logout/", "", "Cookie", "access=stale; "+refresh)
		s.want("logout", out, 200, "")
		for _, line := range out.header.Values("Set-Cookie") {
			if !strings.Contains(line, `=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax`) {
				t.Errorf("taken back by %s", line)
			}
		}
		s.want("after logout", s.post("token/refresh/", "", "Cookie", refresh), 401, `{"detail":"Token is blacklisted","code":"token_not_valid"}`)
	})
}

func TestLinksOfMails(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		for _, test := range []struct {
			settings, host, want string
			headers              []string
		}{
			{"", "evil.example", "http://site.example/", nil},
			{"ALLOWED_HOSTS: ['*']", "evil.example", "http://site.example/", nil},
			{"ALLOWED_HOSTS: [.good.example]", "a.good.example:8000", "http://a.good.example:8000/", nil},
			{"ALLOWED_HOSTS: [.good.example]\nUSE_X_FORWARDED_HOST: true", "a.good.example", "http://site.example/", []string{"X-Forwarded-Host", "a.good.example:80@evil.example"}},
			{"ALLOWED_HOSTS: [.good.example]\nREST_AUTH: {USE_JWT: true, PASSWORD_RESET_USE_SITES_DOMAIN: true}", "a.good.example", "http://site.example/", nil},
			{"ACCOUNT_DEFAULT_HTTP_PROTOCOL: https", "x", "https://site.example/", nil},
			{"SECURE_PROXY_SSL_HEADER: [HTTP_X_FORWARDED_PROTO, https]", "x", "https://site.example/", []string{"X-Forwarded-Proto", "https"}},
			{"links: {password_reset_confirm: 'https://app.example/#/reset?u={uid}&t={token}'}", "x", "https://app.example/#/reset?u=1&t=", nil},
			{"profile: exact", "evil.example", "http://evil.example/", nil},
		} {
			s := start(t, database, test.settings)
			if _, err := s.Accounts.UserBy(context.Background(), "username", "ann"); err != nil {
				s.want("register", s.register("ann", "Host", "a.good.example"), 201, "")
				s.mailed("ann@site.example")
			}
			s.want(test.settings, s.post("password/reset/", `{"email":"ann@site.example"}`, append([]string{"Host", test.host}, test.headers...)...), 200, "")
			if got := s.mailed("ann@site.example"); !strings.HasPrefix(got, test.want) {
				t.Errorf("%s: the link is %s, want %s…", test.settings, got, test.want)
			}
		}
	})
}

func TestRegistrationRules(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, "ACCOUNT_EMAIL_VERIFICATION: mandatory")
		register := func(name, email, password string) answer {
			t.Helper()
			body, _ := json.Marshal(map[string]string{"username": name, "email": email, "password1": password, "password2": password})
			return s.post("registration/", string(body))
		}
		s.want("no address", s.post("registration/", fmt.Sprintf(`{"username":"x","password1":%q,"password2":%q}`, password, password)), 400, `{"email":["This field is required."]}`)
		long := strings.Repeat("a", 60) + "@" + strings.Repeat("b", 60) + "." + strings.Repeat("c", 60) + "." + strings.Repeat("d", 60) + "." + strings.Repeat("e", 60) + ".example"
		s.want("a long address", register("x", long, password), 400, `{"email":["Ensure this field has no more than 254 characters."]}`)
		s.want("a long password", register("x", "x@site.example", strings.Repeat("pA9", 2000)), 400,
			`{"password1":["Ensure this field has no more than 4096 characters."],"password2":["Ensure this field has no more than 4096 characters."]}`)
		s.want("like the name", register("ann-of-cleves", "x@site.example", "ann-of-cleves"), 400, `{"non_field_errors":["The password is too similar to the username."]}`)
		s.want("like the address", register("x", "henry.tudor@site.example", "henry.tudor@site"), 400, `{"non_field_errors":["The password is too similar to the email address."]}`)
		s.want("good", register("x", "x@site.example", password), 201, "")
		if n := s.rows(database, "auth_user"); n != 1 {
			t.Errorf("%d users", n)
		}
	})
}

func TestSessions(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, "REST_FRAMEWORK: {DEFAULT_AUTHENTICATION_CLASSES: [rest_framework_simplejwt.authentication.JWTAuthentication, rest_framework.authentication.SessionAuthentication]}")
		s.register("ann")
		in := s.login("ann")
		session := "sessionid=" + in.cookies["sessionid"]
		change := `{"new_password1":"battery-staple-8","new_password2":"battery-staple-8"}`
		s.want("bearer", s.post("password/change/", change, bearer(in.field("access"))...), 200, "")
		if got := s.ask("GET", "/api/auth/user/", "", "Cookie", session); got.status != 401 || got.cookies["sessionid"] != "" || len(got.header.Values("Set-Cookie")) != 1 {
			t.Errorf("the session of before: %d %v", got.status, got.header)
		}
		in = s.post("login/", `{"username":"ann","password":"battery-staple-8"}`)
		if n := s.rows(database, "django_session"); n != 2 { // that of the registration, and this
			t.Errorf("%d sessions", n)
		}
		session = "sessionid=" + in.cookies["sessionid"]
		const csrf = "abcdefghijklmnopqrstuvwxyzABCDEF"
		for _, test := range []struct {
			cookie, token, body, want string
			status                    int
		}{
			{"", "", "", "CSRF cookie not set.", 403},
			{"short", csrf, "", "CSRF cookie has incorrect length.", 403},
			{strings.Repeat("-", 32), csrf, "", "CSRF cookie has invalid characters.", 403},
			{csrf, "", "", "CSRF token missing.", 403},
			{csrf, "short", "", "CSRF token from the 'X-Csrftoken' HTTP header has incorrect length.", 403},
			{csrf, strings.Repeat("é", 16), "", "CSRF token from the 'X-Csrftoken' HTTP header has invalid characters.", 403},
			{csrf, strings.Repeat("x", 32), "", "CSRF token from the 'X-Csrftoken' HTTP header incorrect.", 403},
			{csrf, "", "csrfmiddlewaretoken=x", "CSRF token from POST has incorrect length.", 403},
			{csrf, "", "csrfmiddlewaretoken=" + strings.Repeat("x", 32), "CSRF token from POST incorrect.", 403},
			{csrf, "", "new_password1=1&csrfmiddlewaretoken=" + csrf, "", 400},
			{csrf, strings.Repeat("a", 32) + csrf, "", "", 400},
		} {
			headers := []string{"Cookie", session}
			if test.cookie != "" {
				headers[1] += "; csrftoken=" + test.cookie
			}
			if test.token != "" {
				headers = append(headers, "X-CSRFToken", test.token)
			}
			if test.body != "" {
				headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
			}
			want := ""
			if test.want != "" {
				want = fmt.Sprintf(`{"detail":"CSRF Failed: %s"}`, test.want)
			}
			s.want(fmt.Sprint(test), s.post("password/change/", test.body, headers...), test.status, want)
		}
		got := s.post("password/change/", `{"new_password1":"third-time-lucky","new_password2":"third-time-lucky"}`, "Cookie", session+"; csrftoken="+csrf, "X-CSRFToken", csrf)
		s.want("by session", got, 200, "")
		s.want("the session lives on", s.ask("GET", "/api/auth/user/", "", "Cookie", "sessionid="+got.cookies["sessionid"]), 200, "")
	})
}

func TestLegacyKeys(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, "jwt_legacy_keys: true\nTIME_ZONE: America/Chicago\nREST_AUTH: {USE_JWT: true, JWT_AUTH_HTTPONLY: false, JWT_AUTH_RETURN_EXPIRATION: true}\nlogin_fields: [is_active]")
		s.register("ann")
		in := s.login("ann")
		shape := regexp.MustCompile(`^\{"access_token":"[^"]+","refresh_token":"[^"]+","user":\{[^}]+\},"access_token_expiration":"([^"]+)","refresh_token_expiration":"([^"]+)","is_active":true\}$`)
		found := shape.FindStringSubmatch(in.body)
		if found == nil || !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}-0[56]:00$`).MatchString(found[1]) {
			t.Fatalf("login: %s", in.body)
		}
		for _, name := range []string{"refresh_token", "refresh"} {
			got := s.post("token/refresh/", fmt.Sprintf(`{%q:%q}`, name, in.field("refresh_token")))
			if got.status != 200 || got.field("access") == "" || !strings.HasSuffix(got.field("access_token_expiration"), "Z") {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
		s.want("logout", s.post("logout/", fmt.Sprintf(`{"refresh_token":%q}`, in.field("refresh_token"))), 200, "")
	})
}

// TestWithoutAllauth is dj-rest-auth on a plain Django: Django's form of links, and no registration.
func TestWithoutAllauth(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, "INSTALLED_APPS: [django.contrib.auth, django.contrib.sessions, django.contrib.sites, rest_framework.authtoken, rest_framework_simplejwt.token_blacklist, dj_rest_auth]")
		if _, err := s.Accounts.Register(context.Background(), account.Registration{Username: "ann", Email: "Ann@site.example", Password: password}); err != nil {
			t.Fatal(err)
		}
		s.want("registration", s.register("bob"), 404, "")
		s.want("by name", s.login("ann"), 200, "")
		s.want("by address", s.post("login/", fmt.Sprintf(`{"email":"ANN@site.example","password":%q}`, password)), 200, "")
		s.want("nothing", s.post("login/", fmt.Sprintf(`{"password":%q}`, password)), 400, `{"non_field_errors":["Unable to log in with provided credentials."]}`)
		s.want("reset", s.post("password/reset/", `{"email":"ann@site.example"}`), 200, "")
		path := strings.Split(s.mailed("Ann@site.example"), "/")
		if path[6] != "MQ" {
			t.Errorf("the uid is %s", path[6])
		}
		confirm := fmt.Sprintf(`{"uid":%q,"token":%q,"new_password1":"battery-staple-8","new_password2":"battery-staple-8"}`, path[6], path[7])
		s.want("confirm", s.post("password/reset/confirm/", confirm), 200, "")
		s.want("again", s.post("password/reset/confirm/", confirm), 400, `{"token":["Invalid value"]}`)
		if n := s.rows(database, "account_emailaddress"); n != 0 {
			t.Errorf("%d rows of allauth's", n)
		}
	})
}

// TestRegistrationAlone mounts the registration by itself: in either profile it is answered in place without the closing slash.
func TestRegistrationAlone(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		for _, profile := range []string{"safe", "exact"} {
			s := start(t, database, "profile: "+profile+"\nmounts: [{path: /api/auth/registration, dialect: dj-rest-auth.registration}]")
			const wanted = `{"username":["This field is required."],"password1":["This field is required."],"password2":["This field is required."]}`
			for _, path := range []string{"registration", "registration/"} {
				s.want(profile+" "+path, s.post(path, `{}`), 400, wanted)
			}
			s.want("verify", s.post("registration/verify-email", `{"key":"x"}`), 404, `{"detail":"Not found."}`)
			s.want("login", s.login("ann"), 404, "")
		}
	})
}

func TestOptions(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, "ACCOUNT_USERNAME_MIN_LENGTH: 3")
		got := s.ask("OPTIONS", "/api/auth/registration/", "")
		s.want("registration", got, 200, `{"name":"Register","description":"Makes an account.","renders":["application/json"],`+
			`"parses":["application/json","application/x-www-form-urlencoded","multipart/form-data"],"actions":{"POST":{`+
			`"username":{"type":"string","required":true,"read_only":false,"label":"Username","min_length":3,"max_length":150},`+
			`"email":{"type":"email","required":false,"read_only":false,"label":"Email"},`+
			`"password1":{"type":"string","required":true,"read_only":false,"label":"Password1"},`+
			`"password2":{"type":"string","required":true,"read_only":false,"label":"Password2"}}}}`)
		if allow := s.ask("OPTIONS", "/api/auth/registration/verify-email/", "").header.Get("Allow"); allow != "POST, OPTIONS, HEAD" {
			t.Errorf("Allow: %s", allow)
		}
		s.want("user", s.ask("OPTIONS", "/api/auth/user/", ""), 401, "")
		if got := s.register("abc"); got.status == 201 {
			user := s.ask("OPTIONS", "/api/auth/user/", "", bearer(got.field("access"))...)
			if !strings.Contains(user.body, `"actions":{"PUT":{"pk":{"type":"integer","required":false,"read_only":true,"label":"ID"},"username":{"type":"string","required":true`) {
				t.Errorf("user: %s", user.body)
			}
		}
		s.want("a short name", s.register("ab"), 400, `{"username":["Ensure this field has at least 3 characters."]}`)
	})
}

// TestUsername is about names in the safe profile.
func TestUsername(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, "ACCOUNT_USERNAME_BLACKLIST: [Root]")
		s.register("fish")
		in := s.register("ann")
		patch := func(name string) answer {
			t.Helper()
			body, _ := json.Marshal(map[string]string{"username": name})
			return s.ask("PUT", "/api/auth/user/", string(body), bearer(in.field("access"))...)
		}
		const taken = `{"username":["A user with that username already exists."]}`
		s.want("another's", patch("FISH"), 400, taken)
		s.want("a look-alike", patch("ﬁsh"), 400, taken)
		s.want("listed", patch("rOOt"), 400, `{"username":["Username can not be used. Please use other username."]}`)
		s.want("one's own", patch("ann"), 200, "")
		s.want("one's own in capitals", patch("ANN"), 200, `{"pk":2,"username":"ANN","email":"ann@site.example","first_name":"","last_name":""}`)
	})
}

// TestWhatIsNotThere serves what the tables allow: without those of sessions and keys no login needs them.
func TestWhatIsNotThere(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		const apps = "INSTALLED_APPS: [django.contrib.auth, allauth.account, dj_rest_auth, dj_rest_auth.registration]\n"
		s := start(t, database, apps)
		s.want("register", s.register("ann"), 201, "")
		in := s.login("ann")
		s.want("login", in, 200, "")
		s.want("change", s.post("password/change/", `{"new_password1":"battery-staple-8","new_password2":"battery-staple-8"}`, bearer(in.field("access"))...), 200, "")
		s.want("logout", s.post("logout/", `{}`), 200, `{"detail":"Neither cookies or blacklist are enabled, so the token has not been deleted server side. `+
			`Please make sure the token is deleted client side."}`)

		s = start(t, database, apps+"REST_AUTH: {USE_JWT: false}")
		s.want("a login that would give nothing", s.login("ann"), 404, "")
	})
}
