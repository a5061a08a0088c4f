package drf

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFormLimit(t *testing.T) {
	limits := Limits{Fields: 3}
	if _, err := parseForm([]byte("a&b&c"), utf8Charset, limits); err != nil {
		t.Errorf("three fields: %v", err)
	}
	_, err := parseForm([]byte("a&b&c&"), utf8Charset, limits)
	if got, want := outcomeOf(t, Body{}, err), (outcome{Status: 400, Detail: "The form has more than 3 fields."}); !got.equal(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func FuzzForm(f *testing.F) {
	for _, seed := range []string{"a=b&c=d", "a+b=%41%zz%4&&=", "a=\xff%ff", "a=%c3%a9é%e2%82", "a=%ed%a0%80"} {
		f.Add([]byte(seed))
	}
	limits := DefaultLimits()
	f.Fuzz(func(t *testing.T, data []byte) {
		form, err := parseForm(data, utf8Charset, limits)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, m := range form {
			value := m.Value.(string)
			if !utf8.ValidString(m.Key) || !utf8.ValidString(value) {
				t.Fatalf("%q gave %q=%q, which is no UTF-8", data, m.Key, value)
			}
			again.WriteString(url.QueryEscape(m.Key) + "=" + url.QueryEscape(value) + "&")
		}
		second, err := parseForm([]byte(strings.TrimSuffix(again.String(), "&")), utf8Charset, limits)
		if err != nil || !same(form, second) {
			t.Errorf("%q gave %q, and that %q: %v", data, form, second, err)
		}
	})
}
