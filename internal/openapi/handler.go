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

// A Handler serves a source's document as JSON and as YAML, in the language that the query's lang names, or else in the request's, and with openapi=3.0 for
// generators that read no newer one. Each is made once.
type Handler struct {
	source    *Source
	languages message.Languages
	made      sync.Map // by madeKey
}

// NewHandler serves a source in English and the languages.
func NewHandler(source *Source, languages message.Languages) *Handler {
	return &Handler{source: source, languages: languages}
}

type madeKey struct {
	contentType, language string
	old                   bool
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

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, contentType string, render func(Form) ([]byte, error)) error {
	query := r.URL.Query()
	form := Form{Language: message.From(r.Context()), Old: query.Get("openapi") == "3.0"}
	if wanted, ok := h.languages.For(query.Get("lang")); ok {
		form.Language = wanted
		w.Header().Set("Content-Language", form.Language.Code())
	}
	once, _ := h.made.LoadOrStore(madeKey{contentType, form.Language.Code(), form.Old}, sync.OnceValue(func() file {
		body, err := render(form)
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
