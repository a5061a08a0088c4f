package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed schema
var schemas embed.FS

// An engine holds everything in which SQLite and PostgreSQL differ. Its queries take the user table's name as $1.
type engine struct {
	schema     string // the folder of its migrations
	system     string // its name in traces
	txOptions  *sql.TxOptions
	snapshot   *sql.TxOptions // of transactions that only read
	script     []any          // arguments that let one Exec run several statements
	strictText bool           // refuses NULs and bytes that are not UTF-8
	forUpdate  string         // locks the rows read; SQLite is locked since BEGIN IMMEDIATE
	skipLocked string         // as forUpdate, leaving out rows that others hold
	fold       string         // equality of $1 and a column, ignoring case, as Django's iexact spells it here
	hasTable   string
	bare       string           // before a column that is read: the driver need not ask for its declared type, nor guess a time by it
	tables     string           // all tables
	version    string           // the engine's name and version
	mayNot     string           // what the role may not do, with the table $1
	columns    string           // everything that Column tells of the columns of $1
	references string           // the foreign keys to $1 that the database does not clear up itself: table, column, column referred to
	numberOn   string           // has the keys of the table %s, whose quoted name is $1 and whose key $2, numbered beyond the greatest one
	loading    string           // prepares a transaction in which tables grow fast
	analyze    string           // learns how large the table %s is by now
	lockNames  string           // excludes all others from lockName to the transaction's end
	lockName   string           // holds the name $1, a number, to the transaction's end; empty where every transaction excludes the others
	countHit   string           // see CountHit
	lockSchema string           // excludes other migrations to the transaction's end
	tryJob     string           // holds the job $1 for the connection, and tells whether nobody else has it; empty where one machine has the database to itself
	endJob     string           // lets it go
	maxInt     map[string]int64 // the greatest values of the integer types
	time       func(time.Time) any
	classify   func(error) error // ErrUnavailable, ErrInvalidText, *Duplicate, *Referenced, *Refused, or nil
	conflict   func(error) bool  // did another transaction win, so that it may be tried again?
}

var sqliteEngine = &engine{
	schema: "sqlite",
	system: "sqlite",
	fold:   "%s = $1 COLLATE NOCASE",
	bare:   "+",
	// pragma_foreign_key_list leaves "to" empty for a reference to the primary key.
	tables:   `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`,
	version:  `SELECT 'SQLite', sqlite_version()`,
	hasTable: `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)`,
	columns: `SELECT c.name, c.type, c."notnull" = 0 AND c.pk = 0, coalesce(c.dflt_value, ''), c.pk > 0,
		c.pk > 0 AND (SELECT max(pk) FROM pragma_table_info($1)) = 1 OR EXISTS (SELECT 1 FROM pragma_index_list($1) AS l
			WHERE l."unique" = 1 AND l.partial = 0 AND (SELECT group_concat(i.name) FROM pragma_index_info(l.name) AS i) = c.name),
		c.pk = 1 AND lower(c.type) = 'integer', c.hidden IN (2, 3),
		coalesce(f."table", ''), coalesce(f."to", CASE WHEN f."table" IS NOT NULL THEN 'id' END, ''),
		instr(upper(m.sql), 'JSON_VALID("' || upper(c.name) || '")') > 0, lower(c.type) LIKE '% unsigned'
		FROM pragma_table_xinfo($1) AS c JOIN sqlite_master AS m ON m.type = 'table' AND m.name = $1
		LEFT JOIN pragma_foreign_key_list($1) AS f ON f."from" = c.name WHERE c.hidden <> 1 ORDER BY c.cid`,
	references: `SELECT m.name, f."from", coalesce(f."to", 'id') FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS f
		WHERE m.type = 'table' AND lower(f."table") = lower($1) AND f.on_delete NOT IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY 1, 2`,
	countHit: `INSERT INTO latchkey_throttle AS t (key, hits, allowed, expires_at) VALUES ($1, CASE WHEN $4 > 0 THEN json_array($2) ELSE '[]' END, $4 > 0, $5)
		ON CONFLICT (key) DO UPDATE SET
			hits = (SELECT CASE WHEN count(*) < $4 THEN json_insert(json_group_array(value), '$[#]', $2) ELSE json_group_array(value) END
				FROM (SELECT value FROM json_each(t.hits) WHERE value > $3 ORDER BY value)),
			allowed = (SELECT count(*) < $4 FROM json_each(t.hits) WHERE value > $3), expires_at = excluded.expires_at
		RETURNING allowed, coalesce(json_extract(hits, '$[0]'), 0)`,
	maxInt:   map[string]int64{"integer": math.MaxInt64, "bigint": math.MaxInt64, "smallint": math.MaxInt64, "int": math.MaxInt64},
	time:     djangoTime,
	classify: classifySQLite,
	conflict: func(error) bool { return false },
}

var postgresEngine = &engine{
	schema:     "postgres",
	system:     "postgresql",
	txOptions:  &sql.TxOptions{Isolation: sql.LevelReadCommitted},
	snapshot:   &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	script:     []any{pgx.QueryExecModeSimpleProtocol},
	strictText: true,
	forUpdate:  " FOR UPDATE",
	skipLocked: " FOR UPDATE SKIP LOCKED",
	fold:       "upper(%s) = upper($1)",
	tables:     `SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1`,
	version:    `SELECT 'PostgreSQL', current_setting('server_version')`,
	mayNot: `SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p WHERE NOT has_table_privilege(to_regclass(quote_ident($1)), p)
		UNION ALL SELECT 'CREATE' WHERE NOT has_schema_privilege(current_schema(), 'CREATE')`,
	hasTable: `SELECT to_regclass(quote_ident($1)) IS NOT NULL`,
	columns: `SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
		EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)),
		EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1
			AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indkey[0] = a.attnum),
		a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%', a.attgenerated <> '',
		coalesce(t.relname, ''), coalesce(b.attname, ''), false,
		EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
			AND pg_get_constraintdef(k.oid) LIKE 'CHECK ((% >= 0))')
		FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		LEFT JOIN pg_constraint AS f ON f.contype = 'f' AND f.conrelid = a.attrelid AND f.conkey = ARRAY[a.attnum]
		LEFT JOIN pg_class AS t ON t.oid = f.confrelid LEFT JOIN pg_attribute AS b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1]
		WHERE a.attrelid = to_regclass(quote_ident($1)) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
	references: `SELECT c.conrelid::regclass::text, a.attname::text, b.attname::text FROM pg_constraint AS c
		JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
		JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
		WHERE c.contype = 'f' AND c.confrelid = to_regclass(quote_ident($1)) AND c.confdeltype IN ('a', 'r') ORDER BY 1, 2`,
	numberOn: `SELECT setval(q.sequence, q.greatest) FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS sequence,
		(SELECT max(%[2]s) FROM %[1]s) AS greatest) AS q WHERE q.greatest > coalesce(pg_sequence_last_value(q.sequence), 0)`,
	loading:   `SET LOCAL plan_cache_mode = force_custom_plan`, // a plan made while the table is small would read all of it each time
	analyze:   `ANALYZE %s`,
	lockNames: `SELECT pg_advisory_xact_lock(hashtextextended('latchkey names ' || current_schema(), 0))`,
	lockName:  `SELECT pg_advisory_xact_lock_shared(hashtextextended('latchkey names ' || current_schema(), 0)), pg_advisory_xact_lock($1)`,
	countHit: `INSERT INTO latchkey_throttle AS t (key, hits, allowed, expires_at)
		VALUES ($1, CASE WHEN $4::bigint > 0 THEN ARRAY[$2::bigint] ELSE ARRAY[]::bigint[] END, $4 > 0, $5)
		ON CONFLICT (key) DO UPDATE SET
			hits = (SELECT CASE WHEN count(*) < $4 THEN coalesce(array_agg(h ORDER BY h), ARRAY[]::bigint[]) || $2 ELSE coalesce(array_agg(h ORDER BY h), ARRAY[]::bigint[]) END
				FROM unnest(t.hits) AS h WHERE h > $3::bigint),
			allowed = (SELECT count(*) < $4 FROM unnest(t.hits) AS h WHERE h > $3), expires_at = excluded.expires_at
		RETURNING allowed, coalesce(hits[1], 0)`,
	lockSchema: `SELECT pg_advisory_xact_lock(hashtextextended('latchkey schema ' || current_schema(), 0))`,
	tryJob:     `SELECT pg_try_advisory_lock(hashtextextended('latchkey job ' || $1::text || ' ' || current_schema(), 0))`,
	endJob:     `SELECT pg_advisory_unlock(hashtextextended('latchkey job ' || $1::text || ' ' || current_schema(), 0))`,
	maxInt:     map[string]int64{"smallint": math.MaxInt16, "integer": math.MaxInt32, "bigint": math.MaxInt64},
	time:       func(t time.Time) any { return t },
	classify:   classifyPostgres,
	conflict: func(err error) bool {
		var pg *pgconn.PgError
		return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
	},
}

// openSQLite opens the file at path: one connection that writes, and a few that read beside it.
func openSQLite(path string, readOnly bool) (*database, error) {
	path, query, _ := strings.Cut(path, "?")
	if query != "" {
		return nil, errors.New("a sqlite:// database takes no parameters")
	}
	path, err := url.PathUnescape(path)
	if err != nil || path == "" || strings.HasPrefix(path, ":memory:") {
		return nil, errors.New("a sqlite:// database needs the path of a file")
	}
	name := "sqlite://" + path
	if folder, err := os.Stat(filepath.Dir(path)); err != nil || !folder.IsDir() {
		return nil, fmt.Errorf("open %s: there is no folder %s", name, filepath.Dir(path))
	}
	file := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()
	const all = "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_dqs=0"
	if readOnly {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("open %s: there is no such file", name)
		}
		d := &database{engine: sqliteEngine, name: name}
		mode := "&mode=ro&_pragma=query_only(1)"
		if still, err := atRest(path); err != nil {
			return nil, fmt.Errorf("open %s: %w", name, err)
		} else if still != nil {
			d.still, mode = still, mode+"&immutable=1"
		}
		if d.read, err = sqlitePool(file+all+mode, 2); err != nil {
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		d.write = d.read
		return d, nil
	}
	if err := makePrivate(path); err != nil {
		return nil, fmt.Errorf("open %s: %w: %w", name, ErrUnavailable, err)
	}
	write, err := sqlitePool(file+all+"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate", 1)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	d := &database{engine: sqliteEngine, name: name, write: write}
	d.group = &group{database: d}
	if err := d.enterWAL(); err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	d.read, err = sqlitePool(file+all+"&_pragma=query_only(1)", max(4, runtime.NumCPU()))
	if err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return d, nil
}

// atRest tells of a file whether its journal is a write-ahead log that nobody has open: then still says, whenever it is asked, whether that is so to this moment.
// Such a file cannot be read under a lock without making its companions beside it, so it is read without one.
func atRest(path string) (still func() bool, err error) {
	header := make([]byte, 20)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	_, err = io.ReadFull(file, header)
	before, statErr := file.Stat()
	if err := errors.Join(statErr, file.Close()); err != nil {
		return nil, err
	}
	open := func() bool {
		_, err := os.Stat(path + "-wal")
		return err == nil
	}
	if err != nil || header[18] != 2 || open() { // 2 says that the file is to be written by way of a log
		return nil, nil
	}
	return func() bool {
		after, err := os.Stat(path)
		return err == nil && !open() && after.Size() == before.Size() && after.ModTime().Equal(before.ModTime())
	}, nil
}

// making excludes other callers of makePrivate: closing a file lets go of all locks that the process has on it, SQLite's too, so it
// must be closed before anybody here opens it as a database.
var making sync.Mutex

// makePrivate makes the file if it is not there, for its owner only: SQLite itself would let everybody read it. Its companions -wal and
// -shm take its mode.
func makePrivate(path string) error {
	making.Lock()
	defer making.Unlock()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// enterWAL makes the first connection. Entering WAL mode needs the file alone for a moment and does not wait for
// that as other statements do, so where several processes open a new file at once it is tried again.
func (d *database) enterWAL() error {
	s := &Store{database: d}
	for try := 1; ; try++ {
		err := s.wrap(d.write.Ping())
		if !errors.Is(err, ErrUnavailable) || try == 20 {
			return err
		}
		time.Sleep(time.Duration(try) * time.Millisecond)
	}
}

// sqlitePool is a pool of size connections that stay open, each keeping its statements compiled.
func sqlitePool(dsn string, size int) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(preparing{connector})
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool, nil
}

// openPostgres opens the server that address names. Parameters are libpq's, and schema (where the tables are) and pool_max_conns.
func openPostgres(address string, readOnly bool) (*database, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the postgres:// address of the database cannot be read") // url.Parse's own error shows the password
	}
	name := (&url.URL{Scheme: parsed.Scheme, User: url.User(parsed.User.Username()), Host: parsed.Host, Path: parsed.Path}).String()
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("open %s: its parameters cannot be read", name)
	}
	conns := 16
	if text, ok := config.RuntimeParams["pool_max_conns"]; ok {
		if conns, err = strconv.Atoi(text); err != nil || conns < 1 {
			return nil, fmt.Errorf("open %s: pool_max_conns must be a number above 0", name)
		}
	}
	if schema, ok := config.RuntimeParams["schema"]; ok {
		config.RuntimeParams["search_path"] = quote(schema)
	}
	delete(config.RuntimeParams, "pool_max_conns")
	delete(config.RuntimeParams, "schema")
	if readOnly {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	// A connection that is found dead before anything was asked on it is replaced in silence: nobody need be told of a server that restarted.
	pool := stdlib.OpenDB(*config, stdlib.OptionResetSession(func(_ context.Context, conn *pgx.Conn) error {
		if hungUp(conn.PgConn().Conn()) {
			return driver.ErrBadConn
		}
		return nil
	}))
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	d := &database{engine: postgresEngine, name: name, read: pool, write: pool}
	d.reads = &pipeline{database: d, free: lanes(conns)}
	return d, nil
}

func classifySQLite(err error) error {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return nil
	}
	switch code := lite.Code(); code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return &Duplicate{Column: sqliteColumn(lite.Error())}
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return &Referenced{}
	case sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.SQLITE_CONSTRAINT_CHECK:
		_, rule, _ := strings.Cut(lite.Error(), "constraint failed: ")
		_, rule, _ = strings.Cut(rule, "constraint failed: ")
		rule, _, _ = strings.Cut(rule, " (")
		return &Refused{Rule: rule}
	default:
		switch code & 0xff { // the rest of an extended code tells details
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
			sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM:
			return ErrUnavailable
		}
	}
	return nil
}

// sqliteColumn reads the columns from "… UNIQUE constraint failed: auth_user.username (2067)".
func sqliteColumn(message string) string {
	_, list, found := strings.Cut(message, "constraint failed: UNIQUE constraint failed: ")
	if !found {
		_, list, _ = strings.Cut(message, "UNIQUE constraint failed: ")
	}
	if end := strings.LastIndex(list, " ("); end >= 0 {
		list = list[:end]
	}
	columns := strings.Split(list, ", ")
	for i, column := range columns {
		columns[i] = column[strings.LastIndexByte(column, '.')+1:]
	}
	return strings.Join(columns, ", ")
}

func classifyPostgres(err error) error {
	var pg *pgconn.PgError
	var connecting *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &pg):
		return classifyState(pg)
	case errors.Is(err, context.Canceled):
		return nil
	case errors.As(err, &connecting), errors.As(err, &network), pgconn.Timeout(err), pgconn.SafeToRetry(err), isClosed(err):
		return ErrUnavailable
	}
	return nil
}

// isClosed tells an error of a connection that ended in the middle.
func isClosed(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }

// classifyState sorts the server's own errors by SQLSTATE.
func classifyState(pg *pgconn.PgError) error {
	switch pg.Code {
	case "23505":
		return &Duplicate{Column: postgresColumn(pg)}
	case "23503":
		return &Referenced{Table: pg.TableName}
	case "23502", "23514", "22003":
		return &Refused{Rule: cmp.Or(pg.ColumnName, pg.ConstraintName, pg.Message)}
	case "22021", "22001":
		return ErrInvalidText
	case "25006", "40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "57P05":
		return ErrUnavailable
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "08", "53", "58": // connections, resources, the system below
		return ErrUnavailable
	}
	return nil
}

// postgresColumn reads the columns from the detail, "Key (username)=(ann) already exists.", whose brackets are the same in all languages.
func postgresColumn(pg *pgconn.PgError) string {
	if _, rest, ok := strings.Cut(pg.Detail, "("); ok {
		if columns, _, ok := strings.Cut(rest, ")=("); ok {
			return strings.ReplaceAll(columns, `"`, "")
		}
	}
	return pg.ConstraintName
}

// migrations reads the engine's numbered schema changes, in order.
func (e *engine) migrations() ([]Step, error) {
	folder := "schema/" + e.schema
	files, err := fs.Glob(schemas, folder+"/[0-9]*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(files))
	for i, file := range files {
		text, err := schemas.ReadFile(file)
		if err != nil {
			return nil, err
		}
		steps[i] = Step{Name: strings.TrimSuffix(file[len(folder)+1:], ".sql"), SQL: string(text)}
	}
	return steps, nil
}

// django is what makes Django's own tables, with the rows its migrations leave.
func (e *engine) django() (Step, error) {
	tables, err := schemas.ReadFile("schema/" + e.schema + "/django.sql")
	if err != nil {
		return Step{}, err
	}
	rows, err := schemas.ReadFile("schema/django_rows.sql")
	if err != nil {
		return Step{}, err
	}
	return Step{Name: "django", SQL: string(tables) + "\n" + string(rows)}, nil
}
