package openapi

import "latchkey/internal/drf"

// A direction is what a serializer describes: components of requests and of answers are split.
type direction uint8

const (
	answer  direction = iota
	request           // without the fields that only answers have
	patch             // the same, nothing of it required
)

// serializer is the component of what a serializer declares.
func (b *builder) serializer(dialect string, s *drf.Serializer, way direction) *schema {
	object := &schema{Type: types{"object"}}
	for i := range s.Fields {
		f := &s.Fields[i]
		if way == answer && f.WriteOnly || way != answer && f.ReadOnly {
			continue
		}
		if f.Kind == drf.Nested {
			object.Properties.set(f.Name, b.serializer(dialect, f.Of, way))
		} else {
			object.Properties.set(f.Name, b.value(f, way))
		}
		if way != patch && !f.Optional {
			object.Required = append(object.Required, f.Name)
		}
	}
	switch way {
	case request:
		return b.component(dialect, s.Name+"Request", object)
	case patch:
		return b.component(dialect, "Patched"+s.Name+"Request", object)
	}
	return b.component(dialect, s.Name, object)
}

// value describes a field's value. How long it may be is told of what is sent alone: what is in the database need not keep to it.
func (b *builder) value(f *drf.Field, way direction) *schema {
	kind, format := f.Schema()
	s := &schema{Format: format, ReadOnly: f.ReadOnly, WriteOnly: f.WriteOnly, Description: b.say(f.Help)}
	if f.Label != nil && f.Label.String() != drf.Label(f.Name) {
		s.Title = b.say(f.Label)
	}
	if f.AllowBlank {
		s.Format = "" // the empty text has none
	}
	if kind != "" { // else anything, null too
		s.Type = types{kind}
	}
	switch {
	case !f.AllowNull || kind == "":
	case b.form.Old:
		s.Nullable = true
	default:
		s.Type = append(s.Type, "null")
	}
	if way != answer && f.Kind == drf.Integer && f.Most > 0 {
		s.Minimum, s.Maximum = &f.Least, &f.Most
	}
	if way != answer && f.IsText() {
		s.MinLength, s.MaxLength = f.Min, f.Max
		if !f.AllowBlank {
			s.MinLength = max(f.Min, 1)
		}
	}
	return s
}

func text() *schema { return &schema{Type: types{"string"}} }

func list(of *schema) *schema { return &schema{Type: types{"array"}, Items: of} }

// errors is the component of what may be wrong with a request: messages by field, of no field, or of the body as a whole.
func (b *builder) errors(dialect, name string, fields []drf.Field) *schema {
	object := &schema{Type: types{"object"}}
	for i := range fields {
		if f := &fields[i]; !f.ReadOnly {
			object.Properties.set(f.Name, list(text()))
		}
	}
	object.Properties.set(b.source.View.NonField, list(text()))
	object.Properties.set("detail", text())
	return b.component(dialect, name+"Errors", object)
}

// detail is the component of an error in one sentence, with what SimpleJWT puts beside it.
func (b *builder) detail() *schema {
	token := &schema{Type: types{"object"}}
	for _, name := range []string{"token_class", "token_type", "message"} {
		token.Properties.set(name, text())
		token.Required = append(token.Required, name)
	}
	object := &schema{Type: types{"object"}, Required: []string{"detail"}}
	object.Properties.set("detail", text())
	object.Properties.set("code", text())
	object.Properties.set("messages", list(b.component("", "TokenMessage", token)))
	return b.component("", "ErrorDetail", object)
}
