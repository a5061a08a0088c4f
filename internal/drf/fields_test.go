package drf

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/internal/message"
	"latchkey/internal/store"
)

func fieldsOf(t testing.TB, body string) *Fields {
	t.Helper()
	f, err := Body{value: decode(t, body)}.Fields(signUpFields, "non_field_errors")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func errorBody(err error) string {
	if err == nil {
		return ""
	}
	return string(Encode(err.(*Error).Body))
}

var notAUsername = BadUsername.String()

// stockModel is that of Django's own user.
var stockModel = &Model{Model: store.StockModel(), Zone: time.UTC}

// signUpFields are djoser's, and three texts of no rules.
var signUpFields = &Serializer{Name: "SignUp", Fields: []Field{
	stockModel.Column("email"), stockModel.Column("username"), {Name: "password"}, {Name: "a"}, {Name: "b"}, {Name: "c"},
}}

// signUp reads djoser's sign-up fields.
func signUp(f *Fields) (email, username, password string) {
	email, _ = f.Text("email")
	username, _ = f.Text("username")
	password, _ = f.Text("password")
	return email, username, password
}

func TestSignUpFields(t *testing.T) {
	long := strings.Repeat("é", 151)
	for body, want := range map[string]string{
		`{}`: `{"username":["This field is required."],"password":["This field is required."]}`,
		`{"username":null,"password":null,"email":null}`:                      `{"email":["This field may not be null."],"username":["This field may not be null."],"password":["This field may not be null."]}`,
		`{"username":"","password":" \u00a0 ","email":"\t"}`:                  `{"username":["This field may not be blank."],"password":["This field may not be blank."]}`,
		`{"username":true,"password":[],"email":5}`:                           `{"email":["Enter a valid email address."],"username":["Not a valid string."],"password":["Not a valid string."]}`,
		`{"username":{},"password":"p","email":[]}`:                           `{"email":["Enter a valid email address."],"username":["Not a valid string."]}`,
		`{"username":"a b","password":"p","email":false,"id":3}`:              `{"email":["Enter a valid email address."],"username":["` + notAUsername + `"]}`,
		`{"username":"a\u0000b","password":"1311Qwqq!!"}`:                     `{"username":["` + notAUsername + `","Null characters are not allowed."]}`,
		`{"username":"ab","password":"1311Qwqq\u0000!!"}`:                     `{"password":["Null characters are not allowed."]}`,
		`{"username":"\ud800","password":"1311Qwqq!!"}`:                       `{"username":["` + notAUsername + `","Surrogate characters are not allowed: U+D800."]}`,
		`{"username":"ab","password":"1311Qwqq\udfff\ud800"}`:                 `{"password":["Surrogate characters are not allowed: U+DFFF."]}`,
		`{"username":"ab","password":"1311Qwqq!!","email":"\ud800@e.co"}`:     `{"email":["Surrogate characters are not allowed: U+D800.","Enter a valid email address."]}`,
		`{"username":"ab","password":"x","email":"a@\ud800.co"}`:              `{"email":["Surrogate characters are not allowed: U+D800."]}`,
		`{"username":"` + long + `","password":"p"}`:                          `{"username":["Ensure this field has no more than 150 characters."]}`,
		`{"username":"` + long[2:] + `","password":"p"}`:                      ``,
		`{"username":"` + long + `\u0000\ud800","password":"p"}`:              `{"username":["` + notAUsername + `","Ensure this field has no more than 150 characters.","Null characters are not allowed.","Surrogate characters are not allowed: U+D800."]}`,
		`{"username":"a","password":"p","email":"` + long + long + `\u0000"}`: `{"email":["Ensure this field has no more than 254 characters.","Null characters are not allowed.","Enter a valid email address."]}`,
		`{"username":"\u200bb","password":"p"}`:                               `{"username":["` + notAUsername + `"]}`,
		`{"username":"a","password":"p","email":""}`:                          ``,
	} {
		f := fieldsOf(t, body)
		signUp(f)
		if got := errorBody(f.Err()); got != want {
			t.Errorf("%.80s:\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestFieldValues(t *testing.T) {
	for _, c := range []struct{ body, email, username, password string }{
		{`{"username":"\t\u000b\u000c\r\n\u001c\u0085\u2028a\u3000\u2003","password":" p w "}`, "", "a", "p w"},
		{`{"username":1.0,"password":12345678901234567890,"email":" A@B.co "}`, "A@B.co", "1.0", "12345678901234567890"},
		{`{"username":-5,"password":1e400,"username":"b"}`, "", "b", "inf"},
		{`{"username":"a","password":"\ud83d\ude00"}`, "", "a", "😀"},
		{`{"username":"a b","password":"p"}`, "", "", "p"},
	} {
		f := fieldsOf(t, c.body)
		email, username, password := signUp(f)
		if email != c.email || username != c.username || password != c.password {
			t.Errorf("%s: got %q, %q, %q", c.body, email, username, password)
		}
	}
}

func (f Field) named(name string) Field {
	f.Name = name
	return f
}

func TestOptions(t *testing.T) {
	optional := Field{Optional: true}
	blank, null := Field{AllowBlank: true}, Field{AllowNull: true}
	for _, c := range []struct {
		body    string
		form    bool
		field   Field
		value   string
		present bool
		err     string
	}{
		{`{}`, false, optional, "", false, ""},
		{`{"a":""}`, false, optional, "", false, `{"a":["This field may not be blank."]}`},
		{`{"a":""}`, true, optional, "", false, ""},
		{`{"a":" "}`, true, optional, "", false, `{"a":["This field may not be blank."]}`},
		{`{"a":null}`, false, optional, "", false, `{"a":["This field may not be null."]}`},
		{`{"a":" "}`, false, blank, "", true, ""},
		{`{"a":""}`, true, blank, "", true, ""},
		{`{"a":null}`, false, null, "", true, ""},
		{`{"a":""}`, true, null, "", true, ""},
		{`{"a":""}`, true, Field{}, "", false, `{"a":["This field may not be blank."]}`},
		{`{"a":" x "}`, false, Field{NoTrim: true}, " x ", true, ""},
		{`{"a":"  "}`, false, Field{NoTrim: true}, "  ", true, ""},
		{`{"a":"ab"}`, false, Field{Max: 1, After: []func(string) *message.Text{validUsername, func(string) *message.Text { return message.T("after") }}}, "", false,
			`{"a":["Ensure this field has no more than 1 characters.","after"]}`},
	} {
		f, err := Body{value: decode(t, c.body), form: c.form}.Fields(&Serializer{Fields: []Field{c.field.named("a")}}, "")
		if err != nil {
			t.Fatal(err)
		}
		value, present := f.Text("a")
		if value != c.value || present != c.present || errorBody(f.Err()) != c.err {
			t.Errorf("%s (form %v): got %q, %v, %s", c.body, c.form, value, present, errorBody(f.Err()))
		}
	}
}

func TestFileIsNoText(t *testing.T) {
	f, err := Body{value: Object{{"a", File{"f"}}}, form: true}.Fields(signUpFields, "")
	if err != nil {
		t.Fatal(err)
	}
	f.Text("a")
	if got, want := errorBody(f.Err()), `{"a":["Not a valid string."]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBodyThatIsNoObject(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:     `{"errors":["Invalid data. Expected a dictionary, but got list."]}`,
		`"text"`: `{"errors":["Invalid data. Expected a dictionary, but got str."]}`,
		`12`:     `{"errors":["Invalid data. Expected a dictionary, but got int."]}`,
		`1.5`:    `{"errors":["Invalid data. Expected a dictionary, but got float."]}`,
		`true`:   `{"errors":["Invalid data. Expected a dictionary, but got bool."]}`,
		`null`:   `{"errors":["No data provided"]}`,
	} {
		_, err := Body{value: decode(t, body)}.Fields(signUpFields, "errors")
		if got := errorBody(err); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

func TestRaw(t *testing.T) {
	declared := &Serializer{Fields: []Field{{Name: "text"}, {Name: "number"}, {Name: "null"}, {Name: "list"}, {Name: "absent"}}}
	f, err := Body{value: decode(t, `{"text":" x ","number":1.50,"null":null,"list":[1]}`)}.Fields(declared, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"text": " x ", "number": Number("1.50"), "null": nil, "list": List{Number("1")}} {
		if got, ok := f.Raw(name); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v", name, got, ok)
		}
	}
	if _, ok := f.Raw("absent"); ok {
		t.Error("an absent field is there")
	}
	for name, want := range map[string]bool{"text": true, "number": false, "null": false, "absent": false} {
		if text, ok := f.RawText(name); ok != want || ok && text != " x " {
			t.Errorf("%s: got %q, %v", name, text, ok)
		}
	}
}

func TestFailKeepsPlaces(t *testing.T) {
	f := fieldsOf(t, `{"a":"x","b":"y"}`)
	f.Text("a")
	f.Text("b")
	f.Text("c")
	f.Fail("z", message.T("new"))
	f.Fail("a", message.T("one"), message.T("two"))
	f.Fail("c", message.T("three"))
	f.Fail("b")
	if got, want := errorBody(f.Err()), `{"a":["one","two"],"c":["This field is required.","three"],"z":["new"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func BenchmarkChar(b *testing.B) {
	body := Body{value: decode(b, `{"username":"alice","password":"correct horse battery staple"}`)}
	b.ReportAllocs()
	for b.Loop() {
		f, err := body.Fields(signUpFields, "non_field_errors")
		if err != nil {
			b.Fatal(err)
		}
		f.Text("username")
		f.Text("password")
		if f.Err() != nil {
			b.Fatal(f.Err())
		}
	}
}

func TestLeastLength(t *testing.T) {
	read := func(value string, least int) string {
		f, err := Body{value: Object{{"name", value}}}.Fields(&Serializer{Fields: []Field{{Name: "name", Min: least, Max: 3}}}, "non_field_errors")
		if err != nil {
			t.Fatal(err)
		}
		f.Text("name")
		if err := f.Err(); err != nil {
			return err.Error()
		}
		return ""
	}
	for _, test := range []struct {
		value string
		least int
		want  string
	}{
		{"äö", 2, ""}, {"ä", 1, ""}, {"ä", 0, ""},
		{"ä", 2, `Bad Request {"name":["Ensure this field has at least 2 characters."]}`},
		{"abcd", 5, `Bad Request {"name":["Ensure this field has no more than 3 characters.","Ensure this field has at least 5 characters."]}`},
	} {
		if got := read(test.value, test.least); got != test.want {
			t.Errorf("%q, at least %d: %s, want %s", test.value, test.least, got, test.want)
		}
	}
}

// BenchmarkRefusal answers two errors, in English and in a language whose words must be looked up.
func BenchmarkRefusal(b *testing.B) {
	languages, err := message.Load(nil)
	if err != nil {
		b.Fatal(err)
	}
	body := Body{value: decode(b, `{"username":"","email":"x"}`)}
	for _, code := range []string{"en", "ru"} {
		l, _ := languages.For(code)
		b.Run(code, func(b *testing.B) {
			b.ReportAllocs()
			answer := make([]byte, 0, 512)
			for b.Loop() {
				f, err := body.Fields(signUpFields, "non_field_errors")
				if err != nil {
					b.Fatal(err)
				}
				f.Text("username")
				f.Text("email")
				answer = Style{Language: l}.Append(answer[:0], f.Err().(*Error).Body)
			}
		})
	}
}
