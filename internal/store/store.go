// Package store is the Django-compatible database: Django's own tables, and a few latchkey_* beside them, on SQLite or PostgreSQL.
// It is the only package that knows SQL. Each query is written once, next to the Go that scans it; what differs between the two stands in engine.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"latchkey/internal/tracing"
)

// A Store is an open database, or a transaction on it: the methods are the same. It is safe for concurrent use; a transaction is not.
type Store struct {
	*database
	tx       querier // nil outside a transaction
	onCommit map[string]func()
}

// A database is what the Stores on it share.
type database struct {
	engine *engine
	name   string // for messages: without password and parameters
	read   *sql.DB
	write  *sql.DB   // the same pool on PostgreSQL
	group  *group    // of the transactions that wait for SQLite's one writer; nil on PostgreSQL
	reads  *pipeline // of the queries that wait for PostgreSQL; nil on SQLite
	users  string    // the quoted user table
	zone   *time.Location
	// settings is what the user table is meant to be; Model is what it is
	settings UserModel
	still    func() bool // of a file read without a lock: does nobody write? nil for all others
	// installed are the apps that settings say are there, nil where they do not say
	installed *Apps
	facts     atomic.Pointer[facts]
}

// facts is what the schema that is there looks like: read at Open, and again after Migrate.
type facts struct {
	apps  Apps
	model *Model
	use   string // the query of TokenUse
}

// Apps tells which of Django's apps have their tables.
type Apps struct{ AuthToken, Blacklist, Sessions, Sites, Allauth bool }

// Open connects to the database that cfg names and looks at what is there. It never changes the schema; Migrate does.
// Its errors name the database without its password.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.User.Table == "" {
		return nil, errors.New("user_model: the table has no name")
	}
	d, err := connect(cfg.URL, cfg.ReadOnly)
	if err != nil {
		return nil, err
	}
	d.settings, d.users, d.zone, d.installed = cfg.User, quote(cfg.User.Table), cfg.Zone, cfg.Installed
	if d.zone == nil {
		d.zone = time.UTC
	}
	s := &Store{database: d}
	if err := s.look(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open %s: %w", d.name, err)
	}
	return s, nil
}

// connect picks the engine by the URL's scheme.
func connect(address string, readOnly bool) (*database, error) {
	switch scheme, rest, _ := strings.Cut(address, "://"); scheme {
	case "sqlite":
		return openSQLite(rest, readOnly)
	case "postgres", "postgresql":
		return openPostgres(address, readOnly)
	default:
		return nil, errors.New("the database must be sqlite:///path/to/file, sqlite://relative/path or postgres://user@host/name")
	}
}

// Close closes all connections, on SQLite the writing one last: it takes the journal back into the file.
func (s *Store) Close() error {
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// String names the database without its password.
func (s *Store) String() string { return s.name }

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.first(ctx, []any{&one}, "SELECT 1")
}

// Apps tells which of Django's apps have their tables and are not left out by the settings.
func (s *Store) Apps() Apps { return s.facts.Load().apps }

// look reads the facts of the schema.
func (s *Store) look(ctx context.Context) error {
	f := &facts{}
	tables := []struct {
		name string
		has  *bool
	}{
		{"authtoken_token", &f.apps.AuthToken},
		{"token_blacklist_blacklistedtoken", &f.apps.Blacklist},
		{"django_session", &f.apps.Sessions},
		{"django_site", &f.apps.Sites},
		{"account_emailaddress", &f.apps.Allauth},
	}
	for _, table := range tables {
		if err := s.first(ctx, []any{table.has}, s.engine.hasTable, table.name); err != nil {
			return err
		}
	}
	var err error
	if f.model, err = s.readModel(ctx); err != nil {
		return err
	}
	if s.installed != nil {
		f.apps = f.apps.and(*s.installed)
	}
	f.use = tokenUseQuery(f)
	s.facts.Store(f)
	return nil
}

// and is the apps in both.
func (a Apps) and(b Apps) Apps {
	return Apps{a.AuthToken && b.AuthToken, a.Blacklist && b.Blacklist, a.Sessions && b.Sessions, a.Sites && b.Sites, a.Allauth && b.Allauth}
}

// tries bounds how often InTx runs a transaction that lost against another one.
const tries = 5

// InTx runs fn in a transaction that is committed when fn returns nil and undone otherwise. Inside a transaction it just runs fn.
// SQLite takes the write lock at once, for all who wait for it; PostgreSQL runs at READ COMMITTED. Where the database ends a transaction
// in favour of another one (a deadlock, a serialization failure), or cannot commit it with others, fn runs again, so it must keep its effects inside tx.
// After an error from a statement, return it: on PostgreSQL the transaction is over.
func (s *Store) InTx(ctx context.Context, fn func(tx *Store) error) error {
	if s.tx != nil {
		return fn(s)
	}
	ctx, span := tracing.Start(ctx, "transaction")
	err := s.inTx(ctx, fn)
	span.End(orNone(err))
	return err
}

func (s *Store) inTx(ctx context.Context, fn func(tx *Store) error) error {
	if s.group != nil {
		return s.group.run(ctx, fn)
	}
	for try := 1; ; try++ {
		err := s.once(ctx, fn)
		gone := &lost{}
		if errors.As(err, &gone) {
			err = gone.error
		} else if !s.engine.conflict(err) {
			return err
		}
		if try == tries {
			return err
		}
		pause := time.NewTimer(time.Duration(rand.Int64N(int64(try) * int64(10*time.Millisecond))))
		select {
		case <-ctx.Done():
			pause.Stop()
			return s.wrap(ctx.Err())
		case <-pause.C:
		}
	}
}

// once is one run of a transaction.
func (s *Store) once(ctx context.Context, fn func(tx *Store) error) error {
	if s.reads == nil {
		return s.plainOnce(ctx, fn)
	}
	return s.deferringOnce(ctx, fn)
}

// plainOnce is once by database/sql, whose statements go one by one, on either engine.
func (s *Store) plainOnce(ctx context.Context, fn func(tx *Store) error) error {
	tx, err := s.write.BeginTx(ctx, s.engine.txOptions)
	if err != nil {
		return s.wrap(err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	inside := &Store{database: s.database, tx: plainly{tx}}
	if err := fn(inside); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return s.wrap(err)
	}
	inside.committed()
	return nil
}

// committed does what waited for the commit.
func (s *Store) committed() {
	for _, fn := range s.onCommit {
		fn()
	}
}

// Job runs fn if no other process on this database runs the job of that name just now, and tells whether it did. Whoever dies at it lets it go with its connection.
func (s *Store) Job(ctx context.Context, name string, fn func() error) (ran bool, err error) {
	if s.engine.tryJob == "" || s.write.Stats().MaxOpenConnections == 1 { // fn needs a connection beside that which holds the job
		return true, fn()
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return false, s.wrap(err)
	}
	defer func() { _ = conn.Close() }() // it goes back to the pool
	if err := conn.QueryRowContext(ctx, s.engine.tryJob, name).Scan(&ran); err != nil || !ran {
		return false, s.wrap(err)
	}
	defer func() {
		var ours bool
		if err := conn.QueryRowContext(context.WithoutCancel(ctx), s.engine.endJob, name).Scan(&ours); err != nil || !ours {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // has it closed, and the job with it
		}
	}()
	return true, fn()
}

// Pools are the connections to the database, by what they are for: one of each where the engine has one writer, else one for all.
func (s *Store) Pools() map[string]*sql.DB {
	if s.read == s.write {
		return map[string]*sql.DB{"all": s.write}
	}
	return map[string]*sql.DB{"read": s.read, "write": s.write}
}

// OnCommit has fn called when the transaction is committed, and not if it is undone; outside of one at once. Under one name it is called once, however
// often it is asked for. (Django's transaction.on_commit)
func (s *Store) OnCommit(name string, fn func()) {
	if s.tx == nil {
		fn()
		return
	}
	if s.onCommit == nil {
		s.onCommit = map[string]func(){}
	}
	s.onCommit[name] = fn
}

// Snapshot runs fn in a transaction that reads one moment of the database and writes nothing.
func (s *Store) Snapshot(ctx context.Context, fn func(tx *Store) error) error {
	tx, err := s.read.BeginTx(ctx, s.engine.snapshot)
	if err != nil {
		return s.wrap(err)
	}
	defer func() { _ = tx.Rollback() }() // there is nothing to keep
	err = fn(&Store{database: s.database, tx: plainly{tx}})
	if s.still != nil && !s.still() {
		return fmt.Errorf("%w: another program began to write to %s; run this again", ErrUnavailable, s.name)
	}
	return err
}

// A querier runs statements. Its errors are the driver's.
type querier interface {
	// exec tells how many rows a statement touched that returns none.
	exec(ctx context.Context, query string, args []any) (int64, error)
	// rows hands rows to next for as long as it asks for more, and tells whether there was none.
	rows(ctx context.Context, next func(row) (more bool, err error), query string, args []any) (none bool, err error)
	// do runs a statement of which nobody wants to know how many rows it touched. In a transaction of PostgreSQL it may run, and fail, with one that comes later, or with the commit.
	do(ctx context.Context, query string, args []any) error
}

// A row is one of an answer.
type row interface{ Scan(dest ...any) error }

// handOn hands rows to next for as long as it asks for more. It tells whether there was none, and whether next wanted more still; what ended the rows their owner knows.
func handOn(rows interface {
	row
	Next() bool
}, next func(row) (bool, error)) (none, more bool, err error) {
	none, more = true, true
	for ; more && rows.Next(); none = false {
		if more, err = next(rows); err != nil {
			break
		}
	}
	return none, more, err
}

// plainly runs statements on a pool of database/sql, on a transaction, or on a connection that is in one.
type plainly struct {
	on interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}
}

func (p plainly) exec(ctx context.Context, query string, args []any) (int64, error) {
	result, err := p.on.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (p plainly) do(ctx context.Context, query string, args []any) error {
	_, err := p.on.ExecContext(ctx, query, args...)
	return err
}

func (p plainly) rows(ctx context.Context, next func(row) (bool, error), query string, args []any) (none bool, err error) {
	rows, err := p.on.QueryContext(ctx, query, args...)
	if err != nil {
		return true, err
	}
	defer func() { _ = rows.Close() }() // rows.Err and the Close below report what matters
	if none, _, err = handOn(rows, next); err != nil {
		return none, err
	}
	return none, errors.Join(rows.Err(), rows.Close())
}

// on is where a statement runs: in the transaction where there is one.
func (s *Store) on(pool *sql.DB) querier {
	if s.tx != nil {
		return s.tx
	}
	return plainly{pool}
}

// exec runs a statement that returns no rows, and tells how many it touched.
func (s *Store) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.run(ctx, func(ctx context.Context, q querier) error {
		n, err = q.exec(ctx, query, args)
		return err
	}, query, args)
	return n, err
}

// do is exec where nobody wants to know how many rows it touched.
func (s *Store) do(ctx context.Context, query string, args ...any) error {
	return s.run(ctx, func(ctx context.Context, q querier) error { return q.do(ctx, query, args) }, query, args)
}

// run runs a statement that returns no rows.
func (s *Store) run(ctx context.Context, statement func(context.Context, querier) error, query string, args []any) error {
	if s.tx == nil && s.group != nil {
		return s.InTx(ctx, func(tx *Store) error { return tx.run(ctx, statement, query, args) })
	}
	if err := s.fits(args); err != nil {
		return err
	}
	ctx, err := s.patient(ctx)
	if err != nil {
		return s.wrap(err)
	}
	ctx, span := s.statement(ctx, query)
	err = statement(ctx, s.on(s.write))
	span.End(err)
	return s.wrap(err)
}

// change is exec for a statement that must touch a row: ErrNotFound when it touched none.
func (s *Store) change(ctx context.Context, query string, args ...any) error {
	n, err := s.exec(ctx, query, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// first reads the first row into dest: ErrNotFound when there is none, or when no row could match what the arguments hold.
func (s *Store) first(ctx context.Context, dest []any, query string, args ...any) error {
	return asAbsent(s.ask(ctx, func(r row) (bool, error) { return false, r.Scan(dest...) }, query, args...))
}

// each calls take for every row of a query; text that the database cannot hold finds none.
func (s *Store) each(ctx context.Context, take func(row) error, query string, args ...any) error {
	err := asAbsent(s.ask(ctx, func(r row) (bool, error) { return true, take(r) }, query, args...))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// returning is first for a statement that writes and returns a row.
func (s *Store) returning(ctx context.Context, dest []any, query string, args ...any) error {
	if s.tx == nil && s.group != nil {
		return s.InTx(ctx, func(tx *Store) error { return tx.returning(ctx, dest, query, args...) })
	}
	return s.scan(ctx, s.write, func(r row) (bool, error) { return false, r.Scan(dest...) }, query, args...)
}

// patient is the context of one statement. SQLite's take microseconds, and being ready to stop one costs as much again, two goroutines each: so they run to their
// end, unless it is over already. Who waits for the connection that writes, and is in no transaction, may give up.
func (s *Store) patient(ctx context.Context) (context.Context, error) {
	if s.group == nil {
		return ctx, nil
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// ask is scan for a query that only reads.
func (s *Store) ask(ctx context.Context, next func(row) (more bool, err error), query string, args ...any) error {
	if s.tx != nil || s.reads == nil {
		return s.scan(ctx, s.read, next, query, args...)
	}
	if err := s.fits(args); err != nil {
		return err
	}
	ctx, span := s.statement(ctx, query)
	err := s.reads.run(ctx, next, query, args)
	span.End(orNone(err))
	return err
}

// statement begins the span of a statement.
func (s *Store) statement(ctx context.Context, query string) (context.Context, tracing.Span) {
	return tracing.Statement(ctx, s.engine.system, query)
}

// scan hands rows to next for as long as it asks for more: ErrNotFound when there was none.
func (s *Store) scan(ctx context.Context, pool *sql.DB, next func(row) (more bool, err error), query string, args ...any) (err error) {
	if err := s.fits(args); err != nil {
		return err
	}
	ctx, span := s.statement(ctx, query)
	defer func() { span.End(orNone(err)) }()
	if s.tx != nil || pool != s.write {
		var err error
		if ctx, err = s.patient(ctx); err != nil {
			return s.wrap(err)
		}
	}
	none, err := s.on(pool).rows(ctx, next, query, args)
	if err == nil && none {
		return ErrNotFound
	}
	return s.wrap(err)
}

// fits refuses arguments that PostgreSQL would refuse, where they would end the transaction:
// ErrInvalidText for a NUL or bytes that are not UTF-8, ErrNotFound for a key that the user table's column cannot hold.
func (s *Store) fits(args []any) error {
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			if s.engine.strictText && (strings.IndexByte(arg, 0) >= 0 || !utf8.ValidString(arg)) {
				return ErrInvalidText
			}
		case ID:
			if !arg.IsZero() && !s.holds(arg) {
				return ErrNotFound
			}
		}
	}
	return nil
}

// asAbsent turns the error for text that the database cannot hold into ErrNotFound: no row has such a text.
func asAbsent(err error) error {
	if errors.Is(err, ErrInvalidText) {
		return ErrNotFound
	}
	return err
}

// quote makes an SQL identifier of a name.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
