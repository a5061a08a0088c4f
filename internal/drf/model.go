package drf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"latchkey/internal/account"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// A Model is the user table as ModelSerializers see it.
type Model struct {
	*store.Model
	Accounts *account.Service
	// Zone is TIME_ZONE, in which moments are shown.
	Zone *time.Location
}

// Value is a user's field as a ModelSerializer writes it.
func (m *Model) Value(u *store.User, name string) any {
	value, _ := u.Field(name)
	switch v := value.(type) {
	case store.ID:
		if n, ok := v.Int(); ok {
			return n
		}
		return v.String()
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return TimeIn(v, m.Zone)
	case store.DateValue:
		return string(v)
	case store.DecimalValue:
		return string(v)
	case store.UUIDValue:
		return v.String()
	case store.JSONValue:
		decoded, err := decodeJSON(string(v), maxJSONDepth, maxJSONKeys)
		if err != nil {
			return string(v) // NaN, or deeper than anything: somebody else's
		}
		return decoded
	}
	return value
}

// Time is a moment as DRF's DateTimeField writes it in UTC; null for none.
func Time(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return TimeIn(t, time.UTC)
}

// TimeIn is a moment as DRF's DateTimeField writes it in a zone: its wall clock and offset, Z for none.
func TimeIn(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	layout := "2006-01-02T15:04:05.000000"
	if t.Nanosecond()/1000 == 0 {
		layout = "2006-01-02T15:04:05"
	}
	if _, offset := t.Zone(); offset == 0 {
		return t.Format(layout) + "Z"
	}
	return t.Format(layout + "-07:00")
}

// Label is the label of a field that has none of its own: its name in words.
func Label(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	if words == "" {
		return ""
	}
	return capitalized(words)
}

// capitalized is Django's capfirst.
func capitalized(words string) string {
	first, size := utf8.DecodeRuneInString(words)
	return string(unicode.ToUpper(first)) + words[size:]
}

// BadUsername is said of a name with letters that Django's user does not take.
var BadUsername = message.T("Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.")

func validUsername(name string) *message.Text {
	if ValidUsername(name) {
		return nil
	}
	return BadUsername
}

// stock are the columns of Django's AbstractUser as a ModelSerializer declares them, beyond what the table tells.
var stock = map[string]Field{
	"id": {Label: message.T("ID")},
	"username": {Label: message.T("Username"), Validate: []func(string) *message.Text{validUsername},
		Help: message.T("Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.")},
	"email":      {Label: message.T("Email address")},
	"first_name": {Label: message.T("First name")},
	"last_name":  {Label: message.T("Last name")},
	"is_active": {Label: message.T("Active"),
		Help: message.T("Designates whether this user should be treated as active. Unselect this instead of deleting accounts.")},
	"is_staff":     {Label: message.T("Staff status"), Help: message.T("Designates whether the user can log into this admin site.")},
	"is_superuser": {Label: message.T("Superuser status"), Help: message.T("Designates that this user has all permissions without explicitly assigning them.")},
	"last_login":   {Label: message.T("Last login")},
	"date_joined":  {Label: message.T("Date joined")},
}

// fieldKinds are the kinds of fields by those of columns.
var fieldKinds = map[store.Kind]Kind{
	store.Text: Text, store.Integer: Integer, store.Boolean: Boolean, store.Date: Date, store.Datetime: DateTime, store.Decimal: Decimal, store.UUID: UUID,
	store.JSON: JSON,
}

// Column declares a user's column. One that is not read is a mistake of the program, which has refused such settings.
func (m *Model) Column(name string) Field {
	column, ok := m.Model.Field(name)
	if !ok {
		panic("drf: the user table has no field " + name)
	}
	f := Field{
		Name: name, Kind: fieldKinds[column.Kind], ReadOnly: column.ReadOnly, Optional: !column.Required, AllowNull: column.Null, AllowBlank: column.Blank,
		Max: column.Length, Digits: column.Digits, Places: column.Places, Zone: m.Zone,
	}
	switch {
	case column.References != "":
		f.Kind, f.Key, f.Least, f.Most = Related, column.Kind, column.Min, column.Max
	case column.Kind == store.Integer && name != m.Key.Name:
		f.Least, f.Most, f.Big = column.Min, column.Max, strings.HasPrefix(column.Type, "bigint")
	case name == m.EmailField:
		f.Kind = Email
	}
	if known, ok := stock[name]; ok && m.AbstractUser {
		f.Label, f.Help, f.Validate = known.Label, known.Help, known.Validate
	}
	if column.Label != "" {
		f.Label = message.Verbatim(capitalized(column.Label))
	}
	if column.HelpText != "" {
		f.Help = message.Verbatim(column.HelpText)
	}
	if f.ReadOnly {
		return f.Shown()
	}
	return f
}

// Shown are the names of the fields beyond Django's own that answers have.
func (m *Model) Shown() []string {
	var names []string
	for i := range m.Fields {
		if f := &m.Fields[i]; !f.Hidden {
			names = append(names, f.Name)
		}
	}
	return names
}

// Asked tells whether a sign-up asks for a field: for those of settings only where they say so.
func (m *Model) Asked(name string) bool {
	for i := range m.Fields {
		if m.Fields[i].Name == name {
			return m.Fields[i].Registration
		}
	}
	return name != m.Key.Name
}

// NotStored is said of values that a rule of the database forbids which no field knows.
var NotStored = message.T("These values cannot be stored.")

// Taken is said of a value that belongs to somebody, in Django's words.
func (m *Model) Taken(name string) *message.Text {
	words := strings.ReplaceAll(name, "_", " ")
	column, _ := m.Model.Field(name)
	switch {
	case column != nil && column.Label != "":
		words = column.Label
	case m.AbstractUser && name == "username":
		return message.T("A user with that username already exists.")
	case m.AbstractUser && name == "email":
		words = "email address"
	}
	return message.T("%(model_name)s with this %(field_label)s already exists.", "model_name", verboseName(m.Class), "field_label", words)
}

// ReadTexts reads what somebody typed for the fields of a new user beyond Django's own, as a sign-up's form would.
func (m *Model) ReadTexts(ctx context.Context, texts map[string]string) (map[string]any, error) {
	s := &Serializer{Name: "User"}
	for _, name := range m.Shown() {
		if m.Asked(name) {
			s.Fields = append(s.Fields, m.Column(name))
		}
	}
	input := Object{}
	for name, text := range texts {
		if !slices.ContainsFunc(s.Fields, func(f Field) bool { return f.Name == name }) {
			return nil, fmt.Errorf("%s is no field that a new user can be given", name)
		}
		input = append(input, Member{name, text})
	}
	in, err := Body{value: input, form: true}.Fields(s, "")
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	var failed error
	for _, f := range s.Fields {
		if value, present := m.Read(ctx, in, f.Name, &store.User{}, &failed); present {
			values[f.Name] = value
		}
	}
	for _, a := range in.asked {
		for _, wrong := range a.messages {
			failed = errors.Join(failed, fmt.Errorf("%s: %s", a.name, wrong))
		}
	}
	return values, failed
}

// verboseName is a class in words, as Django's verbose_name: CustomUser is a custom user.
func verboseName(class string) string {
	isCapital := func(i int) bool { return i < len(class) && class[i] >= 'A' && class[i] <= 'Z' }
	var words strings.Builder
	for i := range len(class) {
		afterSmall := i > 0 && class[i-1] >= 'a' && class[i-1] <= 'z'
		if i > 0 && isCapital(i) && (afterSmall || i+1 < len(class) && !isCapital(i+1)) {
			words.WriteByte(' ')
		}
		words.WriteByte(class[i])
	}
	return strings.ToLower(words.String())
}

// Read reads a column of the user table from the input, and checks what needs the database: that nobody else has a value that must be unique, and that the row is
// there which a foreign key refers to. A failure of the database is in failed.
func (m *Model) Read(ctx context.Context, in *Fields, name string, own *store.User, failed *error) (value any, present bool) {
	column, _ := m.Model.Field(name)
	return in.Value(name, func(value any) *message.Text {
		if column.References != "" {
			there, err := m.Accounts.Store.Refers(ctx, column.References, column.ReferencesColumn, value)
			if err != nil {
				*failed = err
			}
			if !there {
				return NoSuchRow(value)
			}
		}
		if !column.Unique {
			return nil
		}
		taken, err := m.Accounts.Store.Taken(ctx, name, value, own.ID)
		if err != nil {
			*failed = err
		}
		if taken {
			return m.Taken(name)
		}
		return nil
	})
}
