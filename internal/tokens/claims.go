package tokens

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Claims are the members of a JSON object in their order, each name once.
type Claims []Claim

// A Claim is one member.
type Claim struct {
	Name  string
	Value Value
}

// A Value is the JSON text of any value, written as Python's json.dumps writes it when it is compact: ASCII only, no blanks.
// Numbers stay as they were spelled. The zero Value stands for no value at all.
type Value string

// Null is JSON's null.
const Null Value = "null"

// TextValue is a JSON text.
func TextValue(s string) Value { return Value(appendText(make([]byte, 0, len(s)+2), s)) }

// IntValue is a JSON whole number.
func IntValue(n int64) Value { return Value(strconv.FormatInt(n, 10)) }

// TextsValue is a JSON list of texts.
func TextsValue(texts []string) Value {
	list := []byte{'['}
	for i, s := range texts {
		if i > 0 {
			list = append(list, ',')
		}
		list = appendText(list, s)
	}
	return Value(append(list, ']'))
}

// Get returns the value of a claim and whether it is there.
func (c Claims) Get(name string) (Value, bool) {
	for i := range c {
		if c[i].Name == name {
			return c[i].Value, true
		}
	}
	return "", false
}

// Set changes a claim in its place, or adds it behind the others.
func (c *Claims) Set(name string, v Value) {
	for i := range *c {
		if (*c)[i].Name == name {
			(*c)[i].Value = v
			return
		}
	}
	*c = append(*c, Claim{name, v})
}

// AppendJSON appends the object as compact JSON.
func (c Claims) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range c {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, c[i].Name)
		dst = append(dst, ':')
		dst = append(dst, c[i].Value...)
	}
	return append(dst, '}')
}

// isText reports whether v is a JSON text.
func (v Value) isText() bool { return v != "" && v[0] == '"' }

// isNumber reports whether v is a JSON number, NaN and the infinities, which Python writes too, left out.
func (v Value) isNumber() bool {
	return v != "" && (v[0] == '-' && v != "-Infinity" || '0' <= v[0] && v[0] <= '9')
}

// Text is the text of a JSON text; a lone surrogate in it becomes U+FFFD.
func (v Value) Text() (string, bool) {
	if !v.isText() {
		return "", false
	}
	if inner := v[1 : len(v)-1]; strings.IndexByte(string(inner), '\\') < 0 {
		return string(inner), true
	}
	var s string
	err := json.Unmarshal([]byte(v), &s)
	return s, err == nil
}

// texts are the elements of a JSON list that has nothing but texts in it.
func (v Value) texts() ([]string, bool) {
	if v == "" || v[0] != '[' {
		return nil, false
	}
	var elements []any
	if err := json.Unmarshal([]byte(v), &elements); err != nil { // a NaN in it: no list of texts anyway
		return nil, false
	}
	texts := make([]string, len(elements))
	for i, e := range elements {
		s, ok := e.(string)
		if !ok {
			return nil, false
		}
		texts[i] = s
	}
	return texts, true
}

// truthy reports whether Python takes the value for true: not null, false, a zero or anything empty.
func (v Value) truthy() bool {
	switch v {
	case "", "null", "false", `""`, "[]", "{}":
		return false
	}
	if !v.isNumber() {
		return true
	}
	f, _ := strconv.ParseFloat(string(v), 64)
	return f != 0
}

// whole is Python's int() of the value: texts of digits are read, fractions are cut off, true is 1.
// A number beyond 64 bits becomes the nearest one within.
func (v Value) whole() (int64, bool) {
	switch {
	case v == "true":
		return 1, true
	case v == "false":
		return 0, true
	case v.isText():
		s, _ := v.Text()
		return ParseInt(s)
	case !v.isNumber():
		return 0, false
	case !strings.ContainsAny(string(v), ".eE"):
		n, _ := strconv.ParseInt(string(v), 10, 64) // on overflow it returns the nearest
		return n, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	switch {
	case err != nil: // Python reads it as infinite, which int() refuses
		return 0, false
	case f >= math.MaxInt64:
		return math.MaxInt64, true
	case f <= math.MinInt64:
		return math.MinInt64, true
	}
	return int64(f), true
}

// The years that Python's datetime knows, 1 to 9999, as Unix times.
const (
	minUnix = -62135596800
	maxUnix = 253402300799
)

// time is the moment that a number of seconds stands for, to the microsecond; only numbers within the years that
// Python's datetime knows are moments.
func (v Value) time() (time.Time, bool) {
	if !v.isNumber() {
		return time.Time{}, false
	}
	seconds, ok := v.whole()
	if !ok || seconds < minUnix || seconds > maxUnix {
		return time.Time{}, false
	}
	t := time.Unix(seconds, 0)
	if strings.ContainsAny(string(v), ".eE") {
		f, _ := strconv.ParseFloat(string(v), 64)
		t = t.Add(time.Duration(math.RoundToEven((f-math.Trunc(f))*1e6)) * time.Microsecond)
	}
	return t.UTC(), true
}
