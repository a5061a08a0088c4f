package drf

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/message"
)

// Fields is a serializer's input while it is read: field by field in the serializer's order, every message kept, so that one answer names all that is wrong.
type Fields struct {
	serializer *Serializer
	input      Object
	form       bool
	partial    bool // absent fields stay as they are: PATCH
	asked      []answer
	first      [8]answer // backs asked for the usual few fields
}

// An answer is a field that was asked for, with what is wrong with it.
type answer struct {
	name     string
	messages []*message.Text
}

// Fields opens a body for reading by a serializer. The error is a 400 under nonFieldErrorsKey for a body that is no object.
func (b Body) Fields(serializer *Serializer, nonFieldErrorsKey string) (*Fields, error) {
	input, ok := b.value.(Object)
	if !ok {
		wrong := message.T("No data provided")
		if b.value != nil {
			wrong = message.T("Invalid data. Expected a dictionary, but got {datatype}.", "datatype", pythonType(b.value))
		}
		return nil, Invalid(nonFieldErrorsKey, wrong)
	}
	f := &Fields{serializer: serializer, input: input, form: b.form}
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
	case Object:
		return "dict"
	case Number:
		if v.IsFloat() {
			return "float"
		}
		return "int"
	}
	return "list"
}

// Text reads a text or an address as its field is declared: JSON texts and numbers, stripped, in DRF's order of checks. The given checks need the request or
// the database, and run behind the field's own, where DRF puts a model field's uniqueness. What is wrong is recorded, and then, as for an absent optional
// field, the answer is "", false. An allowed blank or null is "", true; Raw tells them apart.
func (f *Fields) Text(name string, checks ...func(value string) *message.Text) (value string, present bool) {
	field := f.serializer.field(name)
	raw, at, ok := f.given(field)
	if !ok {
		return "", false
	}
	if raw == nil {
		if !field.AllowNull {
			f.fail(at, null)
		}
		return "", field.AllowNull
	}
	value, ok = textOf(raw)
	if !ok {
		wrong := message.T("Not a valid string.")
		if field.Kind == Email {
			wrong = invalidEmail
		}
		f.fail(at, wrong)
		return "", false
	}
	if !field.NoTrim {
		value = Strip(value)
	}
	if value == "" {
		if !field.AllowBlank {
			f.fail(at, blank)
		}
		return "", field.AllowBlank
	}
	if !f.check(at, value, field, checks) {
		return "", false
	}
	return value, true
}

// given finds what was sent for a field, and its place among the answers; not ok where nothing was, which is recorded if it is wrong.
func (f *Fields) given(field *Field) (raw any, at int, ok bool) {
	raw, present := f.input.Get(field.Name)
	optional := field.Optional || f.partial
	switch {
	case !f.form || field.Kind == JSON && present:
	case !present && field.Kind == Boolean && !f.partial:
		// A form does not send a box that is not ticked.
		if present = true; !field.AllowNull {
			raw = false
		}
	case raw == "" && !field.AllowBlank:
		// An empty input of a form stands for no value where none is needed (DRF's Field.get_value).
		if field.AllowNull {
			raw = nil
		} else if optional {
			present = false
		}
	}
	at = f.place(field.Name)
	if !present && !optional {
		f.fail(at, required)
	}
	return raw, at, present
}

var (
	required = message.T("This field is required.")
	null     = message.T("This field may not be null.")
	blank    = message.T("This field may not be blank.")
	// invalidEmail is said of a wrong type and of a wrong format alike.
	invalidEmail = message.T("Enter a valid email address.")
)

// check runs all of a field's checks over its text, in DRF's order, and says whether it passed.
func (f *Fields) check(at int, value string, field *Field, checks []func(string) *message.Text) bool {
	before := len(f.asked[at].messages)
	for _, validate := range field.Validate {
		f.fail(at, validate(value))
	}
	for _, validate := range checks {
		f.fail(at, validate(value))
	}
	if field.Max > 0 && len(value) > field.Max && Length(value) > field.Max {
		f.fail(at, message.N("Ensure this field has no more than {max_length} characters.",
			"Ensure this field has no more than {max_length} characters.", field.Max, "max_length", field.Max))
	}
	if field.Min > 0 && Length(value) < field.Min {
		f.fail(at, TooShort(field.Min))
	}
	if strings.IndexByte(value, 0) >= 0 {
		f.fail(at, message.T("Null characters are not allowed."))
	}
	if r, ok := firstSurrogate(value); ok {
		f.fail(at, message.T("Surrogate characters are not allowed: U+{code_point}.", "code_point", strings.ToUpper(strconv.FormatInt(int64(r), 16))))
	}
	for _, validate := range field.After {
		f.fail(at, validate(value))
	}
	if field.Kind == Email && !ValidEmail(value) {
		f.fail(at, invalidEmail)
	}
	return len(f.asked[at].messages) == before
}

// TooShort is said of a text with fewer characters than least.
func TooShort(least int) *message.Text {
	return message.N("Ensure this field has at least {min_length} characters.", "Ensure this field has at least {min_length} characters.", least, "min_length", least)
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
	f.serializer.field(name)
	return f.input.Get(name)
}

// RawText is Raw for a field that holds a text.
func (f *Fields) RawText(name string) (string, bool) {
	raw, _ := f.Raw(name)
	text, ok := raw.(string)
	return text, ok
}

// Fail adds messages to a field, at the place in the answer where it was first asked for, or at the end.
func (f *Fields) Fail(field string, messages ...*message.Text) {
	at := f.place(field)
	for _, m := range messages {
		f.fail(at, m)
	}
}

// fail adds a message, if there is one.
func (f *Fields) fail(at int, wrong *message.Text) {
	if wrong != nil {
		f.asked[at].messages = append(f.asked[at].messages, wrong)
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
