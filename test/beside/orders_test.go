package beside

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/internal/config"
	"latchkey/internal/server"
	"latchkey/internal/testenv"
)

// sharedSecret is the project's SECRET_KEY.
const sharedSecret = "a-secret-key-that-django-and-latchkey-share-0123456789"

// An issuer is a Latchkey behind an address at which one with other keys can take its place.
type issuer struct {
	site
	database string
	handler  atomic.Value // of an http.HandlerFunc
}

func newIssuer(t *testing.T, database string, given map[string]string) *issuer {
	t.Helper()
	i := &issuer{database: database}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { i.handler.Load().(http.HandlerFunc)(w, r) }))
	t.Cleanup(web.Close)
	i.site = site{name: "Latchkey", base: web.URL}
	i.serve(t, given)
	return i
}

func (i *issuer) serve(t *testing.T, given map[string]string) {
	t.Helper()
	flags := map[string]string{"database": i.database, "secret_key": sharedSecret, "mounts": "[{path: /auth, dialect: djoser}]", "pbkdf2_iterations": "1",
		"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
	for key, value := range given {
		flags[key] = value
	}
	cfg, err := config.Load(config.Options{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(context.Background(), cfg, server.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	i.handler.Store(http.HandlerFunc(s.Handler().ServeHTTP))
}

// keyPair are settings with new keys, and the public one as PEM.
func keyPair(t *testing.T) (given map[string]string, public string) {
	t.Helper()
	private, public := testenv.RSAKeys(t)
	return map[string]string{
		"jwt_key_id": "true", "SIMPLE_JWT.ALGORITHM": "RS256", "SIMPLE_JWT.SIGNING_KEY": private, "SIMPLE_JWT.VERIFYING_KEY": public,
	}, public
}

// admits checks that the service knows whose token it is, by the row and by the token alone, and refuses it once it is changed.
func admits(t *testing.T, orders site, access string) {
	t.Helper()
	if a := orders.wants(t, 200, "GET", "/orders/", "Bearer "+access, nil); a.body["user"] != "1" || a.body["username"] != "ann" {
		t.Errorf("the service takes ann for %s", a.text)
	}
	if a := orders.wants(t, 200, "GET", "/stateless/", "Bearer "+access, nil); a.body["user"] != "1" {
		t.Errorf("the service takes ann for %s", a.text)
	}
	rejects(t, orders, access[:len(access)-4]+"AAAA")
	orders.wants(t, 401, "GET", "/orders/", "", nil)
}

func rejects(t *testing.T, orders site, token string) {
	t.Helper()
	for _, path := range []string{"/orders/", "/stateless/"} {
		if a := orders.wants(t, 401, "GET", path, "Bearer "+token, nil); a.body["code"] != "token_not_valid" {
			t.Errorf("%s answered %s", path, a.text)
		}
	}
}

// Services that check tokens with SimpleJWT's own JWTAuthentication go on doing so, unchanged: by the shared secret, and by the keys that Latchkey publishes,
// which they follow when they change.
func TestServicesOfDjango(t *testing.T) {
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				d := &django{stack: s, database: url, smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: "orders.settings"}
				accounts := newIssuer(t, url, nil)
				accounts.wants(t, 201, "POST", "/auth/users/", "", fields{"username": "ann", "email": "ann@example.com", "password": password})
				pair := accounts.signsIn(t, "ann", password)
				shared := d.serve(t)
				admits(t, shared, pair.field(t, "access"))
				rejects(t, shared, pair.field(t, "refresh"))

				first, public := keyPair(t)
				accounts.serve(t, first)
				t.Setenv("BESIDE_JWKS", accounts.base+"/.well-known/jwks.json")
				fetching := d.serve(t)
				old := accounts.signsIn(t, "ann", password).field(t, "access")
				admits(t, fetching, old)
				rejects(t, fetching, pair.field(t, "access")) // signed by the secret
				rejects(t, fetching, forged(t, old, public))

				second, _ := keyPair(t)
				accounts.serve(t, second)
				access := accounts.signsIn(t, "ann", password).field(t, "access")
				for end := time.Now().Add(time.Minute); ; time.Sleep(time.Second) { // newer versions of PyJWT ask for keys every half minute at most
					a, err := fetching.send("GET", "/stateless/", "Bearer "+access, nil)
					if err != nil {
						t.Fatal(err)
					}
					if a.status == 200 || time.Now().After(end) {
						break
					}
				}
				admits(t, fetching, access)
				rejects(t, fetching, old)
			})
		})
	}
}

// forged has a token's claims and key, and is signed with the text of the public key as if that were a secret.
func forged(t *testing.T, token, public string) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	own := jwt.NewWithClaims(jwt.SigningMethodHS256, parsed.Claims)
	own.Header["kid"] = parsed.Header["kid"]
	raw, err := own.SignedString([]byte(public))
	if err != nil {
		t.Fatal(err)
	}
	if claims, _ := json.Marshal(parsed.Claims); parsed.Header["kid"] == nil || len(claims) < 10 {
		t.Fatalf("the token is %v %s", parsed.Header, claims)
	}
	return raw
}
