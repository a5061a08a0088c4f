package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// A transaction is one of PostgreSQL's. BEGIN, and statements whose outcome nobody waits for, go to the server with the next one that somebody does wait for, the last of them with COMMIT:
// most of what a small statement costs, on both sides, is the way there and back.
type transaction struct {
	conn   *pgx.Conn
	unsent []statementText
	begun  bool // the server has been sent BEGIN
	ending bool // and COMMIT
	failed error
}

type statementText struct {
	text string
	args []any
}

// rollbackTimeout bounds the wait for the server to undo a transaction.
const rollbackTimeout = 5 * time.Second

// deferringOnce is once by a transaction.
func (s *Store) deferringOnce(ctx context.Context, fn func(tx *Store) error) error {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return s.wrap(err)
	}
	defer func() { _ = conn.Close() }() // it goes back to the pool
	t := &transaction{}
	inside := &Store{database: s.database, tx: t}
	raw := conn.Raw(func(raw any) error {
		t.conn = raw.(*stdlib.Conn).Conn() // openPostgres opened it
		t.unsent = append(t.unsent, statementText{text: "begin isolation level read committed"})
		if err = fn(inside); err == nil {
			err = s.wrap(t.commit(ctx))
		}
		if !t.over(ctx) {
			return driver.ErrBadConn // it leaves the pool
		}
		return nil
	})
	if raw != nil && !errors.Is(raw, driver.ErrBadConn) {
		return s.wrap(raw)
	}
	if err != nil {
		if t.conn.IsClosed() && !t.ending && ctx.Err() == nil { // the server has undone it
			return &lost{err}
		}
		return err
	}
	inside.committed()
	return nil
}

// lost is the error of a transaction whose connection ended before it was to be committed: nothing of it has happened.
type lost struct{ error }

func (l *lost) Unwrap() error { return l.error }

// commit sends what is left with COMMIT, but never BEGIN with it: of a connection that was dead from the start nobody could tell whether anything has happened.
func (t *transaction) commit(ctx context.Context) error {
	if !t.begun {
		if len(t.unsent) == 1 {
			t.unsent = nil
			return nil // there was nothing
		}
		if err := t.send(ctx, nil); err != nil {
			return err
		}
	}
	t.ending = t.failed == nil
	return t.send(ctx, func(results pgx.BatchResults) error {
		_, err := results.Exec()
		return err
	}, statementText{text: "commit"})
}

// over ends what is not committed, and tells whether the connection can be used again.
func (t *transaction) over(ctx context.Context) bool {
	if t.conn.IsClosed() || t.conn.PgConn().TxStatus() == 'I' {
		return !t.conn.IsClosed()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_, err := t.conn.Exec(ctx, "rollback")
	return err == nil && !t.conn.IsClosed() && t.conn.PgConn().TxStatus() == 'I'
}

// send sends what is unsent, and with it a last statement whose outcome take takes. After an error the transaction is over, whatever becomes of that.
func (t *transaction) send(ctx context.Context, take func(pgx.BatchResults) error, last ...statementText) error {
	if t.failed == nil {
		t.failed = t.sendNow(ctx, take, last...)
	}
	return t.failed
}

func (t *transaction) sendNow(ctx context.Context, take func(pgx.BatchResults) error, last ...statementText) error {
	batch := &pgx.Batch{}
	n := len(t.unsent)
	for _, s := range append(t.unsent, last...) {
		batch.Queue(s.text, s.args...)
	}
	t.unsent, t.begun = nil, true
	results := t.conn.SendBatch(ctx, batch)
	var err error
	for i := 0; i < n && err == nil; i++ {
		_, err = results.Exec()
	}
	if err == nil && take != nil {
		err = take(results)
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	return err
}

func (t *transaction) do(_ context.Context, query string, args []any) error {
	t.unsent = append(t.unsent, statementText{query, args})
	return nil
}

func (t *transaction) exec(ctx context.Context, query string, args []any) (int64, error) {
	if len(args) == 1 && args[0] == postgresEngine.script[0] { // several statements go by another protocol
		if err := t.send(ctx, nil); err != nil {
			return 0, err
		}
		var tag pgconn.CommandTag
		tag, t.failed = t.conn.Exec(ctx, query, args...)
		return tag.RowsAffected(), t.failed
	}
	var tag pgconn.CommandTag
	err := t.send(ctx, func(results pgx.BatchResults) (err error) {
		tag, err = results.Exec()
		return err
	}, statementText{query, args})
	return tag.RowsAffected(), err
}

func (t *transaction) rows(ctx context.Context, next func(row) (bool, error), query string, args []any) (none bool, err error) {
	none = true
	err = t.send(ctx, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		if none, _, err = handOn(rows, next); err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	}, statementText{query, args})
	return none, err
}
