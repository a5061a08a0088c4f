package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"latchkey/internal/cors"
)

const corsMiddleware = "corsheaders.middleware.CorsMiddleware"

// developmentOrigins are what development mode allows: what serves a front end to whoever writes it. No page from elsewhere has such an origin.
const developmentOrigins = `^https?://(([a-z0-9-]+\.)*localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?$`

// corsGiven tells whether the settings themselves say which origins are allowed.
func (c *Config) corsGiven() bool {
	return c.IsGiven("CORS_ALLOWED_ORIGINS") || c.IsGiven("CORS_ALLOWED_ORIGIN_REGEXES") || c.IsGiven("CORS_ALLOW_ALL_ORIGINS")
}

func (c *checker) cors() {
	o := &c.CORS
	if c.Middleware != nil && c.corsGiven() && o.AllowsAny() && !c.CrossOrigin() {
		c.bad("MIDDLEWARE", "the CORS settings need "+corsMiddleware, "name it there too, or leave MIDDLEWARE or the CORS settings out")
	}
	safe := c.Profile != Exact
	if safe && o.AllowAllOrigins && o.AllowCredentials {
		c.bad("CORS_ALLOW_ALL_ORIGINS", "with CORS_ALLOW_CREDENTIALS any page could do and read what its reader is signed in to",
			"name the origins in CORS_ALLOWED_ORIGINS, or set profile: exact")
	}
	for _, origin := range o.AllowedOrigins {
		c.corsOrigin(origin)
	}
	for _, text := range o.AllowedOriginRegexes {
		if _, err := cors.Pattern(text); err != nil {
			c.bad("CORS_ALLOWED_ORIGIN_REGEXES", "the expression cannot be read: "+err.Error(), "write it without looking around or back, or name origins in CORS_ALLOWED_ORIGINS")
		} else if safe && cors.TrapsOf(text).Open {
			c.bad("CORS_ALLOWED_ORIGIN_REGEXES", strconv.Quote(text)+" allows names that go on behind it, as in https://app.example.com.evil.example", "end it with $")
		}
	}
	if _, err := cors.Pattern(o.URLsRegex); err != nil {
		c.bad("CORS_URLS_REGEX", "the expression cannot be read: "+err.Error(), "write it without looking around or back")
	}
	c.headerWords("CORS_ALLOW_METHODS", o.AllowMethods)
	c.headerWords("CORS_ALLOW_HEADERS", o.AllowHeaders)
	c.headerWords("CORS_EXPOSE_HEADERS", o.ExposeHeaders)
	if o.PreflightMaxAge < 0 {
		c.bad("CORS_PREFLIGHT_MAX_AGE", "it is a number of seconds, and cannot be negative", "the default is 86400")
	}
}

// corsOrigin checks that an origin is written as browsers write theirs: another spelling would never match.
func (c *checker) corsOrigin(origin string) {
	const key = "CORS_ALLOWED_ORIGINS"
	if origin == "file://" {
		return
	}
	if origin == "null" {
		if c.Profile != Exact && c.CORS.AllowCredentials {
			c.bad(key, "any page can be of origin null, and with CORS_ALLOW_CREDENTIALS do and read what its reader is signed in to", "remove null")
		}
		return
	}
	quoted := strconv.Quote(origin)
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" || u.User != nil:
		c.bad(key, quoted+" is no origin", "write scheme, host and port, as in https://app.example.com")
	case strings.ContainsAny(u.Host, "*"):
		c.bad(key, quoted+" would be compared letter by letter", "write an expression in CORS_ALLOWED_ORIGIN_REGEXES")
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(origin, "#"):
		c.bad(key, quoted+" goes on behind host and port", "write "+u.Scheme+"://"+u.Host)
	case origin != strings.ToLower(origin):
		c.bad(key, quoted+" has capital letters, and browsers send none", "write "+strings.ToLower(origin))
	case u.Port() != "" && u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme]:
		c.bad(key, quoted+" names the port that browsers leave out", "write "+u.Scheme+"://"+strings.TrimSuffix(u.Host, net.JoinHostPort("", u.Port())))
	}
}

// headerWords checks names that will stand in a header.
func (c *checker) headerWords(key string, words []string) {
	for _, word := range words {
		if !cookieName.MatchString(word) { // cookies' names are made of the same letters
			c.bad(key, strconv.Quote(word)+" is no name of a header or method", "write one name an entry, without commas")
		}
	}
}
