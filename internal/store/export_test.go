package store

import (
	"context"
	"database/sql"
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
	err := s.each(ctx, func(rows *sql.Rows) error {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		texts, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range texts {
			dest[i] = &texts[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		row := make([]string, len(columns))
		for i, text := range texts {
			if row[i] = text.String; !text.Valid {
				row[i] = "NULL"
			}
		}
		all = append(all, row)
		return nil
	}, query, args...)
	return all, err
}

// IsPostgres tells the engine.
func (s *Store) IsPostgres() bool { return s.engine == postgresEngine }
