// Package doctor examines a database of Django's and says what Latchkey can do with it, what it cannot and why, what in it is unsafe, and how to configure it. It
// changes nothing. The command line calls it.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/store"
)

// Options say what to examine.
type Options struct {
	// Database is its URL.
	Database string
	// Settings are those that are there already; nil where there are none.
	Settings *config.Config
	// Table is the user table; empty to find it.
	Table string
	Now   time.Time
}

// A Report is what was found. Its JSON is documented in docs/doctor.md and only grows.
type Report struct {
	Database      string     `json:"database"`
	Engine        string     `json:"engine"`
	EngineVersion string     `json:"engine_version"`
	Works         bool       `json:"works"` // nothing of what was found stops Latchkey
	Apps          []App      `json:"apps"`
	Tables        []Table    `json:"tables"`
	Users         *Users     `json:"users"` // null where no user table is there
	Passwords     []Password `json:"passwords"`
	Findings      []Finding  `json:"findings"`
	Configuration string     `json:"configuration"`

	columns  []store.Column
	settings *config.Config
}

// An App is an app whose migrations Django has applied.
type App struct {
	Name       string `json:"name"`
	Migrations int64  `json:"migrations"`
	Newest     string `json:"newest"`
	// Version is what the newest migration tells of the package's version.
	Version string `json:"version,omitempty"`
}

// A Table is one that Latchkey works on.
type Table struct {
	Name  string `json:"name"`
	For   string `json:"for"`
	Found bool   `json:"found"`
	Rows  int64  `json:"rows"`
}

// Users is the user table.
type Users struct {
	Table string `json:"table"`
	// FoundBy says why it is taken for the user table.
	FoundBy       string   `json:"found_by"`
	Model         string   `json:"model,omitempty"` // AUTH_USER_MODEL, where content types tell it
	Rows          int64    `json:"rows"`
	Key           string   `json:"key"`
	KeyType       string   `json:"key_type"` // smallint, integer, bigint, uuid, or another that is not known here
	UsernameField string   `json:"username_field"`
	EmailField    string   `json:"email_field"`
	Columns       []Column `json:"columns"`
}

// A Column is a column of the user table.
type Column struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Null    bool   `json:"null"`
	Default string `json:"default,omitempty"`
	Unique  bool   `json:"unique"`
	// Required columns must be given for every new user: they are not NULL and have no default.
	Required bool `json:"required"`
	// Extra columns are none of Django's own user.
	Extra bool `json:"extra"`
}

// A Password is a way in which passwords are kept, and by how many users.
type Password struct {
	Hasher     string `json:"hasher"` // the word before a hash's first $; unusable, empty or unknown
	Parameters string `json:"parameters,omitempty"`
	Users      int64  `json:"users"`
	// Works says that these users can sign in.
	Works bool `json:"works"`
	// MadeBy is the Django whose default this is.
	MadeBy string `json:"made_by,omitempty"`
}

// The kinds of findings, gravest first.
const (
	Stops  = "stops"  // Latchkey cannot run on the database as it is
	Decide = "decide" // something does not work, or works otherwise, until it is seen to
	Unsafe = "unsafe" // a weakness of the set-up as it is now
	Works  = "works"
)

// A Finding is one thing to know, and what to do about it.
type Finding struct {
	Kind string `json:"kind"`
	// About is a word that does not change, for programs.
	About string `json:"about"`
	Text  string `json:"text"`
	Mend  string `json:"mend,omitempty"`
}

func (r *Report) find(kind, about, mend, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{kind, about, fmt.Sprintf(format, args...), mend})
}

// Of are the findings of a kind.
func (r *Report) Of(kind string) []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Kind != kind })
}

// Examine looks at everything, at one moment of the database.
func Examine(ctx context.Context, o Options) (*Report, error) {
	r := &Report{settings: o.Settings, Apps: []App{}, Tables: []Table{}, Passwords: []Password{}, Findings: []Finding{}}
	err := store.Look(ctx, o.Database, func(db *store.Survey) error { return r.examine(ctx, db, o) })
	if err != nil {
		return nil, err
	}
	r.Works = len(r.Of(Stops)) == 0
	r.Configuration = r.configuration(o.Database)
	return r, nil
}

func (r *Report) examine(ctx context.Context, db *store.Survey, o Options) error {
	var err error
	r.Database = db.String()
	if r.Engine, r.EngineVersion, err = db.Engine(ctx); err != nil {
		return err
	}
	tables, err := db.Tables(ctx)
	if err != nil {
		return err
	}
	if err := r.apps(ctx, db, tables); err != nil {
		return err
	}
	if err := r.tables(ctx, db, tables, o.Now); err != nil {
		return err
	}
	if err := r.users(ctx, db, tables, o.Table); err != nil {
		return err
	}
	if r.Users != nil {
		if err := r.passwords(ctx, db); err != nil {
			return err
		}
		if err := r.lookAlikes(ctx, db); err != nil {
			return err
		}
	}
	if o.Settings != nil {
		for _, risk := range o.Settings.Risks() {
			r.find(Unsafe, "settings", "", "%s", risk)
		}
	}
	return nil
}

// versions are what an app's newest migration tells of its package. They are those of releases that were looked at.
var versions = map[string][]struct{ migration, version string }{
	"auth": {
		{"0012_alter_user_first_name_max_length", "Django 3.1 or newer"},
		{"0011_update_proxy_permissions", "Django 2.2 or 3.0"},
	},
	"authtoken": {
		{"0004_alter_tokenproxy_options", "REST framework newer than 3.14"},
		{"0003_tokenproxy", "REST framework 3.12 to 3.14"},
	},
	"token_blacklist": {
		{"0013_alter_blacklistedtoken_options_and_more", "SimpleJWT newer than 5.2"},
		{"0012_alter_outstandingtoken_user", "SimpleJWT 5.2"},
	},
	"account": {
		{"0009_emailaddress_unique_primary_email", "allauth 65 or newer"},
		{"0003_alter_emailaddress_create_unique_verified_email", "allauth between 0.51 and 65"},
		{"0002_email_max_length", "allauth 0.51 or older"},
	},
}

// apps reads what Django has applied.
func (r *Report) apps(ctx context.Context, db *store.Survey, tables []string) error {
	if !slices.Contains(tables, "django_migrations") {
		if len(tables) > 0 {
			r.find(Decide, "no-django", "", "There is no table django_migrations: Django's migrate has not made this database.")
		}
		return nil
	}
	migrations, err := db.Migrations(ctx)
	if err != nil {
		return err
	}
	for _, m := range migrations {
		app := App{Name: m.App, Migrations: m.Count, Newest: m.Newest}
		for _, v := range versions[m.App] {
			if m.Newest >= v.migration {
				app.Version = v.version
				break
			}
		}
		r.Apps = append(r.Apps, app)
		if m.App == "auth" && m.Newest < "0012" {
			r.find(Stops, "old-django", "Upgrade Django to 3.2 at least, and run its migrate.", "Django's own tables are older than those of 3.1 (auth ends with %s).", m.Newest)
		}
	}
	return nil
}

// purposes are the tables of the apps that Latchkey works with, and what is missing without each.
var purposes = []struct{ name, is, without, mend string }{
	{"authtoken_token", "token keys", "Token keys (token/login/) are not served: authtoken_token is not there.",
		"Nothing, if clients use JWTs. Otherwise add rest_framework.authtoken to INSTALLED_APPS and run Django's migrate."},
	{"token_blacklist_outstandingtoken", "refresh tokens", "", ""},
	{"token_blacklist_blacklistedtoken", "ended refresh tokens", "Refresh tokens cannot be ended before they expire: token_blacklist is not installed.",
		"Add rest_framework_simplejwt.token_blacklist to INSTALLED_APPS and run Django's migrate."},
	{"django_session", "sessions", "Sessions are not served: django_session is not there.", "Nothing, if nobody signs in with a session. Otherwise add django.contrib.sessions and run Django's migrate."},
	{"account_emailaddress", "addresses of allauth", "The registration of dj-rest-auth keeps no addresses: allauth is not installed.",
		"Nothing, if clients use djoser's API. Otherwise add allauth.account and run Django's migrate."},
	{"django_site", "name and domain for mails", "Mails need DOMAIN and SITE_NAME in the configuration: django_site is not there.", "Set both."},
}

// tables counts the rows of what Latchkey works with.
func (r *Report) tables(ctx context.Context, db *store.Survey, tables []string, now time.Time) error {
	for _, p := range purposes {
		t := Table{Name: p.name, For: p.is, Found: slices.Contains(tables, p.name)}
		if t.Found {
			var err error
			if t.Rows, err = db.Count(ctx, p.name); err != nil {
				return err
			}
		} else if p.without != "" && len(tables) > 0 {
			r.find(Decide, "no-"+strings.ReplaceAll(p.name, "_", "-"), p.mend, "%s", p.without)
		}
		r.Tables = append(r.Tables, t)
	}
	if slices.ContainsFunc(tables, func(name string) bool { return strings.HasPrefix(name, "latchkey_") }) {
		r.find(Works, "latchkey-tables", "", "Latchkey has been here: tables of its own, latchkey_…, stand beside Django's.")
	}
	return r.expired(ctx, db, now)
}

// found tells whether a table is there, and its rows.
func (r *Report) found(name string) (rows int64, found bool) {
	for _, t := range r.Tables {
		if t.Name == name {
			return t.Rows, t.Found
		}
	}
	return 0, false
}

// expired looks for rows that only pile up, and for keys that do not expire.
func (r *Report) expired(ctx context.Context, db *store.Survey, now time.Time) error {
	if rows, found := r.found("token_blacklist_outstandingtoken"); found {
		expired, err := db.CountBefore(ctx, "token_blacklist_outstandingtoken", "expires_at", now)
		if err != nil {
			return err
		}
		if expired > 0 {
			r.find(Unsafe, "expired-tokens", "Latchkey deletes them while it serves; so does latchkey flush-expired-tokens.",
				"Of %d recorded refresh tokens %d have expired and are still there.", rows, expired)
		}
		if rows > expired {
			r.find(Unsafe, "tokens-in-clear", "In the profile safe Latchkey stores none that could be used.",
				"Refresh tokens that are still good, up to %d, stand in the database as they were handed out: whoever reads it can use them.", rows-expired)
		}
	}
	if keys, _ := r.found("authtoken_token"); keys > 0 {
		r.find(Unsafe, "token-keys", "Move clients to JWTs; a new password ends a key in the profile safe.",
			"Token keys are in use: %d. They never expire, and stand in the database as they are sent.", keys)
	}
	return nil
}
