package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"latchkey/internal/config"
	"latchkey/internal/server"
	"latchkey/internal/testenv"
)

// A target is a whole server on a database of its own, with an SMTP server for its mail and a second way into the
// database, past the server.
type target struct {
	cfg      *config.Config
	address  string       // host:port of the server
	close    func() error // ends it; nil while it does not run
	db       *sql.DB
	postgres bool
	smtp     *testenv.SMTP
	log      *lockedBuffer
	document *document // what the server says of itself, with which all its answers must agree
}

// fewRounds is PBKDF2's count where no step looks at a stored hash. It differs from fixtureRounds, so that sign-in still
// finds the fixtures' hashes outdated and makes new ones.
const fewRounds = fixtureRounds + 1

// newTarget prepares a server with a configuration made of base-settings.json, the group's own settings over them, and
// those that name this run's database and mail server.
func newTarget(t testing.TB, postgres bool, profile string, g *group) *target {
	t.Helper()
	fresh := testenv.SQLite
	if postgres {
		fresh = testenv.Postgres
	}
	database := fresh(t)
	smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
	settings := map[string]any{
		"listen":     "127.0.0.1:0",
		"database":   database,
		"secret_key": secretKey,
		"profile":    profile,
		"mounts": []any{
			map[string]any{"path": "/auth", "dialect": "djoser"},
			map[string]any{"path": "/api/auth", "dialect": "dj-rest-auth"},
		},
		"EMAIL_HOST": "127.0.0.1",
		"EMAIL_PORT": smtp.Port(),
	}
	if profile == config.Safe {
		settings["ALLOWED_HOSTS"] = []string{"127.0.0.1", ".example.net", ".example.org"} // the links of mails follow the hosts that are named
	}
	if !g.scenarios[0].readsPasswords() {
		settings["pbkdf2_iterations"] = fewRounds
	}
	for _, file := range [][]byte{readFile(t, "base-settings.json"), g.settings} {
		if err := overlay(settings, file); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.MarshalIndent(settings, "", " ") // YAML takes JSON
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{File: file})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	out := &target{cfg: cfg, db: openDatabase(t, database), postgres: postgres, smtp: smtp, log: new(lockedBuffer)}
	t.Cleanup(func() {
		if err := out.stop(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return out
}

// start starts the server, anew if it runs already: what it only remembers, such as how often somebody asked, is forgotten then.
func (t *target) start() error {
	if err := t.stop(); err != nil {
		return err
	}
	s, err := server.New(context.Background(), t.cfg, server.Options{Log: slog.New(slog.NewTextHandler(t.log, nil))})
	if err != nil {
		return err
	}
	web := httptest.NewServer(s.Handler())
	t.address = web.Listener.Addr().String()
	t.close = func() error {
		web.Close()
		return s.Close()
	}
	t.document, err = readDocument(t.address)
	return err
}

// stop ends the server, if it runs.
func (t *target) stop() error {
	if t.close == nil {
		return nil
	}
	end := t.close
	t.close = nil
	return end()
}

// A lasting test outlives the subtest that it hands what fails to: what a subtest starts for those after it goes when end is
// called.
type lasting struct {
	testing.TB
	cleanups []func()
}

func (l *lasting) Cleanup(f func()) { l.cleanups = append(l.cleanups, f) }

func (l *lasting) TempDir() string {
	folder, err := os.MkdirTemp("", "latchkey-recordings-")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// end cleans up, the last first; what fails then, fails t.
func (l *lasting) end(t *testing.T) {
	l.TB = t
	for _, f := range slices.Backward(l.cleanups) {
		f()
	}
}

// overlay writes settings over others; of two mappings the keys are joined, one level deep.
func overlay(settings map[string]any, file []byte) error {
	if file == nil {
		return nil
	}
	var over map[string]any
	if err := json.Unmarshal(file, &over); err != nil {
		return err
	}
	for name, v := range over {
		below, isMap := settings[name].(map[string]any)
		if above, ok := v.(map[string]any); ok && isMap {
			joined := maps.Clone(below)
			maps.Copy(joined, above)
			v = joined
		}
		settings[name] = v
	}
	return nil
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// keptTables keep their rows between scenarios: bookkeeping, and what a fresh Django database holds.
var keptTables = regexp.MustCompile(`^(django_migrations|django_content_type|auth_permission|django_site|sqlite_sequence)$|^latchkey_.*(migration|schema|version)|^sqlite_`)

// reset empties the tables, makes ids start again at 1 and forgets mails.
func (t *target) reset() error {
	query := "select name from sqlite_master where type = 'table'"
	if t.postgres {
		query = "select tablename from pg_tables where schemaname = current_schema()"
	}
	tables, err := t.names(query)
	if err != nil {
		return err
	}
	tx, err := t.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, table := range tables {
		if keptTables.MatchString(table) {
			continue
		}
		if _, err := tx.Exec(`delete from "` + table + `"`); err != nil {
			return err
		}
	}
	t.log.Reset()
	if err := t.restartIDs(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	t.smtp.Take(len(t.smtp.Messages()), 0)
	return nil
}

func (t *target) restartIDs(tx *sql.Tx) error {
	if !t.postgres {
		_, err := tx.Exec("delete from sqlite_sequence where name not in ('django_migrations', 'django_content_type', 'auth_permission', 'django_site')")
		return err
	}
	sequences, err := t.names("select sequencename from pg_sequences where schemaname = current_schema()")
	if err != nil {
		return err
	}
	for _, name := range sequences {
		if keptTables.MatchString(strings.TrimSuffix(name, "_id_seq")) {
			continue
		}
		if _, err := tx.Exec(`alter sequence "` + name + `" restart with 1`); err != nil {
			return err
		}
	}
	return nil
}

// names is the first column of what a query finds.
func (t *target) names(query string) ([]string, error) {
	rows, err := t.db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, rows.Err()
}

// insert writes one row. The names of columns come quoted where they need it.
func (t *target) insert(table string, row object) error {
	var columns, marks []string
	var values []any
	for i, m := range row {
		columns = append(columns, m.name)
		marks = append(marks, "$"+strconv.Itoa(i+1))
		v, err := parameter(m.value)
		if err != nil {
			return err
		}
		values = append(values, v)
	}
	_, err := t.db.Exec("insert into "+table+" ("+strings.Join(columns, ",")+") values ("+strings.Join(marks, ",")+")", values...)
	return err
}

func parameter(v value) (any, error) {
	if number, ok := v.(json.Number); ok {
		return number.Int64()
	}
	return v, nil
}

// textTime matches a column compared with the text that Django stores for a time on SQLite.
var textTime = regexp.MustCompile(`^(\w+) like ('____-.*)$`)

// selectRows reads what a selection asks for, sorted by its first column.
func (t *target) selectRows(s *selection, known *memory) (object, error) {
	columns := append([]string(nil), s.Columns...)
	if t.postgres {
		for i := range columns {
			// PostgreSQL has real times: they are compared as Django would write them on SQLite.
			columns[i] = textTime.ReplaceAllString(columns[i], `to_char($1 at time zone 'UTC',
				case when date_trunc('second', $1) = $1 then 'YYYY-MM-DD HH24:MI:SS' else 'YYYY-MM-DD HH24:MI:SS.US' end) like $2`)
		}
	}
	query := "select " + strings.Join(columns, ",") + " from " + s.Table
	var values []any
	for i, m := range s.Where {
		query += map[bool]string{true: " where ", false: " and "}[i == 0] + m.name + " = $" + strconv.Itoa(i+1)
		v, err := known.fillValue(m.value)
		if err != nil {
			return nil, err
		}
		if v, err = parameter(v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	rows, err := t.db.Query(query+" order by 1", values...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	list := []any{}
	for rows.Next() {
		cells := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i := range cells {
			cells[i] = normal(cell(cells[i]), known)
		}
		list = append(list, cells)
	}
	return object{{"rows", list}}, rows.Err()
}

// cell is a database value in the one form that both databases can give.
func cell(v any) value {
	switch v := v.(type) {
	case bool:
		if v {
			return json.Number("1")
		}
		return json.Number("0")
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
	}
	return v
}

// mailPatience is how long the server may go on owing mail.
const mailPatience = 20 * time.Second

// mail waits until the server owes none, and takes what arrived. What an answer owes stands in the database before the
// answer goes out, so nothing has to be waited for when nothing is owed.
func (t *target) mail() ([]testenv.SMTPMessage, error) {
	for end := time.Now().Add(mailPatience); ; time.Sleep(time.Millisecond) {
		var owed int
		if err := t.db.QueryRow("select count(*) from latchkey_mail").Scan(&owed); err != nil {
			return nil, err
		}
		if owed == 0 {
			return t.smtp.Take(len(t.smtp.Messages()), 0), nil
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%d mails are still owed", owed)
		}
	}
}

// openDatabase is a way into the database past the server.
func openDatabase(t testing.TB, url string) *sql.DB {
	t.Helper()
	var db *sql.DB
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		var err error
		if db, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_txlock=immediate"); err != nil {
			t.Fatal(err)
		}
	} else {
		cfg, err := pgx.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		if schema, ok := cfg.RuntimeParams["schema"]; ok {
			delete(cfg.RuntimeParams, "schema")
			cfg.RuntimeParams["search_path"] = schema
		}
		cfg.RuntimeParams["timezone"] = "UTC" // rows of a scenario give times without a zone
		db = stdlib.OpenDB(*cfg)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
