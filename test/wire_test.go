package test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// A memory holds what a scenario has learned so far, in the order it learned it.
type memory struct {
	names  []string
	values map[string]value
}

func newMemory() *memory {
	m := &memory{values: map[string]value{}}
	m.keep("password", fixturePassword)
	return m
}

func (m *memory) keep(name string, v value) {
	if _, ok := m.values[name]; !ok {
		m.names = append(m.names, name)
	}
	m.values[name] = v
}

var (
	placeholder       = regexp.MustCompile(`\{\{(\w+)\}\}`)
	wholePlaceholder  = regexp.MustCompile(`^\{\{(\w+)\}\}$`)
	quotedPlaceholder = regexp.MustCompile(`"\{\{(\w+)\}\}"`)
)

// fill puts what is known in place of {{name}}.
func (m *memory) fill(text string) (string, error) {
	var missing error
	text = placeholder.ReplaceAllStringFunc(text, func(found string) string {
		v, ok := m.values[found[2:len(found)-2]]
		if !ok {
			missing = fmt.Errorf("nothing is known as %s", found)
		}
		return fmt.Sprint(v)
	})
	return text, missing
}

// fillValue does so for a value of its own, which keeps its type: a captured number stays a number.
func (m *memory) fillValue(v value) (value, error) {
	text, ok := v.(string)
	if !ok {
		return v, nil
	}
	if whole := wholePlaceholder.FindStringSubmatch(text); whole != nil {
		known, ok := m.values[whole[1]]
		if !ok {
			return nil, fmt.Errorf("nothing is known as %s", text)
		}
		return known, nil
	}
	return m.fill(text)
}

// fillJSON does so within JSON text, leaving everything else of it as it stands.
func (m *memory) fillJSON(raw json.RawMessage) ([]byte, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, err
	}
	var missing error
	replace := func(name string, quoted bool) []byte {
		v, ok := m.values[name]
		if !ok {
			missing = fmt.Errorf("nothing is known as {{%s}}", name)
		}
		if quoted {
			return []byte(show(v))
		}
		return []byte(strings.Trim(quote(fmt.Sprint(v)), `"`))
	}
	out := quotedPlaceholder.ReplaceAllFunc(compact.Bytes(), func(found []byte) []byte {
		return replace(string(found[3:len(found)-3]), true)
	})
	out = placeholder.ReplaceAllFunc(out, func(found []byte) []byte {
		return replace(string(found[2:len(found)-2]), false)
	})
	return out, missing
}

const boundary = "scenarioboundary"

// body is a request's body and its content type, nil for none.
func (r *request) body(known *memory) (body []byte, contentType string, err error) {
	switch {
	case r.JSON != nil:
		body, err = known.fillJSON(r.JSON)
		return body, "application/json", err
	case r.Form != nil:
		var pairs []string
		for _, m := range r.Form {
			v, err := known.fillValue(m.value)
			if err != nil {
				return nil, "", err
			}
			pairs = append(pairs, url.QueryEscape(m.name)+"="+url.QueryEscape(fmt.Sprint(v)))
		}
		return []byte(strings.Join(pairs, "&")), "application/x-www-form-urlencoded", nil
	case r.Multipart != nil:
		var b bytes.Buffer
		for _, m := range r.Multipart {
			v, err := known.fillValue(m.value)
			if err != nil {
				return nil, "", err
			}
			fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%v\r\n", boundary, m.name, v)
		}
		fmt.Fprintf(&b, "--%s--\r\n", boundary)
		return b.Bytes(), "multipart/form-data; boundary=" + boundary, nil
	case r.Raw != nil:
		text, err := known.fill(*r.Raw)
		return []byte(text), "application/json", err
	case r.Hex != nil:
		body, err = hex.DecodeString(*r.Hex)
		return body, "application/json", err
	}
	return nil, "", nil
}

// bytes is the request as it goes over the wire: method, path and header values exactly as recorded.
func (r *request) bytes(host string, known *memory) ([]byte, error) {
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	path, err := known.fill(r.Path)
	if err != nil {
		return nil, err
	}
	body, contentType, err := r.body(known)
	if err != nil {
		return nil, err
	}
	headers := object{{"Accept", "application/json"}}
	for _, m := range r.Headers {
		text, err := known.fill(fmt.Sprint(m.value))
		if err != nil {
			return nil, err
		}
		headers = headers.with(m.name, text)
	}
	if r.Bearer != nil {
		token, err := known.fill(*r.Bearer)
		if err != nil {
			return nil, err
		}
		headers = headers.with("Authorization", "Bearer "+token)
	}
	if _, given := headers.get("Content-Type"); contentType != "" && !given {
		headers = headers.with("Content-Type", contentType)
	}
	if _, given := headers.get("Host"); !given {
		headers = append(object{{"Host", host}}, headers...)
	}
	if body != nil || method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
		headers = headers.with("Content-Length", fmt.Sprint(len(body)))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, path)
	for _, m := range headers {
		b.WriteString(m.name + ": ")
		b.Write(latin1(fmt.Sprint(m.value)))
		b.WriteString("\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes(), nil
}

// latin1 encodes a header value as HTTP/1.1 clients do; a letter beyond becomes a question mark.
func latin1(text string) []byte {
	var out []byte
	for _, c := range text {
		if c > 0xff {
			c = '?'
		}
		out = append(out, byte(c))
	}
	return out
}

// send plays one request over a connection of its own. net/http's client would tidy up path, method and headers.
func send(address string, r *request, known *memory) (*http.Response, []byte, error) {
	raw, err := r.bytes(address, known)
	if err != nil {
		return nil, nil, err
	}
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		return nil, nil, err
	}
	if _, err := conn.Write(raw); err != nil {
		return nil, nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.Method})
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer, body, err
}
