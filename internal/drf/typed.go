package drf

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/message"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// Value reads a field of any kind as REST framework's field of that kind reads it. What it gives is a value as store.User has them: a string, int64, bool,
// time.Time, store.DateValue, DecimalValue, UUIDValue or JSONValue; nil for null. The given checks need the request or the database, and run where nothing else is
// wrong. What is wrong is recorded, and then, as for an absent optional field, the answer is nil, false.
func (f *Fields) Value(name string, checks ...func(value any) *message.Text) (value any, present bool) {
	field := f.serializer.field(name)
	if field.IsText() {
		asTexts := make([]func(string) *message.Text, len(checks))
		for i, check := range checks {
			asTexts[i] = func(text string) *message.Text { return check(text) }
		}
		text, present := f.Text(name, asTexts...)
		if raw, _ := f.input.Get(name); present && (raw == nil || f.form && raw == "" && !field.AllowBlank) {
			return nil, true
		}
		return text, present
	}
	raw, at, ok := f.given(field)
	if !ok {
		return nil, false
	}
	if raw == nil || field.stand(raw) {
		if !field.AllowNull {
			f.fail(at, null)
		}
		return nil, field.AllowNull
	}
	value, wrong := field.parse(raw, f.form)
	for _, check := range checks {
		if wrong == nil {
			wrong = check(value)
		}
	}
	f.fail(at, wrong)
	return value, wrong == nil
}

// stand tells whether a value that is not null stands for it.
func (f *Field) stand(raw any) bool {
	text, isText := raw.(string)
	switch f.Kind {
	case Related:
		return isText && text == ""
	case Boolean:
		return f.AllowNull && isText && (text == "" || text == "null" || text == "Null" || text == "NULL")
	case Decimal:
		return f.AllowNull && isText && Strip(text) == ""
	}
	return false
}

// parse reads what was sent for a field that is no text.
func (f *Field) parse(raw any, form bool) (any, *message.Text) {
	switch f.Kind {
	case Integer:
		return f.integer(raw)
	case Boolean:
		return boolean(raw)
	case Date:
		return date(raw)
	case DateTime:
		return f.dateTime(raw)
	case Decimal:
		return f.decimal(raw)
	case UUID:
		return uuid(raw)
	case JSON:
		return jsonValue(raw, form)
	}
	return f.related(raw)
}

// maxNumeral is how long a text is read as a number (IntegerField.MAX_STRING_LENGTH).
const maxNumeral = 1000

var (
	tooLong     = message.T("String value too large.")
	noFraction  = regexp.MustCompile(`\.0*\s*$`)
	wrongDate   = message.T("Date has wrong format. Use one of these formats instead: {format}.", "format", "YYYY-MM-DD")
	wrongMoment = message.T("Datetime has wrong format. Use one of these formats instead: {format}.", "format", "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]")
	wrongUUID   = message.T("Must be a valid UUID.")
	wrongNumber = message.T("A valid number is required.")
)

// integer reads a whole number, also one that is spelled as a text, or with a fraction of zeros.
func (f *Field) integer(raw any) (any, *message.Text) {
	wrong := message.T("A valid integer is required.")
	if f.Big {
		wrong = message.T("A valid biginteger is required.")
	}
	text, ok := textOf(raw)
	if !ok {
		return nil, wrong
	}
	if _, isText := raw.(string); isText && Length(text) > maxNumeral {
		return nil, tooLong
	}
	text, ok = tokens.PlainInt(noFraction.ReplaceAllString(text, ""))
	if !ok {
		return nil, wrong
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil && text[0] == '-', err == nil && n < f.Least:
		return nil, message.T("Ensure this value is greater than or equal to {min_value}.", "min_value", f.Least)
	case err != nil || n > f.Most:
		return nil, message.T("Ensure this value is less than or equal to {max_value}.", "max_value", f.Most)
	}
	return n, nil
}

// booleans are the texts that are true or false, whatever their case.
var booleans = map[string]bool{"t": true, "y": true, "yes": true, "true": true, "on": true, "1": true, "f": false, "n": false, "no": false, "false": false, "off": false, "0": false}

func boolean(raw any) (any, *message.Text) {
	if value, ok := raw.(bool); ok {
		return value, nil
	}
	text, _ := textOf(raw)
	if _, isNumber := raw.(Number); isNumber {
		text = noFraction.ReplaceAllString(text, "") // Python's 1.0 is 1
	}
	value, ok := booleans[strings.ToLower(text)]
	if !ok {
		return nil, message.T("Must be a valid boolean.")
	}
	return value, nil
}

// The forms of dates and moments: ISO 8601 with hyphens, as Django's parser reads it, and without.
var (
	dateForms = []*regexp.Regexp{
		regexp.MustCompile(`^(\p{Nd}{4})-(\p{Nd}{1,2})-(\p{Nd}{1,2})$`),
		regexp.MustCompile(`^(\p{Nd}{4})(\p{Nd}{2})(\p{Nd}{2})$`),
	}
	momentForms = []*regexp.Regexp{
		regexp.MustCompile(`^(\p{Nd}{4})-(\p{Nd}{1,2})-(\p{Nd}{1,2})[T ](\p{Nd}{1,2}):(\p{Nd}{1,2})(?::(\p{Nd}{1,2})(?:[.,](\p{Nd}{1,6})\p{Nd}{0,6})?)?\s*(Z|[+-]\p{Nd}{2}(?::?\p{Nd}{2})?)?$`),
		regexp.MustCompile(`^(\p{Nd}{4})(\p{Nd}{2})(\p{Nd}{2})[T ](\p{Nd}{2})(\p{Nd}{2})(?:(\p{Nd}{2})(?:[.,](\p{Nd}{1,6})\p{Nd}{0,6})?)?(Z|[+-]\p{Nd}{2}(?::?\p{Nd}{2})?)?$`),
	}
)

// parts finds the numbers of the first form that a text has.
func parts(text string, forms []*regexp.Regexp) []string {
	for _, form := range forms {
		if found := form.FindStringSubmatch(text); found != nil {
			for i := range found {
				if plain, ok := tokens.PlainInt(found[i]); ok && i > 0 && len(plain) > 0 && plain[0] != '+' && plain[0] != '-' {
					found[i] = plain // other scripts have digits too
				}
			}
			return found[1:]
		}
	}
	return nil
}

// day is the date of year, month and day, if there is one.
func day(found []string) (time.Time, bool) {
	year, _ := strconv.Atoi(found[0]) // digits all
	month, _ := strconv.Atoi(found[1])
	day, _ := strconv.Atoi(found[2])
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, year > 0 && t.Year() == year && int(t.Month()) == month && t.Day() == day
}

func date(raw any) (any, *message.Text) {
	text, _ := raw.(string)
	found := parts(text, dateForms)
	if found == nil {
		return nil, wrongDate
	}
	t, ok := day(found)
	if !ok {
		return nil, wrongDate
	}
	return store.DateValue(t.Format(time.DateOnly)), nil
}

// dateTime reads a moment. One without an offset is told in the field's zone.
func (f *Field) dateTime(raw any) (any, *message.Text) {
	text, _ := raw.(string)
	found := parts(text, momentForms)
	if found == nil {
		if found = parts(text, dateForms); found == nil {
			return nil, wrongMoment
		}
		found = append(found, "0", "0", "", "", "")
	}
	t, ok := day(found)
	hour, _ := strconv.Atoi(found[3])
	minute, _ := strconv.Atoi(found[4])
	second, _ := strconv.Atoi(found[5]) // none is 0
	micro, _ := strconv.Atoi((found[6] + "000000")[:6])
	zone, known := offset(found[7], f.Zone)
	if !ok || !known || hour > 23 || minute > 59 || second > 59 {
		return nil, wrongMoment
	}
	t = firstOf(time.Date(t.Year(), t.Month(), t.Day(), hour, minute, second, micro*1000, zone))
	for _, shown := range []time.Time{t.UTC(), t.In(f.Zone)} {
		if year := shown.Year(); year < 1 || year > 9999 {
			return nil, message.T("Datetime value out of range.")
		}
	}
	return t.UTC(), nil
}

// firstOf is the earlier of two moments that show the same wall clock, at the end of summer time: Python's fold=0.
func firstOf(t time.Time) time.Time {
	_, now := t.Zone()
	_, before := t.AddDate(0, 0, -1).Zone()
	earlier := t.Add(time.Duration(now-before) * time.Second)
	if _, offset := earlier.Zone(); before > now && offset == before {
		return earlier
	}
	return t
}

// offset is the zone that the end of a moment's text names.
func offset(text string, zone *time.Location) (*time.Location, bool) {
	switch text {
	case "":
		return zone, true
	case "Z":
		return time.UTC, true
	}
	digits := strings.ReplaceAll(text[1:], ":", "")
	hours, err := strconv.Atoi(digits[:min(2, len(digits))])
	minutes := 0
	if err == nil && len(digits) > 2 {
		minutes, err = strconv.Atoi(digits[2:])
	}
	seconds := (hours*60 + minutes) * 60
	if text[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), err == nil && hours < 24 && minutes < 60
}

// decimalForm is Python's syntax of a decimal, underscores left out.
var decimalForm = regexp.MustCompile(`^([+-]?)(\p{Nd}*)(?:\.(\p{Nd}*))?(?:[eE]([+-]?\p{Nd}+))?$`)

// decimal reads a number, and holds it to the field's digits in REST framework's order.
func (f *Field) decimal(raw any) (any, *message.Text) {
	text, ok := textOf(raw)
	if !ok {
		return nil, wrongNumber
	}
	if text = Strip(text); Length(text) > maxNumeral {
		return nil, tooLong
	}
	found := decimalForm.FindStringSubmatch(strings.ReplaceAll(text, "_", ""))
	if found == nil || found[2]+found[3] == "" {
		return nil, wrongNumber
	}
	digits, _ := tokens.PlainInt(found[2] + found[3])
	digits = strings.TrimLeft(digits, "0")
	power := 0
	if found[4] != "" {
		plain, _ := tokens.PlainInt(found[4])
		var err error
		if power, err = strconv.Atoi(plain); err != nil || power > maxPower || power < -maxPower {
			return nil, wrongNumber
		}
	}
	power -= Length(found[3])
	total, whole := max(len(digits), 1)+power, max(len(digits), 1)+power
	places := 0
	if power < 0 {
		places = -power
		total, whole = max(len(digits), 1, places), max(max(len(digits), 1)-places, 0)
	}
	switch {
	case total > f.Digits:
		return nil, message.T("Ensure that there are no more than {max_digits} digits in total.", "max_digits", f.Digits)
	case places > f.Places:
		return nil, message.T("Ensure that there are no more than {max_decimal_places} decimal places.", "max_decimal_places", f.Places)
	case whole > f.Digits-f.Places:
		return nil, message.T("Ensure that there are no more than {max_whole_digits} digits before the decimal point.", "max_whole_digits", f.Digits-f.Places)
	}
	digits += strings.Repeat("0", power+f.Places)
	digits = strings.Repeat("0", max(f.Places+1-len(digits), 0)) + digits
	value := strings.TrimPrefix(found[1], "+") + digits[:len(digits)-f.Places]
	if f.Places > 0 {
		value += "." + digits[len(digits)-f.Places:]
	}
	return store.DecimalValue(value), nil
}

// maxPower bounds the exponents that are looked at: beyond it every column is too small.
const maxPower = 1_000_000

// uuid reads a UUID from a text in any form of Python's, or from its number.
func uuid(raw any) (any, *message.Text) {
	switch raw := raw.(type) {
	case string:
		if u, ok := store.ParseUUID(raw); ok {
			return u, nil
		}
	case Number:
		n, ok := new(big.Int).SetString(raw.String(), 10)
		if ok && n.Sign() >= 0 && n.BitLen() <= 128 {
			return store.UUIDValue(n.FillBytes(make([]byte, 16))), nil
		}
	}
	return nil, wrongUUID
}

// Bounds of the JSON that a form holds or the database.
const (
	maxJSONDepth = 200
	maxJSONKeys  = 10000
)

// jsonValue takes any JSON, which a form spells as a text, in the spelling of Python's json.dumps. What no database can hold is refused.
func jsonValue(raw any, form bool) (any, *message.Text) {
	wrong := message.T("Value must be valid JSON.")
	if form {
		text, ok := raw.(string)
		if !ok {
			return nil, wrong
		}
		var err error
		if raw, err = decodeJSON(text, maxJSONDepth, maxJSONKeys); err != nil {
			return nil, wrong
		}
	}
	if !storable(raw) {
		return nil, wrong
	}
	return store.JSONValue(Style{ASCII: true, Spaced: true}.Append(nil, asDict(raw))), nil
}

// storable refuses texts that PostgreSQL's jsonb does not hold: with a NUL, or half of a surrogate pair.
func storable(value any) bool {
	switch value := value.(type) {
	case string:
		_, half := firstSurrogate(value)
		return !half && strings.IndexByte(value, 0) < 0
	case List:
		for _, item := range value {
			if !storable(item) {
				return false
			}
		}
	case Object:
		for _, m := range value {
			if !storable(m.Key) || !storable(m.Value) {
				return false
			}
		}
	case File:
		return false
	}
	return true
}

// asDict leaves of equal keys one, at the place of the first and with the value of the last, as Python's dict does.
func asDict(value any) any {
	switch value := value.(type) {
	case List:
		list := make(List, len(value))
		for i, item := range value {
			list[i] = asDict(item)
		}
		return list
	case Object:
		at := make(map[string]int, len(value))
		dict := make(Object, 0, len(value))
		for _, m := range value {
			if i, there := at[m.Key]; there {
				dict[i].Value = asDict(m.Value)
				continue
			}
			at[m.Key] = len(dict)
			dict = append(dict, Member{m.Key, asDict(m.Value)})
		}
		return dict
	}
	return value
}

// related reads the key of another row, as Python's int, UUID or str would of what was sent.
func (f *Field) related(raw any) (any, *message.Text) {
	wrong := message.T("Incorrect type. Expected pk value, received {data_type}.", "data_type", pythonType(raw))
	text, ok := textOf(raw)
	if !ok {
		return nil, wrong
	}
	switch f.Key {
	case store.UUID:
		value, no := uuid(raw)
		if no != nil {
			return nil, message.T("“%(value)s” is not a valid UUID.", "value", text)
		}
		return value, nil
	case store.Text:
		return text, nil
	}
	if number, isNumber := raw.(Number); isNumber && number.IsFloat() {
		text, _, _ = strings.Cut(text, ".") // Python's int cuts off a fraction
	}
	plain, ok := tokens.PlainInt(text)
	if !ok {
		return nil, wrong
	}
	n, err := strconv.ParseInt(plain, 10, 64)
	if err != nil || n < f.Least || n > f.Most {
		return nil, NoSuchRow(text)
	}
	return n, nil
}

// NoSuchRow is said of a key that no row has.
func NoSuchRow(key any) *message.Text {
	return message.T(`Invalid pk "{pk_value}" - object does not exist.`, "pk_value", key)
}
