package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

var (
	// ErrNotFound means that there is no such row.
	ErrNotFound = errors.New("no such row")
	// ErrMultiple means that several rows match where one was asked for.
	ErrMultiple = errors.New("more than one such row")
	// ErrUnavailable means that the database cannot answer now: it is locked, full, read-only, gone, shutting down, out of
	// connections, or slower than the request's deadline. The same call may succeed later.
	ErrUnavailable = errors.New("the database is unavailable")
	// ErrNoColumn means that the user table has no column for what is to be written.
	ErrNoColumn = errors.New("the user table has no column for this")
	// ErrInvalidText means that a text cannot be stored: on PostgreSQL one with a NUL, one that is not UTF-8, or one too long for its column.
	ErrInvalidText = errors.New("a text that the database cannot hold")
)

// A Duplicate is a row refused because another one has the same value in a unique column.
type Duplicate struct {
	Column string // several are joined with ", "
}

func (e *Duplicate) Error() string { return "another row has the same " + e.Column }

// Referenced is a row that cannot go, or come, because a foreign key of Table forbids it.
type Referenced struct {
	Table string // empty where the database does not tell
}

func (e *Referenced) Error() string {
	if e.Table == "" {
		return "a foreign key forbids it"
	}
	return "a foreign key of " + e.Table + " forbids it"
}

// Refused is a value that a rule of the table forbids: NULL where there must be one, a check, a number out of range. Rule names the column or the check.
type Refused struct{ Rule string }

func (e *Refused) Error() string { return "the table's rule for " + e.Rule + " forbids it" }

// wrap sorts a driver's error into what callers tell apart, and keeps it in the chain.
func (d *database) wrap(err error) error {
	if err == nil {
		return nil
	}
	var known *Duplicate
	var referenced *Referenced
	var refused *Refused
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrNotFound), errors.Is(err, ErrInvalidText),
		errors.As(err, &known), errors.As(err, &referenced), errors.As(err, &refused):
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if kind := d.engine.classify(err); kind != nil {
		if kind == ErrUnavailable || kind == ErrInvalidText {
			return fmt.Errorf("%w: %w", kind, err)
		}
		return kind
	}
	return fmt.Errorf("database: %w", err)
}
