package drf

import (
	"bytes"
	"mime/multipart"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestMultipartLimits(t *testing.T) {
	form := func(fields, files int) (string, []byte) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for range fields {
			_ = w.WriteField("a", "x")
		}
		for range files {
			_, _ = w.CreateFormFile("b", "f")
		}
		_ = w.Close()
		return w.FormDataContentType(), b.Bytes()
	}
	limits := Limits{Fields: 2, Files: 1}
	for _, c := range []struct {
		fields, files int
		want          string
	}{
		{2, 1, ""},
		{3, 0, "The form has more than 2 fields."},
		{0, 2, "The form has more than 1 file."},
	} {
		contentType, body := form(c.fields, c.files)
		parsed, err := parseMultipart(body, contentType, utf8Charset, limits)
		if got := outcomeOf(t, Body{value: parsed, form: true}, err).Detail; got != c.want {
			t.Errorf("%d fields, %d files: got %q, want %q", c.fields, c.files, got, c.want)
		}
	}
}

func TestFileBeatsText(t *testing.T) {
	body := "--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f.txt\"\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ny\r\n--B--\r\n"
	form, err := parseMultipart([]byte(body), "multipart/form-data; boundary=B", utf8Charset, DefaultLimits())
	if got, _ := form.Get("a"); err != nil || got != (File{"f.txt"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// Whatever comes, nothing breaks and all text is good; and what a client's own writer makes comes out as it went in.
func FuzzMultipart(f *testing.F) {
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--B--\r\n"), "a", "x")
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=a; filename*=utf-8''f\r\nContent-Transfer-Encoding: base64\r\n\r\naGV\xff"), `a"; \`, "--\r\n")
	f.Add([]byte("--B\r\nbad\r\n\r\n--B"), "é=", "\r\n")
	limits := DefaultLimits()
	f.Fuzz(func(t *testing.T, data []byte, name, value string) {
		form, err := parseMultipart(data, "multipart/form-data; boundary=B", utf8Charset, limits)
		if err != nil {
			return
		}
		for _, m := range form {
			if text, ok := m.Value.(string); ok && !utf8.ValidString(text) || !utf8.ValidString(m.Key) {
				t.Fatalf("%q gave %q", data, form)
			}
		}
		printable := !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) && utf8.ValidString(name) && utf8.ValidString(value)
		if !printable || name == "" || Strip(name) != name || strings.Contains(name, "\\") {
			return
		}
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.WriteField(name, value)
		_ = w.Close()
		form, err = parseMultipart(b.Bytes(), w.FormDataContentType(), utf8Charset, limits)
		if err != nil || !same(form, Object{{name, value}}) {
			t.Errorf("%q=%q came out as %q: %v", name, value, form, err)
		}
	})
}
