package mail

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html"
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"
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

// GoodFor is Expires in words: "3 days", "1 hour", "45 minutes". It never promises more time than there is.
func (d Data) GoodFor() string {
	units := []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	for _, u := range units {
		n := d.Expires / u.length
		switch {
		case n == 1 && d.Expires%u.length == 0:
			return "1 " + u.name
		case n > 1:
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return ""
}

// page is what the HTML templates see: the layout also shows the subject.
type page struct {
	Data
	Subject string
}

//go:embed templates
var builtin embed.FS

// layoutFile wraps the content of every HTML part.
const layoutFile = "layout.html"

// Templates holds the wording of all kinds of messages.
type Templates struct {
	text map[Kind]*texttemplate.Template
	// A kind without an HTML template is sent as text alone.
	html map[Kind]*htmltemplate.Template
}

// NewTemplates reads the built-in templates, and those files of dir that take their place; an empty dir means none. Every template is
// tried out, so that a mistake shows at the start, with the name of its file, and not when somebody waits for a mail.
func NewTemplates(dir string) (*Templates, error) {
	files, err := templateFiles(dir)
	if err != nil {
		return nil, err
	}
	t := &Templates{text: map[Kind]*texttemplate.Template{}, html: map[Kind]*htmltemplate.Template{}}
	layout, err := htmltemplate.New(layoutFile).Funcs(htmltemplate.FuncMap{"link": link}).Parse(files[layoutFile])
	if err != nil {
		return nil, fmt.Errorf("mail template: %w", err)
	}
	for _, kind := range kinds {
		name := string(kind)
		if t.text[kind], err = texttemplate.New(name + ".txt").Parse(files[name+".txt"]); err != nil {
			return nil, fmt.Errorf("mail template: %w", err)
		}
		if strings.TrimSpace(files[name+".html"]) != "" {
			all := htmltemplate.Must(layout.Clone()) // fails only after the layout was executed
			if _, err = all.New(name + ".html").Parse(files[name+".html"]); err != nil {
				return nil, fmt.Errorf("mail template: %w", err)
			}
			if _, err = all.AddParseTree("content", all.Lookup(name+".html").Tree); err != nil {
				return nil, fmt.Errorf("mail template: %w", err)
			}
			t.html[kind] = all
		}
		if err := t.try(kind); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// templateFiles returns the built-in templates by file name, with those of dir in their place. Names that begin with a
// dot are passed over: editors and Kubernetes volumes leave some.
func templateFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	entries, err := builtin.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		b, err := builtin.ReadFile("templates/" + e.Name())
		if err != nil {
			return nil, err
		}
		files[e.Name()] = string(b)
	}
	if dir == "" {
		return files, nil
	}
	own := os.DirFS(dir)
	if entries, err = fs.ReadDir(own, "."); err != nil {
		return nil, fmt.Errorf("mail_templates: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if _, ok := files[e.Name()]; !ok {
			return nil, fmt.Errorf("mail_templates: %s/%s takes the place of no built-in template; there are %s",
				dir, e.Name(), strings.Join(slices.Sorted(maps.Keys(files)), ", "))
		}
		b, err := fs.ReadFile(own, e.Name())
		if err != nil {
			return nil, fmt.Errorf("mail_templates: %w", err)
		}
		files[e.Name()] = string(b)
	}
	return files, nil
}

// try renders a sample and looks for what no message may lack.
func (t *Templates) try(kind Kind) error {
	sample := Data{
		SiteName: "Example", Domain: "example.com", Protocol: "https", URL: "https://example.com/link/MQ/abc-123?a=1&b=2",
		Username: "ann", Email: "ann@example.com", Expires: 72 * time.Hour,
	}
	_, text, part, err := t.Render(kind, sample)
	if err != nil {
		return err
	}
	if !kind.hasLink() {
		return nil
	}
	if !slices.Contains(strings.Split(text, "\n"), sample.URL) {
		return fmt.Errorf("mail template %s.txt: {{.URL}} does not stand alone on a line", kind)
	}
	if part != "" && !strings.Contains(html.UnescapeString(part), `href="`+sample.URL+`"`) {
		return fmt.Errorf("mail template %s.html: there is no {{link .URL}}", kind)
	}
	return nil
}

// Render writes a message of the given kind. subject is one line; text ends with a line end; html is empty where the
// operator wants text alone. Nothing is HTML-escaped in subject and text.
func (t *Templates) Render(kind Kind, d Data) (subject, text, html string, err error) {
	textTemplate, ok := t.text[kind]
	if !ok {
		return "", "", "", fmt.Errorf("mail: there is no kind of message called %q", kind)
	}
	d = d.safe()
	var b bytes.Buffer
	if err := textTemplate.Execute(&b, d); err != nil {
		return "", "", "", fmt.Errorf("mail template: %w", err)
	}
	subject, text, err = splitSubject(b.String())
	if err != nil {
		return "", "", "", fmt.Errorf("mail template %s: %w", textTemplate.Name(), err)
	}
	if htmlTemplate, ok := t.html[kind]; ok {
		b.Reset()
		if err := htmlTemplate.Execute(&b, page{Data: d, Subject: subject}); err != nil {
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
