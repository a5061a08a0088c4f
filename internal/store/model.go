package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Model is the user table as it is, and what settings say of it. It is read when the database is opened, and again after Migrate.
type Model struct {
	Table, Class string
	// Key is the primary key.
	Key Column
	// UsernameField and EmailField are Django's USERNAME_FIELD and EMAIL_FIELD; the latter is empty where there is none.
	UsernameField, EmailField string
	// NameField is the column of names, which User.Username holds: username, or where there is none USERNAME_FIELD, unless that is the address.
	NameField      string
	RequiredFields []string
	// AbstractUser says that all columns of Django's class of that name are there, so that what the table does not tell of them is known.
	AbstractUser bool
	// Fields are the columns beyond Django's own that settings list, in their order.
	Fields []Field

	fields   []Field  // every column that is read or written, the key first
	own, all string   // their columns, and these of the table u
	key      string   // the key's column, quoted
	users    string   // begins a query of users
	one      string   // reads the user with the key $1
	byToken  string   // reads the user with the token key $1
	alike    bool     // they are Django's own, so that User.Extra stays empty
	unfilled []string // columns that a new row needs and nothing fills
}

// A Field is a column of the user table with what can be done with it.
type Field struct {
	Column
	// Name is what APIs call it: the column, or for a foreign key Django's name of it, without _id.
	Name string
	// Stock says that it is one of the columns of Django's own user.
	Stock bool
	// ReadOnly fields are shown and not written, Hidden ones neither; Registration says that sign-up asks for it.
	ReadOnly, Hidden, Registration bool
	// Required says that it must be given, Blank that a text may be empty.
	Required, Blank bool
	// Initial is what a new user gets where nothing else is given: a value of the column's kind, or Now or NewID; nil for none.
	Initial any
	AutoNow bool
	// Label and HelpText are Django's verbose_name and help_text, where settings tell them.
	Label, HelpText string

	role role
}

// A Generated value is an Initial one that is made for each user.
type Generated uint8

// The two that there are: the time of the sign-up, and a random UUID.
const (
	Now Generated = iota + 1
	NewID
)

// A role is the field of User that holds a column.
type role uint8

const (
	extraRole role = iota // User.Extra
	keyRole
	passwordRole
	lastLoginRole
	superuserRole
	usernameRole
	firstNameRole
	lastNameRole
	emailRole
	staffRole
	activeRole
	joinedRole
)

// official tells the columns that only the program and administrators write.
func (r role) official() bool {
	return r == lastLoginRole || r == superuserRole || r == staffRole || r == activeRole || r == joinedRole
}

// A stockColumn is one of Django's own.
type stockColumn struct {
	name string
	role role
	kind Kind
}

// stock are the columns of Django's AbstractUser. Only the password must be there.
var stock = []stockColumn{
	{"password", passwordRole, Text}, {"last_login", lastLoginRole, Datetime}, {"is_superuser", superuserRole, Boolean},
	{"username", usernameRole, Text}, {"first_name", firstNameRole, Text}, {"last_name", lastNameRole, Text}, {"email", emailRole, Text},
	{"is_staff", staffRole, Boolean}, {"is_active", activeRole, Boolean}, {"date_joined", joinedRole, Datetime},
}

// A ModelError is settings of the user table that do not fit the table.
type ModelError struct{ Problems []ModelProblem }

// A ModelProblem is one thing that does not fit: what the setting Key says, and how to mend it.
type ModelProblem struct {
	Key, Message, Mend string
	// Unknown is a name that none of Known is, where that is what is wrong.
	Unknown string
	Known   []string
}

func (e *ModelError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.Key + ": " + p.Message
		if p.Mend != "" {
			texts[i] += "; " + p.Mend
		}
	}
	return strings.Join(texts, "\n")
}

// Model is the user table; that of Django's own user while there is no table.
func (s *Store) Model() *Model { return s.facts.Load().model }

// A shaping makes a Model of a table's columns and settings, and collects what does not fit.
type shaping struct {
	*Model
	settings UserModel
	columns  []Column
	problems []ModelProblem
}

// shape makes the model of a table that is there: *ModelError for settings that do not fit it.
func (u UserModel) shape(columns []Column) (*Model, error) {
	m := &shaping{settings: u, columns: columns, Model: &Model{
		Table: u.Table, Class: u.Class, UsernameField: u.UsernameField, EmailField: u.EmailField, RequiredFields: u.RequiredFields,
	}}
	m.findKey()
	m.roles()
	m.required()
	m.extras()
	m.named()
	if len(m.problems) > 0 {
		return nil, &ModelError{m.problems}
	}
	return m.Model, nil
}

func (m *shaping) bad(key, message, mend string) {
	m.problems = append(m.problems, ModelProblem{Key: key, Message: message, Mend: mend})
}

// column finds a column by its name, or a foreign key by Django's name of it.
func (m *shaping) column(name string) (Column, bool) {
	for _, suffix := range []string{"", "_id"} {
		i := slices.IndexFunc(m.columns, func(c Column) bool { return c.Name == name+suffix })
		if i >= 0 && (suffix == "" || m.columns[i].References != "") {
			return m.columns[i], true
		}
	}
	return Column{}, false
}

// want is column for one that a setting names and that must be there.
func (m *shaping) want(key, name string) (Column, bool) {
	c, ok := m.column(name)
	if !ok {
		var known []string
		for _, c := range m.columns {
			known = append(known, c.Name)
		}
		m.problems = append(m.problems, ModelProblem{Key: key, Message: fmt.Sprintf("the table %s has no column %s", m.Table, name), Unknown: name, Known: known})
	}
	return c, ok
}

// findKey finds the primary key.
func (m *shaping) findKey() {
	var keys []Column
	for _, c := range m.columns {
		if c.Primary {
			keys = append(keys, c)
		}
	}
	if len(keys) != 1 {
		m.bad("user_model.table", fmt.Sprintf("the table %s has %d columns as its primary key, and one is needed", m.Table, len(keys)), "name the user table")
		return
	}
	m.Key = keys[0]
	if m.Key.Kind != Integer && m.Key.Kind != UUID {
		m.bad("user_model.table", fmt.Sprintf("the keys of %s are of type %s; only integers and UUIDs are known", m.Table, m.Key.Type), "stay with Django for this user model")
	}
	m.fields = append(m.fields, Field{Column: m.Key, Name: m.Key.Name, Stock: m.Key.Name == "id", ReadOnly: true, role: keyRole})
}

// roles finds the columns of Django's own user.
func (m *shaping) roles() {
	const another = "name another column, or stay with Django for this user model"
	text := func(key, name string) {
		if c, ok := m.want(key, name); ok && c.Kind != Text {
			m.bad(key, fmt.Sprintf("the column %s.%s is of type %s, and a text is needed", m.Table, name, c.Type), another)
		}
	}
	text("user_model.username_field", m.UsernameField)
	if m.EmailField != "" {
		text("user_model.email_field", m.EmailField)
	}
	if _, ok := m.column("username"); ok {
		m.NameField = "username"
	} else if m.UsernameField != m.EmailField {
		m.NameField = m.UsernameField
	}
	for _, s := range stock {
		name := s.name
		switch s.role {
		case usernameRole:
			name = m.NameField
		case emailRole:
			name = m.EmailField
		}
		c, ok := m.column(name)
		switch {
		case name == "" || c.Name == m.Key.Name:
		case !ok && s.role == passwordRole:
			m.bad("user_model.table", fmt.Sprintf("the table %s has no column password: it is no user table of Django's", m.Table), "name the user table")
		case !ok:
		case c.Kind != s.kind:
			m.bad("user_model.table", fmt.Sprintf("the column %s.%s is of type %s, unlike Django's own", m.Table, name, c.Type), "stay with Django for this user model")
		default:
			f := Field{Column: c, Name: name, Stock: name == s.name, role: s.role}
			f.Required = s.role == usernameRole || name == m.UsernameField
			f.Blank = !f.Required
			m.fields = append(m.fields, f)
		}
	}
	m.AbstractUser = !slices.ContainsFunc(stock, func(s stockColumn) bool {
		_, ok := m.column(s.name)
		return !ok
	})
	if c, ok := m.column(m.UsernameField); ok && !m.reads(c) {
		m.fields = append(m.fields, Field{Column: c, Name: m.UsernameField, Required: true})
	}
}

// reads tells whether a column is among those that are read.
func (m *Model) reads(c Column) bool {
	return slices.ContainsFunc(m.fields, func(f Field) bool { return f.Column.Name == c.Name })
}

// required settles REQUIRED_FIELDS. Django's own list is for the stock user: somebody who signs in with their address must give a name too, where there are any.
func (m *shaping) required() {
	const key = "user_model.required_fields"
	switch _, names := m.column("username"); {
	case m.RequiredFields != nil:
	case m.UsernameField != m.EmailField && m.EmailField != "":
		m.RequiredFields = []string{m.EmailField}
	case names && m.UsernameField != "username":
		m.RequiredFields = []string{"username"}
	}
	for _, name := range m.RequiredFields {
		f, _ := m.Field(name)
		switch {
		case name == m.UsernameField:
			m.bad(key, "it names the username_field, which is always asked for", "remove "+name)
		case f != nil && (f.role == keyRole || f.role == passwordRole || f.role.official()):
			m.bad(key, name+" is nothing that a stranger may fill in", "remove it")
		}
	}
}

// extras adds the columns that settings list, and those of required_fields that are none of Django's own.
func (m *shaping) extras() {
	listed := slices.Clone(m.settings.Fields)
	for _, name := range m.RequiredFields {
		if _, stock := m.Field(name); !stock && !slices.ContainsFunc(listed, func(f FieldConfig) bool { return f.Name == name }) {
			listed = append(listed, FieldConfig{Name: name})
		}
	}
	for i, entry := range listed {
		key := fmt.Sprintf("user_model.fields.%d", i)
		if i >= len(m.settings.Fields) {
			key = "user_model.required_fields"
		}
		c, ok := m.want(key, entry.Name)
		if !ok {
			continue
		}
		at := slices.IndexFunc(m.fields, func(f Field) bool { return f.Column.Name == c.Name })
		if at < 0 {
			at = len(m.fields)
			m.fields = append(m.fields, Field{Column: c, Name: entry.Name})
		}
		if slices.ContainsFunc(m.Fields, func(f Field) bool { return f.Column.Name == c.Name }) {
			m.bad(key, entry.Name+" is listed twice", "keep one of them")
			continue
		}
		m.describe(&m.fields[at], entry, key)
		m.Fields = append(m.Fields, m.fields[at])
	}
	for _, c := range m.columns {
		if !m.reads(c) && !c.Optional() {
			m.unfilled = append(m.unfilled, c.Name)
		}
	}
	for _, f := range m.Fields {
		if f.role == extraRole && !f.Optional() && f.Initial == nil && !f.AutoNow && f.Kind != Text && (!f.Registration || !f.Required) {
			m.unfilled = append(m.unfilled, f.Column.Name)
		}
	}
}

// describe lays an entry of the settings over a field.
func (m *shaping) describe(f *Field, entry FieldConfig, key string) {
	bad := func(message, mend string) {
		m.bad(key, fmt.Sprintf("the column %s.%s %s", m.Table, f.Column.Name, message), mend)
	}
	if f.role == keyRole || f.role == passwordRole {
		bad("is not written like others", "remove it from the list")
		return
	}
	if f.Kind == Other {
		bad("is of type "+f.Type+", which is not read or written here", "remove it from the list: columns that are not listed are left alone")
		return
	}
	f.ReadOnly = entry.ReadOnly || entry.Hidden || f.Computed || entry.AutoNow || f.role.official()
	f.Hidden, f.AutoNow = entry.Hidden, entry.AutoNow
	f.Label, f.HelpText = entry.Label, entry.HelpText
	f.Registration = !f.ReadOnly
	if entry.Registration != nil {
		f.Registration = *entry.Registration && !f.ReadOnly
	}
	if f.AutoNow && f.Kind != Date && f.Kind != Datetime {
		bad("is of type "+f.Type+", and auto_now is for dates and times", "remove auto_now")
	}
	f.bounded(entry, bad)
	if entry.Default != nil {
		var err error
		if f.Initial, err = f.literal(entry.Default); err != nil {
			bad("is of type "+f.Type+", and its default is not: "+err.Error(), "write a value as the column holds it")
		}
	}
	if f.role == extraRole {
		f.Blank = entry.Blank
		f.Required = !f.Optional() && f.Initial == nil && !f.Blank && !f.ReadOnly
	} else if entry.Blank {
		f.Blank, f.Required = true, false
	}
	if entry.Required != nil {
		f.Required = *entry.Required
		f.Blank = f.Blank && !f.Required
	}
}

// bounded settles the digits of a decimal, where the database tells them and where it does not.
func (f *Field) bounded(entry FieldConfig, bad func(message, mend string)) {
	if f.Kind != Decimal {
		if entry.MaxDigits != 0 || entry.DecimalPlaces != 0 {
			bad("is of type "+f.Type+", and max_digits and decimal_places are for decimals", "remove them")
		}
		return
	}
	digits, places := entry.MaxDigits, entry.DecimalPlaces
	switch {
	case f.Digits == 0 && (digits < 1 || places < 0 || places > digits):
		bad("does not tell its digits", "write max_digits and decimal_places as in Django's model")
	case f.Digits != 0 && digits != 0 && (digits != f.Digits || places != f.Places):
		bad(fmt.Sprintf("has %d digits, %d of them behind the point", f.Digits, f.Places), "write these numbers, or none")
	case f.Digits == 0:
		f.Digits, f.Places = digits, places
	}
}

// named adds the columns that other settings name, so that they are read.
func (m *shaping) named() {
	for _, n := range m.settings.Named {
		c, ok := m.want(n.Key, n.Column)
		_, known := m.Field(n.Column)
		switch {
		case !ok:
		case n.Column == "password":
			m.bad(n.Key, "the password is not told", "name another column")
		case n.Text && c.Kind != Text:
			m.bad(n.Key, fmt.Sprintf("the column %s.%s is of type %s, and a text is needed", m.Table, n.Column, c.Type), "name another column")
		case known:
		case c.Kind == Other:
			m.bad(n.Key, fmt.Sprintf("the column %s.%s is of type %s, which is not read here", m.Table, n.Column, c.Type), "name another column")
		case c.Kind == Decimal && c.Digits == 0:
			m.bad(n.Key, fmt.Sprintf("the column %s.%s does not tell its digits", m.Table, n.Column), "list it under user_model.fields, with max_digits and decimal_places")
		default:
			m.fields = append(m.fields, Field{Column: c, Name: n.Column, ReadOnly: true})
		}
	}
}

// queries prepares what every query says of the table. bare is the engine's.
func (m *Model) queries(bare string) {
	names := make([]string, len(m.fields))
	m.alike = true
	for i, f := range m.fields {
		names[i] = quote(f.Column.Name)
		m.alike = m.alike && f.alike()
	}
	m.own, m.all, m.key = strings.Join(names, ", "), bare+"u."+strings.Join(names, ", "+bare+"u."), quote(m.Key.Name)
	m.users = "SELECT " + m.all + " FROM " + quote(m.Table) + " AS u "
	m.one = m.users + "WHERE u." + m.key + " = $1"
	m.byToken = "SELECT " + m.all + " FROM authtoken_token AS t JOIN " + quote(m.Table) + " AS u ON u." + m.key + ` = t.user_id WHERE t."key" = $1`
}

// Field finds a field that is read, by its name.
func (m *Model) Field(name string) (*Field, bool) {
	for i := range m.fields {
		if m.fields[i].Name == name {
			return &m.fields[i], true
		}
	}
	return nil, false
}

// holding finds the column of a role; nil where the table has none.
func (m *Model) holding(r role) *Field {
	for i := range m.fields {
		if m.fields[i].role == r {
			return &m.fields[i]
		}
	}
	return nil
}

// of is a user's value in a column.
func (f *Field) of(u *User) (any, bool) {
	if f.role == usernameRole {
		return u.Username, true
	}
	if f.role == emailRole {
		return u.Email, true
	}
	return u.Field(f.Name)
}

// HasActive tells whether users can be inactive: a table without is_active has none who are.
func (m *Model) HasActive() bool { return m.holding(activeRole) != nil }

// Unfilled are columns that a new user needs and that nothing fills: they have no default, and sign-up does not ask for them.
func (m *Model) Unfilled() []string { return m.unfilled }

// stockColumns are those of Django's own table, as Migrate makes it.
func stockColumns() []Column {
	text := func(name string, length int) Column { return Column{Name: name, Kind: Text, Length: length} }
	return []Column{
		{Name: "id", Kind: Integer, Min: math.MinInt32, Max: math.MaxInt32, Numbered: true, Primary: true}, text("password", 128),
		{Name: "last_login", Kind: Datetime, Null: true}, {Name: "is_superuser", Kind: Boolean}, text("username", 150), text("first_name", 150),
		text("last_name", 150), text("email", 254), {Name: "is_staff", Kind: Boolean}, {Name: "is_active", Kind: Boolean}, {Name: "date_joined", Kind: Datetime},
	}
}

// StockModel is the model of Django's own table with Django's own settings.
func StockModel() *Model {
	m, err := DefaultUserModel().shape(stockColumns())
	if err != nil {
		panic(err) // the two are made for each other
	}
	return m
}

// readModel reads the user table. Where there is none, it is the one that Migrate would make, which makes no other.
func (s *Store) readModel(ctx context.Context) (*Model, error) {
	columns, err := s.Columns(ctx, s.settings.Table)
	if err != nil {
		return nil, err
	}
	var m *Model
	switch {
	case len(columns) > 0:
		m, err = s.settings.shape(columns)
	case s.settings.Table != stockTable:
		m = StockModel()
	default:
		m, err = s.settings.shape(stockColumns())
	}
	if err != nil {
		return nil, err
	}
	m.queries(s.engine.bare)
	return m, nil
}

// stockTable is Django's own user table.
const stockTable = "auth_user"
