package drf

import (
	"strings"
	"time"

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

// A modelField is a column of Django's stock user as a ModelSerializer describes it.
type modelField struct {
	kind, label, help string
	max               int
	required          bool
}

var modelFields = map[string]modelField{
	"id":         {kind: "integer", label: "ID"},
	"username":   {kind: "string", label: "Username", help: "Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.", max: 150, required: true},
	"email":      {kind: "email", label: "Email address", max: 254},
	"first_name": {kind: "string", label: "First name", max: 150},
	"last_name":  {kind: "string", label: "Last name", max: 150},
	"is_active": {kind: "boolean", label: "Active",
		help: "Designates whether this user should be treated as active. Unselect this instead of deleting accounts."},
	"is_staff":     {kind: "boolean", label: "Staff status", help: "Designates whether the user can log into this admin site."},
	"is_superuser": {kind: "boolean", label: "Superuser status", help: "Designates that this user has all permissions without explicitly assigning them."},
	"last_login":   {kind: "datetime", label: "Last login"},
	"date_joined":  {kind: "datetime", label: "Date joined"},
}

// MaxLength is how many characters a text column of the stock user holds.
func MaxLength(column string) int { return modelFields[column].max }

// ModelInfo describes a column for OPTIONS. A column that is read-only shows no length.
func ModelInfo(column string, readOnly bool) FieldInfo {
	f := modelFields[column]
	info := FieldInfo{Name: column, Type: f.kind, Label: f.label, Help: f.help, ReadOnly: readOnly}
	if !readOnly {
		info.Required, info.Max = f.required, f.max
	}
	return info
}
