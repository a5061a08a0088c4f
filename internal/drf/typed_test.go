package drf

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"latchkey/internal/message"
	"latchkey/internal/store"
)

// berlin is a zone with summer time.
func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// What each kind of field takes and how it refuses the rest was asked of REST framework 3.18 on Django 5.2; values stand behind "=".
func TestTypedFields(t *testing.T) {
	const (
		noInteger  = "A valid integer is required."
		noBoolean  = "Must be a valid boolean."
		noDate     = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
		noDateTime = "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
		noNumber   = "A valid number is required."
		noUUID     = "Must be a valid UUID."
		null       = "This field may not be null."
		required   = "This field is required."
	)
	long := `"` + strings.Repeat("1", 1001) + `"`
	small := Field{Kind: Integer, Least: 0, Most: 32767, AllowNull: true, Optional: true}
	for _, c := range []struct {
		field Field
		cases map[string]string
	}{
		{small, map[string]string{
			`null`: "=<nil>", `""`: noInteger, `"5"`: "=5", `" 5 "`: "=5", `5.0`: "=5", `5.5`: noInteger, `"5.0"`: "=5", `"5."`: "=5", `"5.00"`: "=5", `"٥"`: "=5",
			`"1_0"`: "=10", `-1`: "Ensure this value is greater than or equal to 0.", `32767`: "=32767",
			`32768`: "Ensure this value is less than or equal to 32767.", `100000000000000000000`: "Ensure this value is less than or equal to 32767.",
			`-100000000000000000000`: "Ensure this value is greater than or equal to 0.", `true`: noInteger, `false`: noInteger, `"abc"`: noInteger, `[]`: noInteger,
			long: "String value too large.", `"-0"`: "=0", `"1e3"`: noInteger, `1e3`: "=1000", ``: "",
		}},
		{Field{Kind: Integer, Big: true, Least: math.MinInt64, Most: math.MaxInt64}, map[string]string{
			`9223372036854775807`: "=9223372036854775807", `9223372036854775808`: "Ensure this value is less than or equal to 9223372036854775807.",
			`-9223372036854775809`: "Ensure this value is greater than or equal to -9223372036854775808.", `""`: "A valid biginteger is required.", `null`: null, ``: required,
		}},
		{Field{Kind: Boolean}, map[string]string{
			`"true"`: "=true", `"t"`: "=true", `"T"`: "=true", `"yes"`: "=true", `"on"`: "=true", `"ON"`: "=true", `"Y"`: "=true", `"1"`: "=true", `1`: "=true", `1.0`: "=true",
			`true`: "=true", `"off"`: "=false", `"no"`: "=false", `"n"`: "=false", `0`: "=false", `"0"`: "=false", `0.0`: "=false", `false`: "=false", `"null"`: noBoolean,
			`"None"`: noBoolean, `""`: noBoolean, `null`: null, `"maybe"`: noBoolean, `2`: noBoolean, `[]`: noBoolean, `{}`: noBoolean, `" true "`: noBoolean, ``: required,
		}},
		{Field{Kind: Boolean, AllowNull: true, Optional: true}, map[string]string{
			`"null"`: "=<nil>", `null`: "=<nil>", `""`: "=<nil>", `"Null"`: "=<nil>", `"NULL"`: "=<nil>", `"None"`: noBoolean, `true`: "=true", ``: "",
		}},
		{Field{Kind: Date, AllowNull: true}, map[string]string{
			`"2020-02-29"`: "=2020-02-29", `"2021-02-29"`: noDate, `"2020-2-9"`: "=2020-02-09", `"20200209"`: "=2020-02-09", `"2020-02-29T10:00"`: noDate,
			`"29.02.2020"`: noDate, `null`: "=<nil>", `""`: noDate, `5`: noDate, `true`: noDate, `[]`: noDate, `"0000-01-01"`: noDate, `" 2020-02-29 "`: noDate,
			`"٢٠٢٠-02-02"`: "=2020-02-02", `"2020-13-01"`: noDate, `"2020-00-10"`: noDate,
		}},
		{Field{Kind: DateTime, AllowNull: true, Zone: berlin(t)}, map[string]string{
			`"2020-02-29T10:00:00Z"`: "=2020-02-29T11:00:00+01:00", `"2020-02-29 10:00"`: "=2020-02-29T10:00:00+01:00", `"2020-02-29"`: "=2020-02-29T00:00:00+01:00",
			`"2020-02-29T10:00:00.123456789+02:00"`: "=2020-02-29T09:00:00.123456+01:00", `"2020-02-29T10:00:00+0230"`: "=2020-02-29T08:30:00+01:00",
			`"2020-10-25T02:30:00"`: "=2020-10-25T02:30:00+02:00", `"2020-03-29T02:30:00"`: "=2020-03-29T03:30:00+02:00", `"now"`: noDateTime, `null`: "=<nil>", `""`: noDateTime, `5`: noDateTime,
			`"2020-02-30T10:00:00Z"`: noDateTime, `"2020-02-29T24:00:00Z"`: noDateTime, `"2020-02-29t10:00:00z"`: noDateTime, `"2020-02-29T10:60"`: noDateTime,
			`"2020-02-29T10:00:00 +02:00"`: "=2020-02-29T09:00:00+01:00", `"9999-12-31T23:59:59-01:00"`: "Datetime value out of range.",
			`"0001-01-01T00:00:00+01:00"`: "Datetime value out of range.", `"2020-02-29T10:00:00,5Z"`: "=2020-02-29T11:00:00.500000+01:00",
			`"20200229T100000Z"`: "=2020-02-29T11:00:00+01:00", `"2020-02-29T10:00:00+99:00"`: noDateTime,
		}},
		{Field{Kind: Decimal, Digits: 6, Places: 2}, map[string]string{
			`"1.5"`: "=1.50", `1.5`: "=1.50", `1`: "=1.00", `"1234.56"`: "=1234.56", `"12345.67"`: "Ensure that there are no more than 6 digits in total.",
			`"1.234"`: "Ensure that there are no more than 2 decimal places.", `"12345"`: "Ensure that there are no more than 4 digits before the decimal point.",
			`"123456"`: "Ensure that there are no more than 4 digits before the decimal point.", `"NaN"`: noNumber, `"Infinity"`: noNumber, `"sNaN"`: noNumber,
			`"1e2"`: "=100.00", `"1E-2"`: "=0.01", `"1e10"`: "Ensure that there are no more than 6 digits in total.", `"abc"`: noNumber, `""`: noNumber, `null`: null,
			`true`: noNumber, `[]`: noNumber, `"-0"`: "=-0.00", `"0"`: "=0.00", `" 1.5 "`: "=1.50", `"٣"`: "=3.00", `"1_0.5"`: "=10.50", `0.1`: "=0.10",
			`1e-7`: "Ensure that there are no more than 6 digits in total.", `1e20`: "Ensure that there are no more than 6 digits in total.", `"00012.50"`: "=12.50",
			`"1,5"`: noNumber, `"+3"`: "=3.00", `".5"`: "=0.50", `"5."`: "=5.00", `"."`: noNumber, `"-"`: noNumber, long: "String value too large.",
			`"1e99999999999999999999"`: noNumber, `"0.000"`: "Ensure that there are no more than 2 decimal places.",
		}},
		{Field{Kind: Decimal, Digits: 6, Places: 2, AllowNull: true}, map[string]string{`""`: "=<nil>", `" "`: "=<nil>", `null`: "=<nil>"}},
		{Field{Kind: UUID}, map[string]string{
			`"5"`: noUUID, `5`: "=00000000-0000-0000-0000-000000000005", `-1`: noUUID, `340282366920938463463374607431768211456`: noUUID, `1.5`: noUUID, `[]`: noUUID,
			`"{12345678-1234-5678-1234-567812345678}"`: "=12345678-1234-5678-1234-567812345678", `"12345678123456781234567812345679"`: "=12345678-1234-5678-1234-567812345679",
			`"urn:uuid:12345678-1234-5678-1234-56781234567A"`: "=12345678-1234-5678-1234-56781234567a", `"zz"`: noUUID, `null`: null, `""`: noUUID,
		}},
		{Field{Kind: JSON}, map[string]string{
			`null`: null, `{}`: "={}", `[]`: "=[]", `"text"`: `="text"`, `5`: "=5", `1.50`: "=1.5", `true`: "=true", `{"a":[1,null,"é"],"b":2,"a":3}`: `={"a": 3, "b": 2}`,
			`{"é":"\u2028"}`: `={"\u00e9": "\u2028"}`, `""`: `=""`, ``: required, `"\u0000"`: "Value must be valid JSON.", `["\ud800"]`: "Value must be valid JSON.",
		}},
		{Field{Kind: Related, Key: store.Integer, Least: math.MinInt64, Most: math.MaxInt64, AllowNull: true}, map[string]string{
			`null`: "=<nil>", `""`: "=<nil>", `1`: "=1", `"1"`: "=1", `" 1 "`: "=1", `1.0`: "=1", `1.5`: "=1", `-1`: "=-1",
			`"abc"`: "Incorrect type. Expected pk value, received str.", `true`: "Incorrect type. Expected pk value, received bool.",
			`[]`: "Incorrect type. Expected pk value, received list.", `{}`: "Incorrect type. Expected pk value, received dict.",
			`1000000000000000000000000000000`: `Invalid pk "1000000000000000000000000000000" - object does not exist.`,
		}},
		{Field{Kind: Related, Key: store.UUID}, map[string]string{
			`"12345678-1234-5678-1234-567812345678"`: "=12345678-1234-5678-1234-567812345678", `"x"`: "“x” is not a valid UUID.", `null`: null, `""`: null, ``: required,
		}},
		{Field{Kind: Text, AllowNull: true, Optional: true, Max: 3}, map[string]string{
			`null`: "=<nil>", `" x "`: "=x", `5`: "=5", `"abcd"`: "Ensure this field has no more than 3 characters.", `""`: "This field may not be blank.", ``: "",
		}},
	} {
		for input, want := range c.cases {
			c.field.Name = "f"
			body := "{}"
			if input != "" {
				body = `{"f":` + input + `}`
			}
			f, err := Body{value: decode(t, body)}.Fields(&Serializer{Fields: []Field{c.field}}, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := shownValue(f, berlin(t)); got != want {
				t.Errorf("%+v %.80s:\n got %s\nwant %s", c.field.Kind, input, got, want)
			}
		}
	}
}

// shownValue reads the field f: its value behind "=", or its first error, or nothing.
func shownValue(f *Fields, zone *time.Location) string {
	value, present := f.Value("f")
	if err := f.Err(); err != nil {
		return fmt.Sprint(err.(*Error).Body.(Object)[0].Value.(List)[0])
	}
	if !present {
		return ""
	}
	if at, ok := value.(time.Time); ok {
		return "=" + TimeIn(at, zone)
	}
	return fmt.Sprint("=", value)
}

// An empty or absent input of a form stands for what a browser can send in no other way.
func TestTypedFieldsOfForms(t *testing.T) {
	optional, nullable := Field{Kind: Integer, Most: 9, Optional: true}, Field{Kind: Integer, Most: 9, AllowNull: true}
	for _, c := range []struct {
		field Field
		sent  any // nil: absent
		want  string
	}{
		{Field{Kind: Boolean}, nil, "=false"}, {Field{Kind: Boolean}, "on", "=true"}, {Field{Kind: Boolean}, "", "Must be a valid boolean."},
		{Field{Kind: Boolean, AllowNull: true}, nil, "=<nil>"}, {Field{Kind: Boolean, Optional: true}, "", ""},
		{optional, "", ""}, {nullable, "", "=<nil>"}, {nullable, "7", "=7"}, {Field{Kind: Integer}, "", "A valid integer is required."},
		{Field{Kind: JSON, AllowNull: true}, "", "Value must be valid JSON."}, {Field{Kind: JSON}, `{"a":1}`, `={"a": 1}`}, {Field{Kind: JSON}, `x`, "Value must be valid JSON."},
		{Field{Kind: JSON}, File{"f"}, "Value must be valid JSON."}, {Field{Kind: JSON, Optional: true}, nil, ""},
		{Field{Kind: Related, Key: store.Integer, AllowNull: true}, "", "=<nil>"}, {Field{Kind: Date, AllowNull: true}, "", "=<nil>"},
	} {
		input := Object{}
		if c.sent != nil {
			input = Object{{"f", c.sent}}
		}
		c.field.Name = "f"
		f, err := Body{value: input, form: true}.Fields(&Serializer{Fields: []Field{c.field}}, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := shownValue(f, time.UTC); got != c.want {
			t.Errorf("%+v %v: got %s, want %s", c.field.Kind, c.sent, got, c.want)
		}
	}
	f, err := Body{value: Object{}, form: true}.Fields(&Serializer{Fields: []Field{{Name: "f", Kind: Boolean}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	f.partial = true
	if got := shownValue(f, time.UTC); got != "" {
		t.Errorf("a box that PATCH does not send: got %s", got)
	}
}

// A check runs on what the field took, and not on what it refused.
func TestTypedChecks(t *testing.T) {
	f, err := Body{value: decode(t, `{"a":1,"b":"x","c":"y"}`)}.Fields(&Serializer{Fields: []Field{
		{Name: "a", Kind: Integer, Most: 9}, {Name: "b", Kind: Integer, Most: 9}, {Name: "c"},
	}}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		f.Value(name, func(value any) *message.Text { return message.Verbatim(fmt.Sprint(value, " is taken")) })
	}
	if got, want := errorBody(f.Err()), `{"a":["1 is taken"],"b":["A valid integer is required."],"c":["y is taken"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestValuesOfColumns(t *testing.T) {
	m := &Model{Model: store.StockModel(), Zone: berlin(t)}
	at := time.Date(2026, 7, 1, 12, 0, 0, 500000, time.UTC)
	id, _ := store.ParseUUID("12345678-1234-5678-1234-567812345678")
	u := &store.User{ID: store.UUIDID(id), DateJoined: at, Extra: map[string]any{
		"text": "t", "number": int64(5), "yes": true, "none": nil, "date": store.DateValue("2026-07-01"), "moment": at, "credit": store.DecimalValue("1.50"), "ref": id,
		"prefs": store.JSONValue(`{"a": [1.50, null]}`), "odd": store.JSONValue(`NaN`),
	}}
	for name, want := range map[string]string{
		"id": `"12345678-1234-5678-1234-567812345678"`, "text": `"t"`, "number": "5", "yes": "true", "none": "null", "date": `"2026-07-01"`,
		"moment": `"2026-07-01T14:00:00.000500+02:00"`, "date_joined": `"2026-07-01T14:00:00.000500+02:00"`, "last_login": "null", "credit": `"1.50"`,
		"ref": `"12345678-1234-5678-1234-567812345678"`, "prefs": `{"a":[1.5,null]}`, "odd": `"NaN"`,
	} {
		if got := string(Encode(m.Value(u, name))); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestVerboseName(t *testing.T) {
	for class, want := range map[string]string{"User": "user", "CustomUser": "custom user", "HTTPUser": "http user", "MyAPI": "my api", "user": "user", "User2FA": "user2fa"} {
		if got := verboseName(class); got != want {
			t.Errorf("%s: got %q, want %q", class, got, want)
		}
	}
}

func FuzzTypedFields(f *testing.F) {
	for _, seed := range []string{`"2020-02-29T10:00:00Z"`, `"1_0.5e-3"`, `{"a":[1]}`, `"{12345678-1234-5678-1234-567812345678}"`, `1e400`, `"\ud800"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		raw, err := decodeJSON(input, 50, 100)
		if err != nil {
			t.Skip()
		}
		for kind := Text; int(kind) < len(kinds); kind++ {
			if kind == Nested {
				continue
			}
			for _, form := range []bool{false, true} {
				field := Field{Name: "f", Kind: kind, Most: 100, Digits: 6, Places: 2, Zone: time.UTC, Key: store.Integer}
				in, err := Body{value: Object{{"f", raw}}, form: form}.Fields(&Serializer{Fields: []Field{field}}, "")
				if err != nil {
					t.Fatal(err)
				}
				value, present := in.Value("f")
				if d, ok := value.(store.DecimalValue); ok && present && len(strings.Trim(string(d), "-.")) > 7 {
					t.Errorf("%s became %s", input, d)
				}
			}
		}
	})
}
