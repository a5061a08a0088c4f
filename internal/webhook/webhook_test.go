package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// receiver answers requests by a function, and gives a sender to it.
func receiver(t *testing.T, answer http.HandlerFunc) *Sender {
	t.Helper()
	web := httptest.NewServer(answer)
	t.Cleanup(web.Close)
	s, err := NewSender(Target{URL: web.URL + "/hook?key=geheim", Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What goes out is what the specification's own library takes, and nothing else passes for it.
func TestSignature(t *testing.T) {
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	m := Message{ID: "an-id", Body: []byte(`{"type":"user.login"}`)}
	s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := verifier.Verify(body, r.Header); err != nil {
			t.Error(err)
		}
		if err := verifier.Verify(append(body, ' '), r.Header); err == nil {
			t.Error("another body passes")
		}
		if got := r.Header.Get("webhook-id"); got != m.ID || string(body) != string(m.Body) || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s %v %s", r.Method, got, r.Header, body)
		}
		other := r.Header.Clone()
		other.Set("webhook-id", "another")
		if err := verifier.Verify(body, other); err == nil {
			t.Error("another id passes")
		}
		w.WriteHeader(http.StatusAccepted)
	})
	if err := s.Send(context.Background(), m); err != nil {
		t.Error(err)
	}
}

func TestAnswersThatAreFailures(t *testing.T) {
	for _, test := range []struct {
		answer    http.HandlerFunc
		permanent bool
		after     time.Duration
	}{
		{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, false, 0},
		{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, true, 0},
		{func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(503)
		}, false, 2 * time.Minute},
		{func(w http.ResponseWriter, r *http.Request) { // to itself, where it would answer 200
			if r.URL.Path == "/hook" {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			}
		}, false, 0},
	} {
		err := receiver(t, test.answer).Send(context.Background(), Message{ID: "x", Body: []byte("{}")})
		var failure *Failure
		if !errors.As(err, &failure) || Permanent(err) != test.permanent || RetryAfter(err) != test.after {
			t.Errorf("got %v, permanent %t, after %s", err, Permanent(err), RetryAfter(err))
		}
	}
}

// An error never repeats the address, which may hold a secret.
func TestErrorsDoNotShowTheAddress(t *testing.T) {
	web := httptest.NewServer(nil)
	url := web.URL + "/geheim?key=geheim"
	web.Close()
	s, err := NewSender(Target{URL: url, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(context.Background(), Message{ID: "x"}); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
}

func TestAsk(t *testing.T) {
	for _, test := range []struct {
		status     int
		kind, body string
		want       string // of the refusal, or a part of the error; empty for yes
	}{
		{200, "text/plain", "ok", ""},
		{204, "", "", ""},
		{400, "application/json", `{"email": ["Only for customers.", "Ask us."], "detail": "No."}`, "false [{email [Only for customers. Ask us.] false} {detail [No.] true}]"},
		{422, "application/json; charset=utf-8", `{"z": ["1"], "a": ["2"]}`, "false [{z [1] false} {a [2] false}]"},
		{403, "application/json", `{"detail": "Blocked."}`, "true [{detail [Blocked.] true}]"},
		{404, "text/html", "<p>Not found", "the receiver answered 404, without JSON that says why"},
		{400, "application/json", `[]`, "it is no JSON object"},
		{400, "application/json", `{}`, "the object is empty"},
		{400, "application/json", `{"email": []}`, "a field has no message"},
		{400, "application/json", `{"email": null}`, "a field has no message"},
		{400, "application/json", `{"email": {"a": 1}}`, "cannot unmarshal"},
		{400, "application/json", `{"email": ["a"]`, "in a form that can be read: EOF"},
		{400, "application/json", `{"email": ["` + strings.Repeat("a", maxAnswer) + `"]}`, "the answer is too long"},
		{500, "application/json", `{"email": ["a"]}`, "the receiver answered 500"},
		{302, "application/json", `{"email": ["a"]}`, "redirects are not followed"},
	} {
		s := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", test.kind)
			w.WriteHeader(test.status)
			io.WriteString(w, test.body)
		})
		err := s.Ask(context.Background(), Message{ID: "x", Body: []byte("{}")})
		got := fmt.Sprint(err)
		var no *Refusal
		if errors.As(err, &no) {
			got = fmt.Sprint(no.Forbidden, " ", no.Fields)
		}
		if err == nil {
			got = ""
		}
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%d %.80s: got %.200s, want %s", test.status, test.body, got, test.want)
		}
	}
}

func FuzzFields(f *testing.F) {
	for _, seed := range []string{`{"email": ["a"]}`, `{"detail": "a"}`, `{"a": [], "b": null}`, `{"a": ["\ud800"]}`, `[`, `{"a"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := parseFields(body)
		for _, field := range fields {
			if err == nil && len(field.Messages) == 0 {
				t.Errorf("%q: a field without message", body)
			}
		}
	})
}

func TestSecretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, err := (&Target{SecretFile: file}).key()
	if err != nil {
		t.Fatal(err)
	}
	if written, err := (&Target{Secret: secret}).key(); err != nil || string(written) != string(fromFile) {
		t.Errorf("got %q, %v, want %q", fromFile, err, written)
	}
}
