package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A DateValue is the value of a date column, as in 2026-11-22.
type DateValue string

// A DecimalValue is the value of a decimal column: digits with as many behind the point as the column has.
type DecimalValue string

// A JSONValue is the value of a JSON column, as the database holds it.
type JSONValue string

// alike tells whether the struct's field tells all that there is to tell of a column: it is Django's own, and NULL only where that is a zero time.
func (f *Field) alike() bool { return f.Stock && (!f.Null || f.Kind == Datetime) }

// dest is where a column is scanned to.
func (f *Field) dest(u *User) any {
	var to any
	switch f.role {
	case keyRole:
		to = &u.ID
	case passwordRole:
		return &u.Password
	case lastLoginRole:
		return optional{&u.LastLogin}
	case superuserRole:
		to = flag{&u.IsSuperuser}
	case usernameRole:
		to = &u.Username
	case firstNameRole:
		to = &u.FirstName
	case lastNameRole:
		to = &u.LastName
	case emailRole:
		to = &u.Email
	case staffRole:
		to = flag{&u.IsStaff}
	case activeRole:
		to = flag{&u.IsActive}
	case joinedRole:
		to = instant{&u.DateJoined}
		if f.Null {
			to = optional{&u.DateJoined}
		}
	}
	if f.alike() {
		return to
	}
	return extra{f, u}
}

// extra scans a column that is not as Django's own into User.Extra, and into the struct's field if it has one.
type extra struct {
	field *Field
	user  *User
}

func (e extra) Scan(src any) error {
	value, err := e.field.read(src)
	if err != nil {
		return fmt.Errorf("the column %s: %w", e.field.Column.Name, err)
	}
	u := e.user
	if u.Extra == nil {
		u.Extra = map[string]any{}
	}
	switch e.field.role {
	case keyRole:
		err = u.ID.Scan(src)
		value = u.ID
	case usernameRole:
		u.Username, _ = value.(string) // NULL is no name
	case firstNameRole:
		u.FirstName, _ = value.(string)
	case lastNameRole:
		u.LastName, _ = value.(string)
	case emailRole:
		u.Email, _ = value.(string)
	case superuserRole:
		u.IsSuperuser, _ = value.(bool)
	case staffRole:
		u.IsStaff, _ = value.(bool)
	case activeRole:
		u.IsActive, _ = value.(bool)
	}
	u.Extra[e.field.Name] = value
	return err
}

// read makes a value of the column's kind of what a driver gave.
func (c *Column) read(src any) (any, error) {
	if src == nil {
		return nil, nil
	}
	if data, ok := src.([]byte); ok {
		src = string(data)
	}
	text, isText := src.(string)
	switch c.Kind {
	case Text:
		if isText {
			return text, nil
		}
		return fmt.Sprint(src), nil
	case JSON:
		if isText {
			return JSONValue(text), nil
		}
		return JSONValue(fmt.Sprint(src)), nil // SQLite keeps a lone number as one
	case Integer:
		if n, ok := src.(int64); ok {
			return n, nil
		}
	case Boolean:
		var b bool
		err := flag{&b}.Scan(src)
		return b, err
	case Date, Datetime:
		var t time.Time
		err := optional{&t}.Scan(src)
		if c.Kind == Date {
			return DateValue(t.Format(time.DateOnly)), err
		}
		return t, err
	case Decimal:
		switch src := src.(type) {
		case string:
			return c.decimal(src)
		case int64:
			return c.decimal(strconv.FormatInt(src, 10))
		case float64:
			return DecimalValue(strconv.FormatFloat(src, 'f', c.Places, 64)), nil
		}
	case UUID:
		if u, ok := ParseUUID(text); ok {
			return u, nil
		}
	}
	return nil, fmt.Errorf("its type is %s, and it holds a %T", c.Type, src)
}

// decimal writes a plain decimal number with the column's digits behind the point.
func (c *Column) decimal(text string) (DecimalValue, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.Trim(strings.TrimPrefix(whole, "-")+fraction, "0123456789") != "" || len(fraction) > c.Places && strings.Trim(fraction[c.Places:], "0") != "" {
		return "", fmt.Errorf("%q is no decimal of %d places", text, c.Places)
	}
	if c.Places == 0 {
		return DecimalValue(whole), nil
	}
	fraction += strings.Repeat("0", max(c.Places-len(fraction), 0))
	return DecimalValue(whole + "." + fraction[:c.Places]), nil
}

// arg is a value as a statement takes it.
func (s *Store) arg(value any) any {
	switch v := value.(type) {
	case time.Time:
		return s.stamp(v)
	case DateValue:
		return string(v)
	case DecimalValue:
		return string(v)
	case JSONValue:
		return string(v)
	case UUIDValue:
		return v.hex()
	}
	return value
}

// literal reads a default from settings: a text, a boolean, a number, or for JSON anything.
func (c *Column) literal(value any) (any, error) {
	text, isText := value.(string)
	wrong := errors.New("it is of another type")
	switch c.Kind {
	case Text:
		if !isText {
			return nil, wrong
		}
		if c.Length > 0 && len([]rune(text)) > c.Length {
			return nil, fmt.Errorf("it is longer than %d characters", c.Length)
		}
		return text, nil
	case JSON:
		data, err := json.Marshal(value)
		return JSONValue(data), err
	case Boolean:
		if b, ok := value.(bool); ok {
			return b, nil
		}
	case Integer:
		n, ok := value.(int64)
		if f, isFloat := value.(float64); isFloat && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			n, ok = int64(f), true
		}
		if !ok {
			return nil, wrong
		}
		if n < c.Min || n > c.Max {
			return nil, fmt.Errorf("it is not between %d and %d", c.Min, c.Max)
		}
		return n, nil
	case Decimal:
		switch v := value.(type) {
		case int64:
			text = strconv.FormatInt(v, 10)
		case float64:
			text = strconv.FormatFloat(v, 'f', -1, 64)
		}
		return c.decimal(text)
	case Date, Datetime:
		if text == "now" {
			return Now, nil
		}
		t, err := parseTime(text)
		if err != nil {
			return nil, err
		}
		if c.Kind == Date {
			return DateValue(t.Format(time.DateOnly)), nil
		}
		return t, nil
	case UUID:
		if text == "uuid4" {
			return NewID, nil
		}
		if u, ok := ParseUUID(text); ok {
			return u, nil
		}
	}
	return nil, wrong
}
