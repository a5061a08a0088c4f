package drf

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var allParsers = []Parser{JSONParser, FormParser, MultiPartParser}

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

// latin1 turns text whose characters stand for bytes into those bytes.
func latin1(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r))
	}
	return b.String()
}

// outcome is what a body came to: the error's status and detail, a form's texts ("FILE" for a file), or JSON.
type outcome struct {
	Status int
	Detail string
	Form   map[string]string
	JSON   string
}

func outcomeOf(t *testing.T, body Body, err error) outcome {
	t.Helper()
	var answer *Error
	switch {
	case errors.As(err, &answer):
		detail, _ := answer.Body.(Object).Get("detail")
		return outcome{Status: answer.Status, Detail: fmt.Sprint(detail)}
	case err != nil:
		t.Fatal(err)
	case body.form:
		form := map[string]string{}
		for _, m := range body.value.(Object) {
			form[m.Key] = "FILE"
			if text, ok := m.Value.(string); ok {
				form[m.Key] = text
			}
		}
		return outcome{Form: form}
	}
	return outcome{JSON: string(Style{ASCII: true, Spaced: true}.Append(nil, body.value))}
}

func (o outcome) equal(other outcome) bool {
	if o.Status != other.Status || o.Detail != other.Detail || o.JSON != other.JSON || len(o.Form) != len(other.Form) {
		return false
	}
	for k, v := range o.Form {
		if w, ok := other.Form[k]; !ok || v != w {
			return false
		}
	}
	return true
}

// testdata/bodies.json holds bodies with what DRF 3.18 on Python 3.11 made of them; header and body are given as Latin-1.
func TestBodiesAsTheReference(t *testing.T) {
	var cases []struct {
		ContentType string `json:"content_type"`
		Body        string `json:"body_latin1"`
		outcome
	}
	readJSON(t, "testdata/bodies.json", &cases)
	for _, c := range cases {
		body, err := ReadBody(post(latin1(c.ContentType), latin1(c.Body)), allParsers, DefaultLimits())
		if got := outcomeOf(t, body, err); !got.equal(c.outcome) {
			t.Errorf("%q, %q:\n got %+v\nwant %+v", c.ContentType, c.Body, got, c.outcome)
		}
	}
}

func TestNoBody(t *testing.T) {
	chunked := post("text/plain", "")
	chunked.Body, chunked.ContentLength = io.NopCloser(strings.NewReader("")), -1
	for _, r := range []*http.Request{post("text/plain", ""), post("multipart/form-data", ""), post("application/json", ""), chunked} {
		body, err := ReadBody(r, allParsers, DefaultLimits())
		if o, ok := body.Value().(Object); err != nil || !ok || len(o) > 0 {
			t.Errorf("%s: got %v, %v", r.Header, body, err)
		}
	}
}

func TestChunkedBodyIsRead(t *testing.T) {
	r := post("application/json", `{"a":"b"}`)
	r.ContentLength = -1
	body, err := ReadBody(r, allParsers, DefaultLimits())
	if got := string(Encode(body.Value())); err != nil || got != `{"a":"b"}` {
		t.Errorf("got %s, %v", got, err)
	}
	r = post("text/plain", "x")
	r.ContentLength = -1
	_, err = ReadBody(r, allParsers, DefaultLimits())
	if got, want := outcomeOf(t, Body{}, err), (outcome{Status: 415, Detail: `Unsupported media type "text/plain" in request.`}); !got.equal(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParsersInOrder(t *testing.T) {
	for _, c := range []struct {
		parsers     []Parser
		contentType string
		status      int
	}{
		{[]Parser{JSONParser}, "application/x-www-form-urlencoded", 415},
		{[]Parser{JSONParser}, "multipart/form-data; boundary=scenarioboundary", 415},
		{[]Parser{FormParser}, "application/json", 415},
		{[]Parser{FormParser, JSONParser}, "*/*", 0},
		{[]Parser{JSONParser, FormParser}, "*/*", 400},
		{nil, "application/json", 415},
	} {
		body, err := ReadBody(post(c.contentType, "a=b"), c.parsers, DefaultLimits())
		got := outcomeOf(t, body, err)
		if got.Status != c.status || c.status == 415 && got.Detail != `Unsupported media type "`+c.contentType+`" in request.` {
			t.Errorf("%v, %s: got %+v, want status %d", c.parsers, c.contentType, got, c.status)
		}
	}
}

func TestNamesOfParsers(t *testing.T) {
	for i, name := range DefaultConfig().DefaultParserClasses {
		if p, ok := ParserNamed(name); !ok || p != allParsers[i] {
			t.Errorf("%s: got %v, %v", name, p.MediaType(), ok)
		}
	}
	for _, name := range []string{"", "JSONParser", "rest_framework.parsers.FileUploadParser"} {
		if _, ok := ParserNamed(name); ok {
			t.Errorf("%q is taken for a parser", name)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	limits := DefaultLimits()
	limits.Body = 10
	want := outcome{Status: 413, Detail: "The request body is larger than 10 bytes."}
	for _, length := range []int64{-1, 11} {
		r := post("application/json", `"12345678"`+" ")
		r.ContentLength = length
		_, err := ReadBody(r, allParsers, limits)
		if got := outcomeOf(t, Body{}, err); !got.equal(want) {
			t.Errorf("Content-Length %d: got %+v, want %+v", length, got, want)
		}
	}
	if _, err := ReadBody(post("application/json", `"12345678"`), allParsers, limits); err != nil {
		t.Errorf("a body of the limit: %v", err)
	}
	r := post("application/json", `"12345678"`)
	r.Body = http.MaxBytesReader(nil, r.Body, 5)
	_, err := ReadBody(r, allParsers, limits)
	if got := outcomeOf(t, Body{}, err); got.Status != 413 {
		t.Errorf("a server's own bound: got %+v", got)
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	r := post("application/json", "{}")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), brokenReader{}))
	_, err := ReadBody(r, allParsers, DefaultLimits())
	if got := outcomeOf(t, Body{}, err); got.Status != 400 {
		t.Errorf("got %+v", got)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
