package drf

import "net/http"

// options answers OPTIONS with what DRF's SimpleMetadata tells of a view.
func (v *View) options(w http.ResponseWriter, r *Request, route *Route) error {
	parses := make(List, len(v.Parsers))
	for i, p := range v.Parsers {
		parses[i] = p.MediaType()
	}
	body := Object{
		{"name", route.Name},
		{"description", route.Description},
		{"renders", List{"application/json"}},
		{"parses", parses},
	}
	var actions Object
	if route.Options != nil {
		for _, method := range []string{http.MethodPut, http.MethodPost} {
			if _, served := route.endpoint(method); !served {
				continue
			}
			if fields, ok := route.Options(r, method); ok {
				actions = append(actions, Member{method, fields})
			}
		}
	}
	if len(actions) > 0 {
		body = append(body, Member{"actions", actions})
	}
	return r.Reply(w, http.StatusOK, body)
}

// As is the request as if it had another method, for asking what a caller might do.
func (r *Request) As(method string) *Request {
	clone, inner := *r, *r.Request
	inner.Method = method
	clone.Request = &inner
	return &clone
}

// A FieldInfo is what OPTIONS tells of one field.
type FieldInfo struct {
	Name, Type, Label, Help string
	Required, ReadOnly      bool
	Min, Max                int
}

// Describe lists fields as OPTIONS shows them.
func Describe(fields ...FieldInfo) Object {
	list := make(Object, len(fields))
	for i, f := range fields {
		info := Object{{"type", f.Type}, {"required", f.Required}, {"read_only", f.ReadOnly}, {"label", f.Label}}
		if f.Help != "" {
			info = append(info, Member{"help_text", f.Help})
		}
		if f.Min > 0 {
			info = append(info, Member{"min_length", f.Min})
		}
		if f.Max > 0 {
			info = append(info, Member{"max_length", f.Max})
		}
		list[i] = Member{f.Name, info}
	}
	return list
}

// Described is an Options function for a view whose fields are the same for every caller.
func Described(fields ...FieldInfo) func(*Request, string) (Object, bool) {
	object := Describe(fields...)
	return func(*Request, string) (Object, bool) { return object, true }
}
