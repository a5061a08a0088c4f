package store_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// blanks are what formatting differs in.
var blanks = regexp.MustCompile(`\s+|IF NOT EXISTS `)

// catalog describes every table of Django's, by the database's own catalogs, line by line.
func catalog(t *testing.T, s *store.Store) []string {
	t.Helper()
	if !s.IsPostgres() {
		var lines []string
		for _, sql := range rows(t, s, `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'latchkey%' AND name NOT LIKE 'sqlite%'`) {
			lines = append(lines, blanks.ReplaceAllString(sql, ""))
		}
		slices.Sort(lines)
		return lines
	}
	var lines []string
	for _, query := range []string{
		`SELECT 'column', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid)
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
			WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relname NOT LIKE 'latchkey%'`,
		`SELECT 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
			WHERE connamespace = current_schema()::regnamespace AND conrelid::regclass::text NOT LIKE 'latchkey%'`,
		`SELECT 'index', tablename, replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema() AND tablename NOT LIKE 'latchkey%'`,
		`SELECT 'sequence', sequencename, data_type, start_value, increment_by FROM pg_sequences WHERE schemaname = current_schema() AND sequencename NOT LIKE 'latchkey%'`,
	} {
		lines = append(lines, rows(t, s, query)...)
	}
	slices.Sort(lines)
	return lines
}

// loadDjango fills an empty database with the tables of a dump that Django's own migrations made.
func loadDjango(t *testing.T, s *store.Store) {
	t.Helper()
	file := "testdata/schema-sqlite.sql"
	if s.IsPostgres() {
		file = "testdata/schema-postgresql.sql"
	}
	dump, err := os.ReadFile(file)
	must(t, err)
	text := strings.ReplaceAll(string(dump), "public.", "")
	text = strings.Replace(text, "SELECT pg_catalog.set_config('search_path', '', false);", "", 1)
	text = strings.Replace(text, "CREATE TABLE sqlite_sequence(name,seq);", "", 1)
	must(t, s.Exec(ctx, text))
}

// open opens a database without migrating it.
func open(t *testing.T, url string, model store.UserModel) *store.Store {
	t.Helper()
	s, err := store.Open(ctx, store.Config{URL: url, User: model})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// tables lists the names of all tables.
func tables(t *testing.T, s *store.Store) []string {
	t.Helper()
	if s.IsPostgres() {
		return rows(t, s, "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
	}
	return rows(t, s, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1")
}

var latchkeyTables = []string{"latchkey_activation", "latchkey_audit", "latchkey_audit_retention", "latchkey_cutoff", "latchkey_device", "latchkey_link", "latchkey_mail", "latchkey_migration", "latchkey_refresh", "latchkey_throttle", "latchkey_try", "latchkey_webhook"}

// A fresh database is what Django's migrate makes of one: tables, constraints and indexes with their names, and rows with their ids.
func TestFreshSchemaIsDjangos(t *testing.T) {
	listed, err := os.ReadFile("testdata/fresh_rows.txt")
	must(t, err)
	_, list, _ := strings.Cut(string(listed), "\n")
	wantRows := strings.Split(strings.TrimSpace(list), "\n")
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := testenv.OpenStore(t, url)
		var django *store.Store
		if s.IsPostgres() {
			django = open(t, testenv.Postgres(t), store.DefaultUserModel())
		} else {
			django = open(t, testenv.SQLite(t), store.DefaultUserModel())
		}
		loadDjango(t, django)
		want := catalog(t, django)
		if len(want) < 60 {
			t.Fatalf("only %d lines from the dump", len(want))
		}
		same(t, "schema", catalog(t, s), want)
		var got []string
		got = append(got, rows(t, s, "SELECT 'django_migrations', id, app, name FROM django_migrations ORDER BY id")...)
		got = append(got, rows(t, s, "SELECT 'django_content_type', id, app_label, model FROM django_content_type ORDER BY id")...)
		got = append(got, rows(t, s, "SELECT 'auth_permission', id, content_type_id, codename, name FROM auth_permission ORDER BY id")...)
		got = append(got, rows(t, s, "SELECT 'django_site', id, domain, name FROM django_site ORDER BY id")...)
		same(t, "rows", got, wantRows)
		if got, want := s.Apps(), (store.Apps{AuthToken: true, Blacklist: true, Sessions: true, Sites: true, Allauth: true}); got != want {
			t.Errorf("got apps %+v", got)
		}
		plan, err := s.Plan(ctx)
		if err != nil || len(plan) != 0 {
			t.Errorf("after Migrate there is still %v, %v", plan, err)
		}
	})
}

// On a database that Django made, nothing of Django's changes.
func TestDjangosDatabaseIsLeftAlone(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := open(t, url, store.DefaultUserModel())
		loadDjango(t, s)
		must(t, s.Exec(ctx, "DROP TABLE authtoken_token"))
		before := catalog(t, s)
		must(t, s.Migrate(ctx))
		same(t, "schema", catalog(t, s), before)
		if got, want := s.Apps(), (store.Apps{Blacklist: true, Sessions: true, Sites: true, Allauth: true}); got != want {
			t.Errorf("got apps %+v, want %+v", got, want)
		}
		var own []string
		for _, table := range tables(t, s) {
			if strings.HasPrefix(table, "latchkey") {
				own = append(own, table)
			}
		}
		same(t, "own tables", own, latchkeyTables)
	})
}

func TestOpenAndPlanChangeNothing(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := open(t, url, store.DefaultUserModel())
		plan, err := s.Plan(ctx)
		must(t, err)
		if len(plan) < 2 || plan[0].Name != "django" || plan[1].Name != "0001_latchkey" || !strings.Contains(plan[0].SQL, "auth_user") {
			t.Errorf("got plan %v", plan)
		}
		if got := tables(t, s); len(got) != 0 {
			t.Errorf("there are tables: %v", got)
		}
		if got := s.Apps(); got != (store.Apps{}) {
			t.Errorf("there are apps: %+v", got)
		}
	})
}

// A project's own user table must be there; Django's half-made database is not completed.
func TestMigrateRefusesWhatItCannotMake(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		own := store.UserModel{Table: "accounts_user", UsernameField: "email", EmailField: "email"}
		s := open(t, url, own)
		if err := s.Migrate(ctx); err == nil || !strings.Contains(err.Error(), "accounts_user") {
			t.Errorf("got %v, want a word about accounts_user", err)
		}
		s = open(t, url, store.DefaultUserModel())
		must(t, s.Exec(ctx, "CREATE TABLE django_migrations (id integer)"))
		if err := s.Migrate(ctx); err == nil || !strings.Contains(err.Error(), "no auth_user") {
			t.Errorf("got %v, want a word about auth_user", err)
		}
		same(t, "tables", tables(t, s), []string{"django_migrations"})
	})
}

// A step that fails leaves nothing behind.
func TestMigrateIsAllOrNothing(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := open(t, url, store.DefaultUserModel())
		must(t, s.Exec(ctx, "CREATE TABLE latchkey_mail (id integer)"))
		if err := s.Migrate(ctx); err == nil || !strings.Contains(err.Error(), "0001_latchkey") {
			t.Errorf("got %v, want a word about the step", err)
		}
		same(t, "tables", tables(t, s), []string{"latchkey_mail"})
	})
}

// Processes that start together do not collide: several here, and two of their own.
func TestMigrateAtOnce(t *testing.T) {
	const address = "LATCHKEY_TEST_MIGRATE"
	if url := os.Getenv(address); url != "" {
		testenv.OpenStore(t, url)
		return
	}
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				cmd := exec.Command(os.Args[0], "-test.run=^TestMigrateAtOnce$")
				cmd.Env = append(os.Environ(), address+"="+url)
				if output, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("another process: %v\n%s", err, output)
				}
			})
		}
		for range 6 {
			wait.Go(func() {
				s, err := store.Open(context.Background(), store.Config{URL: url, User: store.DefaultUserModel()})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Migrate(ctx); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		s := testenv.OpenStore(t, url)
		same(t, "steps", rows(t, s, "SELECT name FROM latchkey_migration"), []string{"0001_latchkey", "0002_webhook", "0003_device", "0004_throttle", "0005_audit", "0006_webhook_queue"})
		same(t, "migrations", rows(t, s, "SELECT count(*) FROM django_migrations"), []string{"65"})
	})
}

// Every step leaves what is there to the processes of the version before, which are still running: only indexes may go.
func TestMigrationsOnlyAdd(t *testing.T) {
	takes := regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN|CONSTRAINT|FUNCTION|TRIGGER|VIEW|SCHEMA)|RENAME|ALTER\s+COLUMN|SET\s+NOT\s+NULL|DELETE\s+FROM|ADD\s+(COLUMN\s+)?\w+\s+[^;]*NOT\s+NULL(?:[^;]*DEFAULT)?)\b`)
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		plan, err := open(t, url, store.DefaultUserModel()).Plan(ctx)
		must(t, err)
		for _, step := range plan {
			for _, found := range takes.FindAllString(step.SQL, -1) {
				if !strings.HasSuffix(strings.ToUpper(found), "DEFAULT") { // rows of the version before have it
					t.Errorf("%s: %s", step.Name, found)
				}
			}
		}
	})
}
