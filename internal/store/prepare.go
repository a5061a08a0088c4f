package store

import (
	"context"
	"database/sql/driver"
	"errors"
)

// preparing makes connections of SQLite that keep their statements compiled: reading a user takes 10 µs, and 30 without.
// pgx does the same for PostgreSQL by itself.
type preparing struct{ driver.Connector }

// Connect opens one connection.
func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	lite, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks a method"), conn.Close())
	}
	return &preparedConn{sqliteConn: lite, statements: map[string]statement{}}, nil
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// statement is what the driver's compiled statements can do.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// A preparedConn compiles each text with arguments once; texts without are pragmas, scripts and other things that run once.
// The texts are those of this package, so there are a few dozen. database/sql lets one caller at a time use a connection,
// and this package reads a statement's rows to their end before it asks the same again.
type preparedConn struct {
	sqliteConn
	statements map[string]statement
}

func (c *preparedConn) prepared(ctx context.Context, query string) (statement, error) {
	if s, ok := c.statements[query]; ok {
		return s, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := prepared.(statement)
	if !ok {
		return nil, errors.Join(driver.ErrSkip, prepared.Close())
	}
	c.statements[query] = s
	return s, nil
}

// ExecContext runs a statement.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args)
}

// QueryContext runs a statement that returns rows.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 0 {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args)
}

// Close closes the statements, then the connection.
func (c *preparedConn) Close() error {
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}
