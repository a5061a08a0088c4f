package test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// startWith starts the program in development mode with some settings.
func startWith(t *testing.T, settings string) *program {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "latchkey.yaml")
	const common = "development: true\nmounts: [{path: /auth, dialect: djoser}]\n"
	if err := os.WriteFile(file, []byte(common+settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, folder, freeAddress(t), "--config", file)
	p.ready()
	return p
}

// TestUserIDFieldCanBeWritten: a field that is shown as the id, and is not the key, is asked for at sign-up and can be changed.
func TestUserIDFieldCanBeWritten(t *testing.T) {
	tests := []struct {
		name, settings, login, change, want string
	}{
		{"email", "DJOSER: {USER_ID_FIELD: email, SEND_ACTIVATION_EMAIL: false}\n", "username", "email",
			"map[email:changed@example.com username:ann]"},
		{"username", "user_model: {username_field: email}\nDJOSER: {USER_ID_FIELD: username, SEND_ACTIVATION_EMAIL: false}\n", "email", "username",
			"map[email:ann@example.com username:changed@example.com]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := startWith(t, test.settings)
			ann := map[string]string{"username": "ann", "email": "ann@example.com", "password": emailPassword}
			made := p.call("POST", "/auth/users/", "", ann, 201)
			if got := fmt.Sprint(made); got != "map[email:ann@example.com username:ann]" {
				t.Errorf("sign-up answered %s", got)
			}
			access := p.call("POST", "/auth/jwt/create/", "", map[string]string{test.login: ann[test.login], "password": emailPassword}, 200)["access"]
			body := map[string]string{"username": "changed@example.com", "email": "changed@example.com"}
			changed := p.call("PATCH", "/auth/users/me/", fmt.Sprint(access), body, 200)
			if got := fmt.Sprint(changed); got != test.want {
				t.Errorf("the change answered %s, want %s", got, test.want)
			}
		})
	}
}

// TestUsernameIsAskedFor: the table's username is unique and cannot stay empty, whatever the settings ask for.
func TestUsernameIsAskedFor(t *testing.T) {
	p := startWith(t, "user_model: {username_field: email, required_fields: []}\n")
	refused := p.call("POST", "/auth/users/", "", map[string]string{"email": "ann@example.com", "password": emailPassword}, 400)
	if got := fmt.Sprint(refused); got != "map[username:[This field is required.]]" {
		t.Errorf("answered %s", got)
	}
	body := map[string]string{"username": "ann", "email": "ann@example.com", "password": emailPassword}
	if made := fmt.Sprint(p.call("POST", "/auth/users/", "", body, 201)); made != "map[email:ann@example.com id:1]" {
		t.Errorf("answered %s", made)
	}
}
