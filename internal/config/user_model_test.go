package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/store"
)

// loadText loads settings from a file, in development mode.
func loadText(t *testing.T, text string) *Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, []byte("development: true\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestUserModelTable(t *testing.T) {
	for _, test := range []struct{ text, table, class string }{
		{"", "auth_user", "User"},
		{"AUTH_USER_MODEL: auth.User", "auth_user", "User"},
		{"AUTH_USER_MODEL: accounts.CustomUser", "accounts_customuser", "CustomUser"},
		{"AUTH_USER_MODEL: accounts.CustomUser\nuser_model: {table: people}", "people", "CustomUser"},
		{"user_model: {table: people}", "people", "User"},
	} {
		if m := loadText(t, test.text).Store().User; m.Table != test.table || m.Class != test.class {
			t.Errorf("%s: got %s, %s", test.text, m.Table, m.Class)
		}
	}
}

func TestUserModelFields(t *testing.T) {
	c := loadText(t, `AUTH_USER_MODEL: shop.Member
user_model:
  username_field: login
  email_field: ""
  fields:
    - phone
    - {name: credit, read_only: true, default: 1.5, max_digits: 6, decimal_places: 2, label: the credit}
    - {name: prefs, default: {a: [1, x]}, registration: false}
login_fields: [points]
DJOSER: {LOGIN_FIELD: login, USER_ID_FIELD: number}
SIMPLE_JWT: {USER_ID_FIELD: number}
`)
	m := c.Store().User
	if m.RequiredFields != nil || m.UsernameField != "login" || m.EmailField != "" || len(m.Fields) != 3 || m.Fields[0].Name != "phone" || *m.Fields[2].Registration {
		t.Errorf("got %+v", m)
	}
	want := []store.NamedColumn{{Key: "login_fields", Column: "points"}, {Key: "DJOSER.LOGIN_FIELD", Column: "login", Text: true},
		{Key: "DJOSER.USER_ID_FIELD", Column: "number"}, {Key: "SIMPLE_JWT.USER_ID_FIELD", Column: "number"}}
	if !slices.Equal(m.Named, want) {
		t.Errorf("named %v", m.Named)
	}
	shown := ""
	for _, s := range c.Effective() {
		if s.Key == "user_model.fields" {
			shown = s.Value
		}
	}
	if want := "[phone, {name: credit, read_only: true, default: 1.5, max_digits: 6, decimal_places: 2, label: the credit}, {name: prefs, registration: false, default: {a: [1, x]}}]"; shown != want {
		t.Errorf("shown as %s\nwant     %s", shown, want)
	}
}

// What does not fit the table is told with its place and the nearest name.
func TestExplain(t *testing.T) {
	c := loadText(t, "AUTH_USER_MODEL: shop.Member\nuser_model:\n  fields: [phnoe, born]\n")
	err := c.Explain(errors.Join(errors.New("open"), &store.ModelError{Problems: []store.ModelProblem{
		{Key: "user_model.fields.0", Message: "the table shop_member has no column phnoe", Unknown: "phnoe", Known: []string{"id", "phone"}},
		{Key: "user_model.email_field", Message: "the table shop_member has no column email", Unknown: "email", Known: []string{"id", "phone"}},
	}}))
	for _, want := range []string{
		"latchkey.yaml:4:3: user_model.fields.0: the table shop_member has no column phnoe; did you mean phone?",
		"latchkey.yaml:3:1: user_model.email_field: the table shop_member has no column email; its columns are id, phone",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	if other := errors.New("other"); c.Explain(other) != other || c.Explain(nil) != nil {
		t.Error("other errors do not stay as they are")
	}
}
