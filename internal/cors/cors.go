// Package cors tells browsers which other origins' pages may call the API, in the answers of django-cors-headers and by its settings.
//
// It is not made of a general library for CORS: those answer preflights in their own way, and front ends, caches and tests that know Django's would see another.
package cors

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Config is django-cors-headers' settings, under their own names.
type Config struct {
	// Origins whose pages may call the API, as in `[https://app.example.com]`.
	AllowedOrigins []string `yaml:"CORS_ALLOWED_ORIGINS"`
	// Expressions for such origins, as in `['^https://\w+\.example\.com$']`, read as Python's `re.match` does: from the first letter, but not to the last. The safe
	// profile therefore takes only those that end in `$`. In development, where nothing else allows any, an origin on this machine is allowed, whatever its port.
	AllowedOriginRegexes []string `yaml:"CORS_ALLOWED_ORIGIN_REGEXES"`
	// Pages of any origin may call the API; with `CORS_ALLOW_CREDENTIALS` in the exact profile only.
	AllowAllOrigins bool `yaml:"CORS_ALLOW_ALL_ORIGINS"`
	// Their requests may carry cookies. For those that change something, name the origins in `CSRF_TRUSTED_ORIGINS` too.
	AllowCredentials bool `yaml:"CORS_ALLOW_CREDENTIALS"`
	// Methods that they may use.
	AllowMethods []string `yaml:"CORS_ALLOW_METHODS"`
	// Headers that they may send.
	AllowHeaders []string `yaml:"CORS_ALLOW_HEADERS"`
	// Headers of answers that they may read beside the usual ones, as in `[Retry-After]`.
	ExposeHeaders []string `yaml:"CORS_EXPOSE_HEADERS"`
	// For how many seconds a browser may remember what it was told; 0 leaves that to the browser.
	PreflightMaxAge int `yaml:"CORS_PREFLIGHT_MAX_AGE"`
	// Paths for which all this holds, as an expression for `re.match`.
	URLsRegex string `yaml:"CORS_URLS_REGEX"`
	// Pages on public networks may call a server on a private one.
	AllowPrivateNetwork bool `yaml:"CORS_ALLOW_PRIVATE_NETWORK"`
}

// DefaultConfig holds the defaults of django-cors-headers.
func DefaultConfig() Config {
	return Config{
		AllowMethods:    []string{"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"},
		AllowHeaders:    []string{"accept", "authorization", "content-type", "user-agent", "x-csrftoken", "x-requested-with"},
		PreflightMaxAge: 86400,
		URLsRegex:       `^.*$`,
	}
}

// AllowsAny tells whether any origin is allowed at all.
func (c *Config) AllowsAny() bool {
	return c.AllowAllOrigins || len(c.AllowedOrigins) > 0 || len(c.AllowedOriginRegexes) > 0
}

// A Policy answers by the settings.
type Policy struct {
	config   Config
	sites    map[string]bool
	patterns []*regexp.Regexp
	urls     *regexp.Regexp // nil for all
}

// New reads the expressions.
func New(cfg Config) (*Policy, error) {
	p := &Policy{config: cfg, sites: map[string]bool{}}
	for _, origin := range cfg.AllowedOrigins {
		p.sites[site(origin)] = true
	}
	for _, text := range cfg.AllowedOriginRegexes {
		pattern, err := Pattern(text)
		if err != nil {
			return nil, fmt.Errorf("CORS_ALLOWED_ORIGIN_REGEXES: %w", err)
		}
		p.patterns = append(p.patterns, pattern)
	}
	if cfg.URLsRegex != DefaultConfig().URLsRegex {
		var err error
		if p.urls, err = Pattern(cfg.URLsRegex); err != nil {
			return nil, fmt.Errorf("CORS_URLS_REGEX: %w", err)
		}
	}
	return p, nil
}

// Answer writes into the header of an answer what the browser asks, so that it stands on errors too, without which pages could not read them. It tells
// whether the request is a preflight, whose answer is then complete but for its status, 200.
func (p *Policy) Answer(header http.Header, r *http.Request) (preflight bool) {
	if p.urls != nil && !p.urls.MatchString(r.URL.Path) {
		return false
	}
	options := r.Method == http.MethodOptions
	if _, asks := r.Header["Access-Control-Request-Method"]; options && asks {
		header.Set("Content-Type", "text/html; charset=utf-8") // as Django's empty answer has it
		header.Set("Content-Length", "0")
		preflight = true
	}
	header.Add("Vary", "origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !p.allows(origin) {
		return preflight
	}
	c := &p.config
	if c.AllowAllOrigins && !c.AllowCredentials {
		header.Set("Access-Control-Allow-Origin", "*")
	} else {
		header.Set("Access-Control-Allow-Origin", origin)
	}
	if c.AllowCredentials {
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.ExposeHeaders) > 0 {
		header.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ", "))
	}
	if options {
		header.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ", "))
		header.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ", "))
		if c.PreflightMaxAge > 0 {
			header.Set("Access-Control-Max-Age", strconv.Itoa(c.PreflightMaxAge))
		}
	}
	if c.AllowPrivateNetwork && r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		header.Set("Access-Control-Allow-Private-Network", "true")
	}
	return preflight
}

// allows tells whether pages of an origin may call.
func (p *Policy) allows(origin string) bool {
	if _, err := url.Parse(origin); err != nil {
		return false
	}
	if p.config.AllowAllOrigins || p.sites[site(origin)] {
		return true
	}
	for _, pattern := range p.patterns {
		if pattern.MatchString(origin) {
			return true
		}
	}
	return false
}

// site is what is compared of an origin: scheme, host and port.
func site(origin string) string {
	scheme, rest, ok := strings.Cut(origin, "://")
	if !ok {
		return origin // null
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return strings.ToLower(scheme) + "://" + rest
}
