package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A plain value is one that files hold: nil, bool, string, json.Number, or json.RawMessage, which is the value of a JSON column.

// Value makes of a plain value what the column takes. Texts are read as the kind's text form. An error says what is wrong with the value, which it does not repeat.
func (s *Store) Value(c Column, plain any) (any, error) {
	if plain == nil {
		if c.Null {
			return nil, nil
		}
		return nil, errors.New("it may not be null")
	}
	text, isText := plain.(string)
	if number, ok := plain.(json.Number); ok && c.Kind != Text {
		text, isText = number.String(), true
	}
	switch c.Kind {
	case Boolean:
		if value, ok := plain.(bool); ok {
			return value, nil
		}
		value, ok := truths[strings.ToLower(text)]
		if !ok {
			return nil, errors.New("this is neither true nor false")
		}
		return value, nil
	case JSON:
		if raw, ok := plain.(json.RawMessage); ok {
			text, isText = string(raw), true
		}
		if !isText || !json.Valid([]byte(text)) {
			return nil, errors.New("this is no JSON")
		}
		return text, nil
	}
	if !isText {
		return nil, fmt.Errorf("this is no value of type %s", c.Type)
	}
	switch c.Kind {
	case Text:
		return c.text(text)
	case Integer:
		return c.integer(text)
	case Datetime:
		t, err := parseTime(text)
		if err != nil {
			return nil, errors.New("this is no date and time as in 2024-12-31T23:59:59Z")
		}
		return s.engine.time(clamp(t)), nil
	case Date:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, errors.New("this is no date as in 2024-12-31")
		}
	case Decimal:
		return text, c.fits(text)
	case UUID:
		id, ok := ParseUUID(text)
		if !ok {
			return nil, errors.New("this is no UUID")
		}
		return s.arg(id), nil
	}
	return text, nil
}

// truths are the ways to write a boolean in a text.
var truths = map[string]bool{"true": true, "t": true, "1": true, "yes": true, "false": false, "f": false, "0": false, "no": false}

func (c Column) text(text string) (any, error) {
	switch {
	case !utf8.ValidString(text):
		return nil, errors.New("this is not UTF-8")
	case strings.IndexByte(text, 0) >= 0:
		return nil, errors.New("null characters are not allowed")
	case c.Length > 0 && utf8.RuneCountInString(text) > c.Length:
		return nil, fmt.Errorf("ensure this has no more than %d characters", c.Length)
	}
	return text, nil
}

func (c Column) integer(text string) (any, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, errors.New("this is no whole number")
	}
	if n < c.Min || n > c.Max {
		return nil, fmt.Errorf("this is not between %d and %d", c.Min, c.Max)
	}
	return n, nil
}

var decimalText = regexp.MustCompile(`^[+-]?(\d+)(?:\.(\d+))?$`)

func (c Column) fits(text string) error {
	parts := decimalText.FindStringSubmatch(text)
	if parts == nil {
		return errors.New("this is no decimal number as in 12.50")
	}
	whole, places := strings.TrimLeft(parts[1], "0"), strings.TrimRight(parts[2], "0")
	if c.Digits > 0 && (len(places) > c.Places || len(whole) > c.Digits-c.Places) {
		return fmt.Errorf("ensure that there are no more than %d digits in total and %d decimal places", c.Digits, c.Places)
	}
	return nil
}

// plainColumn is the SQL that reads a column of u for plain.
func plainColumn(c Column) string {
	name := "u." + quote(c.Name)
	if c.Kind == Boolean || c.Kind == Datetime {
		return name
	}
	return "CAST(" + name + " AS text)"
}

// A plainScanner scans what plainColumn reads into a plain value.
type plainScanner struct {
	column Column
	value  *any
}

func (p plainScanner) Scan(src any) error {
	*p.value = nil
	if src == nil {
		return nil
	}
	switch p.column.Kind {
	case Boolean:
		var b bool
		err := flag{&b}.Scan(src)
		*p.value = b
		return err
	case Datetime:
		var t time.Time
		err := instant{&t}.Scan(src)
		*p.value = t.Format("2006-01-02T15:04:05.999999Z07:00")
		return err
	}
	var text string
	switch src := src.(type) {
	case string:
		text = src
	case []byte:
		text = string(src)
	default:
		return fmt.Errorf("column %s: a text cannot be a %T", p.column.Name, src)
	}
	switch p.column.Kind {
	case Integer:
		*p.value = json.Number(text)
	case JSON:
		*p.value = json.RawMessage(text)
	case UUID:
		id, ok := ParseUUID(text)
		if !ok {
			return fmt.Errorf("column %s: a text that is no UUID", p.column.Name)
		}
		*p.value = id.String()
	default:
		*p.value = text
	}
	return nil
}
