package drf

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/store"
)

// Submit does what an endpoint does, for a page of the server itself: the permissions, the throttles and the handler, as in ServeHTTP. The page knows who is
// calling, by a session, and fields are the body. Of the answer only its cookies go out; an *Error is a refusal.
func (v *View) Submit(w http.ResponseWriter, hr *http.Request, user *store.User, route *Route, method string, fields url.Values) error {
	body := fields.Encode()
	hr = hr.Clone(hr.Context())
	hr.Method, hr.Body, hr.ContentLength = method, io.NopCloser(strings.NewReader(body)), int64(len(body))
	hr.Header.Set("Content-Type", FormParser.MediaType())
	unseen := unseen{http.Header{}}
	r := v.Request(unseen, hr, user)
	endpoint, served := route.endpoint(method)
	if !served {
		return NotFound()
	}
	for _, p := range endpoint.Permissions {
		if !p.Request(r) {
			return v.denied(r, endpoint.Hide)
		}
	}
	if err := v.throttle(r, route, endpoint); err != nil {
		return err
	}
	r.endpoint = endpoint
	err := endpoint.Handle(unseen, r)
	for _, cookie := range unseen.header["Set-Cookie"] {
		w.Header().Add("Set-Cookie", cookie)
	}
	return err
}

// Request is a request that no route of the view matched: that of a page of the server itself, which knows who is calling.
func (v *View) Request(w http.ResponseWriter, hr *http.Request, user *store.User) *Request {
	if user != nil {
		account.SetCaller(hr.Context(), user.ID)
	}
	return &Request{Request: hr, User: user, view: v, writer: w, style: v.Style}
}

// Throttle counts a request by a scope, as one to an endpoint of that scope is counted.
func (r *Request) Throttle(scope string) error {
	return r.view.throttle(r, &Route{}, Endpoint{Scope: scope})
}

// Asks are the fields that an endpoint reads.
func (route *Route) Asks(method string) []Field {
	endpoint, served := route.endpoint(method)
	if !served || endpoint.Request == nil {
		return nil
	}
	var fields []Field
	for _, f := range endpoint.Request.Fields {
		if !f.ReadOnly {
			fields = append(fields, f)
		}
	}
	return fields
}

// OpenTo tells whether somebody who is not signed in may call an endpoint.
func (route *Route) OpenTo(nobody *Request, method string) bool {
	endpoint, served := route.endpoint(method)
	for _, p := range endpoint.Permissions {
		served = served && p.Request(nobody)
	}
	return served
}

// unseen takes an answer whose body nobody reads.
type unseen struct{ header http.Header }

func (u unseen) Header() http.Header         { return u.header }
func (u unseen) Write(b []byte) (int, error) { return len(b), nil }
func (u unseen) WriteHeader(int)             {}
