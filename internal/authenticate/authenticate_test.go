package authenticate_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"latchkey/internal/authenticate"
	"latchkey/internal/config"
	"latchkey/internal/server"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

var ctx = context.Background()

// methods are all ways to authenticate, on a database with one user whose token key and access token are returned too.
func methods(t testing.TB, url string, given map[string]string) (all []authenticate.Method, key, access string) {
	t.Helper()
	settings := map[string]string{"database": url, "secret_key": "a-secret-key-for-tests-that-is-long-enough-2b7e", "pbkdf2_iterations": "1",
		"DJOSER.ACTIVATION_URL": "activate/{uid}/{token}", "mounts": "[{path: /auth, dialect: djoser}]"}
	for name, value := range given {
		settings[name] = value
	}
	cfg, err := config.Load(config.Options{Flags: settings})
	must(t, err)
	db := testenv.OpenStore(t, url)
	accounts, err := server.Accounts(cfg, db, nil, server.Options{Now: time.Now})
	must(t, err)
	encoded, err := accounts.Passwords.Make(ctx, "correct:horse-7")
	must(t, err)
	user := &store.User{Username: "ann", Password: encoded, IsActive: true, DateJoined: time.Now()}
	must(t, db.InsertUser(ctx, user))
	key, err = accounts.Key(ctx, user)
	must(t, err)
	pair, err := accounts.NewPair(ctx, user)
	must(t, err)
	for _, name := range []string{
		"rest_framework_simplejwt.authentication.JWTAuthentication",
		"rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication",
		"rest_framework.authentication.TokenAuthentication",
		"rest_framework.authentication.BasicAuthentication",
	} {
		method, err := authenticate.Named(name, authenticate.Settings{Accounts: accounts, JWT: cfg.SimpleJWT, AnyCase: cfg.Profile == config.Safe})
		must(t, err)
		all = append(all, method)
	}
	return all, key, pair.Access
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// caller is what one method makes of a header: a name, "nobody", or the refusal.
func caller(t testing.TB, method authenticate.Method, header ...string) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Authorization"] = header
	user, _, err := method.Authenticate(ctx, r)
	var refused *authenticate.Refused
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case err != nil:
		t.Fatalf("%q: %v", header, err)
	case user == nil:
		return "nobody"
	}
	return "id " + user.ID.String()
}

func TestHeaders(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		all, key, access := methods(t, url, nil)
		bearer, stateless, token, basic := all[0], all[1], all[2], all[3]
		encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
		for _, test := range []struct {
			method authenticate.Method
			header []string
			want   string
		}{
			{bearer, nil, "nobody"},
			{bearer, []string{""}, "nobody"},
			{bearer, []string{"Bearer " + access}, "id 1"},
			{bearer, []string{"bearer \t " + access + " "}, "id 1"},
			{bearer, []string{"Bearer"}, "Authorization header must contain two space-delimited values"},
			{bearer, []string{"Bearer " + access + " x"}, "Authorization header must contain two space-delimited values"},
			{bearer, []string{"Bearer " + access, "Bearer " + access}, "Authorization header must contain two space-delimited values"},
			{bearer, []string{"Bearer " + access[:len(access)-2]}, "Given token not valid for any token type"},
			{bearer, []string{"Token " + key}, "nobody"},
			{stateless, []string{"Bearer " + access}, "id 1"},
			{token, []string{"Token " + key}, "id 1"},
			{token, []string{"tOKEN " + key}, "id 1"},
			{token, []string{"Token"}, "Invalid token header. No credentials provided."},
			{token, []string{"Token a b"}, "Invalid token header. Token string should not contain spaces."},
			{token, []string{"Token \xff"}, "Invalid token header. Token string should not contain invalid characters."},
			{token, []string{"Token \x00"}, "Invalid token."},
			{token, []string{"Token " + key[:39]}, "Invalid token."},
			{token, []string{"Bearer " + access}, "nobody"},
			{basic, []string{"Basic " + encode("ann:correct:horse-7")}, "id 1"},
			{basic, []string{"basic " + encode("ann:wrong")}, "Invalid username/password."},
			{basic, []string{"Basic " + encode("\x00:\xff")}, "Invalid username/password."},
			{basic, []string{"Basic " + encode("ann")}, "Invalid basic header. Credentials not correctly base64 encoded."},
			{basic, []string{"Basic a"}, "Invalid basic header. Credentials not correctly base64 encoded."},
			{basic, []string{"Basic"}, "Invalid basic header. No credentials provided."},
			{basic, []string{"Basic a b"}, "Invalid basic header. Credentials string should not contain spaces."},
		} {
			if got := caller(t, test.method, test.header...); got != test.want {
				t.Errorf("%T with %q: got %s, want %s", test.method, test.header, got, test.want)
			}
		}
		exact, _, access := methods(t, testenv.SQLite(t), map[string]string{"profile": "exact"})
		if got := caller(t, exact[0], "bearer "+access); got != "nobody" {
			t.Errorf("bearer in lower case, in the exact profile: %s", got)
		}
	})
}

// Whatever stands in the header, the answer is a caller, nobody or a refusal.
func FuzzAuthorization(f *testing.F) {
	all, key, access := methods(f, testenv.SQLite(f), nil)
	for _, seed := range []string{
		"", "Bearer", "Bearer " + access, "Bearer a.b.c", "bearer " + access[:20], "Bearer e30.e30.", "Token " + key, "Token \x00\xff", "Basic YW5uOng=", "Basic ====", "\x85\xa0", "Basic " + access,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, method := range all {
			caller(t, method, header)
			caller(t, method, header, header)
		}
	})
}

// The ways that settings may name are all there, and no others.
func TestNamed(t *testing.T) {
	for _, name := range []string{"", "rest_framework.authentication.RemoteUserAuthentication", "JWTAuthentication"} {
		if method, err := authenticate.Named(name, authenticate.Settings{}); err == nil {
			t.Errorf("%q is %T", name, method)
		}
	}
}
