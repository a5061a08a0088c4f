package drf

// Config is the REST_FRAMEWORK setting as far as it bears on the answers.
type Config struct {
	// How requests sign in, tried in order: also `…JWTStatelessUserAuthentication`, `…BasicAuthentication`, `…SessionAuthentication`,
	// `dj_rest_auth.jwt_auth.JWTCookieAuthentication`.
	DefaultAuthenticationClasses []string `yaml:"DEFAULT_AUTHENTICATION_CLASSES"`
	// Who may see the API's root; everything else names its own.
	DefaultPermissionClasses []string `yaml:"DEFAULT_PERMISSION_CLASSES"`
	// What bodies may be; the first is for content types with a wildcard.
	DefaultParserClasses []string `yaml:"DEFAULT_PARSER_CLASSES"`
	// The browsable API may be named and is not served.
	DefaultRendererClasses []string `yaml:"DEFAULT_RENDERER_CLASSES"`
	// `rest_framework.throttling.` and `AnonRateThrottle`, `UserRateThrottle` or `ScopedRateThrottle`.
	DefaultThrottleClasses []string `yaml:"DEFAULT_THROTTLE_CLASSES"`
	// Rates by scope: `{anon: 100/hour}`; `null` switches a scope off.
	DefaultThrottleRates map[string]*string `yaml:"DEFAULT_THROTTLE_RATES"`
	// How many proxies stand before the server, for the address of a client: `null` believes the whole `X-Forwarded-For`, 0 none of it.
	NumProxies *int `yaml:"NUM_PROXIES"`
	// The key of errors that belong to no field.
	NonFieldErrorsKey string `yaml:"NON_FIELD_ERRORS_KEY"`
	// Write letters beyond ASCII as they are.
	UnicodeJSON bool `yaml:"UNICODE_JSON"`
	// Write no blanks between values.
	CompactJSON bool `yaml:"COMPACT_JSON"`
	// The query parameter that names a format; `null` for none.
	URLFormatOverride *string `yaml:"URL_FORMAT_OVERRIDE"`
}

// DefaultConfig holds DRF's defaults, but for the authentication classes, where the reference project's are taken.
func DefaultConfig() Config {
	format := "format"
	return Config{
		DefaultAuthenticationClasses: []string{
			"rest_framework_simplejwt.authentication.JWTAuthentication",
			"rest_framework.authentication.TokenAuthentication",
		},
		DefaultPermissionClasses: []string{"rest_framework.permissions.AllowAny"},
		DefaultParserClasses: []string{
			"rest_framework.parsers.JSONParser",
			"rest_framework.parsers.FormParser",
			"rest_framework.parsers.MultiPartParser",
		},
		DefaultRendererClasses: []string{"rest_framework.renderers.JSONRenderer"},
		NonFieldErrorsKey:      "non_field_errors",
		UnicodeJSON:            true,
		CompactJSON:            true,
		URLFormatOverride:      &format,
	}
}
