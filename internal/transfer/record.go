package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"latchkey/internal/drf"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
)

// A user is a record whose values the table can take.
type user struct {
	line int
	// values are those that the file gives, by column, as the table takes them.
	values map[string]any
	// plain is a password that is still to be hashed.
	plain string
	// listed users' addresses get a row, verified ones' a proven one.
	listed, verified bool
}

// text is the value of a text column.
func (u *user) text(column string) string {
	text, _ := u.values[column].(string)
	return text
}

// An address is a dump's account.emailaddress.
type address struct {
	line              int
	user              string // a key, or a name where natural is set
	natural           bool
	email             string
	verified, primary bool
}

// read makes a user or an address of a record, or neither: of one that is wrong, which is reported, or of no concern here.
func (im *Import) read(rec record) (*user, *address) {
	switch {
	case rec.wrong != "":
		im.wrong(rec.line, "", "%s", rec.wrong)
	case rec.model == "" || im.isUser(rec.model):
		return im.readUser(rec), nil
	case rec.model == addressModel && im.Accounts.Store.Apps().Allauth:
		return nil, im.readAddress(rec)
	default:
		im.summary.Left[rec.model]++
	}
	return nil, nil
}

// isUser tells whether a dump's model is the user: by its name, or by the table that Django names after it.
func (im *Import) isUser(model string) bool {
	return strings.EqualFold(model, im.Label) || strings.ReplaceAll(strings.ToLower(model), ".", "_") == im.model.Table
}

func (im *Import) readUser(rec record) *user {
	u := &user{line: rec.line, values: map[string]any{}, listed: rec.model == "", verified: im.Verified}
	good := true
	wrong := func(column, format string, args ...any) {
		im.wrong(rec.line, column, format, args...)
		good = false
	}
	for _, name := range slices.Sorted(maps.Keys(rec.values)) {
		value := rec.values[name]
		c, ok := im.columnOf(name, rec.model != "")
		switch {
		case name == verifiedField && !ok && rec.model == "":
			verified, err := im.Accounts.Store.Value(store.Column{Kind: store.Boolean}, orFalse(plain(store.Boolean, value)))
			if err != nil {
				wrong(name, "%v", err)
			}
			u.verified, _ = verified.(bool)
			u.verified = u.verified || im.Verified
			continue
		case !ok && isList(value): // a relation of many to many, which is no column
			if string(value.(json.RawMessage)) != "[]" {
				im.summary.Left[rec.model+"."+name]++
			}
			continue
		case !ok:
			wrong(name, "the table %s has no such column", im.model.Table)
			continue
		}
		given := plain(c.Kind, value)
		switch {
		case c.Name == "password" && (given == nil || given == ""):
			continue // whoever is there keeps theirs
		case value == "" && c.Null: // an empty cell
			given = nil
		case value == "" && c.Kind != store.Text:
			continue
		}
		encoded, err := im.Accounts.Store.Value(c, given)
		if err != nil {
			wrong(c.Name, "%v", err)
			continue
		}
		u.values[c.Name] = encoded
	}
	im.judge(u, wrong)
	if !good {
		return nil
	}
	return u
}

// columnOf finds a column, in a dump also by its field's name, which for a foreign key has no _id.
func (im *Import) columnOf(name string, dump bool) (store.Column, bool) {
	if dump && name == key {
		name = im.primary
	}
	c, ok := im.columns[name]
	if !ok && dump {
		c, ok = im.columns[name+"_id"]
	}
	return c, ok
}

// plain is a value as the store knows plain ones.
func plain(kind store.Kind, value any) any {
	raw, ok := value.(json.RawMessage)
	if !ok {
		return value
	}
	if string(raw) == "null" {
		return nil
	}
	if kind == store.JSON {
		return raw
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var decoded any
	_ = decoder.Decode(&decoded) // it was decoded before, as part of its object
	return decoded
}

// orFalse takes nothing for false.
func orFalse(value any) any {
	if value == nil || value == "" {
		return false
	}
	return value
}

func isList(value any) bool {
	raw, ok := value.(json.RawMessage)
	return ok && raw[0] == '['
}

// judge checks a user's name, address and password.
func (im *Import) judge(u *user, wrong func(column, format string, args ...any)) {
	name, email := im.model.UsernameField, u.text(im.model.EmailField)
	switch {
	case u.text(name) == "":
		wrong(name, "it is missing")
	case name == "username" && !im.AsIs && !drf.ValidUsername(u.text(name)):
		wrong(name, "a username holds letters, digits and @ . + - _ only")
	}
	if email != "" && !im.AsIs && !drf.ValidEmail(email) {
		wrong(im.model.EmailField, "%q is no e-mail address", email)
	}
	hash := u.text("password")
	if hash == "" {
		return
	}
	if im.HashPasswords {
		u.plain = hash
		return
	}
	adopted, err := im.Accounts.Passwords.Adopt(hash)
	if err != nil {
		wrong("password", "%v", err)
	}
	u.values["password"] = adopted
}

// complete fills in what a new user gets that the file does not give: what registration would write.
func (im *Import) complete(u *user) (column string, err error) {
	unasked := &store.User{Password: passwords.Unusable(), IsActive: true, DateJoined: im.Accounts.Now()}
	if im.ResetByMail {
		unasked.Password = im.Accounts.Passwords.Unknown()
	}
	for name, c := range im.columns {
		if _, given := u.values[name]; given {
			continue
		}
		value, ok := im.Accounts.Store.Initial(name, unasked)
		switch {
		case ok && (value != nil || c.Null):
			u.values[name] = value
		case !c.Optional():
			return name, errors.New("the column has no default, so every user needs a value")
		}
	}
	return "", nil
}

func (im *Import) readAddress(rec record) *address {
	a := &address{line: rec.line}
	var names []string
	raw := func(name string) json.RawMessage {
		value, _ := rec.values[name].(json.RawMessage)
		return value
	}
	switch {
	case json.Unmarshal(raw("user"), &names) == nil && len(names) == 1:
		a.user, a.natural = names[0], true
	default:
		a.user = strings.Trim(string(raw("user")), `"`)
	}
	if json.Unmarshal(raw("email"), &a.email) != nil || json.Unmarshal(raw("verified"), &a.verified) != nil || json.Unmarshal(raw("primary"), &a.primary) != nil || a.user == "" {
		im.wrong(rec.line, "", "an address has user, email, verified and primary")
		return nil
	}
	if !drf.ValidEmail(a.email) && !im.AsIs {
		im.wrong(rec.line, "email", "%q is no e-mail address", a.email)
		return nil
	}
	return a
}
