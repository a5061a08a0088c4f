package openapi

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"

	"github.com/swaggest/swgui/v5emb"

	"latchkey/internal/message"
)

// PagePath is where Page is served.
const PagePath = "/docs"

//go:embed page
var pageFiles embed.FS

// policy lets the page load what this server has and talk to it, and nothing else. Swagger UI has its icons in data URLs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Page shows the document in Swagger UI, whose files are part of the program.
func Page(title string) http.Handler {
	files := v5emb.New(title, "/openapi.json", PagePath)
	index := template.Must(template.ParseFS(pageFiles, "page/index.html"))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			header.Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.URL.Path == PagePath || r.URL.Path == PagePath+"/":
			var page bytes.Buffer
			if err := index.Execute(&page, map[string]string{"Title": title, "Language": message.From(r.Context()).Code(), "Path": PagePath}); err != nil {
				panic(err) // of a template without conditions
			}
			header.Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(page.Bytes())
		case r.URL.Path == PagePath+"/start.js":
			http.ServeFileFS(w, r, pageFiles, "page/start.js")
		default:
			files.ServeHTTP(w, r)
		}
	})
}
