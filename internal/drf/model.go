package drf

import (
	"strings"
	"time"

	"latchkey/internal/message"
	"latchkey/internal/store"
)

// Column is a user's column as a ModelSerializer writes it.
func Column(u *store.User, name string) any {
	value, _ := u.Field(name)
	switch v := value.(type) {
	case store.ID:
		if n, ok := v.Int(); ok {
			return n
		}
		return v.String()
	case time.Time:
		return Time(v)
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
	return strings.ToUpper(words[:1]) + words[1:]
}

// BadUsername is said of a name with letters that Django's user does not take.
var BadUsername = message.T("Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.")

func validUsername(name string) *message.Text {
	if ValidUsername(name) {
		return nil
	}
	return BadUsername
}

// columns are Django's stock user as a ModelSerializer declares it.
var columns = []Field{
	{Name: "id", Kind: Integer, Label: message.T("ID"), ReadOnly: true},
	{Name: "username", Label: message.T("Username"), Max: 150, Validate: []func(string) *message.Text{validUsername},
		Help: message.T("Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.")},
	{Name: "email", Kind: Email, Label: message.T("Email address"), Optional: true, AllowBlank: true, Max: 254},
	{Name: "first_name", Label: message.T("First name"), Optional: true, AllowBlank: true, Max: 150},
	{Name: "last_name", Label: message.T("Last name"), Optional: true, AllowBlank: true, Max: 150},
	{Name: "is_active", Kind: Boolean, Label: message.T("Active"), Optional: true,
		Help: message.T("Designates whether this user should be treated as active. Unselect this instead of deleting accounts.")},
	{Name: "is_staff", Kind: Boolean, Label: message.T("Staff status"), Optional: true, Help: message.T("Designates whether the user can log into this admin site.")},
	{Name: "is_superuser", Kind: Boolean, Label: message.T("Superuser status"), Optional: true,
		Help: message.T("Designates that this user has all permissions without explicitly assigning them.")},
	{Name: "last_login", Kind: DateTime, Label: message.T("Last login"), Optional: true, AllowNull: true},
	{Name: "date_joined", Kind: DateTime, Label: message.T("Date joined"), Optional: true},
}

// ColumnField declares a user's column. An unknown one is an optional text.
func ColumnField(column string) Field {
	for _, f := range columns {
		if f.Name == column {
			return f
		}
	}
	return Field{Name: column, Optional: true, AllowBlank: true}
}

// MaxLength is how many characters a text column of the stock user holds.
func MaxLength(column string) int { return ColumnField(column).Max }
