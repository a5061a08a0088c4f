package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/testenv"
)

const frontEnd = "https://app.example.com"

// A page of an allowed origin can read every answer, also what the server says before or instead of an API; others can read none.
func TestPagesOfOtherOrigins(t *testing.T) {
	s := start(t, testenv.SQLite(t), map[string]string{
		"CORS_ALLOWED_ORIGINS": "[" + frontEnd + "]", "CORS_EXPOSE_HEADERS": "[Retry-After]", "ALLOWED_HOSTS": "[127.0.0.1]", "throttle_rates": "{login: 1/hour}",
	})
	s.register("ann")
	for _, test := range []struct {
		what, method, path, host string
		body                     any
		status                   int
	}{
		{"an answer", "POST", "/auth/jwt/create/", "", credentials("ann"), 200},
		{"too many of them", "POST", "/auth/jwt/create/", "", credentials("ann"), 429},
		{"nobody", "GET", "/auth/users/me/", "", nil, 401},
		{"an error", "POST", "/auth/users/", "", fields{"username": ""}, 400},
		{"nothing", "GET", "/nothing/", "", nil, 404},
		{"a wrong method", "DELETE", "/auth/jwt/create/", "", nil, 405},
		{"a body without end", "POST", "/auth/users/", "", fields{"username": strings.Repeat("x", 5<<20)}, 413},
		{"a wrong host", "GET", "/auth/users/me/", "elsewhere.example", nil, 400},
		{"REST framework's own OPTIONS", "OPTIONS", "/auth/users/", "", nil, 401},
		{"health", "GET", "/healthz", "", nil, 200},
	} {
		for _, origin := range []string{frontEnd, "https://evil.example"} {
			r := s.request(test.method, test.path, "", test.body)
			r.Header.Set("Origin", origin)
			if test.host != "" {
				r.Host = test.host
			}
			if origin != frontEnd && test.status == http.StatusOK && test.body != nil {
				continue // it can be asked but once
			}
			a, err := s.send(r)
			if err != nil || a.status != test.status {
				t.Errorf("%s: got %d, %v", test.what, a.status, err)
				continue
			}
			want := ""
			if origin == frontEnd {
				want = frontEnd
			}
			if got := a.header.Get("Access-Control-Allow-Origin"); got != want || !slices.Contains(a.header.Values("Vary"), "origin") {
				t.Errorf("%s for %s: allowed is %q, Vary %q", test.what, origin, got, a.header.Values("Vary"))
			}
		}
	}
	r := s.request("OPTIONS", "/auth/users/me/", "", nil)
	r.Header.Set("Origin", frontEnd)
	r.Header.Set("Access-Control-Request-Method", "GET")
	a, err := s.send(r)
	if err != nil || a.status != 200 || a.body != "" || a.header.Get("Content-Language") != "" || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "authorization") {
		t.Errorf("a preflight: %v, %v", a, err)
	}
}

func TestNoOtherOriginsByDefault(t *testing.T) {
	s := start(t, testenv.SQLite(t), nil)
	r := s.request("OPTIONS", "/auth/users/", "", nil)
	r.Header.Set("Origin", "http://localhost:3000")
	r.Header.Set("Access-Control-Request-Method", "POST")
	a, err := s.send(r)
	if err != nil || a.status != 401 || slices.Contains(a.header.Values("Vary"), "origin") {
		t.Errorf("got %v, %v", a, err)
	}
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is answered", name)
		}
	}
}
