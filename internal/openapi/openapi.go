// Package openapi describes what is served as an OpenAPI document. It is made of the route tables by which requests are routed, read and answered, so that it
// says what they do; its names are those that drf-spectacular gives a Django project, so that clients generated from such a project's document stay as they are.
package openapi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"latchkey/internal/authenticate"
	"latchkey/internal/drf"
	"latchkey/internal/message"
)

// A Source is what a document is made of.
type Source struct {
	Title, Version string
	View           *drf.View
	// Delayed are the scopes of endpoints that ask whoever gave wrong passwords, or wants too many mails, to wait, Hooked those where another program may refuse.
	Delayed, Hooked []string
	// Routes are in the order of the document. Of two things that would have one name the first has it.
	Routes []Route
}

// A Route is one of a dialect's, and where it is served.
type Route struct {
	*drf.Route
	// Path is the whole path: "/auth/users/{id}/".
	Path string
	// Dialect distinguishes, in camel case, components whose name another dialect has taken.
	Dialect string
}

// A Form is what a reader asks for: the language, and whether it should be OpenAPI 3.0, for generators that do not read 3.1.
type Form struct {
	Language *message.Language
	Old      bool
}

// JSON describes the source.
func (s *Source) JSON(f Form) ([]byte, error) {
	return json.MarshalIndent(s.document(f), "", "  ")
}

// YAML does so too.
func (s *Source) YAML(f Form) ([]byte, error) {
	text, err := s.JSON(f)
	if err != nil {
		return nil, err
	}
	return yaml.JSONToYAML(text)
}

func (s *Source) document(f Form) *document {
	b := &builder{source: s, form: f, operations: map[string]bool{}}
	d := &document{OpenAPI: "3.1.0", Info: info{s.Title, s.Version}}
	if f.Old {
		d.OpenAPI = "3.0.3"
	}
	for _, scheme := range b.schemes() {
		b.components.SecuritySchemes.set(scheme.Name, b.securityScheme(scheme))
	}
	for _, route := range s.Routes {
		if item := b.pathItem(route); *item != (pathItem{}) {
			d.Paths.set(route.Path, item)
		}
	}
	slices.SortFunc(b.components.Schemas, func(x, y entry[*schema]) int { return cmp.Compare(x.name, y.name) })
	slices.SortFunc(b.components.Responses, func(x, y entry[*response]) int { return cmp.Compare(x.name, y.name) })
	d.Components = b.components
	return d
}

// A builder makes one document.
type builder struct {
	source     *Source
	form       Form
	operations map[string]bool // the ids that are taken
	components components
}

// say is a text in the document's language.
func (b *builder) say(text *message.Text) string { return text.In(b.form.Language) }

// pathItem describes a route's methods, without those that are only refused.
func (b *builder) pathItem(route Route) *pathItem {
	item := &pathItem{}
	methods := map[string]**operation{
		http.MethodGet: &item.Get, http.MethodPut: &item.Put, http.MethodPost: &item.Post, http.MethodDelete: &item.Delete, http.MethodPatch: &item.Patch,
	}
	for _, e := range route.Endpoints {
		if len(e.Answers) > 0 {
			*methods[e.Method] = b.operation(route, e)
		}
	}
	return item
}

func (b *builder) operation(route Route, e drf.Endpoint) *operation {
	words := segments(route.Path)
	o := &operation{
		OperationID: b.operationID(words, e),
		Summary:     b.say(e.Summary),
		Tags:        words[:1],
		Security:    b.security(route, e),
		Responses:   b.answers(route, e),
	}
	if strings.Contains(route.Path, "{id}") {
		o.Parameters = []parameter{{Name: "id", In: "path", Required: true, Schema: b.value(&drf.Field{Kind: route.ID.Kind}, answer)}}
	}
	for i := range e.Query {
		f := &e.Query[i]
		o.Parameters = append(o.Parameters, parameter{Name: f.Name, In: "query", Required: f.Required(), Schema: b.value(f, request)})
	}
	if e.Request != nil && !e.Request.Unlisted {
		o.RequestBody = b.requestBody(route, e)
	}
	return o
}

// mediaTypes is the order of a body's: the first is what most generated clients send.
var mediaTypes = []drf.Parser{drf.MultiPartParser, drf.FormParser, drf.JSONParser}

func (b *builder) requestBody(route Route, e drf.Endpoint) *requestBody {
	way := request
	if e.Method == http.MethodPatch {
		way = patch
	}
	body := &requestBody{Required: way == request && slices.ContainsFunc(e.Request.Fields, func(f drf.Field) bool { return f.Required() })}
	fields := b.serializer(route.Dialect, e.Request, way)
	for _, p := range mediaTypes {
		if slices.Contains(b.source.View.Parsers, p) {
			body.Content.set(p.MediaType(), mediaType{fields})
		}
	}
	return body
}

// schemes are those of all ways to be recognised, each once.
func (b *builder) schemes() []authenticate.Scheme {
	var list []authenticate.Scheme
	for _, method := range b.source.View.Authentication {
		for _, scheme := range method.Schemes() {
			if !slices.Contains(list, scheme) {
				list = append(list, scheme)
			}
		}
	}
	return list
}

func (b *builder) securityScheme(s authenticate.Scheme) *securityScheme {
	if s.HTTP != "" {
		return &securityScheme{Type: "http", Scheme: s.HTTP, BearerFormat: s.Format}
	}
	scheme := &securityScheme{Type: "apiKey", In: s.In, Name: s.Param}
	if s.Prefix != "" {
		scheme.Description = b.say(message.T(`The value begins with the word "{prefix}" and a space.`, "prefix", s.Prefix))
	}
	return scheme
}

// security lists what a caller may be recognised by, and nothing among it where anybody may call.
func (b *builder) security(route Route, e drf.Endpoint) []named[[]string] {
	list := []named[[]string]{}
	if route.NoAuth {
		return list
	}
	for _, scheme := range b.schemes() {
		list = append(list, named[[]string]{{scheme.Name, []string{}}})
	}
	if len(list) > 0 && drf.Allow(e.Permissions, e.Method, nil) {
		list = append(list, named[[]string]{})
	}
	return list
}
