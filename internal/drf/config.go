package drf

// Config is the REST_FRAMEWORK setting as far as it bears on the answers.
type Config struct {
	// DefaultAuthenticationClasses are tried in order; nil stands for DRF's own default (session, then basic).
	DefaultAuthenticationClasses []string `yaml:"DEFAULT_AUTHENTICATION_CLASSES"`
	// DefaultPermissionClasses guard the API root; everything else of the dialects names its own.
	DefaultPermissionClasses []string `yaml:"DEFAULT_PERMISSION_CLASSES"`
	// DefaultParserClasses are the body parsers, the first being the one for wildcard content types.
	DefaultParserClasses []string `yaml:"DEFAULT_PARSER_CLASSES"`
	// DefaultRendererClasses may name the JSON renderer and the browsable API, of which only JSON is served.
	DefaultRendererClasses []string `yaml:"DEFAULT_RENDERER_CLASSES"`
	// DefaultThrottleClasses are asked in order, all of them.
	DefaultThrottleClasses []string `yaml:"DEFAULT_THROTTLE_CLASSES"`
	// DefaultThrottleRates are rates such as 100/hour by scope; null switches a scope off.
	DefaultThrottleRates map[string]*string `yaml:"DEFAULT_THROTTLE_RATES"`
	// NumProxies says how many proxies stand before the server: nil trusts the whole X-Forwarded-For, 0 none of it.
	NumProxies *int `yaml:"NUM_PROXIES"`
	// NonFieldErrorsKey is the key of errors that belong to no field.
	NonFieldErrorsKey string `yaml:"NON_FIELD_ERRORS_KEY"`
	// UnicodeJSON writes letters beyond ASCII as they are.
	UnicodeJSON bool `yaml:"UNICODE_JSON"`
	// CompactJSON leaves out the blanks after commas and colons.
	CompactJSON bool `yaml:"COMPACT_JSON"`
	// URLFormatOverride is the query parameter that names a format; nil switches it off.
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
