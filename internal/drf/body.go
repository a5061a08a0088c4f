package drf

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"latchkey/internal/message"
)

// A Parser reads bodies of one media type.
type Parser uint8

// The parsers, by the names of DRF's classes.
const (
	JSONParser Parser = iota
	FormParser
	MultiPartParser
)

// MediaType is the content type that a parser reads.
func (p Parser) MediaType() string {
	return [...]string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}[p]
}

// ParserNamed finds a parser by its dotted name in DRF.
func ParserNamed(name string) (p Parser, ok bool) {
	class, ok := strings.CutPrefix(name, "rest_framework.parsers.")
	if !ok {
		return 0, false
	}
	switch class {
	case "JSONParser":
		return JSONParser, true
	case "FormParser":
		return FormParser, true
	case "MultiPartParser":
		return MultiPartParser, true
	}
	return 0, false
}

// Limits bound what a body may cost. The zero Limits refuse every body.
type Limits struct {
	Body   int64 // bytes; 413 beyond
	Fields int   // of a form, files not counted
	Files  int   // of a multipart form
	Depth  int   // of nested JSON
	Keys   int   // of one JSON object
}

// DefaultLimits are Django's own for forms and bodies, and bounds far beyond any honest request for JSON.
func DefaultLimits() Limits {
	return Limits{Body: 2_621_440, Fields: 1000, Files: 100, Depth: 200, Keys: 1000}
}

// A Body is a request's parsed body.
type Body struct {
	value any
	form  bool
}

// Value is what the parser made of the body: nil, bool, Number, string, List or Object; an Object, too, for a form and for no body at all.
func (b Body) Value() any { return b.value }

// maxMediaType is how long a Content-Type DRF looks at.
const maxMediaType = 256

// ReadBody reads a request's body and parses it by its Content-Type as DRF does; wildcards mean the first parser. A request without a body, whatever its type,
// is an empty object. Errors are *Error: 415 for a type no parser reads, 400 for what does not parse, 413 for a body over the limit.
func ReadBody(r *http.Request, parsers []Parser, limits Limits) (Body, error) {
	if r.ContentLength == 0 {
		return Body{value: Object{}}, nil
	}
	contentType := r.Header.Get("Content-Type")
	parser, known := selectParser(contentType, parsers)
	if !known && r.ContentLength > 0 {
		return Body{}, unsupportedMediaType(contentType)
	}
	data, err := readAll(r, limits.Body)
	if err != nil {
		return Body{}, err
	}
	if len(data) == 0 { // chunked, and nothing in it
		return Body{value: Object{}}, nil
	}
	if !known {
		return Body{}, unsupportedMediaType(contentType)
	}
	charset, err := charsetOf(contentType)
	if err != nil {
		return Body{}, err
	}
	var value any
	switch parser {
	case JSONParser:
		value, err = parseJSON(data, charset, limits)
	case FormParser:
		value, err = parseForm(data, charset, limits)
	case MultiPartParser:
		value, err = parseMultipart(data, contentType, charset, limits)
	}
	if err != nil {
		return Body{}, err
	}
	return Body{value: value, form: parser != JSONParser}, nil
}

// selectParser finds the first parser whose media type the header names, if only by wildcards.
func selectParser(contentType string, parsers []Parser) (Parser, bool) {
	if len(contentType) > maxMediaType {
		return 0, false
	}
	media, _, _ := strings.Cut(contentType, ";")
	main, sub, _ := strings.Cut(strings.ToLower(Strip(media)), "/")
	for _, p := range parsers {
		ownMain, ownSub, _ := strings.Cut(p.MediaType(), "/")
		if (main == ownMain || main == "*") && (sub == ownSub || sub == "*") {
			return p, true
		}
	}
	return 0, false
}

func unsupportedMediaType(contentType string) *Error {
	return Detail(http.StatusUnsupportedMediaType, message.T(`Unsupported media type "{media_type}" in request.`, "media_type", fromLatin1([]byte(contentType))))
}

// readAll reads the body up to the limit.
func readAll(r *http.Request, limit int64) ([]byte, error) {
	tooLarge := Detail(http.StatusRequestEntityTooLarge, message.N("The request body is larger than {limit} byte.", "The request body is larger than {limit} bytes.", int(limit), "limit", limit))
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	var outer *http.MaxBytesError
	switch {
	case errors.As(err, &outer), int64(len(data)) > limit:
		return nil, tooLarge
	case err != nil:
		return nil, Detail(http.StatusBadRequest, message.T("The request body could not be read."))
	}
	return data, nil
}

// parseJSON decodes a JSON body.
func parseJSON(data []byte, c charset, limits Limits) (any, error) {
	text, err := c.stream(data)
	if err == nil {
		var value any
		if value, err = decodeJSON(text, limits.Depth, limits.Keys); err == nil {
			return value, nil
		}
	}
	return nil, Detail(http.StatusBadRequest, message.T("JSON parse error - {error}", "error", err.Error()))
}

// parameter finds a parameter of a header such as Content-Type, where quotes and backslashes may wrap the value; of equal names the last one counts.
func parameter(header, name string) (value string, ok bool) {
	_, rest, more := strings.Cut(header, ";")
	for more {
		var p string
		p, rest, more = cutParameter(rest)
		key, v, assigned := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) && (assigned || !ok) {
			value, ok = unquote(strings.TrimSpace(v)), true
		}
	}
	return value, ok
}

// cutParameter cuts at the first semicolon outside quotes.
func cutParameter(s string) (before, after string, found bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '\\' && quoted:
			i++
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

var unquoted = strings.NewReplacer(`\\`, `\`, `\"`, `"`)

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return unquoted.Replace(s[1 : len(s)-1])
}
