package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
)

// A Recorder keeps the texts of the statements that a Store runs, each once, in their order.
type Recorder struct {
	mu         sync.Mutex
	seen       map[string]bool
	statements []string
}

// Record puts the recorder between a store and its connections, before transactions begin.
func (r *Recorder) Record(s *Store) {
	one := s.read == s.write
	s.reads = nil // it would go around the recorder
	s.write = sql.OpenDB(recording{s.write, r})
	if one {
		s.read = s.write
		return
	}
	s.write.SetMaxOpenConns(1) // as the pool below
	s.read = sql.OpenDB(recording{s.read, r})
}

// Statements are the texts so far.
func (r *Recorder) Statements() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.statements...)
}

func (r *Recorder) note(query string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	if !r.seen[query] {
		r.seen[query] = true
		r.statements = append(r.statements, query)
	}
}

// Survey looks at the database through the store's own connections.
func (s *Store) Survey() *Survey { return &Survey{s} }

// recording is a connector that borrows the connections of a pool.
type recording struct {
	pool *sql.DB
	to   *Recorder
}

func (r recording) Driver() driver.Driver { return r.pool.Driver() }
func (r recording) Close() error          { return r.pool.Close() }

func (r recording) Connect(ctx context.Context) (driver.Conn, error) {
	borrowed, err := r.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	conn := &recordedConn{borrowed: borrowed, to: r.to}
	err = borrowed.Raw(func(raw any) error {
		var ok bool
		if conn.recordable, ok = raw.(recordable); !ok {
			return errors.New("the driver lacks a method")
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, borrowed.Close())
	}
	return conn, nil
}

// recordable is what the connections of both drivers can do.
type recordable interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
}

type recordedConn struct {
	recordable
	borrowed *sql.Conn
	to       *Recorder
}

func (c *recordedConn) Close() error { return c.borrowed.Close() }

func (c *recordedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.to.note(query)
	return c.recordable.ExecContext(ctx, query, args)
}

func (c *recordedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.to.note(query)
	return c.recordable.QueryContext(ctx, query, args)
}

// CheckNamedValue asks the driver, where it wants to be asked.
func (c *recordedConn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.recordable.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return driver.ErrSkip
}

// OfProgram tells the tables of Django and Latchkey from what an engine has of its own.
func OfProgram(table string) bool {
	for _, prefix := range []string{"auth", "django_", "latchkey_", "account_", "socialaccount_", "social_auth_", "token_blacklist_"} {
		if strings.HasPrefix(table, prefix) {
			return true
		}
	}
	return false
}

// Look asks for the engine and its version.
func (s *Store) Look(ctx context.Context) error {
	_, _, err := s.Survey().Engine(ctx)
	return err
}
