package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// memberShell is a shell in a folder with a database of a project's own user model.
func memberShell(t *testing.T) *shell {
	s := newShell(t)
	db, err := sql.Open("sqlite", filepath.Join(s.folder, "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE shop_member (id char(32) NOT NULL PRIMARY KEY, password varchar(128) NOT NULL, email varchar(254) NOT NULL UNIQUE,
		phone varchar(20) NOT NULL UNIQUE, points integer NOT NULL, born date NULL)`); err != nil {
		t.Fatal(err)
	}
	return s
}

// memberConfig is its configuration, with these fields.
func memberConfig(fields string) string {
	return `listen: 127.0.0.1:0
database: sqlite://shop.db
secret_key: a-secret-key-of-this-test-0123456789-0123456789
pbkdf2_iterations: 1000
EMAIL_BACKEND: django.core.mail.backends.dummy.EmailBackend
mounts: [{path: /auth, dialect: djoser}]
AUTH_USER_MODEL: shop.Member
user_model:
  username_field: email
  fields: ` + fields + "\n"
}

// What does not fit the user table stops the start, with its place in the file and what to do about it.
func TestUserModelThatDoesNotFit(t *testing.T) {
	for _, test := range []struct{ config, want string }{
		{memberConfig("[phnoe]"), "latchkey.yaml:10:3: user_model.fields.0: the table shop_member has no column phnoe; did you mean phone?"},
		{memberConfig("[phone]"), "user_model.fields: a new row of shop_member needs a value of points, which has no default and which sign-up does not ask for; " +
			"list points, or give it a default, as in {name: points, hidden: true, default: …}"},
		{memberConfig("[phone, {name: points, default: many}]"), "user_model.fields.1: the column shop_member.points is of type INTEGER, and its default is not: it is of another type"},
		{memberConfig("[phone, points]") + "DJOSER: {LOGIN_FIELD: born}\n", "DJOSER.LOGIN_FIELD: the column shop_member.born is of type date, and a text is needed"},
		{memberConfig("[phone, points]") + "DJOSER: {SEND_ACTIVATION_EMAIL: true, ACTIVATION_URL: 'a/{uid}/{token}'}\n", "DJOSER.SEND_ACTIVATION_EMAIL: the table shop_member has no column is_active"},
		{memberConfig("[phone, points]") + "login_fields: [password]\n", "login_fields: the password is not told"},
		{strings.Replace(memberConfig("[phone, points]"), "shop.Member", "shop.Nobody", 1), "has no table shop_nobody"},
	} {
		s := memberShell(t)
		s.write("latchkey.yaml", test.config)
		code := 2
		if strings.Contains(test.config, "Nobody") {
			code = 1 // the database is at fault, not the file
		}
		if _, problems := s.run(code, "", "serve", "--config", "latchkey.yaml"); !strings.Contains(problems, test.want) {
			t.Errorf("got  %s\nwant %s", problems, test.want)
		}
	}
}

func TestUserCommandsWithAnOwnModel(t *testing.T) {
	s := memberShell(t)
	s.write("latchkey.yaml", memberConfig("[phone, points, born]"))
	create := func(code int, more ...string) string {
		out, problems := s.run(code, "correct-horse-7\n", append([]string{"user", "create", "--config", "latchkey.yaml", "ann@example.com"}, more...)...)
		return out + problems
	}
	for _, test := range []struct {
		set  []string
		want string
	}{
		{nil, "phone: This field is required.\npoints: This field is required."},
		{[]string{"--set", "phone=1", "--set", "points=x"}, "points: A valid integer is required."},
		{[]string{"--set", "phone=1", "--set", "points=1", "--set", "born=soon"}, "born: Date has wrong format."},
		{[]string{"--set", "phone=1", "--set", "points=1", "--set", "id=1"}, "id is no field that a new user can be given"},
	} {
		if said := create(1, test.set...); !strings.Contains(said, test.want) {
			t.Errorf("%v: got %s, want %s", test.set, said, test.want)
		}
	}
	if said := create(0, "--set", "phone=123", "--set", "points=4", "--set", "born=2001-02-03"); !strings.HasPrefix(said, "made user ann@example.com with id ") {
		t.Errorf("got %s", said)
	}
	if said := create(1, "--set", "phone=456", "--set", "points=4"); !strings.Contains(said, "there is a user ann@example.com already") {
		t.Errorf("got %s", said)
	}
	if list, _ := s.run(0, "", "user", "list", "--config", "latchkey.yaml"); !strings.Contains(list, "ann@example.com") || !strings.Contains(list, "active") {
		t.Errorf("got %s", list)
	}
	if _, problems := s.run(1, "", "user", "deactivate", "--config", "latchkey.yaml", "ann@example.com"); !strings.Contains(problems, "the user table has no column for this") {
		t.Errorf("got %s", problems)
	}
}
