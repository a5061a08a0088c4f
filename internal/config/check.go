package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/throttle"
	"latchkey/internal/tracing"
)

// minSecret is how many bytes a secret key must have, as HMAC-SHA256 wants them. Django's own are 50 letters.
const minSecret = 32

// A checker looks at what settings mean, once all are known, and collects what cannot be honoured.
type checker struct {
	*Config
	problems Problems
}

func (c *checker) all() {
	c.server()
	c.secrets()
	c.mounts()
	c.userModel()
	c.links()
	c.django()
	c.cookies()
	c.cors()
	c.mail()
	c.passwords()
	c.djoser()
	c.keyFolder()
	c.jwt()
	c.rest()
	c.restAuth()
	c.allauth()
	c.webhooks()
	c.pages()
	c.secretFiles()
}

// bad notes a problem with a setting, at the place where it, or the nearest section around it, was given.
func (c *checker) bad(key, message, mend string) {
	var o origin
	for k := key; o.source == "" && k != ""; {
		o = c.origins[k]
		i := strings.LastIndexByte(k, '.')
		k = k[:max(i, 0)]
	}
	for _, p := range c.problems {
		if p.Key == key {
			return // its type is wrong already, and what stands in its place is the default
		}
	}
	c.problems = append(c.problems, Problem{Source: o.source, Line: o.line, Column: o.column, Key: key, Message: message, Mend: mend})
}

// oneOf checks a setting against the values it may have.
func (c *checker) oneOf(key, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	mend := "write " + alternatives(allowed)
	if near := nearest(value, allowed); near != "" {
		mend = "did you mean " + near + "?"
	}
	c.bad(key, strconv.Quote(value)+" is not known here", mend)
}

// eachOf checks every entry of a list, which may not hold one twice.
func (c *checker) eachOf(key string, values []string, allowed ...string) {
	for i, value := range values {
		c.oneOf(key, value, allowed...)
		if slices.Contains(values[:i], value) {
			c.bad(key, value+" is named twice", "keep one of them")
		}
	}
}

// alternatives lists names for people: a, b or c.
func alternatives(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// maxRefreshGrace is longer than any answer is on its way.
const maxRefreshGrace = 5 * time.Minute

// maxShutdownDelay is longer than health checks need.
const maxShutdownDelay = 10 * time.Minute

func (c *checker) server() {
	host, port, err := net.SplitHostPort(c.Listen)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || strings.ContainsAny(host, "/@ ") {
		c.bad("listen", strconv.Quote(c.Listen)+" is no address and port", "write one as in 127.0.0.1:8000")
	} else if c.Development && !loopback(c.Listen) {
		c.bad("listen", "development mode is only for this machine", "listen on 127.0.0.1:"+strconv.FormatUint(number, 10)+
			", or set database and secret_key and leave development out")
	}
	if c.MetricsListen != "" {
		_, port, err := net.SplitHostPort(c.MetricsListen)
		if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
			c.bad("metrics_listen", strconv.Quote(c.MetricsListen)+" is no address and port", "write one as in 127.0.0.1:9090")
		} else if c.MetricsListen == c.Listen {
			c.bad("metrics_listen", "that is where the API is served", "write another port, which only Prometheus can reach")
		}
	}
	c.traces()
	c.oneOf("profile", c.Profile, Safe, Exact)
	c.oneOf("jwt_user_id", c.JWTUserID, "string", "integer")
	c.oneOf("log_level", c.LogLevel, "debug", "info", "warn", "error")
	c.oneOf("log_format", c.LogFormat, "text", "json")
	c.eachOf("end_tokens_on", c.EndTokensOn, OnPassword, OnEmail, OnDeactivation, OnDeletion)
	if c.RefreshGrace > maxRefreshGrace {
		c.bad("refresh_grace", "for that long a stolen refresh token could be used beside its owner's", "write a few seconds, and no more than "+formatDuration(maxRefreshGrace))
	}
	if c.ShutdownDelay > maxShutdownDelay {
		c.bad("shutdown_delay", "no proxy takes that long to see that a server leaves", "write a few seconds, and no more than "+formatDuration(maxShutdownDelay))
	}
	if c.DocsPage && !c.OpenAPI {
		c.bad("docs_page", "the page shows the document that openapi switches off", "remove openapi, or docs_page")
	}
	if c.MaxBody < 1024 || c.MaxBody > 1<<30 {
		c.bad("max_body", "it must be between 1024 bytes and 1 GiB", fmt.Sprintf("the default is %d", Default().MaxBody))
	}
	scopes := append(slices.Sorted(maps.Keys(Default().ThrottleRates)), "refresh") // which is free by default
	for _, scope := range slices.Sorted(maps.Keys(c.ThrottleRates)) {
		c.oneOf("throttle_rates."+scope, scope, scopes...)
	}
	c.rates("throttle_rates", c.ThrottleRates)
	if c.MailsPerAddress != "" && !isRate(c.MailsPerAddress) {
		c.bad("mails_per_address", "this is no rate", "write one as in 20/hour, with s, m, h or d, or nothing for any number")
	}
	c.throttleStore()
	if c.LoginDelayAfter < 0 || c.LoginDelayAfter > 1000 {
		c.bad("login_delay_after", "it must be between 0, which switches it off, and 1000", fmt.Sprintf("the default is %d", Default().LoginDelayAfter))
	}
	if c.LoginDelayLongest < time.Second || c.LoginDelayLongest > 24*time.Hour {
		c.bad("login_delay_longest", "it must be between a second and a day", "the default is "+formatDuration(Default().LoginDelayLongest))
	}
	c.database()
}

// throttleStore never repeats the address: it may hold a password.
func (c *checker) throttleStore() {
	switch where := string(c.ThrottleStore); where {
	case "", CountInMemory, CountInDatabase:
	default:
		if err := throttle.ParseAddress(where); err != nil {
			c.bad("throttle_store", "it is neither memory nor database, nor the address of a Redis server", "write redis://:password@host:6379/0, for instance")
		}
	}
}

func (c *checker) traces() {
	if c.OTLPEndpoint != "" {
		u, err := url.Parse(c.OTLPEndpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			c.bad("otlp_endpoint", "it is no address of a collector", "write one as in http://127.0.0.1:4318, without the /v1/traces behind it")
		}
	}
	if _, err := tracing.ParseHeaders(string(c.OTLPHeaders)); err != nil {
		c.bad("otlp_headers", err.Error(), "write name=value,name=value")
	}
	if c.TracePercent < 0 || c.TracePercent > 100 {
		c.bad("trace_percent", strconv.Itoa(c.TracePercent)+" is no percentage", "write a number from 0 to 100")
	}
}

// database never repeats the URL in a message: it may hold a password.
func (c *checker) database() {
	const mend = "write postgres://user:password@host/name or sqlite:///path/to/file"
	scheme, rest, ok := strings.Cut(c.Database, "://")
	switch {
	case !ok:
		c.bad("database", "this is no database URL", mend)
	case scheme == "sqlite":
		if rest == "" || rest == "/" {
			c.bad("database", "the URL names no file", mend)
		}
	case scheme == "postgres" || scheme == "postgresql":
		if u, err := url.Parse(c.Database); err != nil || strings.Trim(u.Path, "/") == "" && u.Query().Get("dbname") == "" {
			c.bad("database", "the URL cannot be read, or names no database", mend+"; letters such as @ and / in a password are written %40 and %2F")
		}
	default:
		c.bad("database", "only PostgreSQL and SQLite are spoken here", mend)
	}
}

func (c *checker) secrets() {
	switch n := len(c.SecretKey); {
	case n == 0 && (!c.Development || c.IsGiven("secret_key")):
		c.bad("secret_key", "there is no secret key", "set it to Django's SECRET_KEY where the database is shared, else to a random text of 50 letters, or name a file with secret_key_file; development: true makes one, for trying things out")
	case n > 0 && n < minSecret && c.Profile != Exact:
		c.bad("secret_key", fmt.Sprintf("it has %d bytes, and with fewer than %d it can be guessed", n, minSecret),
			"write a longer one; put the old one under SECRET_KEY_FALLBACKS while it is in use")
	}
	if slices.Contains(c.SecretKeyFallbacks, "") {
		c.bad("SECRET_KEY_FALLBACKS", "one of the keys is empty", "remove it")
	}
}

var segment = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// mounts brings paths into the form /auth, with the root as nothing, and refuses two of the same.
func (c *checker) mounts() {
	known := []string{Djoser, SimpleJWT, DjRestAuth, DjRestAuthRegistration, RegisterLoginRefresh}
	if len(c.Mounts) == 0 {
		c.bad("mounts", "nothing would be served", "write a list such as [{path: /auth, dialect: djoser}]")
	}
	c.Mounts = slices.Clone(c.Mounts)
	for i := range c.Mounts {
		m, key := &c.Mounts[i], fmt.Sprintf("mounts.%d", i)
		c.oneOf(key+".dialect", m.Dialect, known...)
		path := strings.Trim(m.Path, "/")
		for s := range strings.SplitSeq(path, "/") {
			if path != "" && (!segment.MatchString(s) || s == "." || s == "..") {
				c.bad(key+".path", strconv.Quote(m.Path)+" is no path to mount at", "write one as in /auth, or an empty text for the root")
				break
			}
		}
		m.Path = ""
		if path != "" {
			m.Path = "/" + path
		}
		if slices.Contains(c.Mounts[:i], *m) {
			c.bad(key, m.Dialect+" is mounted twice at "+strconv.Quote(m.Path), "keep one of them")
		}
	}
}

// The stock columns of Django's user, by what may be done with them.
var (
	shownColumns      = []string{"id", "username", "email", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "last_login", "date_joined"}
	registeredColumns = []string{"username", "email", "first_name", "last_name"} // what a stranger may fill in
	idColumns         = []string{"id", "username", "email"}
	nameColumns       = []string{"username", "email"}
	columnName        = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	tableName         = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
)

func (c *checker) userModel() {
	model := store.DefaultUserModel()
	if !tableName.MatchString(c.UserModel.Table) {
		c.bad("user_model.table", "this is no name of a table", "the default is "+model.Table)
	}
	for i, f := range c.UserModel.Fields {
		if !columnName.MatchString(f.Name) {
			c.bad(fmt.Sprintf("user_model.fields.%d", i), strconv.Quote(f.Name)+" is no name of a column", "write the column's name, or a mapping with name and more")
		}
	}
	if c.ownUserModel() {
		return // the table will tell what it has
	}
	c.oneOf("user_model.username_field", c.UserModel.UsernameField, nameColumns...)
	c.oneOf("user_model.email_field", c.UserModel.EmailField, "email")
	c.eachOf("user_model.required_fields", c.UserModel.RequiredFields, registeredColumns...)
	if slices.Contains(c.UserModel.RequiredFields, c.UserModel.UsernameField) {
		if !c.IsGiven("user_model.required_fields") {
			// Django's own list is for the stock user; the table's username is unique, so somebody named by their address must give one too.
			c.UserModel.RequiredFields = []string{"username"}
		} else {
			c.bad("user_model.required_fields", "it names the username_field, which is always asked for", "remove "+c.UserModel.UsernameField)
		}
	}
	c.eachOf("login_fields", c.LoginFields, shownColumns...)
}

func (c *checker) links() {
	c.link("links.account_confirm_email", c.Links.AccountConfirmEmail, "key")
	c.link("links.password_reset_confirm", c.Links.PasswordResetConfirm, "uid", "token")
}

// link checks a path or a whole URL that must hold each placeholder.
func (c *checker) link(key, link string, placeholders ...string) {
	c.template(key, link, placeholders)
	if !strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "http://") || strings.HasPrefix(link, "//") {
		c.bad(key, "it is neither a path nor a URL", "begin it with / or https://")
	}
	for _, name := range placeholders {
		if !strings.Contains(link, "{"+name+"}") {
			c.bad(key, "the link lacks {"+name+"}, without which it leads nowhere", "write {"+name+"} where it belongs")
		}
	}
}

// template checks that a text in Python's str.format notation holds none but the named placeholders, and these without attributes,
// conversions or formats: {user.password} would mail the hash.
func (c *checker) template(key, text string, allowed []string) {
	unescaped := strings.NewReplacer("{{", "", "}}", "").Replace(text)
	for rest := unescaped; ; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			break
		}
		end := strings.IndexByte(rest[i:], '}')
		if rest[i] == '}' || end < 0 {
			c.bad(key, "a brace stands alone", "write {{ or }} for the brace itself")
			return
		}
		if name := rest[i+1 : i+end]; !slices.Contains(allowed, name) {
			c.bad(key, fmt.Sprintf("{%s} means nothing here", name), "the placeholders are {"+strings.Join(allowed, "} {")+"}")
			return
		}
		rest = rest[i+end+1:]
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		c.bad(key, "a link holds no spaces or control characters", "remove them")
	}
}

// zone loads TIME_ZONE.
func (c *checker) zone() {
	location, err := time.LoadLocation(c.TimeZone)
	if err != nil || c.TimeZone == "" || c.TimeZone == "Local" {
		c.bad("TIME_ZONE", strconv.Quote(c.TimeZone)+" is no time zone", "write one as in Europe/Berlin or UTC")
		return
	}
	c.location = location
}
