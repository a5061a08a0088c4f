package mail

import (
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed pages/mailbox.html
var pageFile string

//go:embed pages/mailbox.css
var pageCSS string

//go:embed pages/mailbox.js
var pageScript string

var pageTemplate = template.Must(template.New("mailbox").Funcs(template.FuncMap{
	"css": func() template.CSS { return template.CSS(pageCSS) },
	"js":  func() template.JS { return template.JS(pageScript) },
	// path is the relative address of a message, with an optional ending.
	"path": func(id string, ending ...string) string { return "./" + url.PathEscape(id) + strings.Join(ending, "") },
}).Parse(pageFile))

// pagePolicy lets a mailbox page use its own style sheet, its own script that asks for news, its form, and a frame for the HTML part, and nothing else.
var pagePolicy = "default-src 'none'; style-src " + hashOf(pageCSS) + "; script-src " + hashOf(pageScript) +
	"; connect-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// partPolicy shows a mail's HTML as a mail program would that loads nothing and runs nothing.
const partPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; " +
	"sandbox allow-popups allow-popups-to-escape-sandbox"

// mailJSON is a message as the mailbox's JSON shows it.
type mailJSON struct {
	ID      string    `json:"id"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Date    time.Time `json:"date"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	Links   []string  `json:"links"`
}

// Handler serves the mailbox under any prefix that the caller strips, which must end in a slash to the browser:
//
//	GET /            all messages, newest first: a page for who prefers text/html, else JSON (?format=json always)
//	GET /events      says whenever that changes, as server-sent events
//	GET /{id}        one message to read: its HTML, with ?view=text its text, with ?view=source all of it
//	GET /{id}.json   one message as JSON
//	GET /{id}.html   its HTML part, as the reader's frame loads it
//	DELETE /{id}     drops it
//	DELETE /, POST / empties the mailbox
//
// Whoever can read the mailbox can open every account, so it is for development, and for loopback. Changes that another site's
// page asks for are refused.
func (b *Mailbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.serveList)
	mux.HandleFunc("GET /events", b.serveEvents)
	mux.HandleFunc("GET /{id}", b.serveMessage)
	mux.HandleFunc("DELETE /{id}", func(w http.ResponseWriter, r *http.Request) {
		if !b.Delete(r.PathValue("id")) {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /{$}", func(w http.ResponseWriter, _ *http.Request) {
		b.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, _ *http.Request) {
		b.Clear()
		w.Header().Set("Location", "./")
		w.WriteHeader(http.StatusSeeOther)
	})
	protected := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.URL.Path == "" {
			// The prefix without its slash: relative links would miss. Only the unstripped address still knows its last part.
			asked, _, _ := strings.Cut(r.RequestURI, "?")
			h.Set("Location", "./"+path.Base(asked)+"/")
			w.WriteHeader(http.StatusPermanentRedirect)
			return
		}
		protected.ServeHTTP(w, r)
	})
}

func (b *Mailbox) serveList(w http.ResponseWriter, r *http.Request) {
	messages := b.Messages()
	if r.URL.Query().Get("format") != "json" && prefersHTML(r.Header.Values("Accept")) {
		b.writePage(w, mailboxPage{})
		return
	}
	list := make([]mailJSON, 0, len(messages))
	for _, m := range messages {
		list = append(list, m.json())
	}
	writeJSON(w, list)
}

func (b *Mailbox) serveMessage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if m, ok := b.Message(id); ok {
		page := mailboxPage{Open: &m, Links: m.links(), View: r.URL.Query().Get("view")}
		switch {
		case page.View == "source":
			if l, err := compose(m); err == nil {
				page.Source = string(l.bytes)
			}
		case page.View == "text" || m.HTML == "":
			page.View = "text"
		default:
			page.View = "html"
		}
		b.writePage(w, page)
		return
	}
	if m, ok := b.Message(strings.TrimSuffix(id, ".json")); ok {
		writeJSON(w, m.json())
		return
	}
	if m, ok := b.Message(strings.TrimSuffix(id, ".html")); ok && m.HTML != "" {
		w.Header().Set("Content-Security-Policy", partPolicy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// Links open beside the reader, not inside its frame.
		w.Write([]byte(strings.Replace(m.HTML, "<head>", `<head><base target="_blank">`, 1)))
		return
	}
	http.NotFound(w, r)
}

func (m Message) json() mailJSON {
	return mailJSON{ID: m.ID, From: m.From, To: m.To, Subject: m.Subject, Date: m.Date, Text: m.Text, HTML: m.HTML, Links: m.links()}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // links stay as they are
	e.Encode(v)
}

// A mailboxPage is what the page shows: all messages, and the one that is read.
type mailboxPage struct {
	State    int
	Messages []Message
	// Open is the message to read, nil for none; View is the part of it: html, text or source.
	Open   *Message
	Links  []string
	View   string
	Source string
}

// Reads tells whether a message is the one that is read.
func (p mailboxPage) Reads(id string) bool { return p.Open != nil && p.Open.ID == id }

func (b *Mailbox) writePage(w http.ResponseWriter, page mailboxPage) {
	page.State, _, _ = b.watch() // before the messages: at worst they are fetched once more
	page.Messages = b.Messages()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	pageTemplate.Execute(w, page)
}

// serveEvents tells the mailbox's state at once and after each change, until the browser or the server has enough; the browser then asks again.
func (b *Mailbox) serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "retry: 500\n")
	for {
		state, changed, ok := b.watch()
		if !ok {
			return
		}
		fmt.Fprintf(w, "data: %d\n\n", state)
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// prefersHTML reports whether the Accept headers rate text/html above JSON. No header, and */* alone, do not.
func prefersHTML(accept []string) bool {
	return quality(accept, "text/html") > quality(accept, "application/json")
}

// quality is the weight that the most specific matching range gives to a media type; 0 if none matches.
func quality(accept []string, mediaType string) float64 {
	kind, _, _ := strings.Cut(mediaType, "/")
	best, weight := 0, 0.0
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		parts := strings.Split(item, ";")
		specific := map[string]int{mediaType: 3, kind + "/*": 2, "*/*": 1}[strings.ToLower(strings.TrimSpace(parts[0]))]
		if specific <= best {
			continue
		}
		best, weight = specific, 1
		for _, p := range parts[1:] {
			if q, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "q="); ok {
				weight, _ = strconv.ParseFloat(q, 64)
			}
		}
	}
	return weight
}
