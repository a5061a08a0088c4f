package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
)

// Exec runs statements as they stand, for tests that look behind the methods.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	if len(args) == 0 {
		args = s.engine.script
	}
	_, err := s.exec(ctx, query, args...)
	return err
}

// Rows reads all rows of a query as texts; NULL is "NULL".
func (s *Store) Rows(ctx context.Context, query string, args ...any) ([][]string, error) {
	var all [][]string
	_, err := s.on(s.read).rows(ctx, func(r row) (bool, error) {
		var columns int
		switch r := r.(type) {
		case *sql.Rows:
			names, err := r.Columns()
			if err != nil {
				return false, err
			}
			columns = len(names)
		case pgx.Rows:
			columns = len(r.FieldDescriptions())
		}
		texts, dest := make([]sql.NullString, columns), make([]any, columns)
		for i := range texts {
			dest[i] = &texts[i]
		}
		if err := r.Scan(dest...); err != nil {
			return false, err
		}
		row := make([]string, columns)
		for i, text := range texts {
			if row[i] = text.String; !text.Valid {
				row[i] = "NULL"
			}
		}
		all = append(all, row)
		return true, nil
	}, query, args)
	return all, err
}

// IsPostgres tells the engine.
func (s *Store) IsPostgres() bool { return s.engine == postgresEngine }

// UsernameTaken tells whether a user has exactly this USERNAME_FIELD.
func (s *Store) UsernameTaken(ctx context.Context, name string) (bool, error) {
	return s.exists(ctx, "SELECT 1 FROM "+s.users+" WHERE "+quote(s.Model().UsernameField)+" = $1", name)
}

// SetNames writes the first and the last name.
func (s *Store) SetNames(ctx context.Context, id ID, first, last string) error {
	return s.change(ctx, "UPDATE "+s.users+" SET first_name = $2, last_name = $3 WHERE id = $1", id, first, last)
}

// NextMail is when the next mail is due; not ok when none is owed.
func (s *Store) NextMail(ctx context.Context) (due time.Time, ok bool, err error) {
	err = s.first(ctx, []any{optional{&due}}, "SELECT min(next_attempt_at) FROM latchkey_mail")
	return due, err == nil && !due.IsZero(), err
}

// AskNonsense asks what no database answers.
func (s *Store) AskNonsense(ctx context.Context) error {
	return s.first(ctx, nil, "SELECT nonsense FROM nowhere")
}

// FlushOutstanding is FlushExpired of Django's table alone.
func (s *Store) FlushOutstanding(ctx context.Context, now time.Time, limit int, deleted func(rows int64)) error {
	return s.flushOutstanding(ctx, now, limit, deleted)
}
