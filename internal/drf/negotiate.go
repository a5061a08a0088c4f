package drf

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/message"
)

// How much of an Accept header is read, as DRF 3.18 bounds it.
const (
	acceptTokens = 64
	acceptLength = 8192
)

// negotiate settles the answer's format: the path's suffix, the query's format, then Accept.
func (v *View) negotiate(r *Request) error {
	format := r.Format
	if format == "" {
		_, format, _ = r.FormatQuery()
	}
	if format != "" && format != "json" {
		return NotFound()
	}
	values, present := r.Header["Accept"]
	if !present {
		return nil
	}
	accept := values[0]
	if len(values) > 1 {
		accept = strings.Join(values, ",")
	}
	if accept == "application/json" || accept == "*/*" {
		return nil
	}
	if len(accept) > acceptLength {
		accept = accept[:acceptLength]
	}
	best, found := 0, false
	for i, token := range strings.Split(accept, ",") {
		if i >= acceptTokens {
			break
		}
		specific, params, ok := acceptsJSON(token)
		if !ok || found && specific <= best {
			continue
		}
		best, found = specific, true
		r.style.Indent = indentOf(params, v.Style.Indent)
	}
	if !found {
		return Detail(http.StatusNotAcceptable, message.T("Could not satisfy the request Accept header."))
	}
	return nil
}

// FormatQuery is the query parameter that names a format, with its last value, and whether it is there.
func (r *Request) FormatQuery() (name, value string, given bool) {
	name = r.view.FormatParam
	if name == "" || r.URL.RawQuery == "" {
		return name, "", false
	}
	values := r.URL.Query()[name]
	if len(values) == 0 {
		return name, "", false
	}
	return name, values[len(values)-1], true
}

// acceptsJSON tells whether one token of Accept takes application/json, and how specific it is: 0 for */*, 1 for a half, 2 in full, 3 with parameters.
func acceptsJSON(token string) (specific int, params string, ok bool) {
	media, params, withParams := strings.Cut(strings.TrimSpace(token), ";")
	kind, sub, slash := strings.Cut(strings.ToLower(strings.TrimSpace(media)), "/")
	if !slash || kind != "*" && kind != "application" || sub != "*" && sub != "json" {
		return 0, "", false
	}
	if kind != "*" {
		specific++
	}
	if sub != "*" {
		specific++
	}
	if specific == 2 && withParams {
		specific = 3
	}
	return specific, params, true
}

// indentOf reads the indent parameter of an Accept token: 1 to 8; 0 and rubbish mean compact.
func indentOf(params string, otherwise int) int {
	for _, p := range strings.Split(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.TrimSpace(strings.ToLower(name)) != "indent" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil {
			return otherwise
		}
		return max(min(n, 8), 0)
	}
	return otherwise
}
