package registerloginrefresh_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"latchkey/internal/config"
	"latchkey/internal/server"
	"latchkey/internal/testenv"
)

// A client posts to the API of a whole server.
type client struct {
	t      *testing.T
	server *server.Server
	base   string
	form   bool
}

// start serves the API at /api/auth on a fresh database.
func start(t *testing.T, database, more string) *client {
	t.Helper()
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\ndatabase: %q\nsecret_key: a-secret-key-of-this-test-0123456789-0123456789\npbkdf2_iterations: 1000\n"+
		"EMAIL_BACKEND: django.core.mail.backends.dummy.EmailBackend\nmounts: [{path: /api/auth, dialect: register-login-refresh}, {path: /auth, dialect: djoser}]\n"+
		"throttle_rates: {login: null, register: null}\n%s", database, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(context.Background(), cfg, server.Options{Log: slog.New(slog.DiscardHandler), Terminal: io.Discard})
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
	return &client{t: t, server: s, base: web.URL}
}

// body is what is posted and answered.
type body map[string]any

// post sends JSON, or a form, and reads the answer.
func (c *client) post(path string, b body) (*http.Response, body) {
	c.t.Helper()
	var sent io.Reader
	kind := "application/json"
	if c.form {
		kind = "application/x-www-form-urlencoded"
		values := url.Values{}
		for key, value := range b {
			values.Set(key, fmt.Sprint(value))
		}
		sent = strings.NewReader(values.Encode())
	} else {
		text, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.Post(c.base+path, kind, sent)
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	var got body
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		c.t.Fatalf("%s: the answer is no JSON object: %v", path, err)
	}
	return r, got
}

// want posts and compares status and whole body.
func (c *client) want(path string, sent body, status int, want string) {
	c.t.Helper()
	r, got := c.post(path, sent)
	var wanted body
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		c.t.Fatal(err)
	}
	if r.StatusCode != status || !reflect.DeepEqual(got, wanted) {
		c.t.Errorf("POST %s %v\n got %d %v\nwant %d %v", path, sent, r.StatusCode, got, status, wanted)
	}
}

func keys(b body) string {
	var list []string
	for _, key := range []string{"access", "created", "email", "id", "is_active", "refresh", "token", "updated", "user", "username"} {
		if _, ok := b[key]; ok {
			list = append(list, key)
		}
	}
	return strings.Join(list, " ")
}

// TestDocument plays the API's document, in both slash forms, as JSON and as a form.
func TestDocument(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		c := start(t, database, "")
		n := 0
		for _, slash := range []string{"", "/"} {
			for _, form := range []bool{false, true} {
				n++
				c.form = form
				name, address := fmt.Sprintf("testuser%d", n), fmt.Sprintf("testuser%d@yopmail.com", n)
				r, got := c.post("/api/auth/register"+slash, body{"username": name, "email": address, "password": "12345678"})
				if r.StatusCode != http.StatusCreated || keys(got) != "access refresh token user" || got["access"] != got["token"] {
					t.Fatalf("register: %d %v", r.StatusCode, got)
				}
				user := body(got["user"].(map[string]any))
				if want := (body{"id": float64(n), "username": name, "email": address, "is_active": true}); !reflect.DeepEqual(user, want) {
					t.Errorf("register's user is %v, want %v", user, want)
				}
				r, got = c.post("/api/auth/login"+slash, body{"email": strings.ToUpper(address), "password": "12345678"})
				if r.StatusCode != http.StatusOK || keys(got) != "access refresh user" || !reflect.DeepEqual(body(got["user"].(map[string]any)), user) {
					t.Fatalf("login: %d %v", r.StatusCode, got)
				}
				c.wantMe(got["access"].(string), http.StatusOK)
				r, got = c.post("/api/auth/refresh"+slash, body{"refresh": got["refresh"]})
				if r.StatusCode != http.StatusOK || keys(got) != "access" || len(got) != 1 {
					t.Fatalf("refresh: %d %v", r.StatusCode, got)
				}
				c.wantMe(got["access"].(string), http.StatusOK)
			}
		}
	})
}

// wantMe signs a djoser request in with an access token: accounts are one.
func (c *client) wantMe(access string, status int) {
	c.t.Helper()
	r, err := http.NewRequest(http.MethodGet, c.base+"/auth/users/me/", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != status {
		c.t.Errorf("me: %d, want %d", answer.StatusCode, status)
	}
}

// deactivate switches a user off, as an administrator does.
func (c *client) deactivate(name string) error {
	user, err := c.server.Accounts.UserBy(context.Background(), "username", name)
	if err != nil {
		return err
	}
	return c.server.Accounts.SetActive(context.Background(), user.ID, false)
}

// TestBadHeader: a bad Authorization closes register and login, as everywhere in REST framework, and refresh does not read it.
func TestBadHeader(t *testing.T) {
	c := start(t, testenv.SQLite(t), "")
	for path, want := range map[string]int{"register": 401, "login": 401, "refresh": 400} {
		r, err := http.NewRequest(http.MethodPost, c.base+"/api/auth/"+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer rubbish")
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, answer.StatusCode, want)
		}
	}
}

func TestErrors(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		c := start(t, database, "")
		const register, login, refresh = "/api/auth/register", "/api/auth/login", "/api/auth/refresh"
		c.want(register, body{}, 400, `{"username": ["This field is required."], "email": ["This field is required."], "password": ["This field is required."]}`)
		c.want(register, body{"username": "", "email": nil, "password": " "}, 400,
			`{"username": ["This field may not be blank."], "email": ["This field may not be null."], "password": ["This field may not be blank."]}`)
		c.want(register, body{"username": "a b", "email": "no address", "password": "1234567"}, 400,
			`{"email": ["Enter a valid email address."], "password": ["Ensure this field has at least 8 characters."]}`)
		for n, status := range map[int]int{7: 400, 8: 201, 128: 201, 129: 400} {
			r, got := c.post(register, body{"username": fmt.Sprint("user ", n), "email": fmt.Sprintf("u%d@example.com", n), "password": strings.Repeat("x", n)})
			if r.StatusCode != status {
				t.Errorf("a password of %d characters: %d %v, want %d", n, r.StatusCode, got, status)
			}
		}
		// An address that exists is a 400 and never a login.
		c.want(register, body{"username": "user 8", "email": "new@example.com", "password": "xxxxxxxx"}, 400, `{"username": ["user with this username already exists."]}`)
		for _, address := range []string{"u8@example.com", "U8@EXAMPLE.com", "u8@Example.Com"} {
			c.want(register, body{"username": "other", "email": address, "password": "xxxxxxxx"}, 400, `{"email": ["user with this email already exists."]}`)
		}
		c.want(login, body{"username": "user 8", "password": "xxxxxxxx"}, 400, `{"email": ["This field is required."]}`)
		const refused = `{"detail": "No active account found with the given credentials"}`
		c.want(login, body{"email": "u8@example.com", "password": "wrong"}, 401, refused)
		c.want(login, body{"email": "nobody@example.com", "password": "xxxxxxxx"}, 401, refused)
		if err := c.deactivate("user 128"); err != nil {
			t.Fatal(err)
		}
		c.want(login, body{"email": "u128@example.com", "password": strings.Repeat("x", 128)}, 401, refused)
		c.want(refresh, body{}, 400, `{"refresh": ["This field is required."]}`)
		c.want(refresh, body{"refresh": ""}, 400, `{"refresh": ["This field may not be blank."]}`)
		c.want(refresh, body{"refresh": "rubbish"}, 401, `{"detail": "Token is invalid", "code": "token_not_valid"}`)
		r, _ := c.post(login, body{"email": "u8@example.com", "password": "wrong"})
		if got := r.Header.Get("WWW-Authenticate"); got != `Bearer realm="api"` {
			t.Errorf("WWW-Authenticate is %q", got)
		}
		for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPut} {
			request, err := http.NewRequest(method, c.base+register, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "POST" {
				t.Errorf("%s: %d, Allow %q; want 405, POST", method, answer.StatusCode, answer.Header.Get("Allow"))
			}
		}
	})
}

// TestOneWinner registers one address, and one name, from many clients at once.
func TestOneWinner(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		c := start(t, database, "")
		for what, sent := range map[string]func(i int) body{
			"email": func(i int) body {
				return body{"username": fmt.Sprint("name", i), "email": "One@example.com", "password": "12345678"}
			},
			"username": func(i int) body {
				return body{"username": "one", "email": fmt.Sprintf("a%d@example.com", i), "password": "12345678"}
			},
		} {
			var mu sync.Mutex
			statuses := map[int]int{}
			var all sync.WaitGroup
			for i := range 32 {
				all.Go(func() {
					r, got := c.post("/api/auth/register", sent(i))
					if _, named := got[what]; r.StatusCode == 400 && !named {
						t.Errorf("a loser for one %s is told %v", what, got)
					}
					mu.Lock()
					statuses[r.StatusCode]++
					mu.Unlock()
				})
			}
			all.Wait()
			if want := map[int]int{201: 1, 400: 31}; !reflect.DeepEqual(statuses, want) {
				t.Errorf("32 registrations of one %s: %v, want %v", what, statuses, want)
			}
		}
	})
}

func TestSettings(t *testing.T) {
	c := start(t, testenv.SQLite(t), "register_login_refresh: {password_validators: true, timestamps: true}\nSIMPLE_JWT: {ROTATE_REFRESH_TOKENS: true, BLACKLIST_AFTER_ROTATION: true}\n")
	c.want("/api/auth/register", body{"username": "ann", "email": "ann@example.com", "password": "12345678"}, 400,
		`{"password": ["This password is too common.", "This password is entirely numeric."]}`)
	_, got := c.post("/api/auth/register", body{"username": "ann", "email": "ann@example.com", "password": "correct horse 7"})
	user := body(got["user"].(map[string]any))
	if keys(user) != "created email id is_active updated username" || user["created"] != user["updated"] {
		t.Errorf("the user is %v", user)
	}
	first := got["refresh"]
	r, got := c.post("/api/auth/refresh", body{"refresh": first})
	if r.StatusCode != http.StatusOK || keys(got) != "access refresh" {
		t.Errorf("refresh with rotation: %d %v", r.StatusCode, got)
	}
	second := got["refresh"]
	if _, got = c.post("/api/auth/refresh", body{"refresh": first}); got["refresh"] != second {
		t.Errorf("the same token at once: %v, want the same successor", got)
	}
	c.post("/api/auth/refresh", body{"refresh": second})
	c.want("/api/auth/refresh", body{"refresh": first}, 401, `{"detail": "Token is blacklisted", "code": "token_not_valid"}`)
}
