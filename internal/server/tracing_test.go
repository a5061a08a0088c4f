package server

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"latchkey/internal/testenv"
)

// traces are what a collector was sent.
type traces struct {
	mu    sync.Mutex
	raw   strings.Builder
	keys  []string
	spans []*trace.Span
}

// newCollector receives traces as OTLP's own schema has them.
func newCollector(t *testing.T) (url string, received *traces) {
	received = &traces{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err == nil {
			err = protojson.Unmarshal(body, &request)
		}
		if err != nil || r.Method != "POST" || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v: %s", r.Method, r.URL, err, body)
		}
		received.mu.Lock()
		defer received.mu.Unlock()
		received.raw.Write(body)
		received.keys = append(received.keys, r.Header.Get("X-Key"))
		for _, of := range request.ResourceSpans {
			for _, in := range of.ScopeSpans {
				received.spans = append(received.spans, in.Spans...)
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, received
}

// TestTraces: a collector is told of a request and of its parts, below the caller's own span, and of nothing that a client sent.
func TestTraces(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		address, received := newCollector(t)
		s := start(t, url, map[string]string{
			"otlp_endpoint": address, "otlp_headers": "x-key=abc", "DJOSER.SEND_CONFIRMATION_EMAIL": "true",
			"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": strconv.Itoa(smtp.Port()),
		})
		s.register("ann")
		s.wants(401, "POST", "/auth/jwt/create/", "", fields{"username": "ann", "password": "wrong-horse-7"})
		access, _ := s.pair("ann")
		const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		r := s.request("GET", "/auth/users/1/", "Bearer "+access, nil)
		r.Header.Set("Traceparent", parent)
		if a, err := s.send(r); err != nil || a.status != 200 {
			t.Fatal(a, err)
		}
		r = s.request("GET", "/auth/users/me/", "Bearer "+access, nil)
		r.Header.Set("Traceparent", strings.TrimSuffix(parent, "1")+"0") // not sampled
		if a, err := s.send(r); err != nil || a.status != 200 {
			t.Fatal(a, err)
		}
		if mails := smtp.Take(1, 10*time.Second); len(mails) != 1 {
			t.Fatal("no mail came")
		}
		s.web.Close()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		received.mu.Lock()
		defer received.mu.Unlock()
		if slices.ContainsFunc(received.keys, func(key string) bool { return key != "abc" }) {
			t.Errorf("the header was %q", received.keys)
		}
		var requests []string
		parts := map[string][]string{} // of the requests, by their spans' ids
		for _, span := range received.spans {
			if span.Kind == trace.Span_SPAN_KIND_SERVER {
				requests = append(requests, span.Name)
				if span.Name == "GET /auth/users/{id}/" {
					// ids are hexadecimal in OTLP's JSON, where protojson expects base64
					if got := received.raw.String(); !strings.Contains(got, `"traceId":"0af7651916cd43dd8448eb211c80319c"`) || !strings.Contains(got, `"parentSpanId":"b7ad6b7169203331"`) {
						t.Errorf("the caller's trace is not gone on with: %s", hex.EncodeToString(span.ParentSpanId))
					}
				}
			}
			parts[string(span.ParentSpanId)] = append(parts[string(span.ParentSpanId)], span.Name)
		}
		slices.Sort(requests)
		if want := []string{"GET /auth/users/{id}/", "POST /auth/jwt/create/", "POST /auth/jwt/create/", "POST /auth/users/"}; !slices.Equal(requests, want) {
			t.Errorf("the requests are %q, not %q", requests, want)
		}
		for _, span := range received.spans {
			if span.Kind != trace.Span_SPAN_KIND_SERVER {
				continue
			}
			below := parts[string(span.SpanId)]
			if hashes := slices.Contains(below, "hash password"); hashes != (strings.HasPrefix(span.Name, "POST")) || !slices.Contains(below, "SELECT") {
				t.Errorf("%s has the parts %q", span.Name, below)
			}
		}
		if !slices.Contains(parts[""], "send mail") {
			t.Errorf("the mail is not among %q", parts[""])
		}
		for _, secret := range []string{"horse", "ann", access, "example.com", secretKey} {
			if strings.Contains(received.raw.String(), secret) {
				t.Errorf("%q is told", secret)
			}
		}
	})
}

// TestTracesWithoutCollector: requests go on, and the log tells of it once.
func TestTracesWithoutCollector(t *testing.T) {
	s := start(t, testenv.SQLite(t), map[string]string{"otlp_endpoint": "http://127.0.0.1:9"})
	s.register("ann")
	s.web.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(s.log.String(), "otlp_endpoint takes no traces"); n != 1 {
		t.Errorf("it is told %d times", n)
	}
}
