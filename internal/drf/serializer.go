package drf

import (
	"time"

	"latchkey/internal/message"
	"latchkey/internal/store"
)

// A Serializer declares what a body holds, field by field and in order. Requests are validated by it, and OPTIONS and the OpenAPI document are made of it.
type Serializer struct {
	// Name is that of its components in the OpenAPI document: DRF's class without the Serializer at its end.
	Name   string
	Fields []Field
	// Unlisted serializers belong to views that are no forms in the reference: what they read shows neither in OPTIONS nor in the document.
	Unlisted bool
}

// A Field declares one key of a body. Its zero value but for the name is a text that must be there and hold something.
type Field struct {
	Name string
	Kind Kind
	// Label and Help are what OPTIONS says of the field; the label is the name in words where it is empty.
	Label, Help *message.Text

	ReadOnly    bool           // only answers have it
	WriteOnly   bool           // only requests have it
	Optional    bool           // may be absent, from a request or an answer
	AllowBlank  bool           // may be empty after stripping; it is then not checked further
	AllowNull   bool           // may be null; it is then not checked further
	NoTrim      bool           // keep white space at the ends
	Max         int            // the most characters allowed; any number when 0
	Min         int            // the fewest characters allowed
	Big         bool           // an integer of 64 bits, of which REST framework speaks in another word
	Least, Most int64          // the bounds of an integer, or of a related row's key
	Digits      int            // all digits of a decimal
	Places      int            // those behind the point
	Key         store.Kind     // of a related row: Integer, UUID or Text
	Zone        *time.Location // of moments that name none
	// Untold keeps the lengths out of OPTIONS, where the reference checks them elsewhere than in the field.
	Untold bool
	// Validate runs before the built-in checks (lengths, NUL, surrogates), where DRF puts a model field's validators; After runs behind them,
	// where it puts a field class's own. Each returns what is wrong, or nil for text it accepts. All run, and so see text that another one refuses.
	Validate, After []func(value string) *message.Text
	// Of declares what a Nested field holds.
	Of *Serializer
}

// A Kind is the type of a field's value.
type Kind uint8

// The kinds of fields. A new one has a row in kinds and, where requests may hold it, a method of Fields.
const (
	Text Kind = iota
	Email
	URL
	Integer
	Boolean
	DateTime
	Nested // an object that Field.Of declares
	Date
	Decimal
	UUID
	JSON    // anything
	Related // the key of another row
)

// kinds names them as OPTIONS does, and says of their values what JSON Schema says.
var kinds = [...]struct{ metadata, schemaType, format string }{
	Text:     {"string", "string", ""},
	Email:    {"email", "string", "email"},
	URL:      {"url", "string", "uri"},
	Integer:  {"integer", "integer", ""},
	Boolean:  {"boolean", "boolean", ""},
	DateTime: {"datetime", "string", "date-time"},
	Nested:   {"nested object", "object", ""},
	Date:     {"date", "string", "date"},
	Decimal:  {"decimal", "string", "decimal"},
	UUID:     {"string", "string", "uuid"},
	JSON:     {"field", "", ""},
	Related:  {"field", "integer", ""},
}

// Schema is the type and the format of a kind's values in JSON Schema; no format where any value of the type will do, no type where any value will.
func (k Kind) Schema() (schemaType, format string) { return kinds[k].schemaType, kinds[k].format }

// Schema is that of the field's kind, or of the key that it holds.
func (f *Field) Schema() (schemaType, format string) {
	if f.Kind == Related && f.Key == store.UUID {
		return UUID.Schema()
	}
	if f.Kind == Related && f.Key == store.Text {
		return Text.Schema()
	}
	return f.Kind.Schema()
}

// IsText tells whether the values are texts of some format.
func (f *Field) IsText() bool { return f.Kind == Text || f.Kind == Email || f.Kind == URL }

// field finds a declared field. One that nobody declared is a mistake of the program.
func (s *Serializer) field(name string) *Field {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	panic("drf: " + s.Name + " declares no field " + name)
}

// Required tells whether a request must have the field.
func (f *Field) Required() bool { return !f.Optional && !f.ReadOnly }

// Shown is the field as one that only answers have.
func (f Field) Shown() Field {
	f.ReadOnly, f.Optional = true, false
	return f
}

// title is the field's label.
func (f *Field) title() *message.Text {
	if f.Label != nil {
		return f.Label
	}
	return message.Verbatim(Label(f.Name))
}

// describe lists the fields as OPTIONS shows them. A field that is only read shows no length.
func (s *Serializer) describe() Object {
	list := make(Object, 0, len(s.Fields))
	for i := range s.Fields {
		f := &s.Fields[i]
		info := Object{{"type", kinds[f.Kind].metadata}, {"required", f.Required()}, {"read_only", f.ReadOnly}, {"label", f.title()}}
		if f.Help != nil {
			info = append(info, Member{"help_text", f.Help})
		}
		told := !f.ReadOnly && !f.Untold
		if told && f.Min > 0 {
			info = append(info, Member{"min_length", f.Min})
		}
		if told && f.Max > 0 {
			info = append(info, Member{"max_length", f.Max})
		}
		if told && f.Kind == Integer && f.Most > 0 {
			info = append(info, Member{"min_value", f.Least}, Member{"max_value", f.Most})
		}
		if f.Kind == Decimal {
			info = append(info, Member{"max_digits", f.Digits}, Member{"decimal_places", f.Places})
		}
		list = append(list, Member{f.Name, info})
	}
	return list
}
