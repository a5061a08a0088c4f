package config

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"latchkey/internal/message"
	"latchkey/internal/passwords"
)

var (
	modelName    = regexp.MustCompile(`^[A-Za-z_]\w*\.[A-Za-z_]\w*$`)
	wsgiHeader   = regexp.MustCompile(`^HTTP_[A-Z0-9_]+$`)
	languageCode = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$`)
	cookieName   = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	domainName   = regexp.MustCompile(`^\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
)

func (c *checker) django() {
	c.zone()
	if !modelName.MatchString(c.AuthUserModel) {
		c.bad("AUTH_USER_MODEL", strconv.Quote(c.AuthUserModel)+" is no model", "write the app and the model as in accounts.User")
	}
	if len(c.AuthenticationBackends) == 0 {
		c.bad("AUTHENTICATION_BACKENDS", "nobody could sign in", "name one, as "+backends[0])
	}
	c.eachOf("AUTHENTICATION_BACKENDS", c.AuthenticationBackends, backends...)
	if !languageCode.MatchString(c.LanguageCode) {
		c.bad("LANGUAGE_CODE", strconv.Quote(c.LanguageCode)+" is no language", "write one as in en-us")
	}
	for _, l := range c.Languages {
		if !languageCode.MatchString(l.Code) {
			c.bad("LANGUAGES", strconv.Quote(l.Code)+" is no language", "write codes as in de or pt-br")
		}
	}
	spoken, err := message.Load(c.LocalePaths)
	if err != nil {
		c.bad("LOCALE_PATHS", "a catalogue cannot be read: "+err.Error(), "mend it; msgfmt --check tells what is wrong with one")
	}
	c.spoken = spoken
	if !c.UseTZ {
		c.bad("USE_TZ", "a database without time zones is not written here", "remove it, or stay with Django for this database")
	}
	if c.SiteID < 1 {
		c.bad("SITE_ID", "it is the number of a row of django_site", "the default is 1")
	}
	if c.Domain != "" && !isDomain(c.Domain) {
		c.bad("DOMAIN", strconv.Quote(c.Domain)+" is no domain", "write one as in example.com or example.com:8000, without https://")
	}
	header := c.SecureProxySSLHeader
	if header != nil && (len(header) != 2 || !wsgiHeader.MatchString(header[0])) {
		c.bad("SECURE_PROXY_SSL_HEADER", "it is a header in WSGI spelling and a value", "write [HTTP_X_FORWARDED_PROTO, https]")
	}
	for _, host := range c.AllowedHosts {
		if host != "*" && !domainName.MatchString(host) && !strings.HasPrefix(host, "[") {
			c.bad("ALLOWED_HOSTS", strconv.Quote(host)+" is no host", "write names without scheme and port, .example.com for all below, or *")
		}
	}
	c.limit("DATA_UPLOAD_MAX_MEMORY_SIZE", c.DataUploadMaxMemorySize)
	c.limit("DATA_UPLOAD_MAX_NUMBER_FIELDS", c.DataUploadMaxNumberFields)
	c.limit("DATA_UPLOAD_MAX_NUMBER_FILES", c.DataUploadMaxNumberFiles)
}

func (c *checker) limit(key string, limit *int) {
	if limit != nil && *limit < 0 {
		c.bad(key, "a limit cannot be negative", "write null for none")
	}
}

// isDomain tells whether a text can stand between https:// and a path. A path of its own is allowed, as some front ends have one.
func isDomain(text string) bool {
	u, err := url.Parse("http://" + text)
	return err == nil && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" &&
		!strings.HasSuffix(text, "/") && !strings.HasSuffix(text, ":") && !strings.Contains(text, "//") && !strings.ContainsAny(text, " {}\"<>\\")
}

func (c *checker) cookies() {
	c.cookie("SESSION_COOKIE", c.SessionCookieName, c.SessionCookieDomain, c.SessionCookiePath, c.SessionCookieSameSite, c.SessionCookieSecure)
	c.cookie("CSRF_COOKIE", c.CSRFCookieName, c.CSRFCookieDomain, c.CSRFCookiePath, c.CSRFCookieSameSite, c.CSRFCookieSecure)
	if c.SessionCookieName == c.CSRFCookieName {
		c.bad("CSRF_COOKIE_NAME", "the session's cookie has the same name", "the default is csrftoken")
	}
	if !wsgiHeader.MatchString(c.CSRFHeaderName) {
		c.bad("CSRF_HEADER_NAME", "headers are named here as WSGI does", "write HTTP_X_CSRFTOKEN for X-CSRFToken")
	}
	for _, origin := range c.CSRFTrustedOrigins {
		scheme, host, ok := strings.Cut(origin, "://")
		if !ok || scheme != "https" && scheme != "http" || host == "" || strings.Contains(host, "/") {
			c.bad("CSRF_TRUSTED_ORIGINS", strconv.Quote(origin)+" is no origin", "write one as in https://example.com or https://*.example.com")
		}
	}
}

// cookie checks the attributes of one cookie: whatever passes can stand in a Set-Cookie header.
func (c *checker) cookie(prefix, name, domain, path string, site SameSite, secure bool) {
	if !cookieName.MatchString(name) {
		c.bad(prefix+"_NAME", strconv.Quote(name)+" is no name for a cookie", "write letters, digits and underscores")
	}
	if domain != "" && !domainName.MatchString(domain) {
		c.bad(prefix+"_DOMAIN", strconv.Quote(domain)+" is no domain", "write one as in example.com, or leave it out")
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == ';' || r > '~' }) {
		c.bad(prefix+"_PATH", strconv.Quote(path)+" is no path for a cookie", "begin it with /")
	}
	if site != "" {
		c.oneOf(prefix+"_SAMESITE", string(site), "Lax", "Strict", "None")
	}
	if site == "None" && !secure {
		c.notes = append(c.notes, prefix+"_SAMESITE is None without "+prefix+"_SECURE: browsers refuse such a cookie.")
	}
}

func (c *checker) mail() {
	if c.Mail.Backend != "" {
		c.oneOf("EMAIL_BACKEND", c.Mail.Backend, mailBackends...)
	}
	if c.Mail.UseTLS && c.Mail.UseSSL {
		c.bad("EMAIL_USE_SSL", "EMAIL_USE_TLS is on too, and only one of them can be", "keep EMAIL_USE_TLS for port 587, EMAIL_USE_SSL for port 465")
	}
	if c.Mail.Port < 1 || c.Mail.Port > 65535 {
		c.bad("EMAIL_PORT", "this is no port", "write 587, or 25 which is the default")
	}
	if c.Mail.Backend == mailBackends[2] && c.Mail.FilePath == "" {
		c.bad("EMAIL_FILE_PATH", "the filebased backend needs a folder", "name one")
	}
	if c.Mail.Backend == mailBackends[3] && !c.Development {
		c.bad("EMAIL_BACKEND", "the mailbox in memory is for development, since whoever reads it can open every account", "name another, or leave it out for SMTP")
	}
	if c.Mail.Timeout <= 0 {
		c.bad("EMAIL_TIMEOUT", "without a timeout one dead mail server stops all mail", "write 30s")
	}
	if (c.Mail.SSLCertfile == "") != (c.Mail.SSLKeyfile == "") {
		c.bad("EMAIL_SSL_KEYFILE", "a certificate and its key go together", "set both EMAIL_SSL_CERTFILE and EMAIL_SSL_KEYFILE, or none")
	}
	if c.Mail.DefaultFromEmail == "" || strings.ContainsAny(c.Mail.DefaultFromEmail, "\r\n") {
		c.bad("DEFAULT_FROM_EMAIL", "this is no sender", "write one as in Team <team@example.com>")
	}
}

// passwords lets passwords.New judge its own settings.
func (c *checker) passwords() {
	_, err := passwords.New(c.Passwords)
	c.judged("", err)
}

// judged takes over what another part of the program found wrong with its settings: errors, joined, of the form "KEY: message; mend".
func (c *checker) judged(section string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			c.judged(section, e)
		}
		return
	}
	if err == nil {
		return
	}
	key, message, ok := strings.Cut(strings.TrimPrefix(err.Error(), section+" "), ": ")
	if !ok {
		key, message = "", key
	}
	if key = strings.Trim(section+"."+key, "."); strings.HasSuffix(key, "secret_key)") {
		key = "secret_key" // SIGNING_KEY is absent, and this stands in for it
	} else if key == "SIMPLE_JWT.KeyFolder" {
		key = "jwt_keys"
	}
	mend := ""
	if i := strings.LastIndex(message, "; "); i >= 0 {
		message, mend = message[:i], message[i+2:]
	}
	c.bad(key, message, mend)
}
