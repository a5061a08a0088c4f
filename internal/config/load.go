package config

import (
	"net"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Options say where settings come from.
type Options struct {
	// File is the settings file; where empty, LATCHKEY_CONFIG of Env names it, and where that is empty too there is none.
	File string
	// Env is the environment as os.Environ gives it. Only LATCHKEY_ variables are looked at.
	Env []string
	// Flags are settings by dotted key, as text.
	Flags map[string]string
	// WithoutKeys leaves unread what jwt_keys names, for the commands that make and mend it.
	WithoutKeys bool

	onDisk bool // there is such a file
}

// Load reads the file, then the environment, then the flags, fills in the defaults and checks everything.
// Its error is always Problems: all that is wrong at once. It writes nothing; see EnsureSecret.
func Load(o Options) (*Config, error) {
	for _, variable := range o.Env {
		if path, ok := strings.CutPrefix(variable, fileVariable+"="); ok && o.File == "" {
			o.File = path
		}
	}
	if o.File == "" {
		return load(o, nil)
	}
	data, err := readFile(o.File)
	if err != nil {
		return nil, Problems{{Message: "the settings file cannot be read: " + err.Error(), Mend: "name another with --config"}}
	}
	o.onDisk = true
	return load(o, data)
}

// Parse reads the text of a settings file, and nothing else. Its error is always Problems.
func Parse(text []byte) (*Config, error) {
	if text == nil {
		text = []byte{}
	}
	return load(Options{File: "settings"}, text)
}

// load is Load with the file read; data is nil where there is none.
func load(o Options, data []byte) (*Config, error) {
	c := Default()
	c.withoutKeys = o.WithoutKeys
	if o.onDisk {
		c.file = o.File
	}
	root := reflect.ValueOf(c).Elem()
	b := &binder{origins: map[string]origin{}, anchors: map[string]ast.Node{}}
	if data != nil {
		if !b.bindFile(root, o.File, string(data)) {
			return nil, b.problems
		}
		b.mergeSecretKey(c)
	}
	b.bindEnvironment(root, o.Env)
	b.bindFlags(root, o.Flags)
	b.readSecretFiles(c)

	c.origins = b.origins
	c.fillDefaults(data != nil)
	check := &checker{Config: c, problems: b.problems}
	check.all()
	if len(check.problems) > 0 {
		check.problems.sort()
		return nil, check.problems
	}
	return c, nil
}

// bindFile lays the text of a settings file over the settings, and tells whether it could be read. What follows from one that could not is not worth telling.
func (b *binder) bindFile(root reflect.Value, path, text string) bool {
	b.source, b.lined = path, true
	defer func() { b.lined = false }()
	node, problem := parse(text)
	if problem != nil {
		problem.Source = path
		b.problems = append(b.problems, *problem)
		return false
	}
	if node != nil {
		b.bind(root, node, "")
	}
	return true
}

// mergeSecretKey brings the two names of the secret key together.
func (b *binder) mergeSecretKey(c *Config) {
	django, both := b.origins["SECRET_KEY"]
	if !both {
		return
	}
	delete(b.origins, "SECRET_KEY")
	if _, own := b.origins["secret_key"]; own {
		if c.SecretKey != b.alias {
			b.bad(django, "SECRET_KEY", "it differs from secret_key, and both mean the same", "keep one of them")
		}
		return
	}
	c.SecretKey = b.alias
	b.origins["secret_key"] = django
}

// IsGiven tells whether a setting, by its dotted key, was given anywhere rather than left at its default.
func (c *Config) IsGiven(key string) bool {
	_, ok := c.origins[key]
	return ok
}

// fillDefaults settles the defaults that depend on other settings. Each says so in the notes where it may surprise.
func (c *Config) fillDefaults(file bool) {
	if !c.IsGiven("development") {
		c.Development = !file && !c.IsGiven("database") && !c.IsGiven("secret_key")
	}
	if c.Development {
		c.fillDevelopment()
	}
	if !c.IsGiven("end_tokens_on") && c.Profile != Exact {
		c.EndTokensOn = []string{OnPassword, OnEmail, OnDeactivation, OnDeletion}
	}
	if !c.IsGiven("sessions_endpoint") {
		c.SessionsEndpoint = c.Profile != Exact
	}
	c.fillAllauth()
	c.fillUserModel()
	c.SimpleJWT.IntegerUserID = c.JWTUserID == "integer"
	c.SimpleJWT.NameKey, c.SimpleJWT.KeyFolder = c.JWTKeyID, c.JWTKeys
	c.SimpleJWT.ShortSecrets = c.Profile == Exact
	c.Passwords.ExactCommonList = c.Profile == Exact
	smtp := c.Mail.Backend == mailBackends[0] || c.Mail.Backend == "" && !c.Development
	if smtp && c.Mail.Host == "" && !c.IsGiven("EMAIL_HOST") {
		c.Mail.Host = "localhost" // as Django
		c.notes = append(c.notes, "EMAIL_HOST is not set: mail goes to the server on localhost.")
	}
	if !c.IsGiven("DJOSER.PASSWORD_RESET_CONFIRM_URL") {
		c.Djoser.PasswordResetConfirmURL = new(defaultPasswordResetURL)
		c.noteURL("PASSWORD_RESET_CONFIRM_URL", defaultPasswordResetURL)
	}
	if !c.IsGiven("DJOSER.USERNAME_RESET_CONFIRM_URL") {
		c.Djoser.UsernameResetConfirmURL = new(defaultUsernameResetURL)
		c.noteURL("USERNAME_RESET_CONFIRM_URL", defaultUsernameResetURL)
	}
}

// fillAllauth reads the older names of allauth's settings where the newer ones are not given.
func (c *Config) fillAllauth() {
	a := &c.Account
	if method := a.AuthenticationMethod; method != nil && !c.IsGiven("ACCOUNT_LOGIN_METHODS") {
		a.LoginMethods = strings.Split(*method, "_")
	}
	if c.IsGiven("ACCOUNT_SIGNUP_FIELDS") || a.EmailRequired == nil && a.UsernameRequired == nil {
		return
	}
	a.SignupFields = []string{"email", "username*", "password1*", "password2*"}
	if a.EmailRequired != nil && *a.EmailRequired {
		a.SignupFields[0] = "email*"
	}
}

// noteURL says where the links of a mail lead for want of a setting.
func (c *Config) noteURL(name, url string) {
	if c.Mounted(Djoser) && !c.Development {
		c.notes = append(c.notes, "DJOSER."+name+" is not set: its mails link to "+url+".")
	}
}

// fillDevelopment makes everything work on one's own machine with no setting at all.
func (c *Config) fillDevelopment() {
	if !c.IsGiven("DJOSER.SEND_ACTIVATION_EMAIL") {
		c.Djoser.SendActivationEmail = true
	}
	if !c.IsGiven("DJOSER.ACTIVATION_URL") {
		c.Djoser.ActivationURL = new(defaultActivationURL)
	}
	if !c.IsGiven("docs_page") {
		c.DocsPage = c.OpenAPI
	}
	if !c.IsGiven("DOMAIN") {
		c.Domain = c.Listen
	}
	if !c.IsGiven("SITE_NAME") {
		c.SiteName = "Latchkey"
	}
	if !c.corsGiven() && c.Middleware == nil {
		c.CORS.AllowedOriginRegexes = []string{developmentOrigins}
	}
}

// loopback tells whether only this machine can reach an address to listen on.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
