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
	text     map[Kind]*texttemplate.Template
	// A kind without an HTML template is sent as text alone.
	html map[Kind]*htmltemplate.Template
}

// NewTemplates reads the built-in templates, and those files of dir that take their place; an empty dir means none. A folder in dir that is named for a
// language holds files for it alone. Every template is tried out in every language, so that a mistake shows at the start, with the name of its file, and not
// when somebody waits for a mail.
func NewTemplates(dir string, languages message.Languages) (*Templates, error) {
	files, err := builtinFiles()
	if err != nil {
		return nil, err
	}
	folders, err := ownFiles(dir, files, languages)
	if err != nil {
		return nil, err
	}
	t := &Templates{others: map[string]*wording{}}
	if t.english, err = newWording(nil, files); err != nil {
		return nil, err
	}
	for _, l := range languages {
		own := folders[message.Locale(l.Code())]
		if own == nil && l.Plain() {
			continue
		}
		all := maps.Clone(files)
		maps.Copy(all, own)
		if t.others[l.Code()], err = newWording(l, all); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// newWording parses the templates of a language by file name, and tries them out.
func newWording(l *message.Language, files map[string]source) (*wording, error) {
	w := &wording{language: l, text: map[Kind]*texttemplate.Template{}, html: map[Kind]*htmltemplate.Template{}}
	funcs := message.Funcs(l)
	layout, err := htmltemplate.New(files[layoutFile].name).Funcs(funcs).Funcs(htmltemplate.FuncMap{"link": link}).Parse(files[layoutFile].content)
	if err != nil {
		return nil, fmt.Errorf("mail template: %w", err)
	}
	for _, kind := range kinds {
		text, part := files[string(kind)+".txt"], files[string(kind)+".html"]
		if w.text[kind], err = texttemplate.New(text.name).Funcs(funcs).Parse(text.content); err != nil {
			return nil, fmt.Errorf("mail template: %w", err)
		}
		if strings.TrimSpace(part.content) != "" {
			all := htmltemplate.Must(layout.Clone()) // fails only after the layout was executed
			if _, err = all.New(part.name).Parse(part.content); err != nil {
				return nil, fmt.Errorf("mail template: %w", err)
			}
			if _, err = all.AddParseTree("content", all.Lookup(part.name).Tree); err != nil {
				return nil, fmt.Errorf("mail template: %w", err)
			}
			w.html[kind] = all
		}
		if err := w.try(kind, text.name, part.name); err != nil {
			return nil, err
		}
	}
	return w, nil
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

// try renders a sample and looks for what no message may lack.
func (w *wording) try(kind Kind, textName, htmlName string) error {
	sample := Data{
		SiteName: "Example", Domain: "example.com", Protocol: "https", URL: "https://example.com/link/MQ/abc-123?a=1&b=2",
		Username: "ann", Email: "ann@example.com", Expires: 72 * time.Hour,
	}
	_, text, part, err := w.render(kind, sample)
	if err != nil {
		return err
	}
	if !kind.hasLink() {
		return nil
	}
	if !slices.Contains(strings.Split(text, "\n"), sample.URL) {
		return fmt.Errorf("mail template %s: {{.URL}} does not stand alone on a line", textName)
	}
	if part != "" && !strings.Contains(html.UnescapeString(part), `href="`+sample.URL+`"`) {
		return fmt.Errorf("mail template %s: there is no {{link .URL}}", htmlName)
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
	return w.render(kind, d)
}

func (w *wording) render(kind Kind, d Data) (subject, text, html string, err error) {
	textTemplate, ok := w.text[kind]
	if !ok {
		return "", "", "", fmt.Errorf("mail: there is no kind of message called %q", kind)
	}
	shown := page{Data: d.safe(), GoodFor: d.goodFor().In(w.language)}
	var b bytes.Buffer
	if err := textTemplate.Execute(&b, shown); err != nil {
		return "", "", "", fmt.Errorf("mail template: %w", err)
	}
	subject, text, err = splitSubject(b.String())
	if err != nil {
		return "", "", "", fmt.Errorf("mail template %s: %w", textTemplate.Name(), err)
	}
	if htmlTemplate, ok := w.html[kind]; ok {
		b.Reset()
		shown.Subject = subject
		if err := htmlTemplate.Execute(&b, shown); err != nil {
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
