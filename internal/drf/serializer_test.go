package drf

import (
	"strings"
	"testing"
)

// A handler that asks for what its endpoint does not declare would answer by rules that no document tells.
func TestUndeclaredField(t *testing.T) {
	for name, ask := range map[string]func(f *Fields){
		"Text":    func(f *Fields) { f.Text("other") },
		"Raw":     func(f *Fields) { f.Raw("other") },
		"RawText": func(f *Fields) { f.RawText("other") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, "SignUp declares no field other") {
					t.Errorf("got %q, want a panic that names the serializer and the field", said)
				}
			}()
			ask(fieldsOf(t, `{"other":"x"}`))
		})
	}
}

func TestDescribe(t *testing.T) {
	s := &Serializer{Fields: []Field{
		stockModel.Column("id"),
		stockModel.Column("username"),
		stockModel.Column("email").Shown(),
		{Name: "old_password", Min: 1, Max: 128},
		{Name: "password1", Optional: true, Max: 4096, Untold: true},
	}}
	want := `{"id":{"type":"integer","required":false,"read_only":true,"label":"ID"},` +
		`"username":{"type":"string","required":true,"read_only":false,"label":"Username",` +
		`"help_text":"Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.","max_length":150},` +
		`"email":{"type":"email","required":false,"read_only":true,"label":"Email address"},` +
		`"old_password":{"type":"string","required":true,"read_only":false,"label":"Old password","min_length":1,"max_length":128},` +
		`"password1":{"type":"string","required":false,"read_only":false,"label":"Password1"}}`
	if got := string(Encode(s.describe())); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
