package drf

import (
	"reflect"
	"strings"
	"testing"
)

func decode(t testing.TB, text string) any {
	t.Helper()
	value, err := decodeJSON(text, 200, 1000)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func TestJSONErrors(t *testing.T) {
	for _, c := range readVectors(t).JSONErrors.Items {
		body := c.Body
		if body == "'9' times 4301" {
			body = strings.Repeat("9", 4301)
		}
		_, err := decodeJSON(body, 200, 1000)
		if err == nil || "JSON parse error - "+err.Error() != c.Detail {
			t.Errorf("%.40q: got %v, want %s", body, err, c.Detail)
		}
	}
}

func TestNumbersAsText(t *testing.T) {
	for _, c := range readVectors(t).NumbersAsText {
		number, ok := decode(t, c.JSON).(Number)
		if !ok || number.String() != c.Text {
			t.Errorf("%s: got %s, want %s", c.JSON, number, c.Text)
		}
	}
	if digits := strings.Repeat("9", maxDigits); decode(t, "-"+digits) != Number("-"+digits) {
		t.Error("the longest integer is refused")
	}
	if decode(t, strings.Repeat("9", 2*maxDigits)+".0").(Number).String() != "inf" {
		t.Error("a float is held to the length of integers")
	}
}

func TestJSONValues(t *testing.T) {
	got := decode(t, " {\"a\" : [1, 2.5, null, true, false, \"\"], \"\\u00e9\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\r\n\t\"p\":\"\\ud83d\\ude00\",\"l\":\"x\\ud800\\udbff\\udc00\\udfff\",\"o\":{},\"a\":{}} ")
	want := Object{
		{"a", List{Number("1"), Number("2.5"), nil, true, false, ""}},
		{"é", "\"\\/\b\f\n\r\t"},
		{"p", "😀"},
		{"l", "x\xed\xa0\x80\U0010fc00\xed\xbf\xbf"},
		{"o", Object{}},
		{"a", Object{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
	if last, _ := want.Get("a"); !reflect.DeepEqual(last, Object{}) {
		t.Errorf("of equal keys Get finds %v, not the last", last)
	}
	if _, ok := want.Get("b"); ok {
		t.Error("Get finds what is not there")
	}
}

func TestJSONLimits(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":[`, n/2) + strings.Repeat("]}", n/2) }
	if _, err := decodeJSON(deep(200), 200, 10); err != nil {
		t.Errorf("200 levels: %v", err)
	}
	_, err := decodeJSON(deep(202), 200, 10)
	if want := "Nested too deeply"; err == nil || err.Error() != want {
		t.Errorf("202 levels: got %v, want %s", err, want)
	}
	if _, err := decodeJSON(strings.Repeat("[", 2_000_000), 200, 10); err == nil {
		t.Error("two million brackets are taken")
	}
	if _, err := decodeJSON(`{"a":1,"b":2}`, 200, 2); err != nil {
		t.Errorf("two keys: %v", err)
	}
	if _, err := decodeJSON(`{"a":1,"b":2,"a":3}`, 200, 2); err == nil {
		t.Error("three keys are taken for two")
	}
}

// same compares values, numbers by what they mean to Python.
func same(a, b any) bool {
	switch a := a.(type) {
	case Number:
		b, ok := b.(Number)
		return ok && a.String() == b.String()
	case List:
		b, ok := b.(List)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case Object:
		b, ok := b.(Object)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if a[i].Key != b[i].Key || !same(a[i].Value, b[i].Value) {
				return false
			}
		}
		return true
	}
	return a == b
}

func FuzzJSON(f *testing.F) {
	for _, c := range readVectors(f).JSONErrors.Items {
		f.Add([]byte(c.Body))
	}
	f.Add([]byte(`{"username":"ann","password":"1311Qwqq!!","n":[1,-0,-0.0,2.50,1e400,null,true]}`))
	f.Add([]byte(`"\ud800\ud83d\ude00\udfff\u2028"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := utf8Charset.stream(data)
		if err != nil {
			return
		}
		value, err := decodeJSON(text, 200, 1000)
		if err != nil {
			return
		}
		for _, style := range []Style{{}, {ASCII: true, Spaced: true}, {Indent: 2}} {
			encoded := style.Append(nil, value)
			again, err := decodeJSON(string(encoded), 200, 1000)
			if err != nil || !same(value, again) {
				t.Errorf("%+v: %q became %q: %v", style, data, encoded, err)
			}
		}
	})
}

func BenchmarkDecodeLogin(b *testing.B) {
	body := []byte(`{"username": "alice", "password": "correct horse battery staple"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseJSON(body, utf8Charset, DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}
