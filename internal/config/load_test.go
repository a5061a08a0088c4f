package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// write makes a settings file and names it.
func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const secretLine = "secret_key: 0123456789abcdef0123456789abcdef\n"

// loaded loads a file that must be right, after a secret key.
func loaded(t testing.TB, text string) *Config {
	t.Helper()
	c, err := Load(Options{File: write(t, secretLine+text)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems loads a file that must be wrong, after a secret key. The first line is line 2.
func problems(t testing.TB, text string) Problems {
	t.Helper()
	_, err := Load(Options{File: write(t, secretLine+text)})
	var list Problems
	if !errors.As(err, &list) {
		t.Fatalf("%s\nerror %v", text, err)
	}
	return list
}

// TestRecordings loads the settings that the reference's answers were recorded with, as PyYAML writes them.
func TestRecordings(t *testing.T) {
	data, err := os.ReadFile("testdata/recordings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for doc := range strings.SplitSeq(string(data), "---\n# ") {
		name, text, _ := strings.Cut(doc, "\n")
		t.Run(strings.TrimPrefix(name, "# "), func(t *testing.T) {
			c, err := Load(Options{File: write(t, text)})
			if err != nil {
				t.Fatal(err)
			}
			if c.Profile != Exact || c.Development || c.Mail.Port != 2525 || !c.IsGiven("REST_AUTH.USE_JWT") {
				t.Errorf("not what the file says: %v", c)
			}
		})
	}
}

func TestExample(t *testing.T) {
	path := "../../examples/latchkey.yaml"
	c, err := Load(Options{File: path, Env: []string{"LATCHKEY_SECRET_KEY=0123456789abcdef0123456789abcdef"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Profile != Safe || len(c.Mounts) == 0 {
		t.Errorf("%v", c)
	}
	// The settings that are commented out must be right too.
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for line := range strings.Lines(string(data)) {
		rest, ok := strings.CutPrefix(line, "#")
		if ok && (!strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "  ")) {
			line = rest
		}
		all.WriteString(line)
	}
	if c, err = Load(Options{File: write(t, all.String())}); err != nil {
		t.Fatalf("with all comments taken away:\n%v", err)
	}
	if len(c.Effective()) < 150 || len(c.origins) < 25 {
		t.Errorf("only %d settings are given", len(c.origins))
	}
}

func TestDevelopment(t *testing.T) {
	c, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Development || c.SecretKey != "" || !c.Djoser.SendActivationEmail || *c.Djoser.ActivationURL != "activate/{uid}/{token}" ||
		c.Domain != "127.0.0.1:8000" || c.SiteName != "Latchkey" || c.Mail.Host != "" || len(c.Mounts) != 4 {
		t.Errorf("%+v", c.Effective())
	}
	if c, err = Load(Options{Flags: map[string]string{"listen": "[::1]:9000"}}); err != nil || !c.Development || c.Domain != "[::1]:9000" {
		t.Errorf("%v, %v", c, err)
	}
	for _, env := range []string{"LATCHKEY_DATABASE=sqlite://x.db", "LATCHKEY_SECRET_KEY=" + strings.Repeat("k", 32)} {
		c, err := Load(Options{Env: []string{env, "LATCHKEY_SECRET_KEY=" + strings.Repeat("k", 32)}})
		if err != nil || c.Development || c.Djoser.SendActivationEmail {
			t.Errorf("%s: %v, %v", env, c, err)
		}
	}
	_, err = Load(Options{Env: []string{"LATCHKEY_LISTEN=:8000"}})
	if err == nil || !strings.Contains(err.Error(), "development mode is only for this machine") {
		t.Errorf("listening everywhere: %v", err)
	}
	if _, err = Load(Options{Env: []string{"LATCHKEY_DATABASE=sqlite://x.db"}}); err == nil || !strings.Contains(err.Error(), "there is no secret key") {
		t.Errorf("a database without a secret key: %v", err)
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, secretLine+"log_level: debug\nDOMAIN: file.example\nDJOSER: {LOGIN_FIELD: username, HIDE_USERS: false}\n")
	c, err := Load(Options{
		Env: []string{
			"LATCHKEY_CONFIG=" + file, "LATCHKEY_TEST_POSTGRES=x", "HOME=/root", "LATCHKEY_LOG_LEVEL=warn",
			"LATCHKEY_DJOSER__LOGIN_FIELD=email", "LATCHKEY_DOMAIN=env.example", "LATCHKEY_SIMPLE_JWT__AUTH_HEADER_TYPES=[JWT, Bearer]",
			"LATCHKEY_REST_FRAMEWORK__DEFAULT_THROTTLE_RATES__ANON=3/min", "LATCHKEY_ACCOUNT_EMAIL_VERIFICATION=mandatory",
			"LATCHKEY_REST_AUTH__USE_JWT=true", "LATCHKEY_DJOSER__TOKEN_MODEL=null", "LATCHKEY_USER_MODEL__TABLE=accounts_user",
			"LATCHKEY_SESSION_COOKIE_SAMESITE=None", "LATCHKEY_SITE_NAME=12", "LATCHKEY_SESSION_COOKIE_SECURE=True",
			"LATCHKEY_DJOSER__PERMISSIONS__USER_LIST=[rest_framework.permissions.IsAdminUser]", "LATCHKEY_SIMPLE_JWT__ACCESS_TOKEN_LIFETIME=90",
		},
		Flags: map[string]string{"log_level": "error", "SIMPLE_JWT.REFRESH_TOKEN_LIFETIME": "1d12h"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"log_level": c.LogLevel, "domain": c.Domain, "login": c.Djoser.LoginField, "hide": c.Djoser.HideUsers, "token": c.Djoser.TokenModel == nil,
		"types": c.SimpleJWT.AuthHeaderTypes, "anon": *c.RESTFramework.DefaultThrottleRates["anon"], "given": string(c.Account.EmailVerification), "rest": c.RestAuth.UseJWT,
		"table": c.UserModel.Table, "same": c.SessionCookieSameSite, "site": c.SiteName, "secure": c.SessionCookieSecure,
		"list": c.Djoser.Permissions.UserList, "access": c.SimpleJWT.AccessTokenLifetime, "refresh": c.SimpleJWT.RefreshTokenLifetime,
	}
	want := map[string]any{
		"log_level": "error", "domain": "env.example", "login": "email", "hide": false, "token": true,
		"types": []string{"JWT", "Bearer"}, "anon": "3/min", "given": "mandatory", "rest": true,
		"table": "accounts_user", "same": SameSite("None"), "site": "12", "secure": true,
		"list": []string{"rest_framework.permissions.IsAdminUser"}, "access": 90 * time.Second, "refresh": 36 * time.Hour,
	}
	for key := range want {
		if !reflect.DeepEqual(got[key], want[key]) {
			t.Errorf("%s: %v, want %v", key, got[key], want[key])
		}
	}
	sources := map[string]string{}
	for _, s := range c.Effective() {
		sources[s.Key] = s.Source
	}
	for key, want := range map[string]string{
		"log_level": "flag --log_level", "DOMAIN": "environment LATCHKEY_DOMAIN", "DJOSER.HIDE_USERS": file + ":4", "listen": "default",
		"REST_FRAMEWORK.DEFAULT_THROTTLE_RATES": "environment LATCHKEY_REST_FRAMEWORK__DEFAULT_THROTTLE_RATES__ANON",
		"ACCOUNT_EMAIL_VERIFICATION":            "environment LATCHKEY_ACCOUNT_EMAIL_VERIFICATION", "secret_key": file + ":1",
		"REST_AUTH.USE_JWT": "environment LATCHKEY_REST_AUTH__USE_JWT",
	} {
		if sources[key] != want {
			t.Errorf("%s comes from %q, want %q", key, sources[key], want)
		}
	}
}

func TestSecretKeyHasTwoNames(t *testing.T) {
	const key, other = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	for _, test := range []struct{ text, env, want string }{
		{"SECRET_KEY: " + key, "", key},
		{"SECRET_KEY: " + key + "\nsecret_key: " + key, "", key},
		{"SECRET_KEY: " + key, "LATCHKEY_SECRET_KEY=" + other, other},
		{"SECRET_KEY: " + key + "\nsecret_key: " + other, "", ""},
	} {
		c, err := Load(Options{File: write(t, test.text), Env: []string{test.env}})
		if test.want == "" {
			if err == nil || !strings.Contains(err.Error(), "SECRET_KEY: it differs from secret_key") || strings.Contains(err.Error(), other) {
				t.Errorf("%s: %v", test.text, err)
			}
		} else if err != nil || string(c.SecretKey) != test.want {
			t.Errorf("%s, %s: %v", test.text, test.env, err)
		}
	}
}

func TestValues(t *testing.T) {
	c := loaded(t, `
mounts: [{path: auth/, dialect: djoser}, {path: /, dialect: simplejwt}, {path: "", dialect: register-login-refresh}]
trusted_proxies: [10.0.0.1, 192.168.1.7/16, "::1"]
LANGUAGES: [de, [pt-br, Brazilian]]
SECURE_PROXY_SSL_HEADER: [HTTP_X_FORWARDED_PROTO, https]
SESSION_COOKIE_SAMESITE: false
SESSION_COOKIE_AGE: 3600
MIDDLEWARE: []
INSTALLED_APPS:
TIME_ZONE: Europe/Berlin
user_model: {username_field: email}
jwt_user_id: integer
SIMPLE_JWT: {AUTH_HEADER_TYPES: JWT, LEEWAY: 0.5, AUDIENCE: [a, b], ISSUER: null, ACCESS_TOKEN_LIFETIME: 1d12h}
DJOSER:
  PERMISSIONS:
    user: &admins [rest_framework.permissions.IsAdminUser]
    user_list: *admins
ACCOUNT_LOGIN_METHODS: [email]
ACCOUNT_FORMS: {login: shop.Form}
ACCOUNT_RATE_LIMITS: {confirm_email: 1/3m/key, n: 3, f: 1.5, none: null}
DATA_UPLOAD_MAX_MEMORY_SIZE: null
EMAIL_HOST_PASSWORD: |
  two
  lines
`)
	admins := []string{"rest_framework.permissions.IsAdminUser"}
	got := []any{
		c.Mounts, c.TrustedProxies[0].String(), c.TrustedProxies[1].String(), c.TrustedProxies[2].String(), c.Languages, c.SecureProxySSLHeader,
		c.SessionCookieSameSite, c.SessionCookieAge, c.HasMiddleware("django.middleware.locale.LocaleMiddleware"), c.InstalledApps == nil,
		c.Location().String(), c.UserModel.RequiredFields, c.SimpleJWT.IntegerUserID, c.SimpleJWT.AuthHeaderTypes, c.SimpleJWT.Leeway,
		c.SimpleJWT.Audience.Values, c.SimpleJWT.Audience.List, c.SimpleJWT.AccessTokenLifetime, c.Djoser.Permissions.User,
		c.Djoser.Permissions.UserList, c.Account.LoginMethods, c.Account.RateLimits, c.Inert, c.DataUploadMaxMemorySize == nil, c.Mail.HostPassword,
	}
	want := []any{
		[]Mount{{"/auth", Djoser}, {"", SimpleJWT}, {"", RegisterLoginRefresh}}, "10.0.0.1/32", "192.168.0.0/16", "::1/128",
		[]Language{{"de", ""}, {"pt-br", "Brazilian"}}, []string{"HTTP_X_FORWARDED_PROTO", "https"},
		SameSite(""), time.Hour, false, true,
		"Europe/Berlin", []string{"username"}, true, []string{"JWT"}, 500 * time.Millisecond,
		[]string{"a", "b"}, true, 36 * time.Hour, admins,
		admins, []string{"email"}, map[string]any{"confirm_email": "1/3m/key", "n": int64(3), "f": 1.5, "none": nil},
		Given{"ACCOUNT_FORMS": map[string]any{"login": "shop.Form"}}, true, "two\nlines\n",
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("value %d: %#v, want %#v", i, got[i], want[i])
		}
	}
}

func TestEmptyFileIsNotDevelopment(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		_, err := Load(Options{File: write(t, text)})
		if err == nil || !strings.Contains(err.Error(), "secret_key: there is no secret key") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("listen: 1\nDJOSER: {LOGIN_FEILD: x}\n")
	f.Add("a: &a [*a]\nmounts: &b [*b, {path: *b}]\nREST_AUTH: &c {USE_JWT: *c}\n")
	f.Add("<<: {a: b}\n? [x]\n: y\n!!binary x: y\n--- \nz: |\n  t\n")
	f.Add("SIMPLE_JWT: {ACCESS_TOKEN_LIFETIME: -1, LEEWAY: .inf, AUDIENCE: {}}\nLANGUAGES: [[a,b,c]]\n")
	f.Add("REST_AUTH: [[[[[[[[")
	f.Add("{}")
	f.Add("[a, {b: 1.5}, null]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := load(Options{File: "x.yaml", Env: []string{"LATCHKEY_REST_AUTH__TOKEN_MODEL=" + text}}, []byte(secretLine+text))
		if err == nil {
			c.Risks()
			if len(c.Effective()) < 150 {
				t.Errorf("settings are missing: %v", c)
			}
			return
		}
		if list, ok := err.(Problems); !ok || len(list) == 0 {
			t.Errorf("error %T", err)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	path := "../../examples/latchkey.yaml"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(Options{File: path, Env: []string{"LATCHKEY_SECRET_KEY=0123456789abcdef0123456789abcdef"}}); err != nil {
			b.Fatal(err)
		}
	}
}
