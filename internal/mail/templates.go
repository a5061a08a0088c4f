package mail

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html"
	htmltemplate "html/template"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"

	"latchkey/internal/message"
)

// A Kind is what a message is about, and the name of its two template files.
type Kind string

const (
	// Activation carries the link that makes a new account, or a changed address, usable.
	Activation Kind = "activation"
	// Confirmation says that the account is ready.
	Confirmation Kind = "confirmation"
	// PasswordReset and UsernameReset carry the link to a page that asks for a new one.
	PasswordReset Kind = "password_reset"
	UsernameReset Kind = "username_reset"
	// PasswordChanged and UsernameChanged are notes after the fact.
	PasswordChanged Kind = "password_changed"
	UsernameChanged Kind = "username_changed"
	// EmailChanged is a note to the address that an account had before.
	EmailChanged Kind = "email_changed"
	// EmailConfirmation and PasswordResetKey are dj-rest-auth's: the links that verify an address and that lead to a new password. They are text alone, as
	// allauth's are, unless the operator adds HTML.
	EmailConfirmation Kind = "email_confirmation"
	PasswordResetKey  Kind = "password_reset_key"
)

var kinds = []Kind{Activation, Confirmation, PasswordReset, UsernameReset, PasswordChanged, UsernameChanged, EmailChanged, EmailConfirmation, PasswordResetKey}

// hasLink reports whether a message of this kind is worth nothing without its link.
func (k Kind) hasLink() bool {
	return k == Activation || k == PasswordReset || k == UsernameReset || k == EmailConfirmation || k == PasswordResetKey
}

// Data is what templates can show. Render makes the texts safe to stand in a mail first: each is one line, and none but
// URL holds a link, so that nobody can have us send his link to others by calling himself by it.
type Data struct {
	// SiteName is what the application is called; empty means Domain.
	SiteName string
	// Domain and Protocol are where the front end is: "example.com", "https".
	Domain, Protocol string
	// URL is the whole link, for the kinds that carry one.
	URL string
	// Username and Email are the account's.
	Username, Email string
	// Expires is how long the link is good; 0 says nothing about it.
	Expires time.Duration
}

// goodFor is Expires in words: "3 days", "1 hour", "45 minutes". It never promises more time than there is. nil says nothing.
func (d Data) goodFor() *message.Text {
	units := []struct {
		length time.Duration
		text   func(n int) *message.Text
	}{
		{24 * time.Hour, func(n int) *message.Text { return message.N("{n} day", "{n} days", n, "n", n) }},
		{time.Hour, func(n int) *message.Text { return message.N("{n} hour", "{n} hours", n, "n", n) }},
		{time.Minute, func(n int) *message.Text { return message.N("{n} minute", "{n} minutes", n, "n", n) }},
		{time.Second, func(n int) *message.Text { return message.N("{n} second", "{n} seconds", n, "n", n) }},
	}
	for _, u := range units {
		n := d.Expires / u.length
		if n > 1 || n == 1 && d.Expires%u.length == 0 {
			return u.text(int(n))
		}
	}
	return nil
}

// page is what templates see; the subject is known to HTML alone.
type page struct {
	Data
	GoodFor, Subject string
}

//go:embed templates
var builtin embed.FS

// layoutFile wraps the content of every HTML part.
const layoutFile = "layout.html"

// Templates holds the wording of all kinds of messages in all languages.
type Templates struct {
	english *wording
	// others are by language code; what is not there is worded as English.
	others map[string]*wording
}

// A wording is that of one language.
type wording struct {
	language *message.Language
	files    map[string]source // by file name
	// parsed are the templates of each kind, parsed when the first message of the kind is written: all of them in all languages are much of what an idle
	// server would hold.
	parsed sync.Map
}

// parts are the templates of a kind. Without one for HTML it is sent as text alone.
type parts struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// NewTemplates reads the built-in templates, and those files of dir that take their place; an empty dir means none. A folder in dir that is named for a
// language holds files for it alone. Where templates or catalogues are the operator's own, every template is tried out in every language that they are for, so
// that a mistake shows at the start, with the name of its file, and not when somebody waits for a mail.
func NewTemplates(dir string, languages message.Languages) (*Templates, error) {
	files, err := builtinFiles()
	if err != nil {
		return nil, err
	}
	folders, err := ownFiles(dir, files, languages)
	if err != nil {
		return nil, err
	}
	t := &Templates{english: &wording{files: files}, others: map[string]*wording{}}
	if dir != "" {
		if err := t.english.try(); err != nil {
			return nil, err
		}
	}
	for _, l := range languages {
		w := &wording{language: l, files: files}
		if own := folders[message.Locale(l.Code())]; own != nil {
			w.files = maps.Clone(files)
			maps.Copy(w.files, own)
		}
		if dir != "" || l.Own() {
			if err := w.try(); err != nil {
				return nil, err
			}
		}
		t.others[l.Code()] = w
	}
	return t, nil
}

// of is the templates of a kind.
func (w *wording) of(kind Kind) (*parts, error) {
	if p, ok := w.parsed.Load(kind); ok {
		return p.(*parts), nil
	}
	p, err := w.parse(kind)
	if err != nil {
		return nil, err
	}
	kept, _ := w.parsed.LoadOrStore(kind, p)
	return kept.(*parts), nil
}

func (w *wording) parse(kind Kind) (*parts, error) {
	text, ok := w.files[string(kind)+".txt"]
	if !ok {
		return nil, fmt.Errorf("mail: there is no kind of message called %q", kind)
	}
	funcs := message.Funcs(w.language)
	var p parts
	var err error
	if p.text, err = texttemplate.New(text.name).Funcs(funcs).Parse(text.content); err != nil {
		return nil, fmt.Errorf("mail template: %w", err)
	}
	layout, part := w.files[layoutFile], w.files[string(kind)+".html"]
	if strings.TrimSpace(part.content) == "" {
		return &p, nil
	}
	if p.html, err = htmltemplate.New(layout.name).Funcs(funcs).Funcs(htmltemplate.FuncMap{"link": link}).Parse(layout.content); err != nil {
		return nil, fmt.Errorf("mail template: %w", err)
	}
	content, err := p.html.New(part.name).Parse(part.content)
	if err != nil {
		return nil, fmt.Errorf("mail template: %w", err)
	}
	if _, err = p.html.AddParseTree("content", content.Tree); err != nil {
		return nil, fmt.Errorf("mail template: %w", err)
	}
	return &p, nil
}

// A source is the content of a template file, with the name that mistakes in it are told by.
type source struct{ name, content string }

func builtinFiles() (map[string]source, error) {
	files := map[string]source{}
	entries, err := builtin.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		b, err := builtin.ReadFile("templates/" + e.Name())
		if err != nil {
			return nil, err
		}
		files[e.Name()] = source{e.Name(), string(b)}
	}
	return files, nil
}

// ownFiles puts the files of dir in the place of the built-in ones, and gives those of its folders by language. Names that begin with a dot are passed over:
// editors and Kubernetes volumes leave some.
func ownFiles(dir string, files map[string]source, languages message.Languages) (folders map[string]map[string]source, err error) {
	if dir == "" {
		return nil, nil
	}
	known := slices.Sorted(maps.Keys(files))
	read := func(inside string, into map[string]source) (folders []string, err error) {
		entries, err := os.ReadDir(filepath.Join(dir, inside))
		if err != nil {
			return nil, fmt.Errorf("mail_templates: %w", err)
		}
		for _, e := range entries {
			name := filepath.Join(inside, e.Name())
			switch {
			case strings.HasPrefix(e.Name(), "."):
			case slices.Contains(known, e.Name()):
				b, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					return nil, fmt.Errorf("mail_templates: %w", err)
				}
				into[e.Name()] = source{filepath.ToSlash(name), string(b)}
			case inside == "" && e.IsDir():
				folders = append(folders, name)
			default:
				return nil, fmt.Errorf("mail_templates: %s takes the place of no built-in template; there are %s", filepath.Join(dir, name), strings.Join(known, ", "))
			}
		}
		return folders, nil
	}
	names, err := read("", files)
	if err != nil {
		return nil, err
	}
	folders = map[string]map[string]source{}
	for _, name := range names {
		if !slices.ContainsFunc(languages, func(l *message.Language) bool { return message.Locale(l.Code()) == name }) {
			return nil, fmt.Errorf("mail_templates: the folder %s is named for no language that is spoken; it would be ru, pt_BR or the like", filepath.Join(dir, name))
		}
		folders[name] = map[string]source{}
		if _, err := read(name, folders[name]); err != nil {
			return nil, err
		}
	}
	return folders, nil
}

// try renders a sample of every kind and looks for what no message may lack. It keeps nothing of what it parsed.
func (w *wording) try() error {
	sample := Data{
		SiteName: "Example", Domain: "example.com", Protocol: "https", URL: "https://example.com/link/MQ/abc-123?a=1&b=2",
		Username: "ann", Email: "ann@example.com", Expires: 72 * time.Hour,
	}
	for _, kind := range kinds {
		p, err := w.parse(kind)
		if err != nil {
			return err
		}
		_, text, part, err := p.render(w.language, sample)
		if err != nil {
			return err
		}
		if !kind.hasLink() {
			continue
		}
		if !slices.Contains(strings.Split(text, "\n"), sample.URL) {
			return fmt.Errorf("mail template %s: {{.URL}} does not stand alone on a line", w.files[string(kind)+".txt"].name)
		}
		if part != "" && !strings.Contains(html.UnescapeString(part), `href="`+sample.URL+`"`) {
			return fmt.Errorf("mail template %s: there is no {{link .URL}}", w.files[string(kind)+".html"].name)
		}
	}
	return nil
}

// Render writes a message of the given kind in a language. subject is one line; text ends with a line end; html is empty where the
// operator wants text alone. Nothing is HTML-escaped in subject and text.
func (t *Templates) Render(l *message.Language, kind Kind, d Data) (subject, text, html string, err error) {
	w, ok := t.others[l.Code()]
	if !ok {
		w = t.english
	}
	p, err := w.of(kind)
	if err != nil {
		return "", "", "", err
	}
	return p.render(w.language, d)
}

func (p *parts) render(l *message.Language, d Data) (subject, text, html string, err error) {
	shown := page{Data: d.safe(), GoodFor: d.goodFor().In(l)}
	var b bytes.Buffer
	if err := p.text.Execute(&b, shown); err != nil {
		return "", "", "", fmt.Errorf("mail template: %w", err)
	}
	subject, text, err = splitSubject(b.String())
	if err != nil {
		return "", "", "", fmt.Errorf("mail template %s: %w", p.text.Name(), err)
	}
	if p.html != nil {
		b.Reset()
		shown.Subject = subject
		if err := p.html.Execute(&b, shown); err != nil {
			return "", "", "", fmt.Errorf("mail template: %w", err)
		}
		html = b.String()
	}
	return subject, text, html, nil
}

// splitSubject takes the first line off a rendered text, and lets no more than one empty line stand between two others, so that
// templates can leave out paragraphs.
func splitSubject(s string) (subject, text string, err error) {
	first, rest, _ := strings.Cut(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	subject, ok := strings.CutPrefix(first, "Subject:")
	subject = oneLine(subject)
	if !ok || subject == "" {
		return "", "", errors.New("the first line is not \"Subject: …\"")
	}
	if rest = strings.TrimSpace(rest); rest == "" {
		return "", "", errors.New("there is nothing below the subject")
	}
	var lines []string
	for line := range strings.SplitSeq(rest, "\n") {
		line = strings.TrimRight(line, " \t")
		if line != "" || lines[len(lines)-1] != "" {
			lines = append(lines, line)
		}
	}
	return subject, strings.Join(lines, "\n") + "\n", nil
}

// safe makes the texts fit to be shown, as the comment on Data says.
func (d Data) safe() Data {
	d.Domain, d.Protocol = plain(d.Domain), plain(d.Protocol)
	d.SiteName, d.Username, d.Email = plain(d.SiteName), plain(d.Username), plain(d.Email)
	if d.SiteName == "" {
		d.SiteName = d.Domain
	}
	d.URL = safeURL(d.URL)
	return d
}

// plain makes s one line without a link in it.
func plain(s string) string {
	return strings.ReplaceAll(oneLine(s), "://", ":")
}

// safeURL percent-encodes what ends a link for mail programs, or an attribute in HTML. Other characters stay, in whatever alphabet.
func safeURL(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c == 0x7f || strings.IndexByte("\"'<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// link is the templates' {{link .URL "label"}}; without a label it shows the URL itself. It writes & as it is, which HTML allows where
// no character reference begins there, so that both parts of a message hold the same link for whoever searches its source; else it writes &amp;.
func link(url string, label ...string) htmltemplate.HTML {
	url = safeURL(url)
	if html.UnescapeString(url) != url {
		url = strings.ReplaceAll(url, "&", "&amp;")
	}
	if len(label) == 0 {
		return htmltemplate.HTML(`<a href="` + url + `">` + url + `</a>`)
	}
	return htmltemplate.HTML(`<a class="button" href="` + url + `">` + html.EscapeString(strings.Join(label, " ")) + `</a>`)
}
