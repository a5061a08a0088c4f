package doctor_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"latchkey/internal/doctor"
	"latchkey/internal/testenv"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func examine(t *testing.T, url string) (*doctor.Report, string) {
	t.Helper()
	report, err := doctor.Examine(t.Context(), doctor.Options{Database: url, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := report.Write(&page); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(page.String()) {
		// names of settings and classes are to be pasted, and stay whole
		if utf8.RuneCountInString(line) > 81 && !strings.HasPrefix(line, "  #") && !strings.Contains(line, "://") {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line)-1, line)
		}
	}
	return report, page.String()
}

func run(t *testing.T, url string, statements ...string) {
	t.Helper()
	db := testenv.OpenDB(t, url)
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil { // so that the file is at rest
		t.Fatal(err)
	}
}

// TestPage compares the whole page with one that was read by a person and found good.
func TestPage(t *testing.T) {
	url := testenv.SQLite(t)
	s := testenv.OpenStore(t, url)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const user = "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined) VALUES "
	run(t, url,
		user+"('pbkdf2_sha256$260000$abcdefghijklmnopqrstuv$x', false, 'ann', '', '', 'ann@example.com', false, true, '2026-01-01')",
		user+"('pbkdf2_sha256$150000$abcdefghijkl$x', false, 'Ann', '', '', 'Ann@example.com', false, true, '2026-01-01')",
		user+"('bcrypt$$2b$12$x', false, 'bob', '', '', '', false, true, '2026-01-01')",
		user+"('!x', true, 'carl', '', '', 'carl@example.com', true, true, '2026-01-01')",
		"INSERT INTO authtoken_token VALUES ('k', '2026-01-01', 1)",
	)
	_, page := examine(t, url)
	path := strings.TrimPrefix(url, "sqlite://")
	first, rest, _ := strings.Cut(page, "\n\n")
	if !strings.Contains(strings.ReplaceAll(first, "\n", " "), "Nothing was changed.") {
		t.Errorf("the page begins %s", first)
	}
	page = strings.ReplaceAll(rest, path, "PATH")
	want, err := os.ReadFile("testdata/page.txt")
	if err != nil || page != string(want) {
		t.Errorf("%v; the page is\n%s", err, page)
	}
	if files, err := filepath.Glob(path + "*"); err != nil || len(files) != 1 {
		t.Errorf("beside the file there are %v now, %v", files, err)
	}
}

func TestDatabasesThatAreNotDjangos(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		if strings.HasPrefix(url, "sqlite") {
			if _, err := doctor.Examine(t.Context(), doctor.Options{Database: url}); err == nil || !strings.Contains(err.Error(), "there is no such file") {
				t.Errorf("no file: %v", err)
			}
			if files, err := filepath.Glob(strings.TrimPrefix(url, "sqlite://") + "*"); err != nil || len(files) != 0 {
				t.Errorf("it made %v, %v", files, err)
			}
			run(t, url, "PRAGMA user_version = 1")
		}
		report, _ := examine(t, url)
		if !report.Works || len(report.Findings) != 1 || report.Findings[0].About != "empty" || report.Users != nil {
			t.Errorf("an empty database: %+v", report)
		}
		run(t, url, "CREATE TABLE stock (id integer PRIMARY KEY, price integer)")
		report, page := examine(t, url)
		if report.Works || report.Of(doctor.Stops)[0].About != "no-users" || report.Configuration != "" || !strings.Contains(page, "CANNOT") {
			t.Errorf("no users: %s", page)
		}
		run(t, url, "CREATE TABLE people (code varchar(9) NOT NULL PRIMARY KEY, name varchar(9) NOT NULL UNIQUE, password varchar(128) NOT NULL, last_login date NULL)")
		report, page = examine(t, url)
		if report.Works || report.Users == nil || report.Users.Table != "people" || !strings.Contains(page, "keys of people are of type") {
			t.Errorf("a key that is a text: %s", page)
		}
		run(t, url, "CREATE TABLE others (id integer NOT NULL PRIMARY KEY, password varchar(128) NOT NULL, last_login date NULL)")
		if report, page = examine(t, url); report.Works || !strings.Contains(page, "Several tables could hold the users: others, people.") {
			t.Errorf("two tables: %s", page)
		}
		report, err := doctor.Examine(t.Context(), doctor.Options{Database: url, Table: "nobody"})
		if err != nil || report.Works || report.Of(doctor.Stops)[0].Text != "There is no table nobody." {
			t.Errorf("a table that is not there: %+v, %v", report, err)
		}
	})
}

// TestRights examines as a role that may only read.
func TestRights(t *testing.T) {
	url := testenv.Postgres(t)
	testenv.OpenStore(t, url)
	role := "reader_" + strings.ToLower(t.Name())
	schema := url[strings.Index(url, "schema=")+len("schema="):]
	run(t, url, "CREATE ROLE "+role+" LOGIN", "GRANT USAGE ON SCHEMA "+schema+" TO "+role, "GRANT SELECT ON ALL TABLES IN SCHEMA "+schema+" TO "+role)
	t.Cleanup(func() { run(t, url, "DROP OWNED BY "+role, "DROP ROLE "+role) })
	report, page := examine(t, strings.Replace(url, "postgres://postgres@", "postgres://"+role+"@", 1))
	if report.Works || !strings.Contains(strings.Join(strings.Fields(page), " "), "lacks rights on auth_user or on the schema: INSERT, UPDATE, DELETE, CREATE.") {
		t.Errorf("a role that may only read: %s", page)
	}
}
