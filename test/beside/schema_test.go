package beside

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/config"
	"latchkey/internal/store"
)

// schemaOf reads everything that the database says of tables that are not Latchkey's own, sorted.
func schemaOf(t *testing.T, db *sql.DB) []string {
	t.Helper()
	queries := []string{"SELECT type || ' ' || tbl_name || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master WHERE name <> 'sqlite_sequence'"}
	if !isSQLite(t, db) {
		queries = []string{
			`SELECT 'column ' || table_name || ' ' || ordinal_position || ' ' || column_name || ' ' || data_type || ' ' || coalesce(character_maximum_length::text, '')
				|| ' ' || is_nullable || ' ' || coalesce(column_default, '') || ' ' || is_identity FROM information_schema.columns WHERE table_schema = current_schema()`,
			`SELECT 'index ' || tablename || ' ' || indexdef FROM pg_indexes WHERE schemaname = current_schema()`,
			`SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
				WHERE connamespace = current_schema()::regnamespace`,
			`SELECT 'sequence ' || sequence_name FROM information_schema.sequences WHERE sequence_schema = current_schema()`,
			`SELECT 'trigger ' || event_object_table || ' ' || trigger_name FROM information_schema.triggers WHERE trigger_schema = current_schema()`,
		}
	}
	var all []string
	for _, query := range queries {
		all = append(all, column(t, db, query)...)
	}
	all = slices.DeleteFunc(all, func(line string) bool { return strings.HasPrefix(strings.Fields(line)[1], "latchkey_") })
	slices.Sort(all)
	if len(all) < 20 {
		t.Fatalf("only %d things are in the schema", len(all))
	}
	return all
}

func isSQLite(t *testing.T, db *sql.DB) bool {
	t.Helper()
	_, err := db.Exec("SELECT sqlite_version()")
	return err == nil
}

// column reads a query's one column.
func column(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func sameSchema(t *testing.T, before, after []string) {
	t.Helper()
	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Errorf("gone from Django's tables: %s", line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			t.Errorf("new in Django's tables: %s", line)
		}
	}
}

var changes = regexp.MustCompile(`(?i)\b(CREATE\s+TABLE|CREATE\s+(?:UNIQUE\s+)?INDEX\s+\S+\s+ON|ALTER\s+TABLE|DROP\s+\w+|INSERT\s+INTO|UPDATE(?:\s+ON)?|DELETE\s+FROM)\s+"?(\w+)`)

// plansNothingForDjango checks that what Latchkey still has to do on this database concerns its own tables alone.
func (p *pair) plansNothingForDjango(t *testing.T) {
	t.Helper()
	cfg, err := config.Load(config.Options{File: p.config})
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(context.Background(), cfg.Store())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	plan, err := db.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range plan {
		for _, found := range changes.FindAllStringSubmatch(step.SQL, -1) {
			if !strings.HasPrefix(found[2], "latchkey_") {
				t.Errorf("step %s: %s", step.Name, found[0])
			}
		}
	}
}

// nothingToDo asks all of Django that judges a database and its migrations: a command that is not content ends the script.
const nothingToDo = `
from django.core.management import call_command
call_command("check", verbosity=0)
call_command("migrate", check_unapplied=True, verbosity=0)
call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
call_command("migrate")
`

// findsNothingToMigrate checks that Django takes the database for one that its own migrate has made.
func (p *pair) findsNothingToMigrate(t *testing.T) {
	t.Helper()
	if said := p.manage(t, nothingToDo, "shell", "-v", "0"); !strings.Contains(said, "No migrations to apply.") {
		t.Errorf("migrate said: %s", said)
	}
}

var (
	dropTables    = regexp.MustCompile(`DROP TABLE (latchkey_.*);`)
	dropFunctions = regexp.MustCompile(`DROP FUNCTION (latchkey_.*);`)
)

// goneAgain takes Latchkey away, after which Django goes on with everything that Latchkey made.
func (p *pair) goneAgain(t *testing.T) {
	p.joins(t, p.latchkey, "last")
	pair := p.latchkey.signsIn(t, "last", password)
	key := p.latchkey.wants(t, 200, "POST", "/auth/token/login/", "", fields{"username": "last", "password": password})
	p.latchkey.wants(t, 204, "POST", "/auth/users/reset_password/", "", fields{"email": address("last")})
	reset := p.mailed(t, "last", "password/reset/confirm")
	p.stop()

	names := "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'latchkey%' ORDER BY 1"
	if !isSQLite(t, p.db) {
		names = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() AND table_name LIKE 'latchkey%' ORDER BY 1"
	}
	tables := column(t, p.db, names)
	if documented := strings.Split(dropTables.FindStringSubmatch(readFile(t, "../../docs/django.md"))[1], ", "); !slices.Equal(tables, documented) {
		t.Fatalf("Latchkey has the tables %v, and docs/django.md drops %v", tables, documented)
	}
	for _, table := range tables {
		if _, err := p.db.Exec("DROP TABLE " + table); err != nil {
			t.Fatal(err)
		}
	}
	if !isSQLite(t, p.db) {
		for _, function := range strings.Split(dropFunctions.FindStringSubmatch(readFile(t, "../../docs/django.md"))[1], ", ") {
			if _, err := p.db.Exec("DROP FUNCTION " + function); err != nil {
				t.Fatal(err)
			}
		}
		if left := column(t, p.db, "SELECT proname::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"); len(left) != 0 {
			t.Errorf("docs/django.md leaves the functions %v", left)
		}
	}
	p.findsNothingToMigrate(t)
	p.python.knows(t, "last", "Bearer "+pair.field(t, "access"))
	p.python.knows(t, "last", "Token "+key.field(t, "auth_token"))
	p.python.wants(t, 200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": pair.field(t, "refresh")})
	p.python.signsIn(t, "last", password)
	p.python.wants(t, 204, "POST", "/auth/users/reset_password_confirm/", "", reset.fields(fields{"new_password": "staple-battery-8"}))
	p.python.signsIn(t, "last", "staple-battery-8")
	p.joins(t, p.python, "after")
	p.python.wants(t, 204, "DELETE", "/auth/users/me/", "Token "+key.field(t, "auth_token"), fields{"current_password": "staple-battery-8"})
	if left := column(t, p.db, "SELECT username FROM auth_user WHERE username = 'last'"); len(left) != 0 {
		t.Errorf("%v is still there", left)
	}
}
