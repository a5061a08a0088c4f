package server

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// The public keys are those that the tokens are signed with; a secret one is never among them.
func TestJWKS(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		algorithm, kty  string
		signing, public any
	}{
		{"HS256", "", nil, nil},
		{"RS256", "RSA", rsaKey, &rsaKey.PublicKey},
		{"ES256", "EC", ecKey, &ecKey.PublicKey},
		{"EdDSA", "OKP", edKey, public},
	} {
		t.Run(test.algorithm, func(t *testing.T) {
			given := map[string]string{"SIMPLE_JWT.ALGORITHM": test.algorithm}
			if test.signing != nil {
				der, err := x509.MarshalPKCS8PrivateKey(test.signing)
				if err != nil {
					t.Fatal(err)
				}
				given["SIMPLE_JWT.SIGNING_KEY"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
				if der, err = x509.MarshalPKIXPublicKey(test.public); err != nil {
					t.Fatal(err)
				}
				given["SIMPLE_JWT.VERIFYING_KEY"] = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
			}
			s := start(t, testenv.SQLite(t), given)
			s.register("ann")
			access, _ := s.pair("ann")
			s.wants(200, "GET", "/auth/users/me/", "Bearer "+access, nil)
			a := s.wants(200, "GET", "/.well-known/jwks.json", "", nil)
			var set struct{ Keys []map[string]string }
			if err := json.Unmarshal([]byte(a.body), &set); err != nil {
				t.Fatal(err)
			}
			if test.kty == "" {
				if a.body != `{"keys":[]}` {
					t.Errorf("got %s", a.body)
				}
				return
			}
			if len(set.Keys) != 1 || set.Keys[0]["kty"] != test.kty || set.Keys[0]["alg"] != test.algorithm {
				t.Fatalf("got %s", a.body)
			}
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
				if _, there := set.Keys[0][private]; there {
					t.Errorf("%s shows the private key", a.body)
				}
			}
		})
	}
}

func TestDevelopmentMailbox(t *testing.T) {
	s := start(t, testenv.SQLite(t), nil)
	s.wants(404, "GET", "/dev/mail/", "", nil)
	s.wants(404, "GET", "/dev/mail/messages", "", nil)

	dev := start(t, testenv.SQLite(t), map[string]string{"development": "true", "EMAIL_BACKEND": ""})
	dev.register("ann")
	for end := time.Now().Add(time.Minute); !strings.Contains(dev.wants(200, "GET", "/dev/mail/", "", nil).body, "ann@example.com"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the mail did not come")
		}
	}
	r := dev.request("GET", "/dev/mail/", "", nil)
	r.Host = "evil.test" // a page elsewhere whose name leads here
	if a, err := dev.send(r); err != nil || a.status != 400 || strings.Contains(a.body, "ann@example.com") {
		t.Errorf("a foreign host got %v, %v", a, err)
	}
}

// The safe profile limits each network by itself, in DRF's words, without any setting.
func TestThrottles(t *testing.T) {
	s := start(t, testenv.SQLite(t), map[string]string{"trusted_proxies": "[127.0.0.1/32]"})
	names := 0
	from := func(network string) int {
		t.Helper()
		names++ // wrong passwords for one name are counted apart
		r := s.request("POST", "/auth/jwt/create/", "", credentials(fmt.Sprint("nobody", names)))
		r.Header.Set("X-Forwarded-For", network)
		a, err := s.send(r)
		if err != nil {
			t.Fatal(err)
		}
		if a.status == 429 {
			if !strings.HasPrefix(a.field(t, "detail"), "Request was throttled. Expected available in ") || a.header.Get("Retry-After") == "" {
				t.Errorf("got %s", a.body)
			}
		}
		return a.status
	}
	for i := range 60 {
		if status := from(fmt.Sprintf("2001:db8:1:2::%x", i)); status != 401 { // one /64
			t.Fatalf("attempt %d: got %d", i+1, status)
		}
	}
	if status := from("2001:db8:1:2:ffff::1"); status != 429 {
		t.Errorf("the 61st got %d", status)
	}
	if status := from("2001:db8:1:3::1"); status != 401 {
		t.Errorf("another network got %d", status)
	}
	// The other ways in count as the same thing.
	r := s.request("POST", "/auth/token/login/", "", credentials("nobody"))
	r.Header.Set("X-Forwarded-For", "2001:db8:1:2::1")
	if a, err := s.send(r); err != nil || a.status != 429 {
		t.Errorf("token/login got %v, %v", a, err)
	}
	s.now.advance(time.Minute)
	if status := from("2001:db8:1:2::1"); status != 401 {
		t.Errorf("a minute later: got %d", status)
	}

	exact := start(t, testenv.SQLite(t), map[string]string{"profile": "exact"})
	for range 70 {
		exact.wants(401, "POST", "/auth/jwt/create/", "", credentials("nobody"))
	}
}

// A database of Django's, some of whose apps are not installed: what needs them is off, what was asked for and needs them stops the start by its name, and
// no table but our own is made.
func TestMissingApps(t *testing.T) {
	tables := map[string][]string{
		"token_blacklist": {"token_blacklist_blacklistedtoken", "token_blacklist_outstandingtoken"},
		"authtoken":       {"authtoken_token"},
		"sessions":        {"django_session"},
	}
	for app, gone := range tables {
		t.Run(app, func(t *testing.T) {
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				first, err := New(ctx, load(t, url, nil), Options{})
				if err != nil {
					t.Fatal(err)
				}
				if err := first.Close(); err != nil {
					t.Fatal(err)
				}
				db := testenv.OpenDB(t, url)
				for _, table := range gone {
					if _, err := db.Exec("DROP TABLE " + table); err != nil {
						t.Fatal(err)
					}
				}
				settings := map[string]map[string]string{
					"token_blacklist": {"SIMPLE_JWT.ROTATE_REFRESH_TOKENS": "true", "SIMPLE_JWT.BLACKLIST_AFTER_ROTATION": "true"},
					"authtoken":       {"INSTALLED_APPS": "[rest_framework.authtoken]"},
					"sessions":        {"DJOSER.CREATE_SESSION_ON_LOGIN": "true"},
				}
				refused, err := New(ctx, load(t, url, settings[app]), Options{})
				if err == nil {
					_ = refused.Close()
					t.Fatal("the server starts without what it was told to use")
				}
				if !strings.Contains(err.Error(), gone[len(gone)-1]) || !strings.Contains(err.Error(), app) {
					t.Errorf("the refusal does not say what lacks: %v", err)
				}

				s := start(t, url, map[string]string{"SIMPLE_JWT.ROTATE_REFRESH_TOKENS": "true"})
				s.register("ann")
				access, refresh := s.pair("ann")
				s.wants(200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": refresh})
				s.wants(200, "POST", "/auth/jwt/blacklist/", "", fields{"refresh": refresh})
				login := 200
				if app == "authtoken" {
					login = 400
					s.wants(401, "GET", "/auth/users/me/", "Token 0123", nil)
				}
				s.wants(login, "POST", "/auth/token/login/", "", credentials("ann"))
				s.wants(204, "POST", "/auth/users/set_password/", "Bearer "+access, fields{"current_password": password, "new_password": "battery-staple-8"})
				s.wants(204, "DELETE", "/auth/users/me/", "Bearer "+access, fields{"current_password": "battery-staple-8"})
				for _, table := range gone {
					if _, err := db.Exec("SELECT 1 FROM " + table); err == nil {
						t.Errorf("%s was made", table)
					}
				}
			})
		})
	}
}

// A user table without any of Django's other apps gets our own tables and nothing else.
func TestOnlyOwnTablesAreMade(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		db := testenv.OpenDB(t, url)
		sqlite := strings.HasPrefix(url, "sqlite")
		key, moment, names := "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "timestamptz", "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
		if sqlite {
			key, moment, names = "integer NOT NULL PRIMARY KEY AUTOINCREMENT", "datetime", "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
		}
		if _, err := db.Exec(`CREATE TABLE auth_user (id ` + key + `, password varchar(128) NOT NULL, last_login ` + moment + `, is_superuser bool NOT NULL,
			username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL, last_name varchar(150) NOT NULL, email varchar(254) NOT NULL,
			is_staff bool NOT NULL, is_active bool NOT NULL, date_joined ` + moment + ` NOT NULL)`); err != nil {
			t.Fatal(err)
		}
		s := start(t, url, nil)
		s.register("ann")
		access, refresh := s.pair("ann")
		s.wants(200, "GET", "/auth/users/me/", "Bearer "+access, nil)
		s.wants(200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": refresh})
		s.wants(400, "POST", "/auth/token/login/", "", credentials("ann"))
		rows, err := db.Query(names)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			if name != "auth_user" && !strings.HasPrefix(name, "latchkey_") {
				t.Errorf("the table %s was made", name)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	})
}

// Links in mails lead where the settings say, whatever a request calls the server.
func TestMailedLinksIgnoreTheHost(t *testing.T) {
	smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
	s := start(t, testenv.SQLite(t), map[string]string{
		"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": fmt.Sprint(smtp.Port()),
		"USE_X_FORWARDED_HOST": "true",
	})
	s.register("ann")
	r := s.request("POST", "/auth/users/reset_password/", "", fields{"email": "ann@example.com"})
	r.Host = "evil.test"
	r.Header.Set("X-Forwarded-Host", "evil.test")
	r.Header.Set("Forwarded", "host=evil.test")
	r.Header.Set("Origin", "https://evil.test")
	if a, err := s.send(r); err != nil || a.status != http.StatusNoContent {
		t.Fatalf("got %v, %v", a, err)
	}
	m := smtp.Take(1, time.Minute)[0]
	if strings.Contains(string(m.Raw), "evil.test") || !strings.Contains(m.Text, "http://example.com/") {
		t.Errorf("the mail says\n%s", m.Raw)
	}
}

// Hidden from those who do not own them, rows answer alike whether they are there or not.
func TestHiddenAndMissingUsersAnswerAlike(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, nil)
		s.register("ann")
		s.register("bob")
		access, _ := s.pair("ann")
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			for _, path := range []string{"/auth/users/2/", "/auth/users/4711/", "/auth/users/x/", "/auth/users/99999999999999999999/"} {
				a := s.wants(404, method, path, "Bearer "+access, fields{"email": "x@example.com", "current_password": password})
				if a.body != `{"detail":"Not found."}` {
					t.Errorf("%s %s: got %s", method, path, a.body)
				}
			}
		}
		if n := s.count("SELECT count(*) FROM auth_user"); n != 2 {
			t.Errorf("there are %d users", n)
		}
	})
}
