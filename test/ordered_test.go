package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// A value is JSON as it stood on the wire: nil, bool, string, json.Number, []any or object. encoding/json's own maps
// forget the order of keys, and that order is part of what is promised here.
type value = any

// An object is a JSON object with its keys in order.
type object []member

type member struct {
	name  string
	value value
}

// get returns the value of a key, nil where it is missing.
func (o object) get(name string) (value, bool) {
	for _, m := range o {
		if m.name == name {
			return m.value, true
		}
	}
	return nil, false
}

// with returns a copy in which the key has the value, at its old place or at the end.
func (o object) with(name string, v value) object {
	out := append(object(nil), o...)
	for i := range out {
		if out[i].name == name {
			out[i].value = v
			return out
		}
	}
	return append(out, member{name, v})
}

// without returns a copy that lacks the key.
func (o object) without(name string) object {
	var out object
	for _, m := range o {
		if m.name != name {
			out = append(out, m)
		}
	}
	return out
}

// UnmarshalJSON reads an object in order.
func (o *object) UnmarshalJSON(data []byte) error {
	v, err := decodeJSON(data)
	if err != nil {
		return err
	}
	read, ok := v.(object)
	if !ok {
		return fmt.Errorf("%.40s is no JSON object", data)
	}
	*o = read
	return nil
}

// decodeJSON reads one JSON text and nothing behind it.
func decodeJSON(data []byte) (value, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decodeNext(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the JSON text")
	}
	return v, nil
}

func decodeNext(d *json.Decoder) (value, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		o := object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			o = o.with(name.(string), v)
		}
		_, err = d.Token()
		return o, err
	}
	return token, nil
}

// show writes a value over several lines, for people and for comparing.
func show(v value) string {
	var b strings.Builder
	showAt(&b, v, "")
	return b.String()
}

// compact writes a value as JSON without white space.
func compact(v value) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(show(v))); err != nil {
		panic(err) // show writes nothing but JSON
	}
	return b.Bytes()
}

func showAt(b *strings.Builder, v value, indent string) {
	deeper := indent + " "
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteString("[\n")
		for i, e := range v {
			b.WriteString(deeper)
			showAt(b, e, deeper)
			b.WriteString(comma(i, len(v)))
		}
		b.WriteString(indent + "]")
	case object:
		if len(v) == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteString("{\n")
		for i, m := range v {
			b.WriteString(deeper + quote(m.name) + ": ")
			showAt(b, m.value, deeper)
			b.WriteString(comma(i, len(v)))
		}
		b.WriteString(indent + "}")
	case string:
		b.WriteString(quote(v))
	case nil:
		b.WriteString("null")
	default:
		fmt.Fprint(b, v)
	}
}

func comma(i, n int) string {
	if i == n-1 {
		return "\n"
	}
	return ",\n"
}

// quote writes a JSON string and leaves <, > and & readable.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return fmt.Sprintf("%q", s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
