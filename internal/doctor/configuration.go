package doctor

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"latchkey/internal/store"
)

// configuration is the file to paste: what the database tells of it. Empty where the database stops Latchkey.
func (r *Report) configuration(address string) string {
	if !r.Works {
		return ""
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("database: %s", scalar(withoutPassword(address)))
	line("# secret_key: Django's SECRET_KEY; better in the environment, as LATCHKEY_SECRET_KEY")
	line("# TIME_ZONE: the project's; America/Chicago where it sets none")
	line("# mounts, DJOSER, SIMPLE_JWT and more: latchkey django-settings prints the project's own")
	if r.Users != nil {
		r.configureUsers(line)
		r.configurePasswords(line)
	}
	if _, found := r.found("django_site"); !found && r.Users != nil {
		line("DOMAIN: app.example.com # where mailed links lead")
		line("SITE_NAME: Example")
	}
	return b.String()
}

func (r *Report) configureUsers(line func(format string, args ...any)) {
	u := r.Users
	var fields []string
	if model, err := r.model(); err == nil {
		for _, name := range model.Unfilled() {
			fields = append(fields, r.field(name))
		}
	}
	stock := u.Table == "auth_user"
	if stock && u.UsernameField == "username" && u.EmailField == "email" && len(fields) == 0 {
		return
	}
	if u.Model != "" && !stock {
		line("AUTH_USER_MODEL: %s", u.Model)
	}
	line("user_model:")
	line("  table: %s", scalar(u.Table))
	line("  username_field: %s", scalar(u.UsernameField))
	line("  email_field: %s", scalar(u.EmailField))
	if len(fields) > 0 {
		line("  fields: # sign-up asks for these; {name: …, default: …} fills one in instead")
		for _, field := range fields {
			line("    - %s", field)
		}
	}
}

// model is the user table as userModel describes it.
func (r *Report) model() (*store.Model, error) { return store.Shape(r.userModel(), r.columns) }

// field is an entry of user_model.fields that lets sign-up fill a column.
func (r *Report) field(name string) string {
	c, _ := r.column(name)
	if c.Kind == store.Decimal && c.Digits == 0 {
		return fmt.Sprintf("{name: %s, max_digits: 10, decimal_places: 2} # as in Django's model", scalar(name))
	}
	return scalar(name)
}

func (r *Report) configurePasswords(line func(format string, args ...any)) {
	if missing := r.missingHashers(); len(missing) > 0 {
		line("PASSWORD_HASHERS:")
		for _, class := range slices.Concat(r.hashers(), missing) {
			line("  - %s", class)
		}
	}
	if n := r.current(); n > 0 && n != 1_000_000 {
		line("pbkdf2_iterations: %d", n)
	}
}

// scalar is a text as YAML has it.
func scalar(text string) string {
	if text == "" || strings.ContainsAny(text, "#\"'{}[],&*!|>%@` ") {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// withoutPassword is the URL that a file may hold.
func withoutPassword(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || strings.HasPrefix(address, "sqlite:") {
		return address
	}
	if parsed.User != nil {
		parsed.User = url.User(parsed.User.Username())
	}
	query := parsed.Query()
	query.Del("password")
	parsed.RawQuery = query.Encode()
	return parsed.String()
}
