package beside

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/doctor"
	"latchkey/internal/testenv"
)

// contents is every row of every table, or the file and its neighbours: all that an examination could change.
func contents(t *testing.T, url string) []string {
	t.Helper()
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(path + "*")
		return append(files, fmt.Sprintf("%x %v", sha256.Sum256(data), err))
	}
	db := testenv.OpenDB(t, url)
	all := schemaOf(t, db)
	for _, table := range column(t, db, "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1") {
		for _, row := range column(t, db, `SELECT t::text FROM "`+table+`" AS t ORDER BY 1`) {
			all = append(all, table+" "+row)
		}
	}
	return all
}

// examine runs the doctor twice, for people and for programs, and checks that it changes nothing.
func (d *django) examine(t *testing.T, code int, options ...string) (page string, report doctor.Report) {
	t.Helper()
	before := contents(t, d.database)
	page, left := latchkey(t, append([]string{"doctor", "--database", d.database}, options...)...)
	if left != code {
		t.Fatalf("doctor left with %d\n%s", left, page)
	}
	text, _ := latchkey(t, append([]string{"doctor", "--json", "--database", d.database}, options...)...)
	text, _, _ = strings.Cut(text, "\nlatchkey: ") // what it says on standard error
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&report); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if after := contents(t, d.database); !slices.Equal(before, after) {
		t.Errorf("it has changed the database:\n%s\nbefore\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
	return page, report
}

// found checks that the report has exactly these findings.
func found(t *testing.T, report doctor.Report, want ...string) {
	t.Helper()
	var got []string
	for _, f := range report.Findings {
		got = append(got, f.Kind+" "+f.About)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// pastes checks that the program runs on the database by the configuration that the report gives.
func (d *django) pastes(t *testing.T, report doctor.Report) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	text := report.Configuration + "secret_key: a-key-for-tests-of-more-than-32-letters\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"config", "check", file}, {"migrate", "--plan", "--config", file}, {"doctor", "--config", file}} {
		if said, code := latchkey(t, args...); code != 0 {
			t.Errorf("%v: %d\n%s\n%s", args, code, said, text)
		}
	}
}

// eachDjango runs fn on databases that each stack's migrate has made by the settings.
func eachDjango(t *testing.T, settings string, fn func(t *testing.T, d *django)) {
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				d := &django{stack: s, database: url, smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: settings}
				d.manage(t, "", "migrate", "-v", "0", "--run-syncdb")
				fn(t, d)
			})
		})
	}
}

// TestDoctor examines a stock project in which much is as it should not be.
func TestDoctor(t *testing.T) {
	eachDjango(t, "settings", func(t *testing.T, d *django) {
		_, report := d.examine(t, 0)
		found(t, report, "works users")
		if report.Users.Rows != 0 || report.Users.Model != "auth.User" || report.Configuration == "" {
			t.Errorf("nobody is there: %+v", report)
		}
		d.pastes(t, report)
		d.manage(t, `
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
ann = User.objects.create_user("ann", "ann@example.com", "correct-horse-7")
Token.objects.create(user=ann)
RefreshToken.for_user(ann)
old = RefreshToken.for_user(ann)
OutstandingToken.objects.filter(jti=old["jti"]).update(expires_at="2020-01-01T00:00:00Z")
User.objects.create_user("Ann", "ANN@example.com", "correct-horse-7")
User.objects.create_user("bob", "", "correct-horse-7")
User.objects.create_user("carl", "ann@example.com")
User.objects.create(username="dora", email="dora@example.com", password=make_password("x", hasher="md5"))
User.objects.create(username="eve", email="eve@example.com", password="5f4dcc3b5aa765d61d8327deb882cf99")
User.objects.create(username="fred", email="fred@example.com", password="pbkdf2_sha256$260000$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w=")
`, "shell")
		page, report := d.examine(t, 0)
		found(t, report, "works users", "works passwords", "works unusable", "decide hasher-md5", "decide hasher-unknown", "decide iterations",
			"decide duplicate-username", "decide duplicate-email", "decide no-address",
			"unsafe weak-hashes", "unsafe old-hashes", "unsafe token-keys", "unsafe tokens-in-clear", "unsafe expired-tokens")
		for _, want := range []string{
			"Latchkey CAN run on this database. 6 things are to see to first.", "5 things are unsafe in it",
			"2 users share the username with another, but for case", "3 users share the email with another", "pbkdf2_iterations: 260000",
			"    - django.contrib.auth.hashers.MD5PasswordHasher", "as Django 3.2 makes them",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q:\n%s", want, page)
			}
		}
		for _, secret := range []string{"@example.com", "abcdefghijklmnopqrstuv", "5f4dcc3b"} {
			if text, _ := json.Marshal(report); strings.Contains(page+string(text), secret) {
				t.Errorf("the report tells %s", secret)
			}
		}
		d.pastes(t, report)
		if _, code := latchkey(t, "doctor", "--database", d.database, "--table", "auth_group"); code != 1 {
			t.Errorf("a table that holds no users: left with %d", code)
		}
	})
}

// TestDoctorOwnModel examines a project with a user model of its own.
func TestDoctorOwnModel(t *testing.T) {
	eachDjango(t, "clinic.settings", func(t *testing.T, d *django) {
		d.manage(t, `
from clinic.models import Patient
Patient.objects.create(email="ann@example.com", balance="1.50")
`, "shell")
		page, report := d.examine(t, 0)
		found(t, report, "works users", "works extra-columns", "decide unfilled", "decide hasher-unknown", "decide no-token-blacklist-blacklistedtoken")
		u := report.Users
		if u.Table != "clinic_patient" || u.Model != "clinic.Patient" || u.Key != "id" || u.KeyType != "uuid" || u.UsernameField != "email" || u.EmailField != "email" {
			t.Errorf("the user table is %+v", u)
		}
		for _, c := range u.Columns {
			want := map[string][3]bool{"phone": {true, true, false}, "visits": {false, true, true}, "balance": {false, true, true}, "email": {false, false, true}}
			if w, ok := want[c.Name]; ok && (c.Null != w[0] || c.Extra != w[1] || c.Required != w[2]) {
				t.Errorf("the column %+v", c)
			}
		}
		if !strings.Contains(page, "without is_superuser, username") {
			t.Errorf("the page does not tell what is missing:\n%s", page)
		}
		d.pastes(t, report)
	})
}
