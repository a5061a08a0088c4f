// Package config holds every setting of the program. Load reads them from a file, the environment and flags, in rising order of
// precedence, lays them over the defaults, and reports all mistakes at once, each with its place. The commands call it first of all.
//
// A part of the program declares its own settings (store.UserModel, djoser.Config, …); Config is made of those and of what
// belongs to no single part. Keys in lower case are Latchkey's own, keys in upper case carry the names and meanings they have in
// Django, djoser, SimpleJWT, dj-rest-auth and allauth. docs/configuration.md lists them all.
package config

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // TIME_ZONE must mean the same on machines that have no zone files

	"latchkey/internal/account"
	"latchkey/internal/cors"
	"latchkey/internal/dialect/djoser"
	"latchkey/internal/dialect/djrestauth"
	"latchkey/internal/dialect/registerloginrefresh"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
	"latchkey/internal/web"
	"latchkey/internal/webhook"
)

// The two profiles: safe closes the holes of the reference, exact keeps every answer of it that is not a 5xx.
const (
	Safe  = "safe"
	Exact = "exact"
)

// The dialects that a mount can name.
const (
	Djoser                 = "djoser"
	SimpleJWT              = "simplejwt"
	DjRestAuth             = "dj-rest-auth"
	DjRestAuthRegistration = "dj-rest-auth.registration"
	RegisterLoginRefresh   = "register-login-refresh"
)

// The links of djoser's mails where nothing else is set; that of activation in development only.
const (
	defaultActivationURL    = "activate/{uid}/{token}"
	defaultPasswordResetURL = "password/reset/confirm/{uid}/{token}"
	defaultUsernameResetURL = "username/reset/confirm/{uid}/{token}"
)

// What EndTokensOn may hold: the changes of an account that end what was signed in before.
const (
	OnPassword     = "password"     // changed or reset
	OnEmail        = "email"        // changed
	OnDeactivation = "deactivation" // is_active turned off
	OnDeletion     = "deletion"     // the account is gone
)

// Config is every setting, checked and with its defaults filled in. The order of the fields is the order in which they are shown.
type Config struct {
	// Address and port of the server. `:8000` listens on all addresses.
	Listen string `yaml:"listen"`
	// `postgres://user:password@host/name`, `sqlite:///absolute/path`, or `sqlite://path` from the working directory.
	Database string `yaml:"database"`
	// Django's `SECRET_KEY`, and can be given under that name. At least 32 bytes in the safe profile. Required outside development.
	//
	// It is empty only in development, until EnsureSecret.
	SecretKey Secret `yaml:"secret_key"`
	// A file that holds it.
	SecretKeyFile string `yaml:"secret_key_file"`
	// See [Development](#development).
	Development bool `yaml:"development"`
	// `safe` closes the holes of the originals, `exact` keeps every answer of theirs that is not a server error; it names the risks at the start.
	Profile string `yaml:"profile"`
	// What is served and where: `path` and `dialect`. An empty path is the root.
	Mounts []Mount `yaml:"mounts"`
	// UserModel is the shape of the user table.
	UserModel store.UserModel `yaml:"user_model"`
	// How new tokens write the user's id: `string`, or `integer` as before SimpleJWT 5.5. Both are accepted.
	//
	// It arrives in SimpleJWT.IntegerUserID too.
	JWTUserID string `yaml:"jwt_user_id"`
	// New tokens name the key that they are signed with, by its `kid` at `/.well-known/jwks.json`: SimpleJWT's `JWK_URL` finds it by that. For all but `HS`.
	JWTKeyID bool `yaml:"jwt_key_id"`
	// A folder of keys that sign tokens in place of `SIMPLE_JWT`'s one pair, and change without a restart: `latchkey keys` makes them. See [keys.md](keys.md).
	JWTKeys string `yaml:"jwt_keys"`
	// With `jwt_keys`: until when tokens signed as `SIMPLE_JWT` says, by `secret_key` for instance, are good too: `2026-03-01` or `2026-03-01T12:00:00Z`.
	//
	// It arrives in SimpleJWT.OldUntil.
	JWTOldTokensUntil string `yaml:"jwt_old_tokens_until"`
	// User columns that a login answers beside the tokens.
	LoginFields []string `yaml:"login_fields"`
	// dj-rest-auth calls the tokens `access_token` and `refresh_token`, as before its version 3; both spellings are read.
	JWTLegacyKeys bool `yaml:"jwt_legacy_keys"`
	// Links is where dj-rest-auth's mails lead.
	Links Links `yaml:"links"`
	// Which changes end a user's refresh tokens, token key, sessions and mailed links: `password`, `email`, `deactivation`, `deletion`. Sessions end with
	// the password and with the account in any case, as in Django. Where it is not given, all of them in the safe profile and none in the exact one.
	EndTokensOn []string `yaml:"end_tokens_on"`
	// Whether the changes of `end_tokens_on`, and signing out everywhere, end access tokens too, which else last as long as they say. It costs a query for
	// each request that such a token signs in; services that check tokens by themselves are not told.
	AccessTokensEnd bool `yaml:"access_tokens_end"`
	// Whether `sessions/` is served under djoser's and dj-rest-auth's mounts, where users see what they have open and end it. Where it is not given, in the
	// safe profile alone.
	SessionsEndpoint bool `yaml:"sessions_endpoint"`
	// In the safe profile, where rotation ends refresh tokens: how long after its rotation a token that comes again gets the same successor, for tabs that ask
	// at once and answers that got lost. Later it ends its whole family. `0` ends it at the first second use. At most `5m`.
	RefreshGrace time.Duration `yaml:"refresh_grace"`
	// How long the audit trail is kept, which `latchkey audit` shows. `0` keeps none.
	AuditRetention time.Duration `yaml:"audit_retention"`
	// Networks and addresses whose `X-Forwarded-For` is believed in the safe profile.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// The safe profile's limits for each client network. `refresh` can be named too. What is not named keeps its default; `null` switches one off.
	ThrottleRates map[string]*string `yaml:"throttle_rates"`
	// Where attempts are counted: `memory`, for one process; `database`, for all that share it; or the address of a Redis or Valkey server,
	// `redis://host:6379/0`, also `rediss://`. Without it `memory` with SQLite and `database` with PostgreSQL.
	ThrottleStore Secret `yaml:"throttle_store"`
	// After so many wrong passwords for one account from one network, the next one must wait a second, then two, then four. The right password ends that.
	// `0` switches it off. Only in the safe profile.
	LoginDelayAfter int `yaml:"login_delay_after"`
	// The longest such wait.
	LoginDelayLongest time.Duration `yaml:"login_delay_longest"`
	// How many mails with links may be asked for to one address, whoever asks, as N/period. Empty for any number. Only in the safe profile.
	MailsPerAddress string `yaml:"mails_per_address"`
	// The largest request body, in bytes.
	MaxBody int `yaml:"max_body"`
	// How long the server goes on once it is told to stop, while `/readyz` already says no and every answer ends its connection: time for a proxy that has other
	// servers to leave this one. See [deployment.md](deployment.md#several-processes).
	ShutdownDelay time.Duration `yaml:"shutdown_delay"`
	// How long running requests may take after that.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
	// Whether `/openapi.json` and `/openapi.yaml` describe what is served.
	OpenAPI bool `yaml:"openapi"`
	// Whether `/docs` shows the same as a page to read and try out. Where it is not given, in development only.
	DocsPage bool `yaml:"docs_page"`
	// Who is told of events: entries with `url`, `secret` or `secret_file`, and where they are wanted `events`, `name` and `allow_http`. See [webhooks.md](webhooks.md).
	Webhooks []webhook.Endpoint `yaml:"webhooks"`
	// Who is asked before something happens, and may refuse it.
	Hooks webhook.Hooks `yaml:"hooks"`
	// Where Prometheus finds the metrics, at `/metrics`: a port that only it can reach, `127.0.0.1:9090` for instance. Without it there are none.
	MetricsListen string `yaml:"metrics_listen"`
	// Where traces go: an OpenTelemetry collector's address for OTLP over HTTP, `http://127.0.0.1:4318` for instance. Without it there are none. See
	// [monitoring.md](monitoring.md#traces).
	OTLPEndpoint string `yaml:"otlp_endpoint"`
	// Headers that go along, a hosted collector's key for instance: `name=value,name=value`.
	OTLPHeaders Secret `yaml:"otlp_headers"`
	// How many of a hundred requests are traced. One that says in its `traceparent` whether its caller is traced is traced where that is.
	TracePercent int `yaml:"trace_percent"`
	// `debug`, `info`, `warn` or `error`.
	LogLevel string `yaml:"log_level"`
	// `text` or `json`.
	LogFormat string `yaml:"log_format"`

	// Older secret keys: links, sessions and signed values made with them are still accepted.
	SecretKeyFallbacks []string `yaml:"SECRET_KEY_FALLBACKS"`
	// The domain in mailed links, with a port where needed. Where it is not given, that of the site.
	Domain string `yaml:"DOMAIN"`
	// The name in mails. Where it is not given, that of the site.
	SiteName string `yaml:"SITE_NAME"`
	// The row of `django_site` that is the site.
	SiteID int `yaml:"SITE_ID"`
	// Values of `Host` that are answered; any where it is not given. `.example.com` allows all names below.
	AllowedHosts []string `yaml:"ALLOWED_HOSTS"`
	// Header in WSGI spelling, and its value when the client spoke https: `[HTTP_X_FORWARDED_PROTO, https]`.
	SecureProxySSLHeader []string `yaml:"SECURE_PROXY_SSL_HEADER"`
	// Take the host from `X-Forwarded-Host`.
	UseXForwardedHost bool `yaml:"USE_X_FORWARDED_HOST"`
	// The zone in which the age of mailed links is counted. A Django on the same database must have the same; its own default is `America/Chicago`.
	TimeZone string `yaml:"TIME_ZONE"`
	// Only `true`: the database holds moments in UTC.
	UseTZ bool `yaml:"USE_TZ"`
	// Language of messages where the client asks for none.
	LanguageCode string `yaml:"LANGUAGE_CODE"`
	// Languages that a client may ask for: codes, or lists of code and name. All that there are where it is not given.
	Languages []Language `yaml:"LANGUAGES"`
	// Folders of translations as Django has them, `<locale>/LC_MESSAGES/django.po`, the first one counting most. They go before the built-in ones and add languages.
	LocalePaths []string `yaml:"LOCALE_PATHS"`
	// How long mailed links are good.
	PasswordResetTimeout time.Duration `yaml:"PASSWORD_RESET_TIMEOUT"`
	// The user model, as in `accounts.User`: its table is `accounts_user`, unless `user_model.table` names it.
	AuthUserModel string `yaml:"AUTH_USER_MODEL"`
	// Who may sign in with what: also `…AllowAllUsersModelBackend`, `djoser.auth_backends.LoginFieldBackend`,
	// `allauth.account.auth_backends.AuthenticationBackend`.
	AuthenticationBackends []string `yaml:"AUTHENTICATION_BACKENDS"`
	// Whether the blacklist, sessions and sites are in use. Where it is not given, the tables of the database tell.
	InstalledApps []string `yaml:"INSTALLED_APPS"`
	// Whether requests pass `LocaleMiddleware` and `CsrfViewMiddleware`. Where it is not given, only the first.
	//
	// See HasMiddleware.
	Middleware []string `yaml:"MIDDLEWARE"`
	// Name of the session's cookie.
	SessionCookieName string `yaml:"SESSION_COOKIE_NAME"`
	// How long a session lasts after it was last written.
	SessionCookieAge time.Duration `yaml:"SESSION_COOKIE_AGE"`
	// The cookie's Domain.
	SessionCookieDomain string `yaml:"SESSION_COOKIE_DOMAIN"`
	// Its Path.
	SessionCookiePath string `yaml:"SESSION_COOKIE_PATH"`
	// Send it over https only.
	SessionCookieSecure bool `yaml:"SESSION_COOKIE_SECURE"`
	// Keep it from scripts.
	SessionCookieHTTPOnly bool `yaml:"SESSION_COOKIE_HTTPONLY"`
	// Its SameSite; `false` leaves the attribute out.
	SessionCookieSameSite SameSite `yaml:"SESSION_COOKIE_SAMESITE"`
	// Let the browser forget it when it is closed.
	SessionExpireAtBrowserClose bool `yaml:"SESSION_EXPIRE_AT_BROWSER_CLOSE"`
	// Name of the CSRF cookie.
	CSRFCookieName string `yaml:"CSRF_COOKIE_NAME"`
	// How long the browser keeps it.
	CSRFCookieAge time.Duration `yaml:"CSRF_COOKIE_AGE"`
	// Its Domain.
	CSRFCookieDomain string `yaml:"CSRF_COOKIE_DOMAIN"`
	// Its Path.
	CSRFCookiePath string `yaml:"CSRF_COOKIE_PATH"`
	// Send it over https only.
	CSRFCookieSecure bool `yaml:"CSRF_COOKIE_SECURE"`
	// Keep it from scripts.
	CSRFCookieHTTPOnly bool `yaml:"CSRF_COOKIE_HTTPONLY"`
	// Its SameSite.
	CSRFCookieSameSite SameSite `yaml:"CSRF_COOKIE_SAMESITE"`
	// The header that repeats the cookie, in WSGI spelling.
	CSRFHeaderName string `yaml:"CSRF_HEADER_NAME"`
	// Other origins that may send unsafe requests: `https://*.example.com`.
	CSRFTrustedOrigins []string `yaml:"CSRF_TRUSTED_ORIGINS"`
	// The largest body without files, in bytes; `null` for none but `max_body`.
	DataUploadMaxMemorySize *int `yaml:"DATA_UPLOAD_MAX_MEMORY_SIZE"`
	// The most fields of a form.
	DataUploadMaxNumberFields *int `yaml:"DATA_UPLOAD_MAX_NUMBER_FIELDS"`
	// The most files of a form.
	DataUploadMaxNumberFiles *int `yaml:"DATA_UPLOAD_MAX_NUMBER_FILES"`

	// CORS says which other origins' pages may call; see CrossOrigin.
	CORS      cors.Config      `yaml:",inline"`
	Mail      mail.Config      `yaml:",inline"`
	Passwords passwords.Config `yaml:",inline"`

	Djoser        djoser.Config    `yaml:"DJOSER"`
	SimpleJWT     tokens.JWTConfig `yaml:"SIMPLE_JWT"`
	RESTFramework drf.Config       `yaml:"REST_FRAMEWORK"`
	// RegisterLoginRefresh are the settings of that small API, which has none in Django.
	RegisterLoginRefresh registerloginrefresh.Config `yaml:"register_login_refresh"`
	// Pages are those for people.
	Pages    web.Config        `yaml:"pages"`
	RestAuth djrestauth.Config `yaml:"REST_AUTH"`
	Account  account.Config    `yaml:",inline"`
	// no effect
	//
	// What was given of allauth's settings that change no answer, by full name.
	Inert Given `yaml:"ACCOUNT_*"`
	// kept
	SocialAccount Given `yaml:"SOCIALACCOUNT_*"`

	file        string // the settings file, if there is one
	withoutKeys bool
	location    *time.Location
	spoken      message.Languages
	origins     map[string]origin
	notes       []string
}

// A Mount is a dialect at a path prefix: /auth, or empty for the root.
type Mount struct {
	Path    string `yaml:"path"`
	Dialect string `yaml:"dialect"`
}

// Links are paths on the server's own address or whole URLs of a front end, with {key}, or {uid} and {token}.
type Links struct {
	// Where dj-rest-auth's confirmation mails lead: a path of this server or a whole URL, with `{key}`.
	AccountConfirmEmail string `yaml:"account_confirm_email"`
	// Where its reset mails lead, with `{uid}` and `{token}`.
	PasswordResetConfirm string `yaml:"password_reset_confirm"`
}

// A Language is one entry of LANGUAGES: a code alone, or a list of code and name.
type Language struct{ Code, Name string }

// SameSite is a cookie's SameSite attribute.
type SameSite = drf.SameSite

// Given holds settings by name as they were given: text, bool, int64, float64, nil, []any or map[string]any.
type Given map[string]any

// A Secret is a text that shows itself neither in logs nor in error messages; string(s) reads it.
type Secret string

const hidden = "(hidden)"

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Default holds every default, before profile and mode have their say.
func Default() *Config {
	size, fields, files := 2621440, 1000, 100
	return &Config{
		Listen:   "127.0.0.1:8000",
		Database: "sqlite://latchkey.db",
		Profile:  Safe,
		Mounts: []Mount{
			{"/auth", Djoser},
			{"/api/auth", DjRestAuth},
			{"/api/auth", RegisterLoginRefresh},
			{"/api/token", SimpleJWT},
		},
		UserModel: store.DefaultUserModel(),
		JWTUserID: "string",
		Links: Links{
			AccountConfirmEmail:  "/account-confirm-email/{key}/",
			PasswordResetConfirm: "/password/reset/confirm/{uid}/{token}/",
		},
		RefreshGrace:              10 * time.Second,
		AuditRetention:            90 * 24 * time.Hour,
		ThrottleRates:             defaultThrottleRates(),
		LoginDelayAfter:           10,
		LoginDelayLongest:         15 * time.Minute,
		MailsPerAddress:           "20/hour",
		TracePercent:              100,
		MaxBody:                   4 << 20,
		OpenAPI:                   true,
		ShutdownTimeout:           15 * time.Second,
		Hooks:                     webhook.DefaultHooks(),
		LogLevel:                  "info",
		LogFormat:                 "text",
		SiteID:                    1,
		TimeZone:                  "UTC",
		UseTZ:                     true,
		LanguageCode:              "en-us",
		PasswordResetTimeout:      3 * 24 * time.Hour,
		AuthUserModel:             "auth.User",
		AuthenticationBackends:    []string{"django.contrib.auth.backends.ModelBackend"},
		SessionCookieName:         "sessionid",
		SessionCookieAge:          14 * 24 * time.Hour,
		SessionCookiePath:         "/",
		SessionCookieHTTPOnly:     true,
		SessionCookieSameSite:     "Lax",
		CSRFCookieName:            "csrftoken",
		CSRFCookieAge:             364 * 24 * time.Hour,
		CSRFCookiePath:            "/",
		CSRFCookieSameSite:        "Lax",
		CSRFHeaderName:            "HTTP_X_CSRFTOKEN",
		DataUploadMaxMemorySize:   &size,
		DataUploadMaxNumberFields: &fields,
		DataUploadMaxNumberFiles:  &files,
		CORS:                      cors.DefaultConfig(),
		Mail:                      mail.DefaultConfig(),
		Passwords:                 passwords.DefaultConfig(),
		Djoser:                    djoser.DefaultConfig(),
		SimpleJWT:                 tokens.DefaultJWTConfig(),
		RESTFramework:             drf.DefaultConfig(),
		RestAuth:                  djrestauth.DefaultConfig(),
		Pages:                     web.DefaultConfig(),
		Account:                   account.DefaultConfig(),
		location:                  time.UTC,
	}
}

// defaultThrottleRates are far beyond what people do, and far below what guessing needs.
func defaultThrottleRates() map[string]*string {
	minute, hour := "60/min", "120/hour"
	return map[string]*string{"login": &minute, "password": &minute, "link": &minute, "register": &hour, "mail": &hour}
}

// Spoken are the languages that are answered in: those there are catalogues for, and of them those that LANGUAGES lists.
func (c *Config) Spoken() message.Languages {
	if c.Languages == nil {
		return c.spoken
	}
	codes := make([]string, len(c.Languages))
	for i, l := range c.Languages {
		codes[i] = l.Code
	}
	return c.spoken.Only(codes)
}

// Location is the zone that TIME_ZONE names.
func (c *Config) Location() *time.Location { return c.location }

// Where attempts may be counted, beside a Redis server.
const (
	CountInMemory   = "memory"
	CountInDatabase = "database"
)

// CountsIn is where attempts are counted: CountInMemory, CountInDatabase, or the address of a Redis server.
func (c *Config) CountsIn() string {
	switch {
	case c.ThrottleStore != "":
		return string(c.ThrottleStore)
	case strings.HasPrefix(string(c.Database), "sqlite:"):
		return CountInMemory
	}
	return CountInDatabase
}

// Store is the part of the settings that the database wants.
func (c *Config) Store() store.Config {
	cfg := store.Config{URL: c.Database, User: c.storeModel(), Zone: c.location}
	if c.InstalledApps != nil {
		has := func(app string) bool { return slices.Contains(c.InstalledApps, app) }
		cfg.Installed = &store.Apps{
			AuthToken: has("rest_framework.authtoken"),
			Blacklist: has("rest_framework_simplejwt.token_blacklist"),
			Sessions:  has("django.contrib.sessions"),
			Sites:     has("django.contrib.sites"),
			Allauth:   has("allauth.account"),
		}
	}
	return cfg
}

// Mounted tells whether any mount speaks one of the dialects.
func (c *Config) Mounted(dialects ...string) bool {
	return slices.ContainsFunc(c.Mounts, func(m Mount) bool { return slices.Contains(dialects, m.Dialect) })
}

// HasMiddleware tells whether MIDDLEWARE names a class. Where MIDDLEWARE is not given, only LocaleMiddleware counts as there.
func (c *Config) HasMiddleware(class string) bool {
	if c.Middleware == nil {
		return class == "django.middleware.locale.LocaleMiddleware"
	}
	return slices.Contains(c.Middleware, class)
}

// CrossOrigin tells whether requests pass django-cors-headers' middleware: where MIDDLEWARE names it, or else where some origin is allowed.
func (c *Config) CrossOrigin() bool {
	if c.Middleware == nil {
		return c.CORS.AllowsAny()
	}
	return c.HasMiddleware(corsMiddleware)
}

// LogValue shows the settings that were given, with secrets hidden, so that a Config can be logged.
func (c *Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, s := range c.Effective() {
		if s.Source != fromDefault {
			attrs = append(attrs, slog.String(s.Key, s.Value))
		}
	}
	return slog.GroupValue(attrs...)
}

// String shows what LogValue shows, so that no format prints a secret.
func (c *Config) String() string { return c.LogValue().String() }
