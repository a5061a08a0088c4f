package verify_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/internal/config"
	"latchkey/internal/server"
	"latchkey/internal/testenv"
	"latchkey/internal/tokens"
	"latchkey/verify"
)

const (
	secretKey = "a-secret-key-for-tests-that-is-long-enough-2b7e"
	password  = "correct-horse-7"
)

// A clock runs, and can be put ahead.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// accounts is a whole Latchkey behind an address at which another can take its place.
type accounts struct {
	t        *testing.T
	url      string
	database string
	now      *clock
	handler  atomic.Value // of a func(http.ResponseWriter, *http.Request)
	fetched  atomic.Int64 // how often the keys were asked for
}

func newAccounts(t *testing.T, given map[string]string) *accounts {
	t.Helper()
	a := &accounts{t: t, database: testenv.SQLite(t), now: &clock{}}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "jwks.json") {
			a.fetched.Add(1)
		}
		a.handler.Load().(func(http.ResponseWriter, *http.Request))(w, r)
	}))
	t.Cleanup(web.Close)
	a.url = web.URL
	a.serve(given)
	a.call(201, "POST", "/auth/users/", "", map[string]string{"username": "ann", "email": "ann@example.com", "password": password})
	return a
}

// serve puts a server with other settings in the place of the one before, on the same database.
func (a *accounts) serve(given map[string]string) {
	a.t.Helper()
	settings := map[string]string{
		"database": a.database, "secret_key": secretKey, "pbkdf2_iterations": "1", "DOMAIN": "example.com", "SITE_NAME": "Example",
		"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend", "mounts": "[{path: /auth, dialect: djoser}]",
	}
	maps.Copy(settings, given)
	cfg, err := config.Load(config.Options{Flags: settings})
	if err != nil {
		a.t.Fatal(err)
	}
	s, err := server.New(context.Background(), cfg, server.Options{Log: slog.New(slog.DiscardHandler), Now: a.now.Now, Terminal: io.Discard})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { s.Close() })
	a.handler.Store(s.Handler().ServeHTTP)
}

// down makes the address answer 502, as a proxy does whose server is gone.
func (a *accounts) down() {
	a.handler.Store(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
}

func (a *accounts) call(status int, method, path, authorization string, body any) map[string]any {
	a.t.Helper()
	data, _ := json.Marshal(body)
	r, err := http.NewRequest(method, a.url+path, strings.NewReader(string(data)))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer answer.Body.Close()
	var object map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&object); err != nil || answer.StatusCode != status {
		a.t.Fatalf("%s %s: %d %v, %v", method, path, answer.StatusCode, object, err)
	}
	return object
}

// access is a fresh access token of ann's.
func (a *accounts) access() string {
	a.t.Helper()
	return a.call(200, "POST", "/auth/jwt/create/", "", map[string]string{"username": "ann", "password": password})["access"].(string)
}

// rsaKeys are settings with a new key pair.
func rsaKeys(t *testing.T, more map[string]string) map[string]string {
	t.Helper()
	private, public := testenv.RSAKeys(t)
	settings := map[string]string{
		"SIMPLE_JWT.ALGORITHM":     "RS256",
		"SIMPLE_JWT.SIGNING_KEY":   private,
		"SIMPLE_JWT.VERIFYING_KEY": public,
	}
	maps.Copy(settings, more)
	return settings
}

func verifier(t *testing.T, cfg verify.Config) *verify.Verifier {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	v, err := verify.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// good checks that a token is ann's.
func good(t *testing.T, what string, v *verify.Verifier, raw string) {
	t.Helper()
	token, err := v.Token(context.Background(), raw)
	if err != nil || token.UserID != "1" {
		t.Errorf("%s: %+v, %v", what, token, err)
	}
}

// bad checks that a token is refused by what is said of it.
func bad(t *testing.T, what string, v *verify.Verifier, raw, want string) {
	t.Helper()
	_, err := v.Token(context.Background(), raw)
	var refused *verify.Refused
	if !errors.As(err, &refused) || len(refused.Messages) != 1 || refused.Messages[0].Message != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

// A service answers requests without a good token as Latchkey itself does, and as SimpleJWT does, which Latchkey's recordings are of.
func TestAnswersAsTheAccountServer(t *testing.T) {
	a := newAccounts(t, nil)
	v := verifier(t, verify.Config{Secret: secretKey, Now: a.now.Now})
	service := httptest.NewServer(v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %v", verify.User(r.Context()), verify.Claims(r.Context())["token_type"])
	})))
	t.Cleanup(service.Close)
	access := a.access()
	refresh := a.call(200, "POST", "/auth/jwt/create/", "", map[string]string{"username": "ann", "password": password})["refresh"].(string)
	signed := func(claims jwt.MapClaims) string {
		raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secretKey))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	soon := time.Now().Add(time.Hour).Unix()
	for what, header := range map[string]string{
		"nothing": "", "another scheme": "Digest abc", "no token": "Bearer", "three words": "Bearer a b", "empty": " ", "good": "Bearer " + access, "good, in lower case": "bearer " + access,
		"garbage": "Bearer garbage", "cut": "Bearer " + access[:len(access)-3], "refresh": "Bearer " + refresh,
		"expired":        "Bearer " + signed(jwt.MapClaims{"token_type": "access", "exp": 1000, "jti": "x", "user_id": "1"}),
		"without expiry": "Bearer " + signed(jwt.MapClaims{"token_type": "access", "jti": "x", "user_id": "1"}),
		"without id":     "Bearer " + signed(jwt.MapClaims{"token_type": "access", "exp": soon, "user_id": "1"}),
		"without type":   "Bearer " + signed(jwt.MapClaims{"exp": soon, "jti": "x", "user_id": "1"}),
		"without user":   "Bearer " + signed(jwt.MapClaims{"token_type": "access", "exp": soon, "jti": "x"}),
		"null user":      "Bearer " + signed(jwt.MapClaims{"token_type": "access", "exp": soon, "jti": "x", "user_id": nil}),
		"number":         "Bearer " + signed(jwt.MapClaims{"token_type": "access", "exp": soon, "jti": "x", "user_id": 1}),
		"not yet":        "Bearer " + signed(jwt.MapClaims{"token_type": "access", "exp": soon, "nbf": soon, "jti": "x", "user_id": "1"}),
		"none":           "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + strings.Split(access, ".")[1] + ".",
		"other alg":      "Bearer eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9." + strings.Join(strings.Split(access, ".")[1:], "."),
	} {
		ask := func(url string) string {
			r, err := http.NewRequest("GET", url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			return fmt.Sprint(answer.StatusCode, " ", answer.Header.Get("Content-Type"), " ", answer.Header.Get("WWW-Authenticate"), " ", string(body))
		}
		want, got := ask(a.url+"/auth/users/me/"), ask(service.URL)
		if strings.HasPrefix(want, "200") {
			want = "200 text/plain; charset=utf-8  1 access"
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
		}
	}
}

// Keys that a server changes are found by the first token that is signed with the new one, whether it names its key or not; the old one's tokens end with it.
func TestKeyRotation(t *testing.T) {
	for name, more := range map[string]map[string]string{"named keys": {"jwt_key_id": "true"}, "nameless": nil} {
		t.Run(name, func(t *testing.T) {
			a := newAccounts(t, rsaKeys(t, more))
			v := verifier(t, verify.Config{JWKSURL: a.url + "/.well-known/jwks.json", Now: a.now.Now})
			first := a.access()
			for range 3 {
				good(t, "the first key's", v, first)
			}
			if n := a.fetched.Load(); n != 1 {
				t.Errorf("the keys were fetched %d times", n)
			}
			a.serve(rsaKeys(t, more))
			second := a.access()
			bad(t, "the new key's, a moment after a fetch", v, second, "Token is invalid")
			if n := a.fetched.Load(); n != 1 {
				t.Errorf("a token made the keys be fetched %d times", n)
			}
			a.now.advance(10 * time.Second)
			good(t, "the new key's", v, second)
			bad(t, "the old key's", v, first, "Token is invalid")
			if n := a.fetched.Load(); n != 2 {
				t.Errorf("the keys were fetched %d times", n)
			}
		})
	}
}

// From Django's secret to a folder of keys, and from key to key, not a single token is refused, by the service or by the server itself, until its key is taken
// out or its time is over.
func TestKeysOfAFolder(t *testing.T) {
	a := newAccounts(t, nil)
	login := func() (access, refresh string) {
		t.Helper()
		pair := a.call(200, "POST", "/auth/jwt/create/", "", map[string]string{"username": "ann", "password": password})
		return pair["access"].(string), pair["refresh"].(string)
	}
	renew := func(status int, refresh string) (access string) {
		t.Helper()
		access, _ = a.call(status, "POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": refresh})["access"].(string)
		return access
	}
	me := func(status int, access string) {
		t.Helper()
		a.call(status, "GET", "/auth/users/me/", "Bearer "+access, nil)
	}
	ofDjango, refreshOfDjango := login()

	folder, start := filepath.Join(t.TempDir(), "keys"), a.now.Now()
	first, err := tokens.WriteKey(folder, "RS256", start.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	a.serve(map[string]string{"jwt_keys": folder, "jwt_old_tokens_until": start.Add(time.Hour).Format(time.RFC3339)})
	v := verifier(t, verify.Config{JWKSURL: a.url + "/.well-known/jwks.json", Algorithms: []string{"RS256", "ES256"}, Now: a.now.Now})
	me(200, ofDjango)
	good(t, "one by a refresh token of the secret", v, renew(200, refreshOfDjango))
	access, refresh := login()
	good(t, "the first key's", v, access)

	second, err := tokens.WriteKey(folder, "ES256", start.Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	a.published(first.ID(), second.ID())
	a.now.advance(301 * time.Second) // Cache-Control's
	good(t, "the first key's, while the second waits", v, renew(200, refresh))
	a.now.advance(300 * time.Second)
	access = a.access()
	if algorithm, kid, _ := tokens.Peek(access); algorithm != "ES256" || kid != second.ID() {
		t.Errorf("a token of %s %s", algorithm, kid)
	}
	good(t, "the second key's", v, access)
	good(t, "one by a refresh token of the first key", v, renew(200, refresh))

	if err := os.Remove(filepath.Join(folder, first.File)); err != nil {
		t.Fatal(err)
	}
	a.published(second.ID())
	renew(401, refresh)
	good(t, "one by a refresh token of the secret, still", v, renew(200, refreshOfDjango))
	a.now.advance(time.Hour)
	renew(401, refreshOfDjango)
	good(t, "the second key's, after all that", v, a.access())
}

// published waits until the keys are those.
func (a *accounts) published(ids ...string) {
	a.t.Helper()
	var got []string
	for range 100 {
		got = nil
		for _, key := range a.call(200, "GET", "/.well-known/jwks.json", "", nil)["keys"].([]any) {
			got = append(got, key.(map[string]any)["kid"].(string))
		}
		if slices.Equal(got, ids) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	a.t.Fatalf("the keys are %v, want %v", got, ids)
}

// While the address does not answer, the keys that are known stay good; before there are any, nothing can be judged, and nobody is told to sign in again.
func TestKeysOfAServerThatIsDown(t *testing.T) {
	a := newAccounts(t, rsaKeys(t, map[string]string{"SIMPLE_JWT.ACCESS_TOKEN_LIFETIME": "2d"}))
	access := a.access()
	up := a.handler.Load()
	v := verifier(t, verify.Config{JWKSURL: a.url + "/.well-known/jwks.json", Now: a.now.Now})
	a.down()
	if _, err := v.Token(context.Background(), access); !errors.Is(err, verify.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	answer := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+access)
	v.Middleware(http.NotFoundHandler()).ServeHTTP(answer, r)
	if answer.Code != 503 || answer.Header().Get("Retry-After") == "" || answer.Body.String() != `{"detail":"Service temporarily unavailable, try again later."}` {
		t.Errorf("answered %d %v %s", answer.Code, answer.Header(), answer.Body)
	}
	a.handler.Store(up)
	a.now.advance(10 * time.Second)
	good(t, "once it answers", v, access)
	a.down()
	fetched := a.fetched.Load()
	for range 100 { // hours later, and nobody hammers at its door
		a.now.advance(15 * time.Minute)
		for range 3 {
			good(t, "while it is down", v, access)
		}
	}
	time.Sleep(50 * time.Millisecond) // the fetches that nobody waits for
	if n := a.fetched.Load() - fetched; n < 1 || n > 100 {
		t.Errorf("it was asked %d times", n)
	}
}

// However many requests come at once, and whatever tokens, one asks for the keys.
func TestOneFetchForMany(t *testing.T) {
	a := newAccounts(t, rsaKeys(t, map[string]string{"jwt_key_id": "true"}))
	access := a.access()
	v := verifier(t, verify.Config{JWKSURL: a.url + "/.well-known/jwks.json", Now: a.now.Now})
	foreign := newAccounts(t, rsaKeys(t, map[string]string{"jwt_key_id": "true"})).access()
	var wait sync.WaitGroup
	for i := range 64 {
		wait.Go(func() {
			if i%2 == 0 {
				good(t, "at once", v, access)
			} else {
				bad(t, "a stranger's", v, foreign, "Token is invalid")
			}
		})
	}
	wait.Wait()
	if n := a.fetched.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

// What a token says of its own algorithm is believed only as far as the configuration goes.
func TestAlgorithmConfusion(t *testing.T) {
	settings := rsaKeys(t, nil)
	a := newAccounts(t, settings)
	access := a.access()
	payload := strings.Split(access, ".")[1]
	public := settings["SIMPLE_JWT.VERIFYING_KEY"]
	v := verifier(t, verify.Config{JWKSURL: a.url + "/.well-known/jwks.json"})
	good(t, "RS256", v, access)
	claims := jwt.MapClaims{"token_type": "access", "exp": time.Now().Add(time.Hour).Unix(), "jti": "x", "user_id": "1"}
	for _, secret := range []string{public, strings.TrimSpace(public)} { // the public key as an HMAC secret
		raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		bad(t, "HS256 by the public key", v, raw, "Token is invalid")
	}
	for _, header := range []string{`{"alg":"none","typ":"JWT"}`, `{"alg":"None"}`, `{"alg":["RS256"]}`, `{}`, `{"alg":"RS512","typ":"JWT"}`, `{"alg":"PS256"}`} {
		bad(t, header, v, base64.RawURLEncoding.EncodeToString([]byte(header))+"."+payload+"."+strings.Split(access, ".")[2], "Token is invalid")
	}
	// keys that come with the token are no keys
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	own := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	own.Header["jku"], own.Header["jwk"] = "http://127.0.0.1:1/", map[string]string{"kty": "RSA"}
	raw, err := own.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	bad(t, "a key of the token's own", v, raw, "Token is invalid")

	hmac := verifier(t, verify.Config{Secret: secretKey})
	bad(t, "RS256 where a secret is configured", hmac, access, "Token is invalid")
}

func TestIssuerAudienceLeeway(t *testing.T) {
	a := newAccounts(t, map[string]string{"SIMPLE_JWT.ISSUER": "https://accounts.example.com", "SIMPLE_JWT.AUDIENCE": "[shop, stock]", "SIMPLE_JWT.USER_ID_CLAIM": "sub"})
	access := a.access()
	right := verify.Config{Secret: secretKey, Issuer: "https://accounts.example.com", Audience: []string{"stock", "other"}, UserIDClaim: "sub", Now: a.now.Now}
	good(t, "all right", verifier(t, right), access)
	for what, change := range map[string]func(*verify.Config){
		"issuer":   func(c *verify.Config) { c.Issuer = "https://elsewhere.example.com" },
		"audience": func(c *verify.Config) { c.Audience = []string{"other"} },
		"secret":   func(c *verify.Config) { c.Secret = strings.Repeat("x", 40) },
	} {
		wrong := right
		change(&wrong)
		bad(t, what, verifier(t, wrong), access, "Token is invalid")
	}
	a.now.advance(5*time.Minute + 2*time.Second)
	bad(t, "late", verifier(t, right), access, "Token is expired")
	lenient := right
	lenient.Leeway = 10 * time.Second
	good(t, "late within the leeway", verifier(t, lenient), access)
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	for want, cfg := range map[string]verify.Config{
		"give one of Secret, JWKSURL and JWKS":       {},
		"give one of":                                {Secret: secretKey, JWKSURL: "https://a.example"},
		"needs at least 32 bytes":                    {Secret: "short"},
		"RS256 does not fit":                         {Secret: secretKey, Algorithms: []string{"HS256", "RS256"}},
		"HS256 does not fit":                         {JWKSURL: "https://a.example", Algorithms: []string{"HS256"}},
		"this is no http or https URL":               {JWKSURL: "a.example/jwks.json"},
		"over plain http anybody":                    {JWKSURL: "http://a.example/jwks.json"},
		"it is no JSON Web Key Set":                  {JWKS: []byte("<html>")},
		"the key set holds no public key for RS256":  {JWKS: []byte(`{"keys":[]}`)},
		`"refresh" is no type of token`:              {Secret: secretKey, TokenTypes: []string{"refresh"}},
		"the key set holds no public key for ES256,": {JWKS: []byte(`{"keys":[]}`), Algorithms: []string{"ES256", "ES384"}},
	} {
		if _, err := verify.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Requests without a token pass where that is wanted, and those with a bad one do not.
func TestOptional(t *testing.T) {
	v := verifier(t, verify.Config{Secret: secretKey, Optional: true})
	handler := v.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if verify.User(r.Context()) != "" || verify.Claims(r.Context()) != nil {
			t.Error("nobody is somebody")
		}
	}))
	for header, want := range map[string]int{"": 200, "Basic YTpi": 200, "Bearer x": 401} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if answer.Code != want {
			t.Errorf("%q: got %d", header, answer.Code)
		}
	}
}

// A key set that is too old is fetched anew in the background, as its Cache-Control says.
func TestKeysAreRefreshed(t *testing.T) {
	a := newAccounts(t, rsaKeys(t, map[string]string{"SIMPLE_JWT.ACCESS_TOKEN_LIFETIME": "1d"}))
	access := a.access()
	v := verifier(t, verify.Config{JWKSURL: a.url + "/.well-known/jwks.json", Now: a.now.Now})
	good(t, "first", v, access)
	a.now.advance(299 * time.Second) // Latchkey says 300
	good(t, "then", v, access)
	if n := a.fetched.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	a.now.advance(2 * time.Second)
	good(t, "later", v, access)
	for end := time.Now().Add(time.Minute); a.fetched.Load() != 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the keys were not fetched anew")
		}
	}
}
