package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"latchkey/internal/drf"
)

// A document is the OpenAPI document of a running server, to hold its requests and answers against.
type document struct {
	whole    map[string]any
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // by their place
}

// readDocument asks a server for its document. Answers may have no property that it does not name; requests may, for they are ignored.
func readDocument(address string) (*document, error) {
	answer, err := http.Get("http://" + address + "/openapi.json")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	parsed, err := jsonschema.UnmarshalJSON(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("the document: %w", err)
	}
	d := &document{whole: parsed.(map[string]any), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	schemas, _ := d.at("components", "schemas").(map[string]any)
	for name, s := range schemas {
		if !strings.HasSuffix(name, "Request") {
			s.(map[string]any)["additionalProperties"] = false
		}
	}
	d.compiler.AssertFormat()
	d.compiler.RegisterFormat(&jsonschema.Format{Name: "email", Validate: func(v any) error {
		if text, ok := v.(string); ok && !drf.ValidEmail(text) {
			return errors.New("no address as Django has them")
		}
		return nil
	}})
	return d, d.compiler.AddResource("document.json", parsed)
}

// at is what stands at a place of the document, nil for nothing.
func (d *document) at(place ...string) any {
	var v any = d.whole
	for _, name := range place {
		v = v.(map[string]any)[name]
		if v == nil {
			return nil
		}
	}
	return v
}

// find is the documented path that a request's leads to: with or without its closing slash or a format suffix, with or without an id.
func (d *document) find(target string) (path string, ok bool) {
	asked, _, _ := strings.Cut(target, "?")
	if decoded, err := url.PathUnescape(asked); err == nil {
		asked = decoded
	}
	bare := strings.TrimSuffix(asked, "/")
	candidates := []string{asked, bare + "/", bare}
	if dot := strings.LastIndexByte(bare, '.'); dot > strings.LastIndexByte(bare, '/') {
		candidates = append(candidates, strings.TrimSuffix(bare[:dot], "/")+"/")
	}
	for _, c := range candidates {
		if d.at("paths", c) != nil {
			return c, true
		}
	}
	for _, c := range candidates[1:] {
		if slash := strings.LastIndexByte(strings.TrimSuffix(c, "/"), '/'); slash >= 0 {
			if path = c[:slash] + "/{id}/"; d.at("paths", path) != nil {
				return path, true
			}
		}
	}
	return "", false
}

// check holds a request and its answer against the document.
func (d *document) check(r *request, known *memory, answer *http.Response, body []byte) error {
	method := strings.ToLower(r.Method)
	if method == "" {
		method = "post"
	}
	allow := answer.Header.Get("Allow")
	if allow == "" || answer.StatusCode == http.StatusMovedPermanently {
		return nil // no view answered
	}
	path, ok := d.find(r.Path)
	if !ok {
		return fmt.Errorf("%s is served and not in the document", r.Path)
	}
	for _, name := range strings.Split(allow, ", ") {
		byGet := name == "GET" && strings.HasSuffix(path, "/logout/") // named and refused unless a setting lets it be
		if name != "HEAD" && name != "OPTIONS" && !byGet && d.at("paths", path, strings.ToLower(name)) == nil {
			return fmt.Errorf("%s allows %s, which is not in the document", path, name)
		}
	}
	if d.at("paths", path, method) == nil {
		return nil
	}
	if !slices.Contains(strings.Split(allow, ", "), strings.ToUpper(method)) {
		return fmt.Errorf("%s does not allow %s, which is in the document", path, method)
	}
	if answer.StatusCode < http.StatusMultipleChoices {
		if err := d.checkRequest([]string{"paths", path, method, "requestBody"}, r, known); err != nil {
			return fmt.Errorf("the document does not allow the body of %s %s, which was accepted: %w", method, path, err)
		}
	}
	responses := []string{"paths", path, method, "responses"}
	if namesFormat := strings.ContainsAny(r.Path, "?."); namesFormat && answer.StatusCode == http.StatusNotFound && d.at(append(responses, "404")...) == nil {
		return nil // of other formats than JSON, which nobody has, the document says nothing
	}
	if err := d.checkAnswer(append(responses, strconv.Itoa(answer.StatusCode)), answer, body); err != nil {
		return fmt.Errorf("the answer to %s %s is not that of the document: %w", method, path, err)
	}
	return nil
}

func (d *document) checkAnswer(place []string, answer *http.Response, body []byte) error {
	described, _ := d.at(place...).(map[string]any)
	if described == nil {
		return fmt.Errorf("no status %d", answer.StatusCode)
	}
	if ref, ok := described["$ref"].(string); ok {
		place = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
	}
	content, _ := d.at(append(place, "content")...).(map[string]any)
	kind := answer.Header.Get("Content-Type")
	switch {
	case content == nil && len(body) > 0 && string(body) != "{}" && answer.StatusCode < http.StatusBadRequest:
		return fmt.Errorf("a body that is not described: %s", body)
	case content == nil, len(body) == 0 && answer.StatusCode == http.StatusBadRequest: // djoser has a refusal without words
		return nil
	case content[kind] == nil:
		return fmt.Errorf("no content type %q", kind)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return d.validate(append(place, "content", kind, "schema"), value)
}

func (d *document) checkRequest(place []string, r *request, known *memory) error {
	sent, given, err := r.body(known)
	if err != nil || d.at(place...) == nil {
		return err
	}
	value, media := map[string]any{}, "application/json"
	if len(sent) > 0 {
		if own, ok := r.Headers.get("Content-Type"); ok {
			given = fmt.Sprint(own)
		}
		if value, media, err = parseBody(sent, given); err != nil {
			return nil // of a form that only a lenient reader takes
		}
	}
	if d.at(append(place, "content", media)...) == nil {
		return fmt.Errorf("no media type %s", media)
	}
	for name, v := range value { // numbers are taken as texts, white space around them is cut off
		switch v := v.(type) {
		case json.Number:
			value[name] = v.String()
		case string:
			value[name] = drf.Strip(v)
		}
	}
	return d.validate(append(place, "content", media, "schema"), value)
}

// parseBody reads a body as any client's library would.
func parseBody(sent []byte, contentType string) (value map[string]any, media string, err error) {
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, "", err
	}
	value = map[string]any{}
	switch media {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(sent))
		for name, values := range form {
			value[name] = values[len(values)-1]
		}
		return value, media, err
	case "multipart/form-data":
		parts := multipart.NewReader(bytes.NewReader(sent), parameters["boundary"])
		for {
			part, err := parts.NextPart()
			if err == io.EOF {
				return value, media, nil
			}
			if err != nil {
				return nil, "", err
			}
			text, err := io.ReadAll(part)
			if err != nil {
				return nil, "", err
			}
			value[part.FormName()] = string(text)
		}
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(sent))
	if object, ok := parsed.(map[string]any); ok {
		return object, "application/json", nil
	}
	return nil, "", fmt.Errorf("no object: %w", err)
}

var pointer = strings.NewReplacer("~", "~0", "/", "~1")

// validate holds a value against the schema at a place.
func (d *document) validate(place []string, value any) error {
	location := "document.json#"
	for _, name := range place {
		location += "/" + url.PathEscape(pointer.Replace(name))
	}
	schema := d.schemas[location]
	if schema == nil {
		var err error
		if schema, err = d.compiler.Compile(location); err != nil {
			return err
		}
		d.schemas[location] = schema
	}
	return schema.Validate(value)
}
