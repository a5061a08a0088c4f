package cors

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
)

// configOf lays settings by name over the defaults.
func configOf(t *testing.T, settings map[string]json.RawMessage) Config {
	t.Helper()
	cfg := DefaultConfig()
	v := reflect.ValueOf(&cfg).Elem()
	for name, value := range settings {
		found := false
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("yaml") == name {
				found = true
				if err := json.Unmarshal(value, v.Field(i).Addr().Interface()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !found {
			t.Fatalf("there is no setting %s", name)
		}
	}
	return cfg
}

// TestRecordings asks what django-cors-headers was asked; testdata/record.py says how.
func TestRecordings(t *testing.T) {
	data, err := os.ReadFile("testdata/recordings.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Recordings []struct {
			Settings  map[string]json.RawMessage
			Exchanges []struct {
				Method, Path  string
				Sent, Headers map[string]string
				Status        int
			}
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, recording := range file.Recordings {
		policy, err := New(configOf(t, recording.Settings))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range recording.Exchanges {
			// Where null is allowed, the original allows whatever is no URL; browsers send none of it.
			if _, null := e.Sent["Origin"]; null && e.Sent["Origin"] != "null" && !strings.Contains(e.Sent["Origin"], "://") {
				continue
			}
			r := httptest.NewRequest(e.Method, e.Path, nil)
			for name, value := range e.Sent {
				r.Header.Set(name, value)
			}
			header := http.Header{}
			if policy.Answer(header, r) != (e.Status == http.StatusOK) {
				t.Errorf("%s: %s %v: got no status %d", recording.Settings, e.Method, e.Sent, e.Status)
			}
			if e.Status != http.StatusOK { // what the view behind it says
				header["Vary"] = append([]string{"Accept-Language"}, header["Vary"]...)
			}
			got := map[string]string{}
			for name, values := range header {
				got[strings.ToLower(name)] = strings.Join(values, ", ")
			}
			if !maps.Equal(got, e.Headers) {
				t.Errorf("%s: %s %s %v:\ngot  %v\nwant %v", recording.Settings, e.Method, e.Path, e.Sent, got, e.Headers)
			}
			compared++
		}
	}
	if compared < 500 {
		t.Errorf("only %d answers were compared", compared)
	}
}

func TestPattern(t *testing.T) {
	for _, test := range []struct {
		text  string
		match string // what it matches, space by space
		not   string
	}{
		{`https://app\.example\.com`, "https://app.example.com https://app.example.com.evil.example", "xhttps://app.example.com http://app.example.com"},
		{`https://a|https://b`, "https://a https://b https://bc", "xhttps://b"},
		{`^http://localhost:\d{4}\Z`, "http://localhost:3000", "http://localhost:30000"},
		{`(?i)^https://(?P<name>\w+)\.example\.com$`, "HTTPS://a.example.com", "https://a.example.com:1"},
	} {
		pattern, err := Pattern(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		for origin := range strings.FieldsSeq(test.match) {
			if !pattern.MatchString(origin) {
				t.Errorf("%s does not match %s", test.text, origin)
			}
		}
		for origin := range strings.FieldsSeq(test.not) {
			if pattern.MatchString(origin) {
				t.Errorf("%s matches %s", test.text, origin)
			}
		}
	}
	for _, text := range []string{`https://(?!evil)\w+`, `(a)\1`, `(?P=name)`, `a{,3}`, `[[:alpha:]]`, `(`, `a**`, `(?x) a`, `\d++`} {
		if _, err := Pattern(text); err == nil {
			t.Errorf("%s is taken, and Python reads it in another way", text)
		}
	}
}

func TestTraps(t *testing.T) {
	for text, want := range map[string]Traps{
		`^https://app\.example\.com$`:           {},
		`https://[a-z]+\.example\.com\Z`:        {},
		`^(https://a\.example|https://b\.net)$`: {},
		`^https://a\.example$|^https://b\.net$`: {},
		`^https://.*\.example\.com$`:            {},
		`^https://app\.example\.com`:            {Open: true},
		`^https://a\.example|https://b\.net$`:   {Open: true},
		`^https://app\.example\.com($|:)`:       {Open: true},
		`^https://app.example\.com$`:            {Dot: true},
		`https://(app.|www\.)example\.com`:      {Open: true, Dot: true},
	} {
		if got := TrapsOf(text); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	for want, cfg := range map[string]Config{
		"CORS_ALLOWED_ORIGIN_REGEXES: missing closing )": {AllowedOriginRegexes: []string{"("}},
		"CORS_URLS_REGEX: missing closing )":             {URLsRegex: "("},
	} {
		if _, err := New(cfg); err == nil || !strings.HasPrefix(fmt.Sprint(err), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// An expression that is said to end with the text matches from its first letter, and nothing that goes on behind it.
func FuzzPattern(f *testing.F) {
	f.Add(`https://\w+\.example\.com$`, "https://app.example.com", ".evil.example")
	f.Add(`^https://(a|b)\Z|x$`, "https://a", "x")
	f.Add(`(?m)https://a$`, "https://a", "\nx")
	f.Add(`(?:a$|b)c*`, "a", "c")
	f.Add(`https://a$)|(b$`, "https://evil.example/b", "") // which began anywhere
	f.Fuzz(func(t *testing.T, text, origin, more string) {
		if len(text)+len(origin)+len(more) > 200 {
			return // nested repetitions of long texts take seconds to match
		}
		pattern, err := Pattern(text)
		if err != nil || TrapsOf(text).Open {
			return
		}
		for _, s := range []string{origin, origin + more} {
			if at := pattern.FindStringIndex(s); at != nil && (at[0] != 0 || at[1] != len(s)) {
				t.Errorf("%q is said to be closed and matches %q of %q", text, s[at[0]:at[1]], s)
			}
		}
	})
}
