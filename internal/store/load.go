package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Many users at once, as an import writes them and an export reads them: rows by the names of their columns, whatever columns the user table has.

// UserColumns describes the user table.
func (s *Store) UserColumns(ctx context.Context) ([]Column, error) {
	return s.Columns(ctx, s.Model().Table)
}

// Load runs fn in a transaction like InTx, but once: fn reads what cannot be read again. Where no index keeps names unique, whoever else
// wants one waits for its end.
func (s *Store) Load(ctx context.Context, fn func(tx *Store) error) error {
	return s.plainOnce(ctx, func(tx *Store) error {
		if s.engine.loading != "" {
			if _, err := tx.exec(ctx, s.engine.loading); err != nil {
				return err
			}
		}
		if field, ok := s.Model().Field(s.Model().UsernameField); s.engine.lockNames != "" && (!ok || !field.Unique) {
			if _, err := tx.exec(ctx, s.engine.lockNames); err != nil {
				return err
			}
		}
		return fn(tx)
	})
}

// Try runs fn within the transaction of a Load such that its failure undoes what it did and nothing else.
func (s *Store) Try(ctx context.Context, fn func() error) error {
	if _, err := s.exec(ctx, "SAVEPOINT latchkey"); err != nil {
		return err
	}
	err := fn()
	if err != nil {
		if _, undo := s.exec(ctx, "ROLLBACK TO SAVEPOINT latchkey"); undo != nil {
			return errors.Join(undo, err)
		}
	}
	_, release := s.exec(ctx, "RELEASE SAVEPOINT latchkey")
	return errors.Join(err, release)
}

// Initial is what a column of the new user u gets where nothing is given for it, as Value makes values. Not ok for what the database fills in, or nothing does.
func (s *Store) Initial(column string, u *User) (value any, ok bool) {
	for i := range s.Model().fields {
		if f := &s.Model().fields[i]; f.Column.Name == column {
			value, ok = f.initial(u, s.zone)
			return s.arg(value), ok
		}
	}
	return nil, false
}

// InsertUserRows writes new users: a value for each of the columns, as Value makes them, USERNAME_FIELD among them. The keys come in the order of the rows.
func (s *Store) InsertUserRows(ctx context.Context, columns []string, rows [][]any) ([]ID, error) {
	at := slices.Index(columns, s.Model().UsernameField)
	if at < 0 {
		return nil, fmt.Errorf("users cannot be written without %s", s.Model().UsernameField)
	}
	keys := make(map[string]ID, len(rows))
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = quote(column)
	}
	head := "INSERT INTO " + s.users + " (" + strings.Join(names, ", ") + ") VALUES "
	err := s.eachChunk(rows, func(values string, args []any) error {
		// In which order an engine returns rows is its own business, so each comes with its name.
		return s.scan(ctx, s.write, func(found row) (bool, error) {
			var id ID
			var name string
			err := found.Scan(&id, &name)
			keys[name] = id
			return true, err
		}, head+values+" RETURNING "+s.key()+", "+quote(s.Model().UsernameField), args...)
	})
	if err != nil {
		return nil, err
	}
	ids := make([]ID, len(rows))
	for i, row := range rows {
		name, _ := row[at].(string)
		ids[i] = keys[name]
	}
	return ids, nil
}

// eachChunk calls fn with the placeholders and arguments of some rows at a time. The sizes are few, so that each statement is compiled once.
func (s *Store) eachChunk(rows [][]any, fn func(values string, args []any) error) error {
	for len(rows) > 0 {
		size := 1
		for _, n := range []int{1024, 256, 16} {
			if len(rows) >= n && n*len(rows[0]) <= 30000 { // SQLite takes 32766 arguments, PostgreSQL 65535
				size = n
				break
			}
		}
		var values strings.Builder
		args := make([]any, 0, size*len(rows[0]))
		for i, row := range rows[:size] {
			if i > 0 {
				values.WriteString(", ")
			}
			values.WriteByte('(')
			for j, value := range row {
				if j > 0 {
					values.WriteString(", ")
				}
				args = append(args, value)
				values.WriteString("$" + strconv.Itoa(len(args)))
			}
			values.WriteByte(')')
		}
		if err := fn(values.String(), args); err != nil {
			return err
		}
		rows = rows[size:]
	}
	return nil
}

// UserKeysBy finds, among values of a column, those that users have, as texts, and whose they are.
func (s *Store) UserKeysBy(ctx context.Context, column string, values []any) (map[string]ID, error) {
	return s.keysBy(ctx, s.key(), s.users+" WHERE", column, values)
}

// Existing finds, among values of a table's column, those that are there, as texts.
func (s *Store) Existing(ctx context.Context, table, column string, values []any) (map[string]ID, error) {
	return s.keysBy(ctx, "NULL", quote(table)+" WHERE", column, values)
}

// keysBy reads key and column of the rows, from up to and with WHERE, whose column has one of the values.
func (s *Store) keysBy(ctx context.Context, key, from, column string, values []any) (map[string]ID, error) {
	found := map[string]ID{}
	name := quote(column)
	rows := make([][]any, len(values))
	for i, value := range values {
		rows[i] = []any{value}
	}
	err := s.eachChunk(rows, func(list string, args []any) error {
		list = strings.NewReplacer("(", "", ")", "").Replace(list) // one list of the rows of one value
		return s.each(ctx, func(rows row) error {
			var id ID
			var text string
			err := rows.Scan(&id, &text)
			found[text] = id
			return err
		}, "SELECT "+key+", CAST("+name+" AS text) FROM "+from+" "+name+" IN ("+list+")", args...)
	})
	return found, err
}

// UpdateUserRow writes columns of one user.
func (s *Store) UpdateUserRow(ctx context.Context, id ID, columns []string, values []any) error {
	if len(columns) == 0 {
		return nil
	}
	sets := make([]string, len(columns))
	for i, column := range columns {
		sets[i] = quote(column) + " = $" + strconv.Itoa(i+2)
	}
	return s.change(ctx, "UPDATE "+s.users+" SET "+strings.Join(sets, ", ")+" WHERE "+s.key()+" = $1", append([]any{id}, values...)...)
}

// NumberOn makes the database number new users from beyond the greatest key on, after rows came with keys of their own.
func (s *Store) NumberOn(ctx context.Context) error {
	if s.engine.numberOn == "" || s.Model().Key.Kind != Integer {
		return nil
	}
	_, err := s.exec(ctx, fmt.Sprintf(s.engine.numberOn, s.users, s.key()), s.users, s.Model().Key.Name)
	return err
}

// Grown tells the database that many users came since the transaction began: until it knows, it looks values up by reading whole indexes.
func (s *Store) Grown(ctx context.Context) error {
	tables := []string{s.users}
	if s.Apps().Allauth {
		tables = append(tables, "account_emailaddress")
	}
	for _, table := range tables {
		if s.engine.analyze == "" {
			break
		}
		if _, err := s.exec(ctx, fmt.Sprintf(s.engine.analyze, table)); err != nil {
			return err
		}
	}
	return nil
}

// RecordActivations is RecordActivation for many new users.
func (s *Store) RecordActivations(ctx context.Context, ids []ID, now time.Time) error {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id.String(), s.stamp(now)}
	}
	return s.eachChunk(rows, func(values string, args []any) error {
		_, err := s.exec(ctx, "INSERT INTO latchkey_activation (user_id, activated_at) VALUES "+values+" ON CONFLICT DO NOTHING", args...)
		return err
	})
}

// InsertEmailAddresses writes rows of new users; one that is there already stays.
func (s *Store) InsertEmailAddresses(ctx context.Context, addresses []EmailAddress) error {
	rows := make([][]any, len(addresses))
	for i, a := range addresses {
		rows[i] = []any{a.UserID, a.Email, a.Verified, a.Primary}
	}
	return s.eachChunk(rows, func(values string, args []any) error {
		_, err := s.exec(ctx, `INSERT INTO account_emailaddress (user_id, email, verified, "primary") VALUES `+values+" ON CONFLICT DO NOTHING", args...)
		return err
	})
}

// CountUsers counts them.
func (s *Store) CountUsers(ctx context.Context) (n int64, err error) {
	err = s.first(ctx, []any{&n}, "SELECT count(*) FROM "+s.users)
	return n, err
}

// verifiedOwn tells of u whether its own address is verified.
const verifiedOwn = `EXISTS (SELECT 1 FROM account_emailaddress AS a WHERE a.user_id = u.%s AND a.verified = true AND lower(a.email) = lower(u.%s))`

// A UserRow is a user as files hold one.
type UserRow struct {
	ID       ID
	Values   []any // plain, in the order of the columns asked for
	Verified bool  // is the user's own address? false without allauth
}

// UserRows reads at most limit users whose key is beyond after, the zero ID for the first ones, ordered by key.
func (s *Store) UserRows(ctx context.Context, columns []Column, after ID, limit int) ([]UserRow, error) {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = plainColumn(c)
	}
	verified := "false"
	if email := s.Model().EmailField; s.Apps().Allauth && email != "" {
		verified = fmt.Sprintf(verifiedOwn, s.key(), quote(email))
	}
	query := "SELECT u." + s.key() + ", " + verified + ", " + strings.Join(list, ", ") + " FROM " + s.users + " AS u "
	args := []any{limit}
	if !after.IsZero() {
		query += "WHERE u." + s.key() + " > $2 "
		args = append(args, after)
	}
	var all []UserRow
	err := s.each(ctx, func(rows row) error {
		row := UserRow{Values: make([]any, len(columns))}
		dest := []any{&row.ID, flag{&row.Verified}}
		for i, c := range columns {
			dest = append(dest, plainScanner{c, &row.Values[i]})
		}
		err := rows.Scan(dest...)
		all = append(all, row)
		return err
	}, query+"ORDER BY u."+s.key()+" LIMIT $1", args...)
	return all, err
}

// EmailAddressesAfter reads at most limit addresses of all users whose key is beyond after, ordered by key.
func (s *Store) EmailAddressesAfter(ctx context.Context, after int64, limit int) ([]EmailAddress, error) {
	return s.emailAddresses(ctx, "WHERE id > CAST($1 AS bigint) ORDER BY id LIMIT $2", after, limit)
}

// VerifiedAddresses finds, among addresses, those that somebody has verified, and who.
func (s *Store) VerifiedAddresses(ctx context.Context, addresses []any) (map[string]ID, error) {
	return s.keysBy(ctx, "user_id", "account_emailaddress WHERE verified = true AND", "email", addresses)
}
