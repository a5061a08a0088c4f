package drf

import (
	"encoding/json"
	"math"
	"testing"
)

func TestEncode(t *testing.T) {
	cases := []struct {
		value       any
		want, ascii string // ascii where it differs
	}{
		{nil, "null", ""},
		{true, "true", ""},
		{-7, "-7", ""},
		{int64(math.MaxInt64), "9223372036854775807", ""},
		{1.0, "1.0", ""},
		{1e16, "1e+16", ""},
		{math.NaN(), "null", ""},
		{math.Inf(-1), "null", ""},
		{json.Number("1.50"), "1.50", ""},
		{Number("1.50"), "1.5", ""},
		{json.RawMessage(`{"a": 1}`), `{"a": 1}`, ""},
		{"</a> & 'b'/", `"</a> & 'b'/"`, ""},
		{"\"\\\b\f\n\r\t\x00\x1f", `"\"\\\b\f\n\r\t\u0000\u001f"`, ""},
		{"\x7f", "\"\x7f\"", `"\u007f"`},
		{"aé日😀b", `"aé日😀b"`, `"a\u00e9\u65e5\ud83d\ude00b"`},
		{"\u2028x\u2029\u202a", "\"\\u2028x\\u2029\u202a\"", `"\u2028x\u2029\u202a"`},
		{"\xed\xa0\x80\xed\xbf\xbf", `"\ud800\udfff"`, ""},
		{"a\xffb\xed\xa0", `"a\ufffdb\ufffd\ufffd"`, ""},
		{"\ufffd", "\"\ufffd\"", `"\ufffd"`},
		{[]string{"a", "b"}, `["a","b"]`, ""},
		{List{}, "[]", ""},
		{Object(nil), "{}", ""},
		{Object{{"b", List{1, nil}}, {"a", Object{{"é", "x"}}}}, `{"b":[1,null],"a":{"é":"x"}}`, `{"b":[1,null],"a":{"\u00e9":"x"}}`},
	}
	for _, c := range cases {
		if got := string(Encode(c.value)); got != c.want {
			t.Errorf("%#v: got %s, want %s", c.value, got, c.want)
		}
		want := c.ascii
		if want == "" {
			want = c.want
		}
		if got := string(Style{ASCII: true}.Append(nil, c.value)); got != want {
			t.Errorf("%#v in ASCII: got %s, want %s", c.value, got, want)
		}
	}
}

// The layouts are those of Python's json.dumps with DRF's separators.
func TestStyles(t *testing.T) {
	value := Object{{"a", List{1, []string{"x", "y"}, List{}}}, {"b", Object{}}, {"c", nil}}
	for _, c := range []struct {
		style Style
		want  string
	}{
		{Style{}, `{"a":[1,["x","y"],[]],"b":{},"c":null}`},
		{Style{Spaced: true}, `{"a": [1, ["x", "y"], []], "b": {}, "c": null}`},
		{Style{Indent: 2}, "{\n  \"a\": [\n    1,\n    [\n      \"x\",\n      \"y\"\n    ],\n    []\n  ],\n  \"b\": {},\n  \"c\": null\n}"},
		{Style{Indent: 1, Spaced: true}, "{\n \"a\": [\n  1,\n  [\n   \"x\",\n   \"y\"\n  ],\n  []\n ],\n \"b\": {},\n \"c\": null\n}"},
	} {
		if got := string(c.style.Append([]byte("x"), value)); got != "x"+c.want {
			t.Errorf("%+v: got %s, want x%s", c.style, got, c.want)
		}
	}
}

func TestEncodeRefusesOtherTypes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a struct was encoded")
		}
	}()
	Encode(struct{}{})
}

func BenchmarkEncodeTokens(b *testing.B) {
	const token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3MDkyMTAwOTYsImp0aSI6IjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmIiwidXNlcl9pZCI6IjEifQ.Kx8c1G6JmJ0X0h3Jv3Qb6yq1Yk5l2n7w9z4u8s6t0rE"
	reply := Object{{"refresh", token}, {"access", token}}
	buffer := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buffer = Style{}.Append(buffer[:0], reply)
	}
}
