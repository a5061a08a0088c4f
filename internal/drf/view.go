package drf

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/authenticate"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// A View answers routes the way an APIView does: it holds what REST_FRAMEWORK sets for all of them.
type View struct {
	// Authentication is tried in order; the first method's challenge goes out with every 401.
	Authentication []authenticate.Method
	// Throttles are all asked, in order.
	Throttles []Throttle
	// Guard throttles by an endpoint's scope where the profile asks for it; nil for none.
	Guard *Guard
	// Parsers read bodies, the first one also wildcard content types.
	Parsers []Parser
	Limits  Limits
	// NonField is the key of errors that belong to no field.
	NonField string
	// Style is how JSON is written where the client asks for no indent.
	Style Style
	// FormatParam is the query parameter that names a format; empty for none.
	FormatParam string
	// DefaultPermissions guard the API root.
	DefaultPermissions []Permission
	// SessionCookie is taken back from who sends one whose session is gone.
	SessionCookie Cookie
	// Scheme tells whether a request came over TLS, as the proxy setting says.
	Secure func(*http.Request) bool
	// Failed is told of errors that are not answers; it writes the answer that goes out in their place.
	Failed func(http.ResponseWriter, *http.Request, error)
}

// A Request is a request on its way through a view: who is calling, which row is meant.
type Request struct {
	*http.Request
	// User is the caller, nil when nobody is signed in.
	User *store.User
	// Via is what the caller was recognised by; its zero value when nobody is signed in.
	Via authenticate.Via
	// ID is the text of {id} in the path, decoded.
	ID string
	// Format is the format suffix of the path, empty without one.
	Format string

	endpoint Endpoint
	view     *View
	writer   http.ResponseWriter
	style    Style
	session  bool
}

// A Handler answers a request, or returns why not: an *Error is an answer, anything else a failure.
type Handler func(w http.ResponseWriter, r *Request) error

// ServeHTTP answers a matched route in DRF's order: format and Accept, who is calling, may they, too often, which method, then the handler.
func (v *View) ServeHTTP(w http.ResponseWriter, hr *http.Request, m Match) {
	r := &Request{Request: hr, ID: m.ID, Format: m.Format, view: v, writer: w, style: v.Style}
	header := w.Header()
	header["Allow"] = m.Route.allowHeader
	if err := v.serve(w, r, m.Route); err != nil {
		v.fail(w, r, m.Route, err)
	}
}

func (v *View) serve(w http.ResponseWriter, r *Request, route *Route) error {
	if err := v.negotiate(r); err != nil {
		return err
	}
	var refused error
	if !route.NoAuth {
		if err := v.authenticate(r); err != nil {
			if !lenient(err) {
				return v.refusal(err)
			}
			refused = v.refusal(err)
		}
	}
	endpoint, served := route.endpoint(r.Method)
	permissions := route.Otherwise
	if served {
		permissions = endpoint.Permissions
	}
	for _, p := range permissions {
		if !p.Request(r) {
			return cmp.Or(refused, v.denied(r, served && endpoint.Hide))
		}
	}
	if err := v.throttle(r, route, endpoint); err != nil {
		return err
	}
	switch {
	case served:
		r.endpoint = endpoint
		return endpoint.Handle(w, r)
	case r.Method == http.MethodOptions && !route.NoOptions:
		return v.options(w, r, route)
	}
	return MethodNotAllowed(r)
}

// authenticate asks each way in turn who is calling. One that refuses leniently does not keep the next from being asked.
func (v *View) authenticate(r *Request) error {
	var refused error
	for _, method := range v.Authentication {
		user, via, err := method.Authenticate(r.Context(), r.Request)
		if via.Method == "session" {
			r.UsesSession()
		}
		if via.Gone {
			v.SessionCookie.Delete(r.writer)
		}
		if err != nil && !lenient(err) {
			return err
		}
		if user != nil {
			r.User, r.Via = user, via
			account.SetCaller(r.Context(), user.ID)
			return nil
		}
		refused = cmp.Or(refused, err)
	}
	return refused
}

// lenient tells whether an error of authentication counts only where somebody must be signed in.
func lenient(err error) bool {
	var refused *authenticate.Refused
	return errors.As(err, &refused) && refused.Lenient
}

// refusal makes an answer of what a method of authentication refused; a failure stays one.
func (v *View) refusal(err error) error {
	var refused *authenticate.Refused
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Forbidden:
		return &Error{Status: http.StatusForbidden, Body: refusal(refused)}
	}
	return v.unauthenticated(refusal(refused))
}

// refusal is the body of a 401 in SimpleJWT's words: the detail, and where there are any a code and what each token class had to say.
func refusal(refused *authenticate.Refused) Object {
	body := Object{{"detail", refused.Detail}}
	if refused.Code != "" {
		body = append(body, Member{"code", refused.Code})
	}
	if len(refused.Messages) > 0 {
		list := make(List, len(refused.Messages))
		for i, m := range refused.Messages {
			list[i] = Object{{"token_class", m.Class}, {"token_type", m.Type}, {"message", m.Message}}
		}
		body = append(body, Member{"messages", list})
	}
	return body
}

// denied is the answer to a caller without the right: 401 where nobody is signed in and somebody could be, else 403, or 404 where the row shall stay hidden.
func (v *View) denied(r *Request, hide bool) error {
	switch {
	case r.User == nil && len(v.Authentication) > 0:
		return v.NotAuthenticated()
	case r.User != nil && hide:
		return NotFound()
	}
	return Detail(http.StatusForbidden, message.T("You do not have permission to perform this action."))
}

// NotAuthenticated is the answer where a signed-in user is needed and there is none.
func (v *View) NotAuthenticated() error {
	return v.unauthenticated(Object{{"detail", message.T("Authentication credentials were not provided.")}})
}

// unauthenticated is a 401 with the challenge of the first authentication class, or a 403 where that class has none (views.py, handle_exception).
func (v *View) unauthenticated(body any) error {
	challenge := ""
	if len(v.Authentication) > 0 {
		challenge = v.Authentication[0].Challenge()
	}
	if challenge == "" {
		return &Error{Status: http.StatusForbidden, Body: body}
	}
	return &Error{Status: http.StatusUnauthorized, Body: body, Header: http.Header{"Www-Authenticate": {challenge}}}
}

// Allowed checks the permissions of an endpoint against a row, and is the refusal that goes out when one of them says no.
func (r *Request) Allowed(permissions []Permission, row *store.User, hide bool) error {
	for _, p := range permissions {
		if p.Row != nil && !p.Row(r, row) {
			return r.view.denied(r, hide)
		}
	}
	return nil
}

// NotAuthenticated is the answer of a handler that needs a user where the settings let anybody in.
func (r *Request) NotAuthenticated() error { return r.view.NotAuthenticated() }

// NonField is the key of errors that belong to no field.
func (r *Request) NonField() string { return r.view.NonField }

// Secure tells whether the request came over TLS, by itself or as the configured proxy says.
func (r *Request) Secure() bool { return r.view.Secure(r.Request) }

// Fields reads the body and opens it for validation by what the endpoint declares.
func (r *Request) Fields() (*Fields, error) {
	body, err := ReadBody(r.Request, r.view.Parsers, r.view.Limits)
	if err != nil {
		return nil, err
	}
	in, err := body.Fields(r.endpoint.Request, r.view.NonField)
	if err != nil {
		return nil, err
	}
	in.partial = r.Method == http.MethodPatch
	return in, nil
}

// UsesSession notes that the answer depends on the session, for Vary.
func (r *Request) UsesSession() {
	if !r.session {
		r.session = true
		r.writer.Header().Add("Vary", "Cookie")
	}
}

// NotFound is DRF's plain 404.
func NotFound() *Error { return Detail(http.StatusNotFound, message.T("Not found.")) }

// MethodNotAllowed is DRF's 405.
func MethodNotAllowed(r *Request) *Error {
	return Detail(http.StatusMethodNotAllowed, message.T(`Method "{method}" not allowed.`, "method", r.Method))
}

// Reply answers with a status and a JSON body; a nil body sends none, and no Content-Type either.
func (r *Request) Reply(w http.ResponseWriter, status int, body any) error {
	if body == nil {
		w.WriteHeader(status)
		return nil
	}
	style := r.style
	style.Language = message.From(r.Context())
	text := style.Append(make([]byte, 0, 512), body)
	header := w.Header()
	header["Content-Type"] = jsonType
	header["Content-Length"] = []string{strconv.Itoa(len(text))}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// A client that is gone by now is nobody's error.
		_, _ = w.Write(text)
	}
	return nil
}

var jsonType = []string{"application/json"}

// AnswerTo is the answer that an error stands for; not ok for a failure of ours.
func AnswerTo(err error) (answer *Error, ok bool) {
	var often *account.TooOften
	if errors.As(err, &often) {
		return Throttled(often.Wait), true
	}
	ok = errors.As(err, &answer)
	return answer, ok
}

// fail writes an *Error, the only way errors leave; anything else is a failure of ours.
func (v *View) fail(w http.ResponseWriter, r *Request, route *Route, err error) {
	answer, ok := AnswerTo(err)
	if !ok {
		v.Failed(w, r.Request, err)
		return
	}
	header := w.Header()
	for key, values := range answer.Header {
		header[key] = values
	}
	if answer.Status == http.StatusUnauthorized && route.Challenge != "" {
		header.Set("Www-Authenticate", route.Challenge)
	}
	_ = r.Reply(w, answer.Status, answer.Body)
}

// Absolute is the request's own address with another path, as build_absolute_uri makes it.
func (r *Request) Absolute(path string) string {
	scheme := "http"
	if r.Secure() {
		scheme = "https"
	}
	var b strings.Builder
	b.WriteString(scheme)
	b.WriteString("://")
	b.WriteString(r.Host)
	b.WriteString(path)
	return b.String()
}
