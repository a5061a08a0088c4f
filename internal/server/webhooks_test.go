package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"latchkey/internal/testenv"
)

const hookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// A hook is asked by the server under test, which signs its questions.
type hook struct {
	url string

	mu     sync.Mutex
	asked  []string // kind and user of each question
	bodies []string
	answer http.HandlerFunc
}

func newHook(t *testing.T) *hook {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	h := &hook{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := verifier.Verify(body, r.Header); err != nil {
			t.Error(err)
		}
		var q struct {
			Type string
			Data struct{ User struct{ Username string } }
		}
		if err := json.Unmarshal(body, &q); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		h.mu.Lock()
		h.asked = append(h.asked, q.Type+" "+q.Data.User.Username)
		h.bodies = append(h.bodies, string(body))
		answer := h.answer
		h.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(web.Close)
	h.url = web.URL
	return h
}

// answers makes the hook answer so from now on.
func (h *hook) answers(status int, body string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// questions takes what was asked since the last call.
func (h *hook) questions() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := strings.Join(h.asked, ", ")
	h.asked = nil
	return all
}

func (h *hook) settings(more string) string {
	return fmt.Sprintf("{url: '%s', secret: '%s'%s}", h.url, hookSecret, more)
}

// All sign-ups and sign-ins, by whichever API: the path, the body and the field that its refusals are usually about.
var (
	everyMount = map[string]string{
		"mounts":            "[{path: /auth, dialect: djoser}, {path: /api/auth, dialect: dj-rest-auth}, {path: /small, dialect: register-login-refresh}, {path: /api/token, dialect: simplejwt}]",
		"REST_AUTH.USE_JWT": "true",
	}
	signUps = map[string]func(name string) fields{
		"/auth/users/": func(name string) fields {
			return fields{"username": name, "email": name + "@example.com", "password": password}
		},
		"/api/auth/registration/": func(name string) fields {
			return fields{"username": name, "email": name + "@example.com", "password1": password, "password2": password}
		},
		"/small/register": func(name string) fields {
			return fields{"username": name, "email": name + "@example.com", "password": password}
		},
	}
	signIns = map[string]func(name, password string) fields{
		"/auth/jwt/create/":   func(name, password string) fields { return fields{"username": name, "password": password} },
		"/auth/token/login/":  func(name, password string) fields { return fields{"username": name, "password": password} },
		"/api/auth/login/":    func(name, password string) fields { return fields{"username": name, "password": password} },
		"/api/token/":         func(name, password string) fields { return fields{"username": name, "password": password} },
		"/api/token/sliding/": func(name, password string) fields { return fields{"username": name, "password": password} },
		"/small/login": func(name, password string) fields {
			return fields{"email": name + "@example.com", "password": password}
		},
	}
)

// A hook before registration lets whom it knows sign up, and refuses others in its own words, whichever API is asked; nothing is left of those.
func TestBeforeRegistration(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		h := newHook(t)
		s := start(t, url, with(unlimited, everyMount, map[string]string{"hooks.before_registration": h.settings("")}))
		n := 0
		for path, body := range signUps {
			n++
			name := fmt.Sprint("ann", n)
			h.answers(400, `{"email": ["Only for customers."], "non_field_errors": ["Ask us."]}`)
			if a := s.wants(400, "POST", path, "", body(name)); a.body != `{"email":["Only for customers."],"non_field_errors":["Ask us."]}` {
				t.Errorf("%s answered %s", path, a.body)
			}
			if got := h.questions(); got != "before.registration "+name {
				t.Errorf("%s asked %q", path, got)
			}
			h.answers(403, `{"detail": "Not from here."}`)
			if a := s.wants(403, "POST", path, "", body(name)); a.body != `{"detail":"Not from here."}` {
				t.Errorf("%s answered %s", path, a.body)
			}
			if got := s.count("SELECT count(*) FROM auth_user"); got != n-1 {
				t.Errorf("%s left %d users", path, got)
			}
			h.answers(200, "")
			s.wants(201, "POST", path, "", body(name))
			h.questions()
			s.call("POST", path, "", body(name)) // a name that is taken is refused before anybody is asked
			if got := h.questions(); got != "" {
				t.Errorf("%s asked %q about a name that is taken", path, got)
			}
		}
		for _, body := range h.bodies {
			if strings.Contains(body, password) || !strings.Contains(body, `"address":"127.0.0.1"`) || !strings.Contains(body, `@example.com"`) {
				t.Errorf("asked with %s", body)
			}
		}
	})
}

// A hook before login is asked after the password was right, and only then: what it says, or how long it takes, tells no stranger anything.
func TestBeforeLogin(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		h := newHook(t)
		s := start(t, url, with(unlimited, everyMount, map[string]string{"hooks.before_login": h.settings("")}))
		s.register("ann")
		for path, body := range signIns {
			h.answers(400, `{"detail": "Your contract has ended."}`)
			if a := s.wants(400, "POST", path, "", body("ann", password)); a.body != `{"detail":"Your contract has ended."}` {
				t.Errorf("%s answered %s", path, a.body)
			}
			if got := h.questions(); got != "before.login ann" {
				t.Errorf("%s asked %q", path, got)
			}
			wrong, nobody := s.call("POST", path, "", body("ann", "wrong")), s.call("POST", path, "", body("nobody", password))
			if wrong.status/100 != 4 || wrong.body != nobody.body || wrong.status != nobody.status {
				t.Errorf("%s tells who has an account: %v, %v", path, wrong, nobody)
			}
			if got := h.questions(); got != "" {
				t.Errorf("%s asked %q", path, got)
			}
			h.answers(204, "")
			s.wants(200, "POST", path, "", body("ann", password))
			h.questions()
		}
	})
}

// A hook that does not answer in time, or not in a form that can be read, refuses with 503, or lets pass where the settings say so.
func TestHookFailure(t *testing.T) {
	h := newHook(t)
	settings := with(unlimited, everyMount, map[string]string{"hooks.before_login": h.settings(", timeout: 200ms"), "hooks.before_registration": h.settings(", timeout: 200ms, on_failure: allow")})
	s := start(t, testenv.SQLite(t), settings)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for what, answer := range map[string]http.HandlerFunc{
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-release:
			}
		},
		"broken":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"missing": func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
	} {
		h.mu.Lock()
		h.answer = answer
		h.mu.Unlock()
		s.register(what) // the registration's hook lets pass
		began := time.Now()
		a := s.wants(503, "POST", "/auth/jwt/create/", "", credentials(what))
		if a.header.Get("Retry-After") == "" || time.Since(began) > 10*time.Second {
			t.Errorf("%s: got %v after %s", what, a, time.Since(began))
		}
		s.wants(401, "POST", "/auth/jwt/create/", "", fields{"username": what, "password": "wrong"})
	}
	s.log.await(t, "a hook gave no answer")
	if strings.Contains(s.log.String(), hookSecret) {
		t.Error("the log holds the secret")
	}
}

// What a request does is told with where it came from, who was calling and the id that the log has.
func TestEventsOfRequests(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		h := newHook(t)
		s := start(t, url, with(unlimited, map[string]string{"webhooks": "[" + h.settings("") + "]", "trusted_proxies": "[127.0.0.1/32]"}))
		s.register("ann")
		access, _ := s.pair("ann")
		r := s.request("PATCH", "/auth/users/me/", "Bearer "+access, fields{"email": "new@example.com"})
		r.Header.Set("X-Forwarded-For", "198.51.100.4, 2001:db8::7")
		r.Header.Set("User-Agent", strings.Repeat("é", 150))
		r.Header.Set("X-Request-Id", "the-request")
		if a, err := s.send(r); err != nil || a.status != 200 {
			t.Fatal(a, err)
		}
		for end := time.Now().Add(time.Minute); s.count("SELECT count(*) FROM latchkey_webhook") > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("events are still owed")
			}
		}
		if got, want := h.questions(), "user.registered ann, user.login ann, user.updated ann, email.changed ann"; got != want {
			t.Fatalf("told %s, want %s", got, want)
		}
		for _, want := range []string{
			`"actor":"1","changed":["email"],"client":{"address":"2001:db8::7","agent":"` + strings.Repeat("é", 100) + `","request":"the-request"}`, `"email":"new@example.com"`,
		} {
			if !strings.Contains(h.bodies[2], want) {
				t.Errorf("got %s\nwant %s", h.bodies[2], want)
			}
		}
		for _, body := range h.bodies {
			if strings.Contains(body, password) || strings.Contains(body, "pbkdf2") || strings.Contains(body, access) {
				t.Errorf("a secret is told: %s", body)
			}
		}
	})
}
