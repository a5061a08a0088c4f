package openapi

import (
	"bytes"
	"encoding/json"
)

// The parts of a document, as far as this one has them, in the order in which they are written. The order within named parts is kept too: generated clients
// take a method's arguments by the order of properties and what they send by that of media types.

type document struct {
	OpenAPI    string           `json:"openapi"`
	Info       info             `json:"info"`
	Paths      named[*pathItem] `json:"paths"`
	Components components       `json:"components"`
}

type info struct {
	Title   string `json:"title"`
	Version string `json:"version"`
}

type components struct {
	Schemas         named[*schema]         `json:"schemas,omitempty"`
	Responses       named[*response]       `json:"responses,omitempty"`
	SecuritySchemes named[*securityScheme] `json:"securitySchemes,omitempty"`
}

type pathItem struct {
	Get    *operation `json:"get,omitempty"`
	Put    *operation `json:"put,omitempty"`
	Post   *operation `json:"post,omitempty"`
	Delete *operation `json:"delete,omitempty"`
	Patch  *operation `json:"patch,omitempty"`
}

type operation struct {
	OperationID string            `json:"operationId"`
	Summary     string            `json:"summary,omitempty"`
	Tags        []string          `json:"tags"`
	Parameters  []parameter       `json:"parameters,omitempty"`
	RequestBody *requestBody      `json:"requestBody,omitempty"`
	Security    []named[[]string] `json:"security"` // none, where nobody is asked who they are
	Responses   named[*response]  `json:"responses"`
}

type parameter struct {
	Name     string  `json:"name"`
	In       string  `json:"in"`
	Required bool    `json:"required,omitempty"`
	Schema   *schema `json:"schema"`
}

type requestBody struct {
	Content  named[mediaType] `json:"content"`
	Required bool             `json:"required,omitempty"`
}

type mediaType struct {
	Schema *schema `json:"schema"`
}

// A response is a reference alone, or has a description.
type response struct {
	Ref         string           `json:"$ref,omitempty"`
	Headers     named[header]    `json:"headers,omitempty"`
	Content     named[mediaType] `json:"content,omitempty"`
	Description *string          `json:"description,omitempty"`
}

type header struct {
	Description string  `json:"description"`
	Schema      *schema `json:"schema"`
}

type securityScheme struct {
	Type         string `json:"type"`
	Scheme       string `json:"scheme,omitempty"`
	BearerFormat string `json:"bearerFormat,omitempty"`
	In           string `json:"in,omitempty"`
	Name         string `json:"name,omitempty"`
	Description  string `json:"description,omitempty"`
}

// A schema is a reference alone, or describes a value.
type schema struct {
	Ref         string         `json:"$ref,omitempty"`
	Type        types          `json:"type,omitempty"`
	Nullable    bool           `json:"nullable,omitempty"` // in OpenAPI 3.0, which has no type of null
	Format      string         `json:"format,omitempty"`
	ReadOnly    bool           `json:"readOnly,omitempty"`
	WriteOnly   bool           `json:"writeOnly,omitempty"`
	Title       string         `json:"title,omitempty"`
	Description string         `json:"description,omitempty"`
	MinLength   int            `json:"minLength,omitempty"`
	MaxLength   int            `json:"maxLength,omitempty"`
	Minimum     *int64         `json:"minimum,omitempty"`
	Maximum     *int64         `json:"maximum,omitempty"`
	Items       *schema        `json:"items,omitempty"`
	OneOf       []*schema      `json:"oneOf,omitempty"`
	Properties  named[*schema] `json:"properties,omitempty"`
	Required    []string       `json:"required,omitempty"`
}

// types are one or several; one stands alone.
type types []string

func (t types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// named are an object's values by their names, in the order they were given.
type named[V any] []entry[V]

type entry[V any] struct {
	name  string
	value V
}

func (n *named[V]) set(name string, value V) { *n = append(*n, entry[V]{name, value}) }

func (n named[V]) has(name string) bool {
	for _, e := range n {
		if e.name == name {
			return true
		}
	}
	return false
}

func (n named[V]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(e.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(e.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
