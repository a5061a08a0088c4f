package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A Survey looks at a database in which anything may be, Django's tables or others, at one moment. It changes nothing.
type Survey struct{ tx *Store }

// Look opens a database as a reader and runs fn.
func Look(ctx context.Context, address string, fn func(*Survey) error) (err error) {
	d, err := connect(address, true)
	if err != nil {
		return err
	}
	s := &Store{database: d}
	defer func() { err = cmp.Or(err, s.Close()) }()
	err = s.Snapshot(ctx, func(tx *Store) error { return fn(&Survey{tx}) })
	if err != nil {
		return fmt.Errorf("read %s: %w", d.name, err)
	}
	return nil
}

// String names the database without its password.
func (v *Survey) String() string { return v.tx.name }

// Engine is SQLite or PostgreSQL, and its version.
func (v *Survey) Engine(ctx context.Context) (name, version string, err error) {
	err = v.tx.first(ctx, []any{&name, &version}, v.tx.engine.version)
	return name, version, err
}

// texts reads a query's one column.
func (v *Survey) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	var all []string
	err := v.tx.each(ctx, func(rows row) error {
		var text string
		err := rows.Scan(&text)
		all = append(all, text)
		return err
	}, query, args...)
	return all, err
}

// Tables are the names of all tables, sorted.
func (v *Survey) Tables(ctx context.Context) ([]string, error) {
	return v.texts(ctx, v.tx.engine.tables)
}

// Columns describes a table.
func (v *Survey) Columns(ctx context.Context, table string) ([]Column, error) {
	return v.tx.Columns(ctx, table)
}

// Count counts the rows of a table.
func (v *Survey) Count(ctx context.Context, table string) (n int64, err error) {
	err = v.tx.first(ctx, []any{&n}, "SELECT count(*) FROM "+quote(table))
	return n, err
}

// CountBefore counts the rows whose time in a column is past.
func (v *Survey) CountBefore(ctx context.Context, table, column string, now time.Time) (n int64, err error) {
	err = v.tx.first(ctx, []any{&n}, "SELECT count(*) FROM "+quote(table)+" WHERE "+quote(column)+" < $1", v.tx.stamp(now))
	return n, err
}

// CountEmpty counts the rows whose text in a column is empty or NULL.
func (v *Survey) CountEmpty(ctx context.Context, table, column string) (n int64, err error) {
	err = v.tx.first(ctx, []any{&n}, "SELECT count(*) FROM "+quote(table)+" WHERE coalesce("+quote(column)+", '') = ''")
	return n, err
}

// CountTrue counts the rows in which a column is true.
func (v *Survey) CountTrue(ctx context.Context, table, column string) (n int64, err error) {
	err = v.tx.first(ctx, []any{&n}, "SELECT count(*) FROM "+quote(table)+" WHERE "+quote(column)+" = true")
	return n, err
}

// A Migration is an app's newest row of django_migrations, and how many it has.
type Migration struct {
	App, Newest string
	Count       int64
}

// Migrations are those that Django has applied, by app.
func (v *Survey) Migrations(ctx context.Context) ([]Migration, error) {
	var all []Migration
	err := v.tx.each(ctx, func(rows row) error {
		var m Migration
		err := rows.Scan(&m.App, &m.Newest, &m.Count)
		all = append(all, m)
		return err
	}, "SELECT app, max(name), count(*) FROM django_migrations GROUP BY app ORDER BY app")
	return all, err
}

// ModelName is the app and the model that Django's content types say a table is of; empty where none fits.
func (v *Survey) ModelName(ctx context.Context, table string) (app, model string, err error) {
	err = v.tx.each(ctx, func(rows row) error { return rows.Scan(&app, &model) },
		"SELECT app_label, model FROM django_content_type WHERE app_label || '_' || model = $1", table)
	return app, model, err
}

// EachText calls fn with every text of a column.
func (v *Survey) EachText(ctx context.Context, table, column string, fn func(text string)) error {
	return v.tx.each(ctx, func(rows row) error {
		var text sql.NullString
		err := rows.Scan(&text)
		fn(text.String)
		return err
	}, "SELECT "+quote(column)+" FROM "+quote(table))
}

// Twins are users of whom several have the same in a column, but for case.
type Twins struct {
	Groups, Users int64
	// Same are those among the groups that are equal letter by letter.
	Same int64
	// Keys are a few groups' smallest and greatest keys.
	Keys [][2]string
}

// Twins finds them. On SQLite only letters of ASCII have case.
func (v *Survey) Twins(ctx context.Context, table, column, key string) (Twins, error) {
	var t Twins
	c := quote(column)
	grouped := "SELECT count(*) AS n, count(DISTINCT " + c + ") AS forms, CAST(min(CAST(" + quote(key) + " AS text)) AS text) AS least, CAST(max(CAST(" +
		quote(key) + " AS text)) AS text) AS most FROM " + quote(table) + " WHERE " + c + " <> '' GROUP BY lower(" + c + ") HAVING count(*) > 1"
	err := v.tx.first(ctx, []any{&t.Groups, &t.Users, &t.Same},
		"SELECT count(*), CAST(coalesce(sum(n), 0) AS bigint), CAST(coalesce(sum(CASE WHEN forms = 1 THEN 1 ELSE 0 END), 0) AS bigint) FROM ("+grouped+") AS g")
	if err != nil {
		return t, err
	}
	err = v.tx.each(ctx, func(rows row) error {
		var keys [2]string
		err := rows.Scan(&keys[0], &keys[1])
		t.Keys = append(t.Keys, keys)
		return err
	}, "SELECT least, most FROM ("+grouped+") AS g ORDER BY least LIMIT 3")
	return t, err
}

// MayNot are the things that the connection's role has no right to: statements on a table, and on the schema CREATE. None on SQLite.
func (v *Survey) MayNot(ctx context.Context, table string) ([]string, error) {
	if v.tx.engine.mayNot == "" {
		return nil, nil
	}
	return v.texts(ctx, v.tx.engine.mayNot, table)
}

// Shape is what settings and the columns of a user table come to: *ModelError where they do not fit.
func Shape(settings UserModel, columns []Column) (*Model, error) { return settings.shape(columns) }
