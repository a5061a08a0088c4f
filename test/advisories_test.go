package test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/testenv"
)

// What went wrong in neighbouring systems, tried on this one: docs/advisories.md says which test stands for which.

// everyDialect starts the program with all its dialects and no limit that these tests would meet.
func everyDialect(t *testing.T, database string, more ...string) *program {
	t.Helper()
	if len(more) == 0 {
		more = []string{"login_delay_after: 0"}
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "latchkey.yaml")
	const settings = `development: true
throttle_rates: {login: null, register: null, mail: null, link: null, password: null, refresh: null}
REST_FRAMEWORK: {DEFAULT_AUTHENTICATION_CLASSES: [rest_framework_simplejwt.authentication.JWTAuthentication, rest_framework.authentication.TokenAuthentication]}
DJOSER: {SEND_ACTIVATION_EMAIL: false, PASSWORD_RESET_CONFIRM_URL: "password/reset/confirm/{uid}/{token}"}
`
	if err := os.WriteFile(file, []byte(settings+strings.Join(more, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, folder, freeAddress(t), "--config", file, "--database", database)
	p.ready()
	return p
}

// ask sends JSON and gives back the status and the body, whatever they are.
func (p *program) ask(method, path, authorization string, body any) (int, string) {
	p.t.Helper()
	payload, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequest(method, p.base+path, strings.NewReader(string(payload)))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, string(data)
}

// refuses fails the test unless the answer is a 4xx without a token in it.
func (p *program) refuses(what, method, path, authorization string, body any) {
	p.t.Helper()
	status, text := p.ask(method, path, authorization, body)
	if status < 400 || status >= 500 {
		p.t.Errorf("%s: %s %s answered %d: %s", what, method, path, status, text)
	}
	if strings.Contains(text, "eyJ") || strings.Contains(text, "auth_token") || strings.Contains(text, `"key"`) {
		p.t.Errorf("%s: %s %s answered with a token: %s", what, method, path, text)
	}
}

// logins are all the paths that take a password and give something for it.
var logins = []string{
	"/auth/jwt/create/", "/auth/jwt/sliding/", "/auth/token/login/",
	"/api/token/", "/api/token/pair/", "/api/token/sliding/",
	"/api/auth/login/", "/api/auth/login",
}

// credentials are what a login path wants: the small API goes by the address.
func credentials(path, name, password string) map[string]string {
	if path == "/api/auth/login" {
		return map[string]string{"email": name + "@example.com", "password": password}
	}
	return map[string]string{"username": name, "password": password}
}

func (p *program) signUp(name string) {
	p.t.Helper()
	p.call("POST", "/auth/users/", "", map[string]string{"username": name, "email": name + "@example.com", "password": emailPassword}, 201)
}

func (p *program) pair(name string) (access, refresh string) {
	p.t.Helper()
	pair := p.call("POST", "/auth/jwt/create/", "", map[string]string{"username": name, "password": emailPassword}, 200)
	return fmt.Sprint(pair["access"]), fmt.Sprint(pair["refresh"])
}

func alter(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

// TestOneCredentialPath: what keeps somebody out at one login keeps them out at every other, whatever the dialect.
func TestOneCredentialPath(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		p := everyDialect(t, database)
		db := openDatabase(t, database)
		p.signUp("ann")
		for _, path := range logins {
			if status, text := p.ask("POST", path, "", credentials(path, "ann", emailPassword)); status != http.StatusOK {
				t.Errorf("the right password: %s answered %d: %s", path, status, text)
			}
			p.refuses("a wrong password", "POST", path, "", credentials(path, "ann", emailPassword+"!"))
			p.refuses("no password", "POST", path, "", credentials(path, "ann", ""))
			p.refuses("the stored hash as password", "POST", path, "", credentials(path, "ann", storedPassword(t, db, "ann")))
			p.refuses("nobody", "POST", path, "", credentials(path, "nobody", emailPassword))
		}
		hash := storedPassword(t, db, "ann")
		for _, state := range []struct{ what, stored string }{
			{"an unusable password", "!" + strings.Repeat("x", 40)},
			{"an empty one", ""},
			{"a damaged one", hash[:len(hash)-4]},
			{"a hash cut short", hash[:strings.LastIndexByte(hash, '$')+1]},
			{"one in clear", emailPassword},
		} {
			alter(t, db, "update auth_user set password = $1", state.stored)
			for _, path := range logins {
				p.refuses(state.what, "POST", path, "", credentials(path, "ann", emailPassword))
				p.refuses(state.what+", given itself", "POST", path, "", credentials(path, "ann", state.stored))
			}
		}
		alter(t, db, "update auth_user set password = $1, is_active = false", hash)
		for _, path := range logins {
			p.refuses("a user who is switched off", "POST", path, "", credentials(path, "ann", emailPassword))
		}
	})
}

func storedPassword(t *testing.T, db *sql.DB, name string) string {
	t.Helper()
	var stored string
	if err := db.QueryRow("select password from auth_user where username = $1", name).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	return stored
}

// TestTokensOfTheSwitchedOff: every token that somebody holds is worth nothing once they are switched off.
func TestTokensOfTheSwitchedOff(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		p := everyDialect(t, database)
		p.signUp("ann")
		access, refresh := p.pair("ann")
		sliding := fmt.Sprint(p.call("POST", "/api/token/sliding/", "", credentials("", "ann", emailPassword), 200)["token"])
		key := fmt.Sprint(p.call("POST", "/auth/token/login/", "", credentials("", "ann", emailPassword), 200)["auth_token"])
		p.call("GET", "/auth/users/me/", access, nil, 200)

		alter(t, openDatabase(t, database), "update auth_user set is_active = false")
		for _, path := range []string{"/auth/jwt/refresh/", "/api/token/refresh/", "/api/auth/token/refresh/", "/api/auth/refresh"} {
			p.refuses("refresh", "POST", path, "", map[string]string{"refresh": refresh})
		}
		for _, path := range []string{"/auth/jwt/sliding/refresh/", "/api/token/sliding/refresh/"} {
			p.refuses("sliding refresh", "POST", path, "", map[string]string{"token": sliding})
		}
		for _, path := range []string{"/auth/users/me/", "/auth/users/", "/api/auth/user/"} {
			p.refuses("access", "GET", path, "Bearer "+access, nil)
			p.refuses("token key", "GET", path, "Token "+key, nil)
		}
	})
}

// TestRolesOnUsers goes through who may do what to whose row.
func TestRolesOnUsers(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		p := everyDialect(t, database)
		db := openDatabase(t, database)
		callers := map[string]string{"nobody": ""}
		for _, name := range []string{"ann", "bob", "staff"} {
			p.signUp(name)
			access, _ := p.pair(name)
			callers[name] = "Bearer " + access
		}
		alter(t, db, "update auth_user set is_staff = true where username = 'staff'")
		var id string
		if err := db.QueryRow("select cast(id as text) from auth_user where username = 'bob'").Scan(&id); err != nil {
			t.Fatal(err)
		}
		bob := "/auth/users/" + id + "/"
		change := map[string]string{"email": "bob@example.com"}
		for _, test := range []struct {
			caller, method, path string
			body                 any
			want                 int
		}{
			{"nobody", "GET", "/auth/users/", nil, 401},
			{"nobody", "GET", "/auth/users/me/", nil, 401},
			{"nobody", "GET", bob, nil, 401},
			{"nobody", "PUT", bob, change, 401},
			{"nobody", "PATCH", bob, change, 401},
			{"nobody", "DELETE", bob, map[string]string{"current_password": emailPassword}, 401},
			{"ann", "GET", bob, nil, 404},
			{"ann", "PUT", bob, change, 404},
			{"ann", "PATCH", bob, change, 404},
			{"ann", "DELETE", bob, map[string]string{"current_password": emailPassword}, 404},
			{"staff", "GET", bob, nil, 200},
			{"staff", "PATCH", bob, change, 200},
			{"staff", "DELETE", bob, map[string]string{"current_password": emailPassword + "!"}, 400},
			{"bob", "GET", bob, nil, 200},
			{"bob", "PUT", bob, change, 200},
			{"bob", "PATCH", bob, change, 200},
			{"bob", "DELETE", bob, map[string]string{"current_password": emailPassword + "!"}, 400},
			{"bob", "DELETE", bob, map[string]string{"current_password": emailPassword}, 204},
		} {
			if status, text := p.ask(test.method, test.path, callers[test.caller], test.body); status != test.want {
				t.Errorf("%s: %s %s answered %d, not %d: %s", test.caller, test.method, test.path, status, test.want, text)
			}
		}
		var list []any
		status, text := p.ask("GET", "/auth/users/", callers["ann"], nil)
		if err := json.Unmarshal([]byte(text), &list); err != nil || status != 200 || len(list) != 1 {
			t.Errorf("ann sees %d %s, which is not herself alone", status, text)
		}
	})
}

// TestIdentityIsNotTakenFromTheBody: who is meant follows from the token, whatever a body, a query or a header says beside it.
func TestIdentityIsNotTakenFromTheBody(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		p := everyDialect(t, database)
		db := openDatabase(t, database)
		p.signUp("victim")
		p.signUp("ann")
		access, _ := p.pair("ann")
		var id int
		if err := db.QueryRow("select id from auth_user where username = 'victim'").Scan(&id); err != nil {
			t.Fatal(err)
		}
		before := row(t, db, "victim")
		with := func(fields map[string]any) map[string]any {
			for _, name := range []string{"id", "pk", "user", "user_id", "userId", "uid"} {
				fields[name] = id
			}
			fields["is_staff"], fields["is_superuser"], fields["is_active"] = true, true, true
			return fields
		}
		query := "?id=" + fmt.Sprint(id) + "&user_id=" + fmt.Sprint(id)
		for _, call := range []struct {
			method, path string
			fields       map[string]any
			want         int
		}{
			{"PATCH", "/auth/users/me/", map[string]any{"email": "new@example.com"}, 200},
			{"PATCH", "/api/auth/user/", map[string]any{"first_name": "Ann"}, 200},
			{"POST", "/auth/users/set_username/", map[string]any{"new_username": "ann2", "current_password": emailPassword}, 204},
			{"POST", "/auth/users/set_password/", map[string]any{"new_password": emailPassword + "1", "current_password": emailPassword}, 204},
			{"POST", "/api/auth/password/change/", map[string]any{"new_password1": emailPassword + "2", "new_password2": emailPassword + "2"}, 200},
			{"DELETE", "/auth/users/me/", map[string]any{"current_password": emailPassword + "2"}, 204},
		} {
			if status, text := p.ask(call.method, call.path+query, "Bearer "+access, with(call.fields)); status != call.want {
				t.Errorf("%s %s answered %d, not %d: %s", call.method, call.path, status, call.want, text)
			}
			if after := row(t, db, "victim"); after != before {
				t.Fatalf("%s %s changed another user: %s, was %s", call.method, call.path, after, before)
			}
			var raised int
			if err := db.QueryRow("select count(*) from auth_user where is_staff or is_superuser").Scan(&raised); err != nil || raised > 0 {
				t.Errorf("%s %s made staff of somebody (%v)", call.method, call.path, err)
			}
		}
	})
}

// row is all of a user that others could change.
func row(t *testing.T, db *sql.DB, name string) string {
	t.Helper()
	var email, first, password, active string
	err := db.QueryRow("select email, first_name, password, cast(is_active as text) from auth_user where username = $1", name).Scan(&email, &first, &password, &active)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join([]string{email, first, password, active}, " ")
}

// TestSecretsCutShort: no beginning of a token, a key or a link's secret is as good as the whole, nor one with something missing or behind it. (Padding
// behind a JWT is none of that: PyJWT takes it too, and it changes no byte of the signature.)
func TestSecretsCutShort(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		p := everyDialect(t, database)
		p.signUp("ann")
		access, refresh := p.pair("ann")
		key := fmt.Sprint(p.call("POST", "/auth/token/login/", "", credentials("", "ann", emailPassword), 200)["auth_token"])
		p.call("POST", "/auth/users/reset_password/", "", map[string]string{"email": "ann@example.com"}, 204)
		uid, token := p.activationLink("ann@example.com")

		damaged := func(secret string) []string {
			all := []string{secret + "A", secret + " x", strings.ToUpper(secret), secret + "." + secret, "\u200b" + secret}
			for i := 0; i < len(secret); i += 1 + len(secret)/40 {
				all = append(all, secret[:i], secret[i+1:])
			}
			return all
		}
		for _, bad := range damaged(refresh) {
			p.refuses("refresh", "POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": bad})
		}
		for _, bad := range damaged(access) {
			p.refuses("verify", "POST", "/auth/jwt/verify/", "", map[string]string{"token": bad})
		}
		for _, bad := range damaged(key) {
			if strings.TrimSpace(bad) == bad && strings.IndexFunc(bad, func(r rune) bool { return r > '~' }) < 0 && bad != "" {
				p.refuses("token key", "GET", "/auth/users/me/", "Token "+bad, nil)
			}
		}
		for _, bad := range damaged(token) {
			p.refuses("reset", "POST", "/auth/users/reset_password_confirm/", "",
				map[string]string{"uid": uid, "token": bad, "new_password": emailPassword + "1"})
		}
		p.call("POST", "/auth/users/reset_password_confirm/", "", map[string]string{"uid": uid, "token": token, "new_password": emailPassword + "1"}, 204)
	})
}

// TestOddIDs: what stands for a user in a path is a key and nothing else. (+1 and other scripts' digits are keys too, as Python reads them.)
func TestOddIDs(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		p := everyDialect(t, database)
		p.signUp("ann")
		access, _ := p.pair("ann")
		for _, id := range []string{
			"..", "%2e%2e", "..%2fme", "me%2f..", "1%2f..%2f2", "1;", "1,2", "1%00", "0x1", "1.0", "1e0", "-1", "01x", "1%20or%201=1", "'", "%27%20or%201=1--",
			"*", "%25", "_", "null", "true", strings.Repeat("9", 40), strings.Repeat("a", 4000), "9223372036854775808", "-9223372036854775809",
		} {
			for _, method := range []string{"GET", "PATCH", "DELETE"} {
				r, err := http.NewRequest(method, p.base, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				path := "/auth/users/" + id + "/"
				plain, err := url.PathUnescape(path)
				if err != nil {
					t.Fatal(err)
				}
				r.URL.Path, r.URL.RawPath = plain, path
				r.Header.Set("Authorization", "Bearer "+access)
				r.Header.Set("Content-Type", "application/json")
				answer, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				if answer.StatusCode < 400 || answer.StatusCode >= 500 {
					t.Errorf("%s %s answered %d", method, path, answer.StatusCode)
				}
			}
		}
	})
}

// TestAddressesThatLookAlike: an address is judged as it is stored, so that none passes that becomes another one afterwards.
func TestAddressesThatLookAlike(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		p := everyDialect(t, database)
		p.signUp("ann")
		for i, address := range []string{
			"ann＠example.com", "ann@example.com@evil.example", "ann@example.com\n", "ann@example.com\x00@evil.example", "ann@example.com,evil@evil.example",
			"ann@example.com;evil@evil.example", "<ann@example.com>", "\"Ann\" <ann@example.com>", "ann@example.com\r\nBcc: evil@evil.example",
		} {
			body := map[string]string{"username": fmt.Sprintf("other%d", i), "email": address, "password": emailPassword}
			status, text := p.ask("POST", "/auth/users/", "", body)
			stored := "ann@example.com"
			if status == http.StatusCreated && !strings.Contains(text, stored) || status >= 500 {
				t.Errorf("%q: %d %s", address, status, text)
			}
			if status == http.StatusCreated && strings.TrimSpace(address) != stored {
				t.Errorf("%q was taken for an address: %s", address, text)
			}
		}
	})
}

// TestFailuresOfOneAccountAreCountedTogether: whoever guesses passwords waits longer and longer, by whatever name and at whatever login, with or without an
// account of that name; the owner elsewhere does not, and nobody waits for others.
func TestFailuresOfOneAccountAreCountedTogether(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		p := everyDialect(t, database, "login_delay_after: 3", "login_delay_longest: 1h", "trusted_proxies: [127.0.0.1/32]")
		p.signUp("ann")
		p.signUp("bob")
		login := func(network, path, name, password string) (int, string) {
			t.Helper()
			body, err := json.Marshal(credentials(path, name, password))
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequest("POST", p.base+path, strings.NewReader(string(body)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Forwarded-For", network)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			data, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode == http.StatusTooManyRequests && (answer.Header.Get("Retry-After") == "" || !strings.Contains(string(data), "Request was throttled. Expected available in ")) {
				t.Errorf("a 429 with Retry-After %q and %s", answer.Header.Get("Retry-After"), data)
			}
			return answer.StatusCode, string(data)
		}
		const thief, home = "203.0.113.7", "198.51.100.4"
		for _, path := range []string{"/auth/jwt/create/", "/api/auth/login", "/auth/token/login/"} { // by name, by address, by name
			if status, text := login(thief, path, "ann", "wrong"); status == http.StatusOK || status == http.StatusTooManyRequests {
				t.Errorf("%s answered %d: %s", path, status, text)
			}
		}
		for _, path := range logins {
			for _, password := range []string{"wrong", emailPassword} { // the right one waits too, or it would stand out
				if status, text := login(thief, path, "ann", password); status != http.StatusTooManyRequests {
					t.Errorf("the next one at %s answered %d: %s", path, status, text)
				}
			}
		}
		for _, other := range []struct{ network, name string }{{home, "ann"}, {thief, "bob"}} {
			if status, text := login(other.network, "/auth/jwt/create/", other.name, emailPassword); status != http.StatusOK {
				t.Errorf("%s from %s answered %d: %s", other.name, other.network, status, text)
			}
		}
		// A name that nobody has answers as one that somebody has.
		for n, want := range []int{401, 401, 401, 429, 429} {
			if status, text := login(thief, "/auth/jwt/create/", "nobody", "wrong"); status != want {
				t.Errorf("nobody's try %d answered %d, not %d: %s", n+1, status, want, text)
			}
		}
		// Whoever knows the password begins anew.
		for n := range 12 {
			password, want := "wrong", 401
			if n%3 == 2 {
				password, want = emailPassword, 200
			}
			if status, text := login(home, "/auth/jwt/create/", "ann", password); status != want {
				t.Errorf("at home, try %d answered %d, not %d: %s", n+1, status, want, text)
			}
		}
		// A stolen access token does not guess the password either.
		access, _ := p.pair("bob")
		statuses := map[int]int{}
		for range 6 {
			status, _ := p.ask("POST", "/auth/users/set_password/", "Bearer "+access, map[string]string{"current_password": "wrong", "new_password": "x7!kkqwerty"})
			statuses[status]++
		}
		if statuses[400] != 3 || statuses[429] != 3 {
			t.Errorf("set_password answered %v, not three of 400 and of 429", statuses)
		}
	})
}

// TestAdvisories: every test that docs/advisories.md names exists, and every row names one or says why not.
func TestAdvisories(t *testing.T) {
	declared := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, found := range testFunction.FindAllSubmatch(readFile(t, path), -1) {
			declared[string(found[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(readFile(t, "../docs/advisories.md"))) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || strings.HasPrefix(line, "|---") || strings.Contains(line, "| the test |") {
			continue
		}
		rows++
		names := testName.FindAllString(cells[3], -1)
		if len(names) == 0 && !strings.Contains(cells[3], " here") {
			t.Errorf("no test is named in: %s", line)
		}
		for _, name := range names {
			if !declared[name] {
				t.Errorf("there is no test %s, which is named in: %s", name, line)
			}
		}
	}
	if rows < 30 {
		t.Errorf("only %d rows were read", rows)
	}
}

var (
	testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	testName     = regexp.MustCompile(`\b(?:Test|Fuzz)\w+`)
)
