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
	for _, method := range []string{http.MethodPut, http.MethodPost} {
		endpoint, served := route.endpoint(method)
		if !served {
			continue
		}
		serializer := endpoint.Request
		if route.Metadata != nil {
			serializer = route.Metadata(r.as(method))
		}
		if serializer != nil && !serializer.Unlisted {
			actions = append(actions, Member{method, serializer.describe()})
		}
	}
	if len(actions) > 0 {
		body = append(body, Member{"actions", actions})
	}
	return r.Reply(w, http.StatusOK, body)
}

// as is the request as if it had another method, for asking what a caller might do.
func (r *Request) as(method string) *Request {
	clone, inner := *r, *r.Request
	inner.Method = method
	clone.Request = &inner
	return &clone
}
