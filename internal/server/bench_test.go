package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// nobodyReads is an answer that goes nowhere, so that what is measured is the server.
type nobodyReads struct {
	header http.Header
	status int
	body   []byte
}

func (w *nobodyReads) Header() http.Header         { return w.header }
func (w *nobodyReads) WriteHeader(status int)      { w.status = status }
func (w *nobodyReads) Write(p []byte) (int, error) { w.body = append(w.body, p...); return len(p), nil }

// bench runs fn on both databases against a server without throttles, whose passwords cost next to nothing and whose log goes nowhere.
func bench(b *testing.B, given map[string]string, fn func(b *testing.B, ask func(method, path, authorization, body string) string)) {
	b.Helper()
	for _, engine := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", testenv.SQLite}, {"postgres", testenv.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			log := slog.New(LogHandler{slog.NewTextHandler(io.Discard, nil)}) // formatted as in service
			s, err := New(ctx, load(b, engine.url(b), with(unlimited, given)), Options{Log: log, Now: time.Now, Terminal: io.Discard})
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			}()
			handler := s.Handler()
			ask := func(method, path, authorization, body string) string {
				r, err := http.NewRequest(method, path, strings.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				r.RemoteAddr = "192.0.2.1:1"
				r.Header.Set("Content-Type", "application/json")
				if authorization != "" {
					r.Header.Set("Authorization", authorization)
				}
				w := &nobodyReads{header: http.Header{}}
				handler.ServeHTTP(w, r)
				if w.status < 200 || w.status > 299 {
					b.Fatalf("%s %s: %d %s", method, path, w.status, w.body)
				}
				return string(w.body)
			}
			for i := range 100 {
				ask("POST", "/auth/users/", "", fmt.Sprintf(`{"username":"user%d","email":"user%d@example.com","password":"%s"}`, i, i, password))
			}
			b.ReportAllocs()
			fn(b, ask)
		})
	}
}

const benchLogin = `{"username":"user7","password":"` + password + `"}`

func benchPair(b *testing.B, ask func(method, path, authorization, body string) string) (access, refresh string) {
	b.Helper()
	pair := reply{body: ask("POST", "/auth/jwt/create/", "", benchLogin)}
	return pair.field(b, "access"), pair.field(b, "refresh")
}

func BenchmarkLogin(b *testing.B) {
	bench(b, nil, func(b *testing.B, ask func(method, path, authorization, body string) string) {
		for b.Loop() {
			ask("POST", "/auth/jwt/create/", "", benchLogin)
		}
	})
}

func BenchmarkTokenLogin(b *testing.B) {
	bench(b, nil, func(b *testing.B, ask func(method, path, authorization, body string) string) {
		for b.Loop() {
			ask("POST", "/auth/token/login/", "", benchLogin)
		}
	})
}

func BenchmarkRefresh(b *testing.B) {
	bench(b, nil, func(b *testing.B, ask func(method, path, authorization, body string) string) {
		_, refresh := benchPair(b, ask)
		body := `{"refresh":"` + refresh + `"}`
		for b.Loop() {
			ask("POST", "/auth/jwt/refresh/", "", body)
		}
	})
}

func BenchmarkRefreshWithRotation(b *testing.B) {
	rotating := map[string]string{"SIMPLE_JWT.ROTATE_REFRESH_TOKENS": "true", "SIMPLE_JWT.BLACKLIST_AFTER_ROTATION": "true"}
	bench(b, rotating, func(b *testing.B, ask func(method, path, authorization, body string) string) {
		_, refresh := benchPair(b, ask)
		for b.Loop() {
			refresh = reply{body: ask("POST", "/auth/jwt/refresh/", "", `{"refresh":"`+refresh+`"}`)}.field(b, "refresh")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	bench(b, nil, func(b *testing.B, ask func(method, path, authorization, body string) string) {
		access, _ := benchPair(b, ask)
		body := `{"token":"` + access + `"}`
		for b.Loop() {
			ask("POST", "/auth/jwt/verify/", "", body)
		}
	})
}

func BenchmarkMeByBearer(b *testing.B) {
	bench(b, nil, func(b *testing.B, ask func(method, path, authorization, body string) string) {
		access, _ := benchPair(b, ask)
		for b.Loop() {
			ask("GET", "/auth/users/me/", "Bearer "+access, "")
		}
	})
}

func BenchmarkMeByTokenKey(b *testing.B) {
	bench(b, nil, func(b *testing.B, ask func(method, path, authorization, body string) string) {
		key := reply{body: ask("POST", "/auth/token/login/", "", benchLogin)}.field(b, "auth_token")
		for b.Loop() {
			ask("GET", "/auth/users/me/", "Token "+key, "")
		}
	})
}
