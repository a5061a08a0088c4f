package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/store"
)

// userKeys are the columns that lead to the user table, wherever it is.
var userKeys = []struct{ table, column string }{
	{"django_admin_log", "user_id"},
	{"authtoken_token", "user_id"},
	{"token_blacklist_outstandingtoken", "user_id"},
	{"account_emailaddress", "user_id"},
	{"socialaccount_socialaccount", "user_id"},
}

// stockColumns are those of Django's own user.
var stockColumns = []string{"id", "password", "last_login", "is_superuser", "username", "first_name", "last_name", "email", "is_staff", "is_active", "date_joined"}

// users finds the user table and looks at its columns.
func (r *Report) users(ctx context.Context, db *store.Survey, tables []string, named string) error {
	table, why, err := r.userTable(ctx, db, tables, named)
	if err != nil || table == "" {
		return err
	}
	if r.columns, err = db.Columns(ctx, table); err != nil {
		return err
	}
	u := &Users{Table: table, FoundBy: why}
	r.Users = u
	if u.Rows, err = db.Count(ctx, table); err != nil {
		return err
	}
	if slices.Contains(tables, "django_content_type") {
		app, model, err := db.ModelName(ctx, table)
		if err != nil {
			return err
		}
		if app != "" {
			u.Model = app + "." + strings.ToUpper(model[:1]) + model[1:] // where words join, content types do not tell
		}
	}
	for _, c := range r.columns {
		if c.Primary {
			u.Key, u.KeyType = c.Name, keyType(c)
		}
		u.Columns = append(u.Columns, Column{
			Name: c.Name, Type: strings.ToLower(c.Type), Null: c.Null, Default: c.Default, Unique: c.Unique, Required: !c.Optional(), Extra: !slices.Contains(stockColumns, c.Name),
		})
	}
	r.names()
	if mayNot, err := db.MayNot(ctx, table); err != nil {
		return err
	} else if len(mayNot) > 0 {
		r.find(Stops, "rights", "Grant them to the role: docs/deployment.md lists what it needs.", "The database's role lacks rights on %s or on the schema: %s.", table, strings.Join(mayNot, ", "))
	}
	return r.shape()
}

// keyType is the type of a key in one word.
func keyType(c store.Column) string {
	switch c.Kind {
	case store.UUID:
		return "uuid"
	case store.Integer:
		return strings.Fields(strings.ToLower(c.Type))[0]
	}
	return c.Type
}

// userTable finds the user table: as it is named, by settings or by what refers to it, or by its columns.
func (r *Report) userTable(ctx context.Context, db *store.Survey, tables []string, named string) (table, why string, err error) {
	why = "it was named"
	if named == "" && r.settings != nil && (r.settings.IsGiven("user_model.table") || r.settings.IsGiven("AUTH_USER_MODEL")) {
		named, why = r.settings.UserModel.Table, "the configuration names it"
	}
	if named != "" {
		if !slices.Contains(tables, named) {
			r.find(Stops, "no-users", "Name one that is there; without a name it is looked for.", "There is no table %s.", named)
			return "", "", nil
		}
		return named, why, nil
	}
	for _, key := range userKeys {
		if !slices.Contains(tables, key.table) {
			continue
		}
		columns, err := db.Columns(ctx, key.table)
		if err != nil {
			return "", "", err
		}
		for _, c := range columns {
			if c.Name == key.column && slices.Contains(tables, c.References) {
				return c.References, key.table + "." + key.column + " refers to it", nil
			}
		}
	}
	if slices.Contains(tables, "auth_user") {
		return "auth_user", "it has the name of Django's own", nil
	}
	return r.byColumns(ctx, db, tables)
}

// byColumns looks for the table that has what every user of Django's has.
func (r *Report) byColumns(ctx context.Context, db *store.Survey, tables []string) (table, why string, err error) {
	var found []string
	for _, name := range tables {
		columns, err := db.Columns(ctx, name)
		if err != nil {
			return "", "", err
		}
		has := func(column string) bool {
			return slices.ContainsFunc(columns, func(c store.Column) bool { return c.Name == column })
		}
		if has("password") && has("last_login") {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 1:
		return found[0], "it alone has the columns password and last_login", nil
	case 0:
		if len(tables) == 0 {
			r.find(Works, "empty", "", "The database is empty: Latchkey makes Django's tables and its own in it.")
		} else {
			r.find(Stops, "no-users", "Run Django's migrate, or name the table with --table.", "There is no user table: none has the columns password and last_login.")
		}
	default:
		r.find(Stops, "no-users", "Say which with --table.", "Several tables could hold the users: %s.", strings.Join(found, ", "))
	}
	return "", "", nil
}

// names guesses USERNAME_FIELD and EMAIL_FIELD where the settings do not tell.
func (r *Report) names() {
	u := r.Users
	text := func(name string) (unique, ok bool) {
		for _, c := range r.columns {
			if c.Name == name && c.Kind == store.Text {
				return c.Unique, true
			}
		}
		return false, false
	}
	if _, ok := text("email"); ok {
		u.EmailField = "email"
	}
	nameUnique, named := text("username")
	emailUnique, _ := text("email")
	switch {
	case r.settings != nil && r.settings.IsGiven("user_model.username_field"):
		u.UsernameField = r.settings.UserModel.UsernameField
	case named && nameUnique:
		u.UsernameField = "username"
		if emailUnique {
			r.find(Decide, "username-field", "If USERNAME_FIELD is the address, write username_field: email.", "Both username and email are unique: which of them people sign in with, only the project knows.")
		}
	case emailUnique:
		u.UsernameField = "email"
	default:
		for _, c := range r.columns {
			if c.Kind == store.Text && c.Unique && !c.Primary {
				u.UsernameField = c.Name
				r.find(Decide, "username-field", "Compare it with USERNAME_FIELD.", "People seem to sign in with %s, the first unique text.", c.Name)
				break
			}
		}
	}
	if r.settings != nil && r.settings.IsGiven("user_model.email_field") {
		u.EmailField = r.settings.UserModel.EmailField
	}
	if u.UsernameField == "" {
		r.find(Stops, "username-field", "Stay with Django for this user model, or make the column unique.", "No text column of %s is unique, so nobody can be told apart by one.", u.Table)
	}
	if u.EmailField == "" {
		r.find(Decide, "email-field", "Set user_model.email_field if the address is in a column of another name.", "There is no column email: no mail can be sent to users.")
	}
}

// userModel is what the configuration to paste says of the user table.
func (r *Report) userModel() store.UserModel {
	m := store.UserModel{Table: r.Users.Table, Class: "User", UsernameField: r.Users.UsernameField, EmailField: r.Users.EmailField}
	if _, class, ok := strings.Cut(r.Users.Model, "."); ok {
		m.Class = class
	}
	if r.settings != nil {
		m.Fields = r.settings.UserModel.Fields
	}
	return m
}

// shape asks the store whether it can work with the table, and tells of columns that stand in the way.
func (r *Report) shape() error {
	u := r.Users
	if u.UsernameField == "" {
		return nil
	}
	model, err := r.model()
	var misfit *store.ModelError
	switch {
	case errors.As(err, &misfit):
		for _, p := range misfit.Problems {
			r.find(Stops, "user-model", p.Mend, "%s: %s", p.Key, p.Message)
		}
		return nil
	case err != nil:
		return err
	}
	for _, c := range r.columns {
		if c.Name == "date_joined" && c.Kind != store.Datetime {
			r.find(Stops, "use-tz", "Turn USE_TZ on in Django and convert the columns first.", "Times are kept without a zone (%s): the project runs without USE_TZ.", c.Type)
		}
	}
	unfilled := model.Unfilled()
	if len(unfilled) > 0 {
		r.find(Decide, "unfilled", "List them under user_model.fields, to be asked for or with a default, as below. Sign-in and all else works without.",
			"Sign-up cannot make users: every row needs %s, and nothing fills that in.", list(unfilled))
	}
	var extra []string
	for _, c := range u.Columns {
		if c.Extra && c.Name != u.Key && c.Name != u.UsernameField && c.Name != u.EmailField && !slices.Contains(unfilled, c.Name) {
			extra = append(extra, c.Name)
		}
	}
	if len(extra) > 0 {
		r.find(Works, "extra-columns", "", "The columns %s are left alone unless user_model.fields lists them.", list(extra))
	}
	r.find(Works, "users", "", "Users sign in with %s.%s; there %s.", u.Table, u.UsernameField, are(u.Rows))
	return nil
}

// people counts users.
func people(n int64) string {
	if n == 1 {
		return "1 user"
	}
	return fmt.Sprintf("%d users", n)
}

// are is "are 2 users", and "is 1 user".
func are(n int64) string {
	if n == 1 {
		return "is 1 user"
	}
	return "are " + people(n)
}

// list joins names: a, b and c.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// lookAlikes looks for users whom look-ups would mix up, or mails would miss.
func (r *Report) lookAlikes(ctx context.Context, db *store.Survey) error {
	u := r.Users
	var columns []string
	for _, name := range []string{u.UsernameField, "username", u.EmailField} {
		if name != "" && !slices.Contains(columns, name) && slices.ContainsFunc(r.columns, func(c store.Column) bool { return c.Name == name }) {
			columns = append(columns, name)
		}
	}
	for _, column := range columns {
		twins, err := db.Twins(ctx, u.Table, column, u.Key)
		if err != nil {
			return err
		}
		r.twins(column, twins)
	}
	if u.EmailField == "" || u.EmailField == u.UsernameField {
		return nil
	}
	if _, found := r.column(u.EmailField); !found {
		return nil
	}
	without, err := db.CountEmpty(ctx, u.Table, u.EmailField)
	if err == nil && without > 0 {
		r.find(Decide, "no-address", "Ask them for one while they can still sign in.", "Without an address: %s, who can be sent no reset mail.", people(without))
	}
	return err
}

func (r *Report) column(name string) (store.Column, bool) {
	i := slices.IndexFunc(r.columns, func(c store.Column) bool { return c.Name == name })
	if i < 0 {
		return store.Column{}, false
	}
	return r.columns[i], true
}

// twins tells of users with the same value, but for case. They are named by key: the report may be passed on.
func (r *Report) twins(column string, t store.Twins) {
	if t.Groups == 0 {
		return
	}
	pairs := make([]string, len(t.Keys))
	for i, keys := range t.Keys {
		pairs[i] = keys[0] + " and " + keys[1]
	}
	examples := strings.Join(pairs, "; ")
	if int64(len(pairs)) < t.Groups {
		examples += "; …"
	}
	what := fmt.Sprintf("%d users share the %s with another", t.Users, column)
	switch t.Same {
	case 0:
		what += ", but for case"
	case t.Groups:
		what += ", letter by letter"
	default:
		what += fmt.Sprintf(", %d of the %d values letter by letter and the others but for case", t.Same, t.Groups)
	}
	if column == r.Users.EmailField {
		r.find(Decide, "duplicate-"+column, "Merge the accounts, above all before people sign in by address. Where allauth is there, its verified rows say whose an address is.",
			"%s (keys %s). A reset mail goes to each; signing in by the address takes the verified one, or nobody.", what, examples)
		return
	}
	if t.Same > 0 {
		r.find(Stops, "duplicate-"+column, "Rename or merge them.", "%s (keys %s).", what, examples)
		return
	}
	r.find(Decide, "duplicate-"+column, "Nothing has to be done: djoser and SimpleJWT tell case apart, allauth does not. Rename one of each to be safe.",
		"%s (keys %s).", what, examples)
}
