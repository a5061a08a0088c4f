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
	"time"
	_ "time/tzdata" // TIME_ZONE must mean the same on machines that have no zone files

	"latchkey/internal/account"
	"latchkey/internal/dialect/djoser"
	"latchkey/internal/dialect/djrestauth"
	"latchkey/internal/dialect/registerloginrefresh"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
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
	// Listen is the address and port of the server.
	Listen string `yaml:"listen"`
	// Database is a URL as store.Config takes it.
	Database string `yaml:"database"`
	// SecretKey is Django's SECRET_KEY, and may be given under that name too. It is empty only in development, until EnsureSecret.
	SecretKey Secret `yaml:"secret_key"`
	// Development is the mode for trying things out on one's own machine; without file, database and secret key it is on.
	Development bool `yaml:"development"`
	// Profile is Safe or Exact.
	Profile string `yaml:"profile"`
	// Mounts are the dialects that are served, and where.
	Mounts []Mount `yaml:"mounts"`
	// UserModel is the shape of the user table.
	UserModel store.UserModel `yaml:"user_model"`
	// JWTUserID is string or integer: how new tokens write the user's id. It arrives in SimpleJWT.IntegerUserID too.
	JWTUserID string `yaml:"jwt_user_id"`
	// LoginFields are the user columns that a login answer carries beside the tokens.
	LoginFields []string `yaml:"login_fields"`
	// JWTLegacyKeys calls dj-rest-auth's tokens access_token and refresh_token, as before its version 3.
	JWTLegacyKeys bool `yaml:"jwt_legacy_keys"`
	// Links is where dj-rest-auth's mails lead.
	Links Links `yaml:"links"`
	// EndTokensOn names the changes that end a user's refresh tokens, token key and mailed links: OnPassword and its
	// like. Where nothing is given it is all of them in the safe profile and none in the exact one.
	EndTokensOn []string `yaml:"end_tokens_on"`
	// TrustedProxies are the networks whose X-Forwarded-For is believed when the safe profile looks for a client's address.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// ThrottleRates are the safe profile's own limits for each client network, as rates like 60/min by scope: login, register, mail,
	// link, password, refresh. null switches one off.
	ThrottleRates map[string]*string `yaml:"throttle_rates"`
	// MaxBody bounds a request's body, in bytes.
	MaxBody int `yaml:"max_body"`
	// ShutdownTimeout is how long running requests may take after the server was told to stop.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `yaml:"log_level"`
	// LogFormat is text or json.
	LogFormat string `yaml:"log_format"`

	// SecretKeyFallbacks are older secret keys: what they signed is still accepted.
	SecretKeyFallbacks []string `yaml:"SECRET_KEY_FALLBACKS"`
	// Domain and SiteName stand in mails; where empty, the row SiteID of django_site does.
	Domain   string `yaml:"DOMAIN"`
	SiteName string `yaml:"SITE_NAME"`
	SiteID   int    `yaml:"SITE_ID"`
	// AllowedHosts are the values of Host that are answered; empty allows any.
	AllowedHosts []string `yaml:"ALLOWED_HOSTS"`
	// SecureProxySSLHeader is a header in WSGI spelling and its value that tell that the client spoke https; nil for none.
	SecureProxySSLHeader []string `yaml:"SECURE_PROXY_SSL_HEADER"`
	// UseXForwardedHost takes X-Forwarded-Host for Host.
	UseXForwardedHost bool `yaml:"USE_X_FORWARDED_HOST"`
	// TimeZone is the zone that token times are counted in, as the name of the IANA database.
	TimeZone string `yaml:"TIME_ZONE"`
	// UseTZ says that Django keeps moments, not wall-clock times, in the database.
	UseTZ bool `yaml:"USE_TZ"`
	// LanguageCode is the language of messages where the client asks for none.
	LanguageCode string `yaml:"LANGUAGE_CODE"`
	// Languages are those a client may ask for; nil for all that there are.
	Languages []Language `yaml:"LANGUAGES"`
	// PasswordResetTimeout is how long mailed links are good.
	PasswordResetTimeout time.Duration `yaml:"PASSWORD_RESET_TIMEOUT"`
	// AuthUserModel is auth.User; own user tables are described by UserModel.
	AuthUserModel string `yaml:"AUTH_USER_MODEL"`
	// AuthenticationBackends decide what is signed in with.
	AuthenticationBackends []string `yaml:"AUTHENTICATION_BACKENDS"`
	// InstalledApps tells which tables are meant to be there; where nil, the database itself is asked.
	InstalledApps []string `yaml:"INSTALLED_APPS"`
	// Middleware tells whether requests pass LocaleMiddleware and CsrfViewMiddleware; see HasMiddleware.
	Middleware []string `yaml:"MIDDLEWARE"`
	// The Session settings shape the session's cookie and its row.
	SessionCookieName           string        `yaml:"SESSION_COOKIE_NAME"`
	SessionCookieAge            time.Duration `yaml:"SESSION_COOKIE_AGE"`
	SessionCookieDomain         string        `yaml:"SESSION_COOKIE_DOMAIN"`
	SessionCookiePath           string        `yaml:"SESSION_COOKIE_PATH"`
	SessionCookieSecure         bool          `yaml:"SESSION_COOKIE_SECURE"`
	SessionCookieHTTPOnly       bool          `yaml:"SESSION_COOKIE_HTTPONLY"`
	SessionCookieSameSite       SameSite      `yaml:"SESSION_COOKIE_SAMESITE"`
	SessionExpireAtBrowserClose bool          `yaml:"SESSION_EXPIRE_AT_BROWSER_CLOSE"`
	// The CSRF settings are those of Django's CSRF check.
	CSRFCookieName     string        `yaml:"CSRF_COOKIE_NAME"`
	CSRFCookieAge      time.Duration `yaml:"CSRF_COOKIE_AGE"`
	CSRFCookieDomain   string        `yaml:"CSRF_COOKIE_DOMAIN"`
	CSRFCookiePath     string        `yaml:"CSRF_COOKIE_PATH"`
	CSRFCookieSecure   bool          `yaml:"CSRF_COOKIE_SECURE"`
	CSRFCookieHTTPOnly bool          `yaml:"CSRF_COOKIE_HTTPONLY"`
	CSRFCookieSameSite SameSite      `yaml:"CSRF_COOKIE_SAMESITE"`
	CSRFHeaderName     string        `yaml:"CSRF_HEADER_NAME"`
	CSRFTrustedOrigins []string      `yaml:"CSRF_TRUSTED_ORIGINS"`
	// The DataUpload settings bound what a request may carry; nil for no bound but MaxBody.
	DataUploadMaxMemorySize   *int `yaml:"DATA_UPLOAD_MAX_MEMORY_SIZE"`
	DataUploadMaxNumberFields *int `yaml:"DATA_UPLOAD_MAX_NUMBER_FIELDS"`
	DataUploadMaxNumberFiles  *int `yaml:"DATA_UPLOAD_MAX_NUMBER_FILES"`

	Mail      mail.Config      `yaml:",inline"`
	Passwords passwords.Config `yaml:",inline"`

	Djoser        djoser.Config    `yaml:"DJOSER"`
	SimpleJWT     tokens.JWTConfig `yaml:"SIMPLE_JWT"`
	RESTFramework drf.Config       `yaml:"REST_FRAMEWORK"`
	// RegisterLoginRefresh are the settings of that small API, which has none in Django.
	RegisterLoginRefresh registerloginrefresh.Config `yaml:"register_login_refresh"`
	RestAuth             djrestauth.Config           `yaml:"REST_AUTH"`
	Account              account.Config              `yaml:",inline"`
	// Inert and SocialAccount hold what was given of allauth's settings that change no answer, by full name.
	Inert         Given `yaml:"ACCOUNT_*"`
	SocialAccount Given `yaml:"SOCIALACCOUNT_*"`

	location *time.Location
	origins  map[string]origin
	notes    []string
}

// A Mount is a dialect at a path prefix: /auth, or empty for the root.
type Mount struct {
	Path    string `yaml:"path"`
	Dialect string `yaml:"dialect"`
}

// Links are paths on the server's own address or whole URLs of a front end, with {key}, or {uid} and {token}.
type Links struct {
	AccountConfirmEmail  string `yaml:"account_confirm_email"`
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
		ThrottleRates:             defaultThrottleRates(),
		MaxBody:                   4 << 20,
		ShutdownTimeout:           15 * time.Second,
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
		Mail:                      mail.DefaultConfig(),
		Passwords:                 passwords.DefaultConfig(),
		Djoser:                    djoser.DefaultConfig(),
		SimpleJWT:                 tokens.DefaultJWTConfig(),
		RESTFramework:             drf.DefaultConfig(),
		RestAuth:                  djrestauth.DefaultConfig(),
		Account:                   account.DefaultConfig(),
		location:                  time.UTC,
	}
}

// defaultThrottleRates are far beyond what people do, and far below what guessing needs.
func defaultThrottleRates() map[string]*string {
	minute, hour := "60/min", "120/hour"
	return map[string]*string{"login": &minute, "password": &minute, "link": &minute, "register": &hour, "mail": &hour}
}

// Location is the zone that TIME_ZONE names.
func (c *Config) Location() *time.Location { return c.location }

// Store is the part of the settings that the database wants.
func (c *Config) Store() store.Config {
	cfg := store.Config{URL: c.Database, User: c.UserModel}
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
