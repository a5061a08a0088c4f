package mail_test

import (
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/mail"
	"latchkey/internal/message"
)

var kinds = []mail.Kind{
	mail.Activation, mail.Confirmation, mail.PasswordReset, mail.UsernameReset,
	mail.PasswordChanged, mail.UsernameChanged, mail.EmailChanged,
}

var linked = []mail.Kind{mail.Activation, mail.PasswordReset, mail.UsernameReset}

// linkPattern is how the recordings find links.
var linkPattern = regexp.MustCompile(`https?://[^\s"'<>]+`)

func newTemplates(t testing.TB, dir string) *mail.Templates {
	t.Helper()
	templates, err := mail.NewTemplates(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

func linkSet(s string) []string {
	found := linkPattern.FindAllString(s, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestBothPartsHoldTheSameLink(t *testing.T) {
	templates := newTemplates(t, "")
	for _, url := range []string{
		"https://example.com/activate/MQ/c0ffee-123abc",
		"http://127.0.0.1:8000//activate?uid=MQ&token=c0ffee-1&x=%2F#/a/b",
		"https://example.com/#/password/reset/confirm/MQ/c0ffee-123abc",
		"https://bücher.example/ü/MQ",
	} {
		for _, kind := range kinds {
			_, text, part, err := templates.Render(nil, kind, mail.Data{SiteName: "Example", Domain: "example.com", URL: url, Expires: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			if slices.Contains(linked, kind) {
				want = []string{url}
				if !slices.Contains(strings.Split(text, "\n"), url) {
					t.Errorf("%s: the link does not stand alone in %q", kind, text)
				}
			}
			if got := linkSet(text); !slices.Equal(got, want) {
				t.Errorf("%s: text links %q, want %q", kind, got, want)
			}
			if got := linkSet(part); !slices.Equal(got, want) {
				t.Errorf("%s: HTML links %q, want %q", kind, got, want)
			}
		}
	}
}

// Where an & would begin a character reference (&copy), the HTML must escape it; a browser then still goes to the right place.
func TestLinkThatLooksLikeAReference(t *testing.T) {
	url := "https://example.com/?a=1&copy=2&lt;"
	_, text, part, err := newTemplates(t, "").Render(nil, mail.Activation, mail.Data{SiteName: "Example", URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if got := linkSet(text); !slices.Equal(got, []string{url}) {
		t.Errorf("text links %q", got)
	}
	for _, link := range linkSet(part) {
		if html.UnescapeString(link) != url {
			t.Errorf("HTML link %q is read as %q", link, html.UnescapeString(link))
		}
	}
}

func TestLinkCannotBreakOut(t *testing.T) {
	_, text, part, err := newTemplates(t, "").Render(nil, mail.Activation, mail.Data{
		SiteName: "Example", URL: "https://example.com/\"><script>alert('1')</script>\r\nhttps://evil.example/",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"https://example.com/%22%3E%3Cscript%3Ealert(%271%27)%3C/script%3E%0D%0Ahttps://evil.example/"}
	if got := linkSet(text); !slices.Equal(got, want) {
		t.Errorf("text links %q", got)
	}
	if got := linkSet(part); !slices.Equal(got, want) || strings.Contains(part, "<script") {
		t.Errorf("HTML links %q in %s", got, part)
	}
}

// Django escapes the site's name in the text and the subject too; here only the HTML part is escaped.
func TestOnlyHTMLIsEscaped(t *testing.T) {
	templates := newTemplates(t, "")
	for _, kind := range kinds {
		subject, text, part, err := templates.Render(nil, kind, mail.Data{SiteName: "A & <B>", Username: "o'neil<b>", URL: "https://example.com/x"})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(subject, "A & <B>") || !strings.Contains(text, "A & <B>") {
			t.Errorf("%s: %q, %q", kind, subject, text)
		}
		if strings.Contains(part, "<B>") || strings.Contains(part, "<b>o'neil<b>") || !strings.Contains(part, "A &amp; &lt;B&gt;") {
			t.Errorf("%s: %s", kind, part)
		}
	}
}

// A name cannot carry a link or a line into somebody's mail.
func TestNamesCarryNothing(t *testing.T) {
	templates := newTemplates(t, "")
	for _, kind := range kinds {
		subject, text, part, err := templates.Render(nil, kind, mail.Data{
			SiteName: "Site\r\nBcc: eve@example.com", Username: "https://evil.example/\n\nwin", Email: "http://evil.example", Domain: "example.com",
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(subject, "\r\n") || strings.Contains(text, "\r") {
			t.Errorf("%s: subject %q, text %q", kind, subject, text)
		}
		if got := linkSet(text + part + subject); len(got) != 0 {
			t.Errorf("%s: links %q", kind, got)
		}
	}
}

func TestActivationText(t *testing.T) {
	subject, text, _, err := newTemplates(t, "").Render(nil, mail.Activation, mail.Data{
		Domain: "example.com", Protocol: "https", URL: "https://example.com/activate/MQ/abc-1", Username: "ann", Expires: 72 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Activate your account at example.com"; subject != want {
		t.Errorf("subject %q, want %q", subject, want)
	}
	want := `Hello,

somebody, most likely you, gave this address for an account at example.com. Open this link to confirm that it is yours:

https://example.com/activate/MQ/abc-1

The link is good for 3 days.

Was it not you? Then simply leave this mail alone: without the link the account stays closed.

example.com
`
	if text != want {
		t.Errorf("text\n%s\nwant\n%s", text, want)
	}
}

func TestGoodFor(t *testing.T) {
	for expires, want := range map[time.Duration]string{
		0: "", 500 * time.Millisecond: "", time.Second: "1 second", 90 * time.Second: "90 seconds", 45 * time.Minute: "45 minutes",
		time.Hour: "1 hour", 90 * time.Minute: "90 minutes", 24 * time.Hour: "1 day", 25 * time.Hour: "25 hours", 71 * time.Hour: "2 days",
		72 * time.Hour: "3 days", -time.Hour: "",
	} {
		if got := mail.GoodFor(mail.Data{Expires: expires}); got != want {
			t.Errorf("%v: %q, want %q", expires, got, want)
		}
	}
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOwnTemplates(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"activation.txt":      "Subject: Hi {{.Username}}\r\n\r\nGo to\r\n{{.URL}}\r\nat {{.SiteName}} & co\r\n",
		"activation.html":     "<p>{{link .URL `Go & see`}} {{.Email}}</p>",
		"username_reset.html": `<a href="{{.URL}}">go</a>`,
		"password_reset.html": "",
		"layout.html":         "<title>{{.Subject}}</title>{{template `content` .}}<hr>",
		".DS_Store":           "left by a file manager",
	})
	templates := newTemplates(t, dir)
	d := mail.Data{SiteName: "Site", Username: "ann", Email: "<ann>", URL: "https://example.com/?a=1&b=2"}
	subject, text, part, err := templates.Render(nil, mail.Activation, d)
	if err != nil {
		t.Fatal(err)
	}
	if subject != "Hi ann" || text != "Go to\nhttps://example.com/?a=1&b=2\nat Site & co\n" {
		t.Errorf("%q, %q", subject, text)
	}
	want := `<title>Hi ann</title><p><a class="button" href="https://example.com/?a=1&b=2">Go &amp; see</a> &lt;ann&gt;</p><hr>`
	if part != want {
		t.Errorf("HTML %s\nwant %s", part, want)
	}
	if _, text, part, err = templates.Render(nil, mail.PasswordReset, d); err != nil || part != "" || !strings.Contains(text, d.URL) {
		t.Errorf("without HTML: %q, %q, %v", text, part, err)
	}
	if _, _, part, err = templates.Render(nil, mail.Confirmation, d); err != nil || !strings.HasSuffix(part, "<hr>") {
		t.Errorf("the built-in content in the own layout: %s, %v", part, err)
	}
}

func TestBrokenOwnTemplates(t *testing.T) {
	for name, c := range map[string]struct{ file, content string }{
		"unknown file":          {"welcome.txt", "Subject: x\n\nx"},
		"unknown kind of file":  {"activation.md", "Subject: x\n\nx"},
		"syntax":                {"activation.txt", "Subject: x\n\n{{.URL"},
		"syntax in HTML":        {"activation.html", "{{if}}"},
		"unknown variable":      {"confirmation.txt", "Subject: x\n\n{{.Password}}"},
		"variable in HTML":      {"confirmation.html", "{{.Password}}"},
		"unknown variable deep": {"layout.html", "{{template `content` .}}{{.Nope}}"},
		"no subject":            {"confirmation.txt", "Hello"},
		"empty subject":         {"confirmation.txt", "Subject: \n\nHello"},
		"no text":               {"confirmation.txt", "Subject: x\n\n"},
		"empty":                 {"confirmation.txt", ""},
		"no link":               {"password_reset.txt", "Subject: x\n\nHello"},
		"link in a sentence":    {"password_reset.txt", "Subject: x\n\nGo to {{.URL}}."},
		"no link in HTML":       {"password_reset.html", "<p>Hello</p>"},
	} {
		_, err := mail.NewTemplates(writeFiles(t, map[string]string{c.file: c.content}), nil)
		if err == nil || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%s: %v does not name %s", name, err, c.file)
		}
	}
	if _, err := mail.NewTemplates(filepath.Join(t.TempDir(), "missing"), nil); err == nil {
		t.Error("a missing folder is no error")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "activation.txt"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := mail.NewTemplates(dir, nil); err == nil || !strings.Contains(err.Error(), "activation.txt") {
		t.Errorf("a folder in place of a file: %v", err)
	}
}

// TestTemplatesAreTried: where something is the operator's, what is built in is tried with it, in every language.
func TestTemplatesAreTried(t *testing.T) {
	languages, err := message.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mail.NewTemplates(t.TempDir(), languages); err != nil {
		t.Errorf("the built-in templates: %v", err)
	}
	dir := t.TempDir()
	folder := filepath.Join(dir, "nl", "LC_MESSAGES")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	const blank = "msgid \"Your account at {site} is ready\"\nmsgstr \" \"\n"
	if err := os.WriteFile(filepath.Join(folder, "django.po"), []byte(blank), 0o600); err != nil {
		t.Fatal(err)
	}
	if languages, err = message.Load([]string{dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := mail.NewTemplates("", languages); err == nil || !strings.Contains(err.Error(), "confirmation.txt: the first line is not") {
		t.Errorf("a catalogue that leaves a mail without a subject: %v", err)
	}
}

func TestRenderUnknownKind(t *testing.T) {
	if _, _, _, err := newTemplates(t, "").Render(nil, "goodbye", mail.Data{}); err == nil {
		t.Error("rendered a kind that there is not")
	}
}

// FuzzRender: whatever the data, the subject is one line, both parts say the same links, and the message can travel.
func FuzzRender(f *testing.F) {
	f.Add("Example", "ann", "https://example.com/a?b=1&c=2")
	f.Add("A & B\r\n", "http://evil.example", "https://example.com/&amp;&copy&lt;\"'<>\x00\xff")
	templates := newTemplates(f, "")
	f.Fuzz(func(t *testing.T, site, username, url string) {
		for _, kind := range kinds {
			subject, text, part, err := templates.Render(nil, kind, mail.Data{SiteName: site, Domain: "example.com", Username: username, URL: url})
			if err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(subject, "\r\n") {
				t.Errorf("subject %q", subject)
			}
			for _, link := range linkSet(part) {
				if !slices.Contains(linkSet(text), link) && !slices.Contains(linkSet(text), html.UnescapeString(link)) {
					t.Errorf("%s: %q is in the HTML only: %q", kind, link, linkSet(text))
				}
			}
			m := mail.Message{ID: "a@b", From: "a@example.com", To: "b@example.com", Subject: subject, Text: text, HTML: part}
			if _, err := mail.Compose(m); err != nil {
				t.Error(err)
			}
		}
	})
}

func BenchmarkRender(b *testing.B) {
	templates := newTemplates(b, "")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := templates.Render(nil, mail.Activation, mail.Data{SiteName: "Example", URL: "https://example.com/a/b", Expires: time.Hour}); err != nil {
			b.Fatal(err)
		}
	}
}

// dj-rest-auth's mails are text alone, unless the operator writes HTML.
func TestTextAlone(t *testing.T) {
	d := mail.Data{SiteName: "Site", Domain: "example.com", Username: "ann", URL: "https://example.com/confirm/MQ:1a:b", Expires: 72 * time.Hour}
	own := newTemplates(t, writeFiles(t, map[string]string{"email_confirmation.html": "<p>{{link .URL}}</p>", "password_reset_key.html": "<p>{{link .URL}}</p>"}))
	for kind, named := range map[mail.Kind]bool{mail.EmailConfirmation: false, mail.PasswordResetKey: true} {
		subject, text, part, err := newTemplates(t, "").Render(nil, kind, d)
		if err != nil {
			t.Fatal(err)
		}
		if subject == "" || part != "" || !slices.Contains(strings.Split(text, "\n"), d.URL) || !strings.Contains(text, "3 days") {
			t.Errorf("%s: %q, %q, %q", kind, subject, text, part)
		}
		if strings.Contains(text, "ann") != named {
			t.Errorf("%s: the name stands in %q", kind, text)
		}
		if _, _, part, err = own.Render(nil, kind, d); err != nil || !slices.Equal(linkSet(part), []string{d.URL}) {
			t.Errorf("%s with HTML of one's own: %s, %v", kind, part, err)
		}
	}
}

// TestOwnTemplatesOfALanguage: a folder named for a language holds what is said in it alone.
func TestOwnTemplatesOfALanguage(t *testing.T) {
	languages, err := message.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := writeFiles(t, map[string]string{"confirmation.txt": "Subject: Ready\n\n{{t `Hello,`}} {{.Username}}"})
	for name, content := range map[string]string{"ru": "Subject: Готово\n\n{{lang}}", "pt_BR": "Subject: Pronto\n\n{{lang}}"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "confirmation.txt"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	templates, err := mail.NewTemplates(dir, languages)
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]string{"en": "Ready|Hello, ann\n", "ru": "Готово|ru\n", "pt-br": "Pronto|pt-br\n", "en-gb": "Ready|Hello, ann\n"} {
		l, _ := languages.For(code)
		subject, text, _, err := templates.Render(l, mail.Confirmation, mail.Data{Username: "ann"})
		if got := subject + "|" + text; err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", code, got, err, want)
		}
	}
	for _, broken := range []struct{ name, content, want string }{
		{"xx/confirmation.txt", "", "xx is named for no language"},
		{"ru/welcome.txt", "", "ru/welcome.txt takes the place of no built-in template"},
		{"ru/activation.txt", "Subject: x\n\nHello", "ru/activation.txt: {{.URL}} does not stand alone"},
		{"ru/activation.html", "<p>Hello</p>", "ru/activation.html: there is no {{link .URL}}"},
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, broken.name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, broken.name), []byte(broken.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := mail.NewTemplates(dir, languages); err == nil || !strings.Contains(err.Error(), broken.want) {
			t.Errorf("%s: %v, want %s", broken.name, err, broken.want)
		}
	}
}
