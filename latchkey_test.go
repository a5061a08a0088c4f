package latchkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/testenv"
	"latchkey/verify"
)

const (
	secretKey = "a-secret-key-for-tests-that-is-long-enough-2b7e"
	password  = "correct-horse-7"
)

// configure is the configuration of a test, with a database and more settings.
func configure(t *testing.T, database, more string) Config {
	t.Helper()
	cfg, err := ParseConfig(fmt.Appendf(nil, `
database: %q
secret_key: %s
mounts: [{path: /auth, dialect: djoser}, {path: /api/auth, dialect: dj-rest-auth}]
pbkdf2_iterations: 1
DOMAIN: example.com
EMAIL_BACKEND: django.core.mail.backends.dummy.EmailBackend
%s
`, database, secretKey, more))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Log = slog.New(slog.DiscardHandler)
	return cfg
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := New(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func end(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// post sends JSON and gives status and body.
func post(h http.Handler, path, authorization string, body any) (status int, text string) {
	data, _ := json.Marshal(body)
	r := httptest.NewRequest("POST", path, strings.NewReader(string(data)))
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer.Code, answer.Body.String()
}

func signUp(t *testing.T, s *Server, name string) {
	t.Helper()
	body := map[string]string{"username": name, "email": name + "@example.com", "password": password}
	if status, text := post(s, "/auth/users/", "", body); status != 201 {
		t.Fatalf("sign-up answered %d %s", status, text)
	}
}

// pair signs somebody in.
func pair(t *testing.T, s *Server, name string) (tokens struct{ Access, Refresh string }) {
	t.Helper()
	status, text := post(s, "/auth/jwt/create/", "", map[string]string{"username": name, "password": password})
	if err := json.Unmarshal([]byte(text), &tokens); status != 200 || err != nil {
		t.Fatalf("sign-in answered %d %s", status, text)
	}
	return tokens
}

// An event that OnEvent does not take comes again, in the next process too, before those of the same user that follow; another user's need not wait.
func TestOnEventIsToldAgain(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		var told []string
		changed := make(chan struct{}, 100)
		ids := map[string]int{}
		hear := func(refuse bool) func(context.Context, Event) error {
			return func(ctx context.Context, e Event) error {
				defer func() { changed <- struct{}{} }()
				mu.Lock()
				defer mu.Unlock()
				ids[e.ID]++
				if _, limited := ctx.Deadline(); !limited || e.Time.IsZero() || e.User.ID == "" || e.User.Email == "" || e.Client.Request == "" || e.Actor != e.User.ID {
					t.Errorf("told of %+v", e)
				}
				if refuse && e.User.Username == "ann" {
					return errors.New("not now")
				}
				told = append(told, e.Type+" "+e.User.Username)
				return nil
			}
		}
		wait := func(n int) []string {
			t.Helper()
			for end := time.After(time.Minute); ; {
				mu.Lock()
				now := slices.Clone(told)
				mu.Unlock()
				if len(now) >= n {
					return now
				}
				select {
				case <-changed:
				case <-end:
					t.Fatalf("told of %q", now)
				}
			}
		}
		cfg := configure(t, url, "")
		cfg.OnEvent = hear(true)
		s := start(t, cfg)
		signUp(t, s, "ann")
		<-changed // and refused
		pair(t, s, "ann")
		signUp(t, s, "bob")
		if got := wait(1); !slices.Equal(got, []string{"user.registered bob"}) {
			t.Errorf("told of %q", got)
		}
		end(t, s)

		cfg = configure(t, url, "")
		cfg.OnEvent = hear(false)
		s = start(t, cfg)
		defer end(t, s)
		if got := wait(3)[1:]; !slices.Equal(got, []string{"user.registered ann", "user.login ann"}) {
			t.Errorf("then told of %q", got)
		}
		if len(ids) != 3 {
			t.Errorf("there were %d events", len(ids))
		}
	})
}

// The constants are the events that there are.
func TestEventTypes(t *testing.T) {
	constants := []string{UserRegistered, UserActivated, UserDeactivated, UserUpdated, UserDeleted, UserLogin, UserLogout, SessionEnded, TokenReused,
		PasswordChanged, PasswordReset, UsernameChanged, EmailChanged, EmailConfirmed}
	var names []string
	for _, name := range account.EventNames() {
		names = append(names, string(name))
	}
	if !slices.Equal(constants, names) {
		t.Errorf("got %q, want %q", constants, names)
	}
}

// A function that is asked first lets pass, refuses in its own words, or fails.
func TestBefore(t *testing.T) {
	var asked []Attempt
	verdict := error(nil)
	ask := func(ctx context.Context, a Attempt) error {
		if _, limited := ctx.Deadline(); !limited {
			t.Error("there is no limit of time")
		}
		asked = append(asked, a)
		return verdict
	}
	cfg := configure(t, testenv.SQLite(t), "")
	cfg.BeforeRegistration, cfg.BeforeLogin = ask, ask
	s := start(t, cfg)
	defer end(t, s)
	signUp(t, s, "ann")
	pair(t, s, "ann")
	want := Attempt{User: User{Username: "ann", Email: "ann@example.com"}, Language: "en"}
	for i, a := range asked {
		if a.Client.Address != "192.0.2.1" || a.Client.Request == "" {
			t.Errorf("asked of %+v", a)
		}
		a.Client = Client{}
		if i == 1 {
			want.User.ID = "1"
		}
		if !reflect.DeepEqual(a, want) {
			t.Errorf("asked of %+v, want %+v", a, want)
		}
	}
	for _, test := range []struct {
		verdict error
		status  int
		body    string
	}{
		{Refusal{"username": {"No.", "Never."}, "email": {"No."}}, 400, `{"email":["No."],"username":["No.","Never."]}`},
		{fmt.Errorf("wrapped: %w", Refusal{"detail": {"No."}}), 400, `{"detail":"No."}`},
		{errors.New("the directory is down"), 503, `{"detail":"Service temporarily unavailable, try again later."}`},
	} {
		verdict = test.verdict
		for path, body := range map[string]any{
			"/auth/users/":      map[string]string{"username": "eve", "email": "eve@example.com", "password": password},
			"/auth/jwt/create/": map[string]string{"username": "ann", "password": password},
		} {
			if status, text := post(s, path, "", body); status != test.status || text != test.body {
				t.Errorf("%v: %s answered %d %s", test.verdict, path, status, text)
			}
		}
	}
}

// A hook is one of the settings or one of the program, and never a silent choice between the two.
func TestHooksOfBothSides(t *testing.T) {
	cfg := configure(t, testenv.SQLite(t), "hooks: {before_login: {url: 'http://127.0.0.1:1', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}}")
	cfg.BeforeLogin = func(context.Context, Attempt) error { return nil }
	if s, err := New(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "hooks.before_login") {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestConfigs(t *testing.T) {
	if _, err := New(context.Background(), Config{}); err == nil || !strings.Contains(err.Error(), "LoadConfig or ParseConfig") {
		t.Errorf("without settings: %v", err)
	}
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, []byte("secret_key: "+secretKey+"\nlog_level: loud\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadConfig(file); err == nil || !strings.Contains(err.Error(), file+":2:1: log_level") {
		t.Errorf("got %v", err)
	}
	t.Setenv("LATCHKEY_LOG_LEVEL", "debug") // which the program would heed, and so does LoadConfig; a text that is parsed stands alone
	if _, err := LoadConfig(file); err != nil {
		t.Error(err)
	}
	t.Setenv("LATCHKEY_LOG_LEVEL", "louder")
	if _, err := ParseConfig([]byte("secret_key: " + secretKey)); err != nil {
		t.Error(err)
	}
	if _, err := ParseConfig(nil); err == nil { // an empty file is no development mode
		t.Error("a secret key is not asked for")
	}
}

// What a Server hands out its Verifier takes, and what it would refuse, too; whatever signs it.
func TestVerifier(t *testing.T) {
	private, public := testenv.RSAKeys(t)
	quoted := func(pem string) string {
		text, _ := json.Marshal(pem)
		return string(text)
	}
	for name, more := range map[string]string{
		"stock":   "",
		"named":   "SIMPLE_JWT: {ISSUER: us, AUDIENCE: [a, b], USER_ID_CLAIM: sub, TOKEN_TYPE_CLAIM: kind, JTI_CLAIM: id, AUTH_HEADER_TYPES: [JWT, Bearer], AUTH_HEADER_NAME: HTTP_X_ACCESS}",
		"own key": "SIMPLE_JWT: {ALGORITHM: HS512, SIGNING_KEY: " + strings.Repeat("x", 64) + "}",
		"RS256":   "jwt_key_id: true\nSIMPLE_JWT: {ALGORITHM: RS256, SIGNING_KEY: " + quoted(private) + ", VERIFYING_KEY: " + quoted(public) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, configure(t, testenv.SQLite(t), more))
			defer end(t, s)
			signUp(t, s, "ann")
			tokens := pair(t, s, "ann")
			v, err := s.Verifier()
			if err != nil {
				t.Fatal(err)
			}
			token, err := v.Token(context.Background(), tokens.Access)
			if err != nil || token.UserID != "1" {
				t.Errorf("%+v, %v", token, err)
			}
			if _, err := v.Token(context.Background(), tokens.Refresh); err == nil {
				t.Error("a refresh token passes for an access token")
			}
			header, word := "Authorization", "Bearer "
			if name == "named" {
				header, word = "X-Access", "JWT "
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set(header, word+tokens.Access)
			answer := httptest.NewRecorder()
			v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, verify.User(r.Context())) })).ServeHTTP(answer, r)
			if answer.Body.String() != "1" {
				t.Errorf("answered %d %s", answer.Code, answer.Body)
			}
		})
	}
	s := start(t, configure(t, testenv.SQLite(t), "SIMPLE_JWT: {TOKEN_TYPE_CLAIM: null}"))
	defer end(t, s)
	if _, err := s.Verifier(); err == nil {
		t.Error("tokens without types are told apart")
	}
}

// Close waits for what is under way, but no longer than its context.
func TestCloseWaits(t *testing.T) {
	cfg := configure(t, testenv.SQLite(t), "")
	entered, release := make(chan struct{}), make(chan struct{})
	cfg.OnEvent = func(context.Context, Event) error {
		close(entered)
		<-release
		return nil
	}
	s := start(t, cfg)
	signUp(t, s, "ann")
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(release)
	if err := s.Close(context.Background()); err != nil {
		t.Errorf("the second call, when nothing is under way: %v", err)
	}
}
