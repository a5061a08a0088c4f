package drf

import (
	"fmt"
	"net/http"
	"strings"
)

// Fields is a serializer's input while it is read: field by field in the serializer's order, every message kept, so that one answer names all that is wrong.
type Fields struct {
	input Object
	form  bool
	asked []answer
	first [8]answer // backs asked for the usual few fields
}

// An answer is a field that was asked for, with what is wrong with it.
type answer struct {
	name     string
	messages []string
}

// Fields opens a body for reading. The error is a 400 under nonFieldErrorsKey for a body that is no object.
func (b Body) Fields(nonFieldErrorsKey string) (*Fields, error) {
	input, ok := b.value.(Object)
	if !ok {
		message := "No data provided"
		if b.value != nil {
			message = "Invalid data. Expected a dictionary, but got " + pythonType(b.value) + "."
		}
		return nil, Invalid(nonFieldErrorsKey, message)
	}
	f := &Fields{input: input, form: b.form}
	f.asked = f.first[:0]
	return f, nil
}

// pythonType names the Python type of a JSON value that is no object.
func pythonType(v any) string {
	switch v := v.(type) {
	case bool:
		return "bool"
	case string:
		return "str"
	case Number:
		if v.IsFloat() {
			return "float"
		}
		return "int"
	}
	return "list"
}

// CharOptions are a text field's rules. The zero value is a field that must be there and hold something.
type CharOptions struct {
	Optional   bool // may be absent
	AllowBlank bool // may be empty after stripping; it is then not checked further
	AllowNull  bool // may be null; it is then not checked further
	NoTrim     bool // keep white space at the ends
	Max        int  // the most characters allowed; any number when 0
	Min        int  // the fewest characters allowed
	// Validate runs before the built-in checks (lengths, NUL, surrogates), where DRF puts a model field's validators; After runs behind them,
	// where it puts a field class's own. Each returns a message, or "" for text it accepts. All run, and so see text that another one refuses.
	Validate, After []func(value string) (message string)
}

// Char reads a text field: JSON texts and numbers, stripped, in DRF's order of checks. What is wrong is recorded, and then, as for an absent
// optional field, the answer is "", false. An allowed blank or null is "", true; Raw tells them apart.
func (f *Fields) Char(name string, o CharOptions) (value string, present bool) {
	return f.text(name, o, "Not a valid string.", nil)
}

// Email reads an address: as Char, with the format checked behind everything else and one message for a wrong type and a wrong format.
func (f *Fields) Email(name string, o CharOptions) (string, bool) {
	const invalid = "Enter a valid email address."
	return f.text(name, o, invalid, func(value string) string {
		if ValidEmail(value) {
			return ""
		}
		return invalid
	})
}

func (f *Fields) text(name string, o CharOptions, wrongType string, format func(string) string) (string, bool) {
	raw, present := f.Raw(name)
	if f.form && raw == "" && !o.AllowBlank {
		// An empty input of a form stands for no value where none is needed (DRF's Field.get_value).
		if o.AllowNull {
			raw = nil
		} else if o.Optional {
			present = false
		}
	}
	at := f.place(name)
	switch {
	case !present:
		if !o.Optional {
			f.fail(at, "This field is required.")
		}
		return "", false
	case raw == nil:
		if !o.AllowNull {
			f.fail(at, "This field may not be null.")
		}
		return "", o.AllowNull
	}
	value, ok := textOf(raw)
	if !ok {
		f.fail(at, wrongType)
		return "", false
	}
	if !o.NoTrim {
		value = Strip(value)
	}
	if value == "" {
		if !o.AllowBlank {
			f.fail(at, "This field may not be blank.")
		}
		return "", o.AllowBlank
	}
	if !f.check(at, value, o, format) {
		return "", false
	}
	return value, true
}

// check runs all of a field's checks over its text, in DRF's order, and says whether it passed.
func (f *Fields) check(at int, value string, o CharOptions, format func(string) string) bool {
	before := len(f.asked[at].messages)
	for _, validate := range o.Validate {
		f.fail(at, validate(value))
	}
	if o.Max > 0 && len(value) > o.Max && Length(value) > o.Max {
		f.fail(at, fmt.Sprintf("Ensure this field has no more than %d characters.", o.Max))
	}
	if o.Min > 0 && Length(value) < o.Min {
		unit := "characters"
		if o.Min == 1 {
			unit = "character"
		}
		f.fail(at, fmt.Sprintf("Ensure this field has at least %d %s.", o.Min, unit))
	}
	if strings.IndexByte(value, 0) >= 0 {
		f.fail(at, "Null characters are not allowed.")
	}
	if r, ok := firstSurrogate(value); ok {
		f.fail(at, fmt.Sprintf("Surrogate characters are not allowed: U+%X.", r))
	}
	for _, validate := range o.After {
		f.fail(at, validate(value))
	}
	if format != nil {
		f.fail(at, format(value))
	}
	return len(f.asked[at].messages) == before
}

// textOf is a JSON value as text, if it is of a kind that DRF takes for text.
func textOf(raw any) (string, bool) {
	switch raw := raw.(type) {
	case string:
		return raw, true
	case Number:
		return raw.String(), true
	}
	return "", false
}

// Raw is a field's value as the parser gave it, unstripped and unchecked: nil, bool, Number, string, List, Object or, in multipart forms, File.
// djoser checks uid and token on it.
func (f *Fields) Raw(name string) (value any, present bool) {
	return f.input.Get(name)
}

// RawText is Raw for a field that holds a text.
func (f *Fields) RawText(name string) (string, bool) {
	raw, _ := f.input.Get(name)
	text, ok := raw.(string)
	return text, ok
}

// Fail adds messages to a field, at the place in the answer where it was first asked for, or at the end.
func (f *Fields) Fail(field string, messages ...string) {
	at := f.place(field)
	for _, m := range messages {
		f.fail(at, m)
	}
}

// fail adds a message, if there is one.
func (f *Fields) fail(at int, message string) {
	if message != "" {
		f.asked[at].messages = append(f.asked[at].messages, message)
	}
}

// place finds the answer of a field, making one behind the others if there is none yet.
func (f *Fields) place(name string) int {
	for i := range f.asked {
		if f.asked[i].name == name {
			return i
		}
	}
	f.asked = append(f.asked, answer{name: name})
	return len(f.asked) - 1
}

// Err is nil if every field was fine, or else the 400 with all messages, fields in the order they were asked for.
func (f *Fields) Err() error {
	var body Object
	for _, a := range f.asked {
		if len(a.messages) > 0 {
			body = append(body, Member{a.name, Texts(a.messages)})
		}
	}
	if body == nil {
		return nil
	}
	return &Error{Status: http.StatusBadRequest, Body: body}
}
