package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5m": 5 * time.Minute, "24h": 24 * time.Hour, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "90": 90 * time.Second,
		"0.5": 500 * time.Millisecond, "1h30m15s500ms": time.Hour + 30*time.Minute + 15500*time.Millisecond, "0s": 0, "0": 0, "36500d": maxDuration,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "m", "5 m", "-5m", "-1", "5m1h", "5m5m", "1w", "5M", "5mm", "36501d", "36500d1s", "9e99", "NaN", "inf", "99999999999999999999d", "1.5h", "٣d"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"5m", "1d12h", "0.25", "1e-9", "9999d23h", "1ms"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		again, err := ParseDuration(formatDuration(d))
		if d < 0 || err != nil || (again-d).Abs() > time.Microsecond {
			t.Errorf("%q: %v, then %v as %s, %v", text, d, again, formatDuration(d), err)
		}
	})
}

func TestNearest(t *testing.T) {
	known := []string{"LOGIN_FIELD", "LOGOUT_ON_PASSWORD_CHANGE", "listen", "TIME_ZONE"}
	for name, want := range map[string]string{
		"LOGIN_FEILD": "LOGIN_FIELD", "login_field": "LOGIN_FIELD", "TIMEZONE": "TIME_ZONE", "lsiten": "listen", "STATIC_URL": "", "": "", "x": "",
	} {
		if got := nearest(name, known); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"abc", "acb", 1}, {"abc", "abd", 1}, {"abc", "xabc", 1}, {"kitten", "sitting", 3}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%s, %s: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestDevelopmentSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), DevelopmentSecretFile)
	var keys [8]string
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			key, err := DevelopmentSecret(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	all.Wait()
	if len(keys[0]) != 64 || slices.ContainsFunc(keys[:], func(k string) bool { return k != keys[0] }) {
		t.Errorf("lengths %d, different keys", len(keys[0]))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err := DevelopmentSecret(path); err == nil {
		t.Errorf("a short key passed: %q", key)
	}
	if key, err := DevelopmentSecret(filepath.Join(path, "x")); err == nil {
		t.Errorf("a path that cannot be: %q", key)
	}
}

func TestEnsureSecret(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir("."); len(files) != 0 {
		t.Errorf("Load wrote %v", files)
	}
	if err := c.EnsureSecret(); err != nil || len(c.SecretKey) != 64 {
		t.Fatalf("%d bytes, %v", len(c.SecretKey), err)
	}
	other, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.EnsureSecret(); err != nil || other.SecretKey != c.SecretKey {
		t.Errorf("the next start has another key, %v", err)
	}
	if err := Default().EnsureSecret(); err == nil {
		t.Error("a key was made outside development")
	}
}

// TestSecretsStayHidden looks for the secrets of a Config in everything that can be printed of it.
func TestSecretsStayHidden(t *testing.T) {
	c := loaded(t, `
database: postgres://app:geheim@db/app?sslpassword=geheim2
SECRET_KEY_FALLBACKS: [geheim3]
EMAIL_HOST_PASSWORD: geheim4
SIMPLE_JWT: {SIGNING_KEY: geheim5-0123456789abcdef0123456789abcdef}
SOCIALACCOUNT_PROVIDERS: {github: {APP: {secret: geheim6}}}
webhooks: [{url: 'https://app.example.com/hook', secret: whsec_Z2VoZWltNy0wMTIzNDU2Nzg5YWJjZGVm}]
hooks: {before_login: {url: 'https://app.example.com/login', secret: whsec_Z2VoZWltOC0wMTIzNDU2Nzg5YWJjZGVm}}
`)
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("start", "config", c, "key", c.SecretKey)
	out.WriteString(c.String())
	values := map[string]string{}
	for _, s := range c.Effective() {
		out.WriteString(s.Key + "=" + s.Value + "\n")
		values[s.Key] = s.Value
	}
	for _, secret := range []string{"geheim", "0123456789abcdef", "whsec_Z2V"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s is shown:\n%s", secret, out.String())
		}
	}
	for key, want := range map[string]string{
		"database": "postgres://app:(hidden)@db/app?sslpassword=hidden", "secret_key": hidden, "SECRET_KEY_FALLBACKS": hidden,
		"webhooks": "[{url: https://app.example.com/hook, secret: (hidden)}]", "hooks.before_login.secret": hidden,
		"EMAIL_HOST_PASSWORD": hidden, "SIMPLE_JWT.SIGNING_KEY": hidden, "SOCIALACCOUNT_PROVIDERS": hidden,
	} {
		if values[key] != want {
			t.Errorf("%s is shown as %q, want %q", key, values[key], want)
		}
	}
}

// TestEffectiveReadsBack gives every shown setting back as a flag and wants the same settings.
func TestEffectiveReadsBack(t *testing.T) {
	c := loaded(t, "SITE_NAME: 'null'\nDOMAIN: a.example\nLANGUAGES: [de, [fr, 'French, #1']]\nSESSION_COOKIE_SAMESITE: false\ntrusted_proxies: [10.0.0.0/8]\n"+
		"REST_FRAMEWORK: {DEFAULT_THROTTLE_RATES: {anon: 3/min, user: null}}\nSIMPLE_JWT: {AUDIENCE: [a], LEEWAY: 1500ms}\nACCOUNT_LOGIN_METHODS: [email]\n")
	var file strings.Builder
	file.WriteString(secretLine)
	for _, s := range c.Effective() {
		if s.Key != "secret_key" && !strings.Contains(s.Key, ".") {
			file.WriteString(s.Key + ": " + s.Value + "\n")
		}
	}
	again, err := Load(Options{File: write(t, file.String())})
	if err != nil {
		t.Fatalf("%s\n%v", file.String(), err)
	}
	values := map[string]string{}
	for _, s := range again.Effective() {
		values[s.Key] = s.Value
	}
	for _, s := range c.Effective() {
		if !strings.Contains(s.Key, ".") && values[s.Key] != s.Value {
			t.Errorf("%s: %s, then %s", s.Key, s.Value, values[s.Key])
		}
	}
}

func TestProfilesDecide(t *testing.T) {
	safe, exact := loaded(t, ""), loaded(t, "profile: exact")
	if len(safe.EndTokensOn) != 4 || len(exact.EndTokensOn) != 0 || !exact.Passwords.ExactCommonList || safe.Passwords.ExactCommonList {
		t.Errorf("safe %v, exact %v", safe.EndTokensOn, exact.EndTokensOn)
	}
	if len(safe.Risks()) != 0 {
		t.Errorf("the defaults are risky: %q", safe.Risks())
	}
	if len(exact.Risks()) < 15 {
		t.Errorf("exact names %q", exact.Risks())
	}
	if some := loaded(t, "end_tokens_on: [password]"); !slices.Equal(some.EndTokensOn, []string{OnPassword}) {
		t.Errorf("%v", some.EndTokensOn)
	}
	if none := loaded(t, "end_tokens_on: []"); len(none.EndTokensOn) != 0 {
		t.Errorf("%v", none.EndTokensOn)
	}
	fewer := loaded(t, "profile: exact\nmounts: [{path: /t, dialect: simplejwt}]")
	if len(fewer.Risks()) >= len(exact.Risks()) {
		t.Errorf("with one mount: %q", fewer.Risks())
	}
}

func TestRisksAndNotes(t *testing.T) {
	for text, want := range map[string]string{
		"DJOSER: {SEND_ACTIVATION_EMAIL: true, ACTIVATION_URL: 'a/{uid}/{token}'}": "can never be activated",
		"DJOSER: {HIDE_USERS: false}":                         "can read all others",
		"DJOSER: {USERNAME_RESET_SHOW_EMAIL_NOT_FOUND: true}": "which addresses have an account",
		"AUTH_PASSWORD_VALIDATORS: []":                        "any password will do",
		"SIMPLE_JWT: {TOKEN_TYPE_CLAIM: null}":                "passes for an access token",
		"EMAIL_HOST_PASSWORD: x":                              "in clear",
	} {
		if risks := loaded(t, text).Risks(); !strings.Contains(strings.Join(risks, "\n"), want) {
			t.Errorf("%s: %q", text, risks)
		}
	}
	for text, want := range map[string]string{
		"":                                    "TIME_ZONE is not set",
		"TIME_ZONE: Europe/Berlin":            "wall-clock time",
		"DOMAIN: a.example":                   "USERNAME_RESET_CONFIRM_URL is not set: its mails link to username/reset/confirm/{uid}/{token}",
		"development: true":                   "Development mode",
		"profile: safe":                       "EMAIL_HOST is not set",
		"LANGUAGE_CODE: nl":                   "LANGUAGE_CODE is nl, of which there is no catalogue",
		"LANGUAGES: [de]":                     "LANGUAGE_CODE is en-us, of which there is no catalogue among LANGUAGES",
		"DJOSER: {ACTIVATION_URL: 'a/{uid}'}": "cannot be used",
		"REST_FRAMEWORK: {DEFAULT_RENDERER_CLASSES: [rest_framework.renderers.JSONRenderer, rest_framework.renderers.BrowsableAPIRenderer]}": "browsable API",
		"REST_FRAMEWORK: {DEFAULT_THROTTLE_CLASSES: [rest_framework.throttling.UserRateThrottle]}":                                           "limits nothing",
	} {
		if notes := loaded(t, text).Notes(); !strings.Contains(strings.Join(notes, "\n"), want) {
			t.Errorf("%s: %q", text, notes)
		}
	}
}
