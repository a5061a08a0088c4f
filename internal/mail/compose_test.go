package mail_test

import (
	"bytes"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"latchkey/internal/mail"
)

// checkHeader looks at everything above the body: which headers there are, and what they say when read back.
func checkHeader(t *testing.T, raw []byte, m mail.Message) {
	t.Helper()
	parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
	if m.HTML == "" {
		want = append(want, "Content-Transfer-Encoding")
		slices.Sort(want)
	}
	if got := slices.Sorted(maps.Keys(parsed.Header)); !slices.Equal(got, want) {
		t.Errorf("headers %q, want %q", got, want)
	}
	for name, values := range parsed.Header {
		if len(values) != 1 {
			t.Errorf("%s: %q", name, values)
		}
	}
	from, err := parsed.Header.AddressList("From")
	wantFrom, _ := netmail.ParseAddress(m.From)
	if err != nil || len(from) != 1 || from[0].Name != wantFrom.Name {
		t.Errorf("From reads as %v, %v; want %v", from, err, wantFrom)
	}
	to, err := parsed.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Name != "" {
		t.Errorf("To reads as %v, %v", to, err)
	} else if want, _ := netmail.ParseAddress(m.To); to[0].Address != want.Address && !strings.Contains(to[0].Address, "@xn--") && !strings.Contains(to[0].Address, ".xn--") {
		t.Errorf("To reads as %s, want %s", to[0].Address, want.Address)
	}
	if got := parsed.Header.Get("Message-Id"); got != "<"+m.ID+">" {
		t.Errorf("Message-ID %q", got)
	}
	if got, err := parsed.Header.Date(); err != nil || !got.Equal(m.Date) {
		t.Errorf("Date %v, %v", got, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	if err != nil || strings.Join(strings.Fields(subject), " ") != strings.Join(strings.Fields(m.Subject), " ") {
		t.Errorf("Subject %q, %v", subject, err)
	}
}

func TestComposeWithoutHTML(t *testing.T) {
	m := sample()
	m.HTML = ""
	raw, err := mail.Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	checkHeader(t, raw, m)
	if !bytes.Contains(raw, []byte("Content-Type: text/plain; charset=UTF-8")) || bytes.Contains(raw, []byte("multipart")) {
		t.Errorf("%s", raw)
	}
}

func TestComposeRefuses(t *testing.T) {
	for name, change := range map[string]func(*mail.Message){
		"no recipient":             func(m *mail.Message) { m.To = "" },
		"no address":               func(m *mail.Message) { m.To = "ann" },
		"two recipients":           func(m *mail.Message) { m.To = "a@example.com, b@example.com" },
		"recipient with a name":    func(m *mail.Message) { m.To = "Ann <ann@example.com>" },
		"name of nothing":          func(m *mail.Message) { m.To = `"" <ann@example.com>` },
		"recipient in brackets":    func(m *mail.Message) { m.To = "<ann@example.com>" },
		"recipient with a comment": func(m *mail.Message) { m.To = "ann@example.com (Ann)" },
		"line end in recipient":    func(m *mail.Message) { m.To = "ann@example.com\r\nBcc: eve@example.com" },
		"line end in a quote":      func(m *mail.Message) { m.To = "\"a\r\nBcc: eve@example.com\r\n\"@example.com" },
		"line end in sender":       func(m *mail.Message) { m.From = "a@example.com\nBcc: eve@example.com" },
		"domain nobody can have":   func(m *mail.Message) { m.To = "ann@b\u00fc..example" },
		"no Message-ID":            func(m *mail.Message) { m.ID = "" },
		"brackets in Message-ID":   func(m *mail.Message) { m.ID = "<a@b>" },
		"line end in Message-ID":   func(m *mail.Message) { m.ID = "a@b\r\nBcc: eve@example.com" },
	} {
		m := sample()
		change(&m)
		if raw, err := mail.Compose(m); err == nil || !mail.Permanent(err) {
			t.Errorf("%s: %v\n%s", name, err, raw)
		}
	}
}

func TestSubjectIsOneLine(t *testing.T) {
	m := sample()
	m.Subject = "Hello\r\nBcc: eve@example.com\r\n\r\nbody"
	raw, err := mail.Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte("\r\nSubject: Hello Bcc: eve@example.com body\r\n")) {
		t.Errorf("%s", raw)
	}
}

// FuzzMessage: whatever a message is made of, it is refused for good, or read back as exactly the headers and the two parts it was made of.
func FuzzMessage(f *testing.F) {
	f.Add("webmaster@localhost", "ann@example.com", "Hello", "a@b", "text\n", "<p>text</p>")
	f.Add("Team <t@example.net>", "jürgen@bücher.example", "Grüße\r\nBcc: e@example.com", "a@b", "\r\n.\r\n", "=\r.")
	f.Add(`"x, y" <t@example.net>`, `"a b\"@x"@example.com`, strings.Repeat("long ", 60), "a@b", "--\n\n--", "\x00\xff")
	f.Fuzz(func(t *testing.T, from, to, subject, id, text, html string) {
		m := mail.Message{ID: id, From: from, To: to, Subject: subject, Text: text, HTML: html, Date: time.Unix(1790000000, 0)}
		raw, err := mail.Compose(m)
		if err != nil {
			if !mail.Permanent(err) {
				t.Errorf("not permanent: %v", err)
			}
			return
		}
		if utf8.ValidString(subject) && !strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
			checkHeader(t, raw, m)
		}
		parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%v in %q", err, raw)
		}
		if _, ok := parsed.Header["Bcc"]; ok || len(parsed.Header["To"]) != 1 {
			t.Errorf("header injected: %q", raw)
		}
		if html == "" {
			return
		}
		_, parameters, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		parts := multipart.NewReader(parsed.Body, parameters["boundary"])
		for _, want := range []string{text, html} {
			part, err := parts.NextPart() // undoes quoted-printable
			if err != nil {
				t.Fatalf("%v in %q", err, raw)
			}
			got, err := io.ReadAll(part)
			if err != nil || lines(string(got)) != lines(strings.ToValidUTF8(want, "\ufffd")) {
				t.Errorf("%q came back as %q, %v", want, got, err)
			}
		}
		if _, err := parts.NextPart(); err != io.EOF {
			t.Errorf("more than two parts: %v", err)
		}
	})
}

// lines makes all line ends alike.
func lines(s string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

func TestNewMessageID(t *testing.T) {
	for domain, want := range map[string]string{
		"example.com": "example.com", "127.0.0.1:8000": "127.0.0.1", "bücher.example": "xn--bcher-kva.example",
		"": "localhost", "a b": "localhost", "a\r\nb": "localhost", "[::1]:80": "localhost", "x>y": "localhost",
	} {
		a, b := mail.NewMessageID(domain), mail.NewMessageID(domain)
		if local, got, _ := strings.Cut(a, "@"); got != want || len(local) < 20 || a == b {
			t.Errorf("%q: %s, %s", domain, a, b)
		}
		m := sample()
		m.ID = a
		if _, err := mail.Compose(m); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	b.ReportAllocs()
	m := sample()
	for b.Loop() {
		if _, err := mail.Compose(m); err != nil {
			b.Fatal(err)
		}
	}
}
