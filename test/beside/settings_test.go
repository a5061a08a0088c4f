package beside

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/testenv"
)

// checked runs config check on a file.
func checked(t *testing.T, file string) (said string, code int) {
	t.Helper()
	return latchkey(t, "config", "check", file)
}

// The project's own settings come over whole, and what they say is what Latchkey reads.
func TestSettings(t *testing.T) {
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			database := "postgres://ann@/app?host=%2Ftmp&schema=accounts"
			d := &django{stack: s, database: database, smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: "settings"}
			file := d.configure(t, "--with-secrets")
			if said, code := checked(t, file); code != 0 {
				t.Fatalf("config check: %s", said)
			}
			text := readFile(t, file)
			for _, want := range []string{
				"secret_key: a-secret-key-that-django-and-latchkey-share-0123456789\n",
				"database: \"" + database + "\"\n",
				"mounts:\n  - {path: /auth, dialect: djoser}\n  - {path: /api/token, dialect: simplejwt}\n",
				"pbkdf2_iterations: 20000\n",
				"TIME_ZONE: Europe/Berlin\n",
				"MinimumLengthValidator, OPTIONS: {min_length: 9}}\n",
				"  REFRESH_TOKEN_LIFETIME: \"7d\"\n",
				"  DEFAULT_AUTHENTICATION_CLASSES: [rest_framework_simplejwt.authentication.JWTAuthentication, rest_framework.authentication.TokenAuthentication, ",
				"EMAIL_PORT: " + fmt.Sprint(d.smtp.Port()) + "\n",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("there is no %q", want)
				}
			}
			_, lost, _ := strings.Cut(text, "# Not carried over:\n")
			if want := "# - PASSWORD_HASHERS: hashers.QuickHasher, taken for django.contrib.auth.hashers.PBKDF2PasswordHasher: check that it makes the same hashes.\n"; lost != want {
				t.Errorf("not carried over:\n%swant\n%s", lost, want)
			}
			if t.Failed() {
				t.Log(text)
			}
		})
	}
}

// theirOwn is what the grown project has that does not come over, in the order in which it is told: the beginnings of the lines.
var theirOwn = []string{
	"DATABASES: the option keepalives_idle: ",
	"urls: v1/login/, a view of your own (shop.views.Login): ",
	"urls: v1/renew/, SimpleJWT's TokenRefreshView: ",
	"user_model: code is filled in by Python: ",
	"PASSWORD_HASHERS: shop.rules.SlowHasher, taken for django.contrib.auth.hashers.PBKDF2PasswordHasher: ",
	"SESSION_ENGINE: ",
	"MIDDLEWARE: shop.rules.measured: ",
	"AUTHENTICATION_BACKENDS: shop.rules.Directory: ",
	"EMAIL_BACKEND: anymail.backends.example.EmailBackend: ",
	"AUTH_PASSWORD_VALIDATORS: {NAME: shop.rules.NotTheNameOfOurShop}: ",
	"DJOSER.SERIALIZERS.user_create: shop.serializers.CustomerSerializer: ",
	"DJOSER.EMAIL.activation: shop.serializers.Welcome: ",
	"DJOSER.PERMISSIONS.user_create: shop.rules.PaidUp: ",
	"DJOSER.PERMISSIONS.user_create is only for staff now, where your own class stood: ",
	"SIMPLE_JWT.TOKEN_OBTAIN_SERIALIZER: shop.serializers.LoginSerializer: ",
	"REST_FRAMEWORK.DEFAULT_PERMISSION_CLASSES: shop.rules.PaidUp: ",
	"REST_FRAMEWORK.DEFAULT_PERMISSION_CLASSES is only for staff now, where your own class stood: ",
	"REST_FRAMEWORK.DEFAULT_PAGINATION_CLASS: ",
	"signals: user post_save calls shop.rules.greet: ",
}

var secret = regexp.MustCompile(`a-secret-key-that|an-older-secret|signing-key-of|pass(/|%2F)word|password of the mail|secret of the provider`)

// A project that has grown comes over as far as it can: what is printed loads, what is not is told, and secrets stay where they are unless asked for.
func TestSettingsOfAGrownProject(t *testing.T) {
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			d := &django{stack: s, database: "sqlite:///unused", smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: "shop.settings"}
			with := d.configure(t, "--with-secrets")
			if said, code := checked(t, with); code != 0 {
				t.Fatalf("config check: %s\n%s", said, readFile(t, with))
			}
			if found := secret.FindAllString(readFile(t, with), -1); len(found) != 6 {
				t.Errorf("with secrets, there are only %q", found)
			}
			without := d.configure(t)
			if said, code := checked(t, without); code != 2 || strings.Count(said, "\n") != 2 || !strings.Contains(said, "there is no secret key") {
				t.Errorf("config check left with %d without the secrets: %s", code, said)
			}
			text := readFile(t, without)
			if found := secret.FindString(text); found != "" {
				t.Errorf("%q is in the file", found)
			}
			for _, want := range []string{
				"user_model:\n  table: shop_customer\n  username_field: email\n  email_field: email\n  required_fields: [username]\n" +
					"  fields:\n    - {name: email, label: email}\n    - {name: discount, hidden: true, default: 0}\n",
				"AUTH_USER_MODEL: shop.Customer\n",
				"as LATCHKEY_SECRET_KEY\n", "as LATCHKEY_SECRET_KEY_FALLBACKS\n", "as LATCHKEY_EMAIL_HOST_PASSWORD\n", "as LATCHKEY_SIMPLE_JWT__SIGNING_KEY\n",
				"as PGPASSWORD, or in the whole URL as LATCHKEY_DATABASE.\ndatabase: \"postgres://ann%40shop@db.example.com:5433/shop?sslmode=verify-full\"\n",
				"as LATCHKEY_SOCIALACCOUNT_PROVIDERS\n",
				"mounts:\n  - {path: /v1/accounts, dialect: djoser}\n",
				"pbkdf2_iterations: 345678\n",
				"CORS_ALLOWED_ORIGINS: [\"https://shop.example.com\"]\n",
				`CORS_ALLOWED_ORIGIN_REGEXES: ["(?i)^https://\\w+\\.shop\\.example\\.com$"]` + "\n",
				"  ACCESS_TOKEN_LIFETIME: 90\n",
				"    user_create: [rest_framework.permissions.IsAdminUser]\n",
				"    anon: \"10/min\"\n",
				"SessionAuthentication, rest_framework.authentication.BasicAuthentication]\n", // REST framework's own default
			} {
				if !strings.Contains(text, want) {
					t.Errorf("there is no %q", want)
				}
			}
			_, told, _ := strings.Cut(text, "# Not carried over:\n")
			lines := strings.Split(strings.TrimSpace(told), "\n")
			for i := range max(len(lines), len(theirOwn)) {
				if i >= len(lines) || i >= len(theirOwn) || !strings.HasPrefix(lines[i], "# - "+theirOwn[i]) || !strings.HasSuffix(lines[i], ".") {
					t.Errorf("not carried over, from line %d on:\n%s", i+1, strings.Join(lines[min(i, len(lines)):], "\n"))
					break
				}
			}
			if t.Failed() {
				t.Log(text)
			}
		})
	}
}

// A project that moves on to a newer Django while Latchkey is in use: its migrate does what it has to, and all that was there is still good.
func TestNewerDjango(t *testing.T) {
	found := stacks(t)
	if len(found) < 2 {
		t.Skip("this test needs a second, newer Django in LATCHKEY_DJANGO")
	}
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		d := &django{stack: found[0], database: url, smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: "settings"}
		d.manage(t, "", "migrate", "-v", "0")
		p := &pair{django: d, db: testenv.OpenDB(t, url), config: d.configure(t, "--with-secrets")}
		p.latchkey, p.stop = p.serveLatchkey(t, nil)
		p.joins(t, p.latchkey, "ann")
		refresh := p.latchkey.signsIn(t, "ann", password).field(t, "refresh")

		p.stack = found[1]
		said := p.manage(t, "", "migrate")
		if !strings.Contains(said, "Applying account.") {
			t.Fatalf("migrate said: %s", said)
		}
		p.latchkey.wants(t, 200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": refresh})
		p.joins(t, p.latchkey, "bob")
		p.stop()
		p.config = d.configure(t, "--with-secrets")
		p.latchkey, p.stop = p.serveLatchkey(t, nil)
		p.findsNothingToMigrate(t)
		p.python = p.serve(t)
		for _, name := range []string{"ann", "bob"} {
			p.latchkey.signsIn(t, name, password)
			p.python.signsIn(t, name, password)
		}
	})
}
