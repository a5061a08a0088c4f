package beside

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A site is one of the two, over HTTP.
type site struct{ name, base string }

// An answer is what came back; body is nil unless it is a JSON object.
type answer struct {
	status  int
	text    string
	body    map[string]any
	session string // the session's cookie, as a credential
}

// text is a member of the body.
func (a answer) field(t *testing.T, name string) string {
	t.Helper()
	value, ok := a.body[name].(string)
	if !ok {
		t.Fatalf("no text %q in %s", name, a.text)
	}
	return value
}

// redirects are answers too.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// send sends JSON, or a form where body is url.Values. The credential is an Authorization header, or a cookie.
func (s site) send(method, path, credential string, body any) (answer, error) {
	kind, payload := "application/json", []byte(nil)
	if form, ok := body.(url.Values); ok {
		kind, payload = "application/x-www-form-urlencoded", []byte(form.Encode())
	} else if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
	}
	r, err := http.NewRequest(method, s.base+path, bytes.NewReader(payload))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", kind)
	switch {
	case strings.HasPrefix(credential, "sessionid="):
		r.Header.Set("Cookie", credential)
	case credential != "":
		r.Header.Set("Authorization", credential)
	}
	response, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, text: string(data)}
	_ = json.Unmarshal(data, &a.body) // other bodies leave it nil
	for _, cookie := range response.Cookies() {
		if cookie.Name == "sessionid" {
			a.session = "sessionid=" + cookie.Value
		}
	}
	if a.status >= 500 {
		return a, fmt.Errorf("%s: %s %s answered %d: %s", s.name, method, path, a.status, a.text)
	}
	return a, nil
}

// wants sends, and fails the test unless the answer has the status.
func (s site) wants(t *testing.T, status int, method, path, credential string, body any) answer {
	t.Helper()
	a, err := s.send(method, path, credential, body)
	if err != nil {
		t.Fatal(err)
	}
	if a.status != status {
		t.Fatalf("%s: %s %s answered %d, not %d: %s", s.name, method, path, a.status, status, a.text)
	}
	return a
}

// fields is a JSON object of texts.
type fields map[string]string

const password = "correct-horse-7"

// signsIn asks for tokens.
func (s site) signsIn(t *testing.T, name, password string) answer {
	t.Helper()
	return s.wants(t, 200, "POST", "/auth/jwt/create/", "", fields{"username": name, "password": password})
}

// refuses is signsIn for a password that must not be good.
func (s site) refuses(t *testing.T, name, password string) {
	t.Helper()
	s.wants(t, 401, "POST", "/auth/jwt/create/", "", fields{"username": name, "password": password})
}

// knows asks who has the credential.
func (s site) knows(t *testing.T, name, credential string) {
	t.Helper()
	if a := s.wants(t, 200, "GET", "/auth/users/me/", credential, nil); a.body["username"] != name {
		t.Errorf("%s: %s is known as %s", s.name, name, a.text)
	}
}

// forgot checks that a credential is no longer good.
func (s site) forgot(t *testing.T, credential string) {
	t.Helper()
	s.wants(t, 401, "GET", "/auth/users/me/", credential, nil)
}

// address is a user's, in small letters, as allauth keeps it.
func address(name string) string { return strings.ToLower(name) + "@example.com" }

// signsUp registers a user, who is not active yet.
func (s site) signsUp(t *testing.T, name string) {
	t.Helper()
	s.wants(t, 201, "POST", "/auth/users/", "", fields{"username": name, "email": address(name), "password": password})
}

// A link is what a mail leads to.
type link struct{ UID, Token string }

// mailed waits for the mail to a user whose link has the path, and reads it. Mails before it are of no interest.
func (p *pair) mailed(t *testing.T, name, path string) link {
	t.Helper()
	pattern := regexp.MustCompile("/" + path + `/([^/\s]+)/([^/\s"<]+)`)
	for {
		m := p.smtp.Take(1, time.Minute)[0]
		if found := pattern.FindStringSubmatch(m.Text); found != nil && m.To[0] == address(name) {
			return link{UID: found[1], Token: found[2]}
		}
	}
}

// fields are what the confirm endpoints take.
func (l link) fields(more fields) fields {
	all := fields{"uid": l.UID, "token": l.Token}
	for key, value := range more {
		all[key] = value
	}
	return all
}

// joins signs a user up and activates the account, both at s.
func (p *pair) joins(t *testing.T, s site, name string) {
	t.Helper()
	s.signsUp(t, name)
	s.wants(t, 204, "POST", "/auth/users/activation/", "", p.mailed(t, name, "activate").fields(nil))
}
