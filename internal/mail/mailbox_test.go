package mail_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/mail"
)

// fill returns a mailbox that messages were sent to, and what its terminal shows.
func fill(t *testing.T, messages ...mail.Message) (*mail.Mailbox, string) {
	t.Helper()
	box := new(mail.Mailbox)
	var terminal bytes.Buffer
	out, err := mail.NewSender(mail.DefaultConfig(), box, &terminal) // no host: the mailbox
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if err := out.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return box, terminal.String()
}

func numbered(n int) []mail.Message {
	messages := make([]mail.Message, n)
	for i := range messages {
		messages[i] = sample()
		messages[i].ID = fmt.Sprintf("%d@example.com", i)
	}
	return messages
}

func TestMailbox(t *testing.T) {
	box, terminal := fill(t, numbered(205)...)
	got := box.Messages()
	if len(got) != 200 || got[0].ID != "204@example.com" || got[199].ID != "5@example.com" {
		t.Fatalf("%d messages, from %s to %s", len(got), got[0].ID, got[len(got)-1].ID)
	}
	if _, ok := box.Message("4@example.com"); ok {
		t.Error("the oldest is still there")
	}
	if m, ok := box.Message("7@example.com"); !ok || m.ID != "7@example.com" {
		t.Errorf("found %v, %t", m.ID, ok)
	}
	if !box.Delete("7@example.com") || box.Delete("7@example.com") || len(box.Messages()) != 199 {
		t.Error("deleting one left ", len(box.Messages()))
	}
	box.Clear()
	if got := box.Messages(); len(got) != 0 {
		t.Errorf("emptied, but %d are left", len(got))
	}
	if !strings.Contains(terminal, "mail to ann@example.com: Grüße") || !strings.Contains(terminal, "\n    https://app.example.com/auth/activate?uid=MQ&token=") {
		t.Errorf("terminal shows %.500s", terminal)
	}
}

func TestMailboxKeepsARetryOnce(t *testing.T) {
	box, _ := fill(t, sample(), sample())
	if got := box.Messages(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

func TestMailboxRefusesWhatCannotTravel(t *testing.T) {
	box := new(mail.Mailbox)
	out, err := mail.NewSender(mail.DefaultConfig(), box, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := sample()
	m.To = "nobody"
	if err := out.Send(t.Context(), m); !mail.Permanent(err) || len(box.Messages()) != 0 {
		t.Errorf("got %v, and %d messages", err, len(box.Messages()))
	}
}

func TestMailboxConcurrently(t *testing.T) {
	box := new(mail.Mailbox)
	var terminal bytes.Buffer
	out, err := mail.NewSender(mail.DefaultConfig(), box, &terminal)
	if err != nil {
		t.Fatal(err)
	}
	handler := box.Handler()
	var wg sync.WaitGroup
	for i, m := range numbered(50) {
		wg.Go(func() {
			if err := out.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			if i%2 == 0 && !box.Delete(m.ID) {
				t.Errorf("%s is gone", m.ID)
			}
		})
	}
	wg.Wait()
	if got := box.Messages(); len(got) != 25 {
		t.Errorf("%d messages", len(got))
	}
}

// ask sends a request to a mailbox mounted at /dev/mail/, as a browser with that Accept would.
func ask(box *mail.Mailbox, method, path, accept string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	mux.Handle("/dev/mail/", http.StripPrefix("/dev/mail", box.Handler()))
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func TestMailboxJSON(t *testing.T) {
	m := sample()
	box, _ := fill(t, m)
	var list []map[string]any
	w := ask(box, "GET", "/dev/mail/", "*/*")
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%v in %s", err, w.Body)
	}
	link := "https://app.example.com/auth/activate?uid=MQ&token=" + strings.Repeat("c0ffee-", 20) + "end"
	want := map[string]any{
		"id": m.ID, "from": m.From, "to": m.To, "subject": m.Subject, "date": "2026-07-28T12:30:00Z", "text": m.Text, "html": m.HTML, "links": []any{link},
	}
	if len(list) != 1 || fmt.Sprint(list[0]) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", list, want)
	}
	var one map[string]any
	if err := json.Unmarshal(ask(box, "GET", "/dev/mail/abc123@example.com.json", browser).Body.Bytes(), &one); err != nil || fmt.Sprint(one) != fmt.Sprint(want) {
		t.Errorf("got %v, %v", one, err)
	}
	box.Clear()
	if got := strings.TrimSpace(ask(box, "GET", "/dev/mail/", "*/*").Body.String()); got != "[]" {
		t.Errorf("the empty mailbox is %s", got)
	}
}

func TestMailboxChoosesByAccept(t *testing.T) {
	box, _ := fill(t, sample())
	for _, c := range []struct {
		path, accept string
		html         bool
	}{
		{"/dev/mail/", browser, true},
		{"/dev/mail/?format=json", browser, false},
		{"/dev/mail/", "", false},
		{"/dev/mail/", "*/*", false},
		{"/dev/mail/", "text/html", true},
		{"/dev/mail/", "TEXT/*", true},
		{"/dev/mail/", "application/json, text/html", false},
		{"/dev/mail/", "application/json;q=0.5, text/html;q=0.6", true},
		{"/dev/mail/", "text/html;q=0, */*", false},
		{"/dev/mail/", ";;,q=,text/html;q=x", false},
	} {
		got := strings.HasPrefix(ask(box, "GET", c.path, c.accept).Header().Get("Content-Type"), "text/html")
		if got != c.html {
			t.Errorf("%s with Accept %q: HTML %t", c.path, c.accept, got)
		}
	}
}

func TestMailboxPagesEscape(t *testing.T) {
	m := sample()
	m.ID = `x"onload="alert(0)"&/..@example.com`
	m.Subject = `<script>alert(1)</script>`
	m.Text = "</pre><script>alert(2)</script> https://example.com/?a=1&b=2 javascript:alert(3)"
	m.HTML = "<head></head><script>alert(4)</script><img src=https://tracker.example/x.png>"
	m.From = `"<script>alert(5)</script>" <a@example.com>`
	box, _ := fill(t, m)
	page := "/dev/mail/" + url.PathEscape(m.ID)
	for _, path := range []string{"/dev/mail/", page} {
		w := ask(box, "GET", path, browser)
		body := w.Body.String()
		if w.Code != http.StatusOK || strings.Count(body, "<script") != 1 || !strings.Contains(body, "&lt;script&gt;alert(1)") {
			t.Errorf("%s: %d %s", path, w.Code, body)
		}
		_, script, _ := strings.Cut(body, "<script>")
		script, _, _ = strings.Cut(script, "</script>")
		sum := sha256.Sum256([]byte(script)) // the page's own is the only one that runs
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") ||
			!strings.Contains(policy, "; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	body := ask(box, "GET", page+"?view=text", browser).Body.String()
	if !strings.Contains(body, "&lt;/pre&gt;&lt;script&gt;alert(2)") {
		t.Errorf("text in %s", body)
	}
	body = ask(box, "GET", page, browser).Body.String()
	if !strings.Contains(body, `<a href="https://example.com/?a=1&amp;b=2" rel="noreferrer">`) || strings.Contains(body, `href="javascript`) {
		t.Errorf("links in %s", body)
	}
	// What the page links to is there.
	if !strings.Contains(body, `src="./`+strings.ReplaceAll(url.PathEscape(m.ID), "&", "&amp;")+`.html" sandbox="`) {
		t.Errorf("no frame in %s", body)
	}
	part := ask(box, "GET", page+".html", browser)
	policy := part.Header().Get("Content-Security-Policy")
	if part.Code != http.StatusOK || !strings.HasPrefix(part.Body.String(), `<head><base target="_blank"></head><script>`) {
		t.Errorf("HTML part: %d %s", part.Code, part.Body)
	}
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'unsafe-inline';") || !strings.Contains(policy, "; sandbox ") || strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "allow-same-origin") {
		t.Errorf("HTML part: policy %q", policy)
	}
}

// Whoever watches is told at once, and whenever something came, went, or the mailbox ends.
func TestMailboxTellsOfChanges(t *testing.T) {
	box, _ := fill(t)
	server := httptest.NewServer(http.StripPrefix("/dev/mail", box.Handler()))
	defer server.Close()
	answer, err := http.Get(server.URL + "/dev/mail/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("got %v", answer.Header)
	}
	lines := bufio.NewScanner(answer.Body)
	next := func() string {
		for lines.Scan() {
			if state, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return state
			}
		}
		return "the end"
	}
	page := func() string {
		return regexp.MustCompile(`data-state="(\d+)"`).FindStringSubmatch(ask(box, "GET", "/dev/mail/", browser).Body.String())[1]
	}
	if got, want := next(), page(); got != want {
		t.Errorf("told %s, the page has %s", got, want)
	}
	out, err := mail.NewSender(mail.DefaultConfig(), box, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := page()
	for _, change := range []func(){
		func() { err = out.Send(t.Context(), sample()) },
		func() { box.Delete(sample().ID) },
		box.Clear,
	} {
		change()
		got := next()
		if err != nil || got == before || got != page() {
			t.Errorf("told %s after %s, the page has %s, %v", got, before, page(), err)
		}
		before = got
	}
	box.End()
	if got := next(); got != "the end" {
		t.Errorf("after the end: %s", got)
	}
}

func TestMailboxHandlerDeletes(t *testing.T) {
	box, _ := fill(t, numbered(3)...)
	for _, c := range []struct {
		method, path string
		status, left int
	}{
		{"DELETE", "/dev/mail/9@example.com", 404, 3},
		{"DELETE", "/dev/mail/1@example.com", 204, 2},
		{"GET", "/dev/mail/1@example.com", 404, 2},
		{"PUT", "/dev/mail/", 405, 2},
		{"DELETE", "/dev/mail/", 204, 0},
		{"POST", "/dev/mail/", 303, 0},
	} {
		w := ask(box, c.method, c.path, browser)
		if w.Code != c.status || len(box.Messages()) != c.left {
			t.Errorf("%s %s: %d, %d messages left", c.method, c.path, w.Code, len(box.Messages()))
		}
	}
}

// A page of another site cannot empty the mailbox.
func TestMailboxRefusesOtherSites(t *testing.T) {
	box, _ := fill(t, sample())
	for _, method := range []string{"POST", "DELETE"} {
		r := httptest.NewRequest(method, "/", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		box.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || len(box.Messages()) != 1 {
			t.Errorf("%s: %d, %d messages left", method, w.Code, len(box.Messages()))
		}
	}
}

// Without its slash the prefix leads to the page whose relative links work.
func TestMailboxRedirectsToItsSlash(t *testing.T) {
	box := new(mail.Mailbox)
	mux := http.NewServeMux()
	mux.Handle("/dev/mail", http.StripPrefix("/dev/mail", box.Handler()))
	r := httptest.NewRequest("GET", "/dev/mail?format=json", nil)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	to, err := r.URL.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusPermanentRedirect || to.Path != "/dev/mail/" {
		t.Errorf("%d to %v, %v", w.Code, to, err)
	}
}

func FuzzAccept(f *testing.F) {
	f.Add(browser)
	f.Add("text/html;q=NaN, */*;q=1e999")
	box := new(mail.Mailbox)
	f.Fuzz(func(t *testing.T, accept string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Accept"] = []string{accept}
		w := httptest.NewRecorder()
		box.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("%d", w.Code)
		}
	})
}

func BenchmarkMailboxList(b *testing.B) {
	box := new(mail.Mailbox)
	out, err := mail.NewSender(mail.DefaultConfig(), box, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range numbered(200) {
		m.Date = time.Unix(0, 0)
		if err := out.Send(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
	handler := box.Handler()
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
}
