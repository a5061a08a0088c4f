package openapi

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/authenticate"
	"latchkey/internal/drf"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// A status is an answer's, with the name of the component that all its answers share where it is an error of one sentence.
type status struct {
	component   string
	description *message.Text
}

var statuses = map[int]status{
	http.StatusOK:                    {"", message.T("Done.")},
	http.StatusCreated:               {"", message.T("Made.")},
	http.StatusNoContent:             {"", message.T("Done; there is nothing to tell.")},
	http.StatusBadRequest:            {"BadRequest", message.T("Something in the request is wrong.")},
	http.StatusUnauthorized:          {"Unauthorized", message.T("Credentials are missing or no good.")},
	http.StatusForbidden:             {"Forbidden", message.T("The caller may not do this.")},
	http.StatusNotFound:              {"NotFound", message.T("It is not there, or not for the caller to see.")},
	http.StatusNotAcceptable:         {"NotAcceptable", message.T("Accept asks for something else than JSON.")},
	http.StatusConflict:              {"Conflict", message.T("Other records still refer to it.")},
	http.StatusRequestEntityTooLarge: {"ContentTooLarge", message.T("The body is too large.")},
	http.StatusUnsupportedMediaType:  {"UnsupportedMediaType", message.T("The body is of a type that is not read.")},
	http.StatusTooManyRequests:       {"TooManyRequests", message.T("Too many requests: Retry-After tells how long to wait.")},
	http.StatusServiceUnavailable:    {"ServiceUnavailable", message.T("The server is busy: Retry-After tells how long to wait.")},
}

// answers are all that an endpoint may answer: what its handler does, and what every view may.
func (b *builder) answers(route Route, e drf.Endpoint) named[*response] {
	all := map[int]*response{}
	for _, code := range b.refusals(route, e) {
		all[code] = b.refusal(code, e)
	}
	bare := false
	for _, a := range e.Answers {
		bare = bare || a.Bare
		if a.Status >= http.StatusBadRequest {
			all[a.Status] = b.refusal(a.Status, e)
			continue
		}
		var body *schema
		if a.Body != nil {
			body = b.serializer(route.Dialect, a.Body, answer)
		}
		if a.Many {
			body = list(body)
		}
		all[a.Status] = b.response(a.Status, body)
	}
	if name, fields := asked(route, e); fields != nil && !e.Terse {
		errors := b.errors(route.Dialect, name, fields)
		if bare {
			errors = &schema{OneOf: []*schema{errors, list(text())}}
		}
		all[http.StatusBadRequest] = b.response(http.StatusBadRequest, errors)
	}
	var sorted named[*response]
	for _, code := range slices.Sorted(maps.Keys(all)) {
		sorted.set(strconv.Itoa(code), all[code])
	}
	return sorted
}

// asked are the fields that an endpoint may find wrong, and the name of them all.
func asked(route Route, e drf.Endpoint) (name string, fields []drf.Field) {
	if e.Request != nil {
		return e.Request.Name, e.Request.Fields
	}
	return strings.ReplaceAll(route.Name, " ", ""), e.Query
}

// refusals are the statuses by which a view answers before its handler does, or in its place.
func (b *builder) refusals(route Route, e drf.Endpoint) []int {
	view := b.source.View
	codes := []int{http.StatusNotAcceptable, http.StatusServiceUnavailable}
	if e.Request != nil {
		codes = append(codes, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	unauthenticated := http.StatusForbidden // as long as the first way to be recognised has no challenge
	if len(view.Authentication) > 0 && view.Authentication[0].Challenge() != "" {
		unauthenticated = http.StatusUnauthorized
	}
	if !route.NoAuth && (len(view.Authentication) > 0 || !drf.Allow(e.Permissions, e.Method, nil)) {
		codes = append(codes, unauthenticated)
	}
	if !route.NoAuth && e.Method != http.MethodGet && slices.ContainsFunc(b.schemes(), authenticate.Scheme.InCookie) {
		codes = append(codes, http.StatusForbidden)
	}
	if !drf.Allow(e.Permissions, e.Method, &store.User{}) || strings.Contains(route.Path, "{id}") && !drf.AllowOthers(e.Permissions, e.Method) {
		codes = append(codes, http.StatusForbidden)
		if e.Hide {
			codes[len(codes)-1] = http.StatusNotFound
		}
	}
	if slices.Contains(b.source.Hooked, e.Scope) {
		codes = append(codes, http.StatusForbidden)
	}
	if b.throttled(route, e) || slices.Contains(b.source.Delayed, e.Scope) {
		codes = append(codes, http.StatusTooManyRequests)
	}
	return codes
}

func (b *builder) throttled(route Route, e drf.Endpoint) bool {
	view := b.source.View
	if view.Guard != nil {
		if _, guarded := view.Guard.Rates[e.Scope]; guarded {
			return true
		}
	}
	return slices.ContainsFunc(view.Throttles, func(t drf.Throttle) bool { return t.Scope == "" || t.Scope == route.ThrottleScope })
}

// refusal is an error in one sentence, the same wherever it is answered. A terse endpoint's has no body to tell of.
func (b *builder) refusal(code int, e drf.Endpoint) *response {
	if e.Terse {
		return b.response(code, nil)
	}
	name := statuses[code].component
	if !b.components.Responses.has(name) {
		r := b.response(code, b.detail())
		if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
			r.Headers.set("Retry-After", header{b.say(message.T("Seconds to wait.")), &schema{Type: types{"integer"}}})
		}
		b.components.Responses.set(name, r)
	}
	return &response{Ref: "#/components/responses/" + name}
}

func (b *builder) response(code int, body *schema) *response {
	description := b.say(statuses[code].description)
	r := &response{Description: &description}
	if body != nil {
		r.Content.set("application/json", mediaType{body})
	}
	return r
}
