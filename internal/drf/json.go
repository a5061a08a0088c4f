package drf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Number is a JSON number as it was spelled. Integers may be of any size; floats past the largest are infinite.
type Number string

// IsFloat tells a number with a fraction or an exponent from an integer, as Python does.
func (n Number) IsFloat() bool {
	return strings.ContainsAny(string(n), ".eE")
}

// String is the number as Python's str() writes it: 1.50 as 1.5, 1e5 as 100000.0, 1e16 as 1e+16, 1e400 as inf; integers in full, -0 as 0.
func (n Number) String() string {
	if n.IsFloat() {
		f, _ := strconv.ParseFloat(string(n), 64) // out of range is ±Inf, as in Python
		return floatText(f)
	}
	if n == "-0" {
		return "0"
	}
	return string(n)
}

// json is the number as JSON: what Python would write, but that an infinity, for which JSON has no word, stays a number out of range.
func (n Number) json() string {
	text := n.String()
	switch text {
	case "inf":
		return "1e999"
	case "-inf":
		return "-1e999"
	}
	return text
}

// floatText is Python's repr of a float: the shortest digits that read back the same, an exponent only below 1e-4 and from 1e16 on.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case f != 0 && (math.Abs(f) < 1e-4 || math.Abs(f) >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// Get finds a key's value. Of equal keys, which JSON and forms may hold, the last one counts.
func (o Object) Get(key string) (value any, ok bool) {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].Key == key {
			return o[i].Value, true
		}
	}
	return nil, false
}

// maxDigits is how long an integer Python converts (sys.get_int_max_str_digits).
const maxDigits = 4300

// A decoder reads one JSON text. What it takes and what it says of the rest is CPython 3.11's json module, in DRF's strict setting.
type decoder struct {
	text    string // UTF-8
	depth   int    // how many more levels of nesting are allowed
	maxKeys int    // how many keys one object may have
}

// decodeJSON parses a text to nil, bool, Number, string, List and Object, equal keys kept. Texts are pieces of the input where they hold no escape.
// The error's text is the reason behind "JSON parse error - ".
func decodeJSON(text string, maxDepth, maxKeys int) (any, error) {
	d := &decoder{text: text, depth: maxDepth, maxKeys: maxKeys}
	if strings.HasPrefix(text, "\ufeff") {
		return nil, d.fail("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0)
	}
	value, end, err := d.value(d.space(0))
	if err != nil {
		return nil, err
	}
	if end = d.space(end); end != len(text) {
		return nil, d.fail("Extra data", end)
	}
	return value, nil
}

// fail is an error at a byte of the text, which the message gives as line, column and number of the character.
func (d *decoder) fail(message string, at int) error {
	before := d.text[:min(at, len(d.text))]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return fmt.Errorf("%s: line %d column %d (char %d)", message, line, column, utf8.RuneCountInString(before))
}

// at is the byte at i, or 0 at the end of the text, where nothing may stand that a 0 could be taken for.
func (d *decoder) at(i int) byte {
	if i < len(d.text) {
		return d.text[i]
	}
	return 0
}

func (d *decoder) space(i int) int {
	for i < len(d.text) {
		switch d.text[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// value reads the value that starts at i and returns where it ends.
func (d *decoder) value(i int) (any, int, error) {
	rest := d.text[min(i, len(d.text)):]
	switch d.at(i) {
	case '"':
		return wrap(d.string(i))
	case '{', '[':
		return d.nested(i)
	case 'n':
		if strings.HasPrefix(rest, "null") {
			return nil, i + 4, nil
		}
	case 't':
		if strings.HasPrefix(rest, "true") {
			return true, i + 4, nil
		}
	case 'f':
		if strings.HasPrefix(rest, "false") {
			return false, i + 5, nil
		}
	case 'N', 'I', '-':
		for _, constant := range [...]string{"NaN", "Infinity", "-Infinity"} {
			if strings.HasPrefix(rest, constant) {
				return nil, 0, errors.New("Out of range float values are not JSON compliant: '" + constant + "'")
			}
		}
	}
	return d.number(i)
}

func wrap(s string, end int, err error) (any, int, error) {
	if err != nil {
		return nil, 0, err
	}
	return s, end, nil
}

// nested reads the list or object that starts at i, one level further down.
func (d *decoder) nested(i int) (value any, end int, err error) {
	if d.depth == 0 {
		return nil, 0, errors.New("Nested too deeply")
	}
	d.depth--
	if d.text[i] == '{' {
		value, end, err = d.object(i + 1)
	} else {
		value, end, err = d.list(i + 1)
	}
	d.depth++
	return value, end, err
}

func (d *decoder) list(i int) (any, int, error) {
	list := List{}
	i = d.space(i)
	if d.at(i) == ']' {
		return list, i + 1, nil
	}
	for {
		value, end, err := d.value(i)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, value)
		i = d.space(end)
		switch d.at(i) {
		case ']':
			return list, i + 1, nil
		case ',':
			i = d.space(i + 1)
		default:
			return nil, 0, d.fail("Expecting ',' delimiter", i)
		}
	}
}

func (d *decoder) object(i int) (any, int, error) {
	object := Object{}
	i = d.space(i)
	if d.at(i) == '}' {
		return object, i + 1, nil
	}
	for {
		if d.at(i) != '"' {
			return nil, 0, d.fail("Expecting property name enclosed in double quotes", i)
		}
		if len(object) == d.maxKeys {
			return nil, 0, d.fail(fmt.Sprintf("More than %d keys in one object", d.maxKeys), i)
		}
		key, end, err := d.string(i)
		if err != nil {
			return nil, 0, err
		}
		if i = d.space(end); d.at(i) != ':' {
			return nil, 0, d.fail("Expecting ':' delimiter", i)
		}
		value, end, err := d.value(d.space(i + 1))
		if err != nil {
			return nil, 0, err
		}
		object = append(object, Member{key, value})
		i = d.space(end)
		switch d.at(i) {
		case '}':
			return object, i + 1, nil
		case ',':
			i = d.space(i + 1)
		default:
			return nil, 0, d.fail("Expecting ',' delimiter", i)
		}
	}
}

// number reads as much of a number as there is: what follows is somebody else's error.
func (d *decoder) number(start int) (any, int, error) {
	first := start
	if d.at(first) == '-' {
		first++
	}
	end := d.digits(first)
	if end == first {
		return nil, 0, d.fail("Expecting value", start)
	}
	if d.text[first] == '0' {
		end = first + 1
	}
	integer := end
	if d.at(end) == '.' {
		if fraction := d.digits(end + 1); fraction > end+1 {
			end = fraction
		}
	}
	if c := d.at(end); c == 'e' || c == 'E' {
		sign := end + 1
		if c := d.at(sign); c == '+' || c == '-' {
			sign++
		}
		if exponent := d.digits(sign); exponent > sign {
			end = exponent
		}
	}
	if digits := integer - first; end == integer && digits > maxDigits {
		return nil, 0, fmt.Errorf("Exceeds the limit (%d digits) for integer string conversion: value has %d digits; "+
			"use sys.set_int_max_str_digits() to increase the limit", maxDigits, digits)
	}
	return Number(d.text[start:end]), end, nil
}

func (d *decoder) digits(i int) int {
	for c := d.at(i); c >= '0' && c <= '9'; c = d.at(i) {
		i++
	}
	return i
}

// string reads the string whose opening quote is at start. Without escapes it is a piece of the text itself.
func (d *decoder) string(start int) (string, int, error) {
	var unescaped []byte
	plain := start + 1
	for i := plain; i < len(d.text); {
		switch c := d.text[i]; {
		case c == '"':
			if unescaped == nil {
				return d.text[plain:i], i + 1, nil
			}
			return string(append(unescaped, d.text[plain:i]...)), i + 1, nil
		case c < ' ':
			return "", 0, d.fail("Invalid control character at", i)
		case c != '\\':
			i++
		default:
			unescaped = append(unescaped, d.text[plain:i]...)
			r, end, err := d.escape(start, i)
			if err != nil {
				return "", 0, err
			}
			unescaped = appendRune(unescaped, r)
			i, plain = end, end
		}
	}
	return "", 0, d.fail("Unterminated string starting at", start)
}

// escape reads the escape whose backslash is at i, in the string that opened at start. Two escapes that make a surrogate pair are one character.
func (d *decoder) escape(start, i int) (r rune, end int, err error) {
	if i+1 >= len(d.text) {
		return 0, 0, d.fail("Unterminated string starting at", start)
	}
	switch c := d.text[i+1]; c {
	case '"', '\\', '/':
		return rune(c), i + 2, nil
	case 'b':
		return '\b', i + 2, nil
	case 'f':
		return '\f', i + 2, nil
	case 'n':
		return '\n', i + 2, nil
	case 'r':
		return '\r', i + 2, nil
	case 't':
		return '\t', i + 2, nil
	case 'u':
	default:
		return 0, 0, d.fail("Invalid \\escape", i)
	}
	r, ok := d.hex(i + 2)
	if !ok {
		return 0, 0, d.fail("Invalid \\uXXXX escape", i+1)
	}
	end = i + 6
	if r >= 0xD800 && r < 0xDC00 && d.at(end) == '\\' && d.at(end+1) == 'u' {
		if low, ok := d.hex(end + 2); ok && low >= 0xDC00 && low < 0xE000 {
			return 0x10000 + (r-0xD800)<<10 + low - 0xDC00, end + 6, nil
		}
	}
	return r, end, nil
}

// hex reads four hexadecimal digits, behind which the text must go on: Python asks for the closing quote at the same time.
func (d *decoder) hex(i int) (rune, bool) {
	if i+4 >= len(d.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(d.text[i:i+4], 16, 16)
	return rune(n), err == nil
}
