package openapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"latchkey/internal/message"
)

// A Handler serves a source's document as JSON and as YAML, in the language that the query's lang names, or else in the request's. Each is made once.
type Handler struct {
	source    *Source
	languages message.Languages
	made      sync.Map // by form and language
}

// NewHandler serves a source in English and the languages.
func NewHandler(source *Source, languages message.Languages) *Handler {
	return &Handler{source: source, languages: languages}
}

// A file is a document ready to be sent.
type file struct {
	body []byte
	tag  string
	err  error
}

// JSON answers with the document as JSON.
func (h *Handler) JSON(w http.ResponseWriter, r *http.Request) error {
	return h.serve(w, r, "application/json", h.source.JSON)
}

// YAML answers with the document as YAML.
func (h *Handler) YAML(w http.ResponseWriter, r *http.Request) error {
	return h.serve(w, r, "application/yaml", h.source.YAML)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, contentType string, render func(*message.Language) ([]byte, error)) error {
	language := message.From(r.Context())
	if wanted, ok := h.languages.For(r.URL.Query().Get("lang")); ok {
		language = wanted
		w.Header().Set("Content-Language", language.Code())
	}
	once, _ := h.made.LoadOrStore(contentType+" "+language.Code(), sync.OnceValue(func() file {
		body, err := render(language)
		sum := sha256.Sum256(body)
		return file{body, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, err}
	}))
	document := once.(func() file)()
	if document.err != nil {
		return document.err
	}
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-cache") // keep it, and ask whether it is still the same
	header.Set("Etag", document.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(document.body))
	return nil
}
