package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"time"
)

// A User is a row of the user table, with the columns of Django's stock user.
type User struct {
	ID          ID
	Password    string    // encoded, at most 128 characters
	LastLogin   time.Time // zero: NULL, never
	IsSuperuser bool
	Username    string // the column username, whatever USERNAME_FIELD is
	FirstName   string
	LastName    string
	Email       string // the column email
	IsStaff     bool
	IsActive    bool
	DateJoined  time.Time
}

// userColumns are the columns of u, the user table, in the order of fields.
const userColumns = "u.id, u.password, u.last_login, u.is_superuser, u.username, u.first_name, u.last_name, u.email, u.is_staff, u.is_active, u.date_joined"

// textColumns are the columns users can be looked up by, beside id.
var textColumns = map[string]bool{"username": true, "first_name": true, "last_name": true, "email": true, "password": true}

// fields are where the userColumns are scanned to.
func (u *User) fields() []any {
	return []any{&u.ID, &u.Password, optional{&u.LastLogin}, flag{&u.IsSuperuser}, &u.Username, &u.FirstName, &u.LastName, &u.Email,
		flag{&u.IsStaff}, flag{&u.IsActive}, instant{&u.DateJoined}}
}

// Field is the value of a stock column by its name: an ID, a string, a bool or a time.Time, which is zero for NULL.
func (u *User) Field(column string) (any, bool) {
	switch column {
	case "id":
		return u.ID, true
	case "password":
		return u.Password, true
	case "last_login":
		return u.LastLogin, true
	case "is_superuser":
		return u.IsSuperuser, true
	case "username":
		return u.Username, true
	case "first_name":
		return u.FirstName, true
	case "last_name":
		return u.LastName, true
	case "email":
		return u.Email, true
	case "is_staff":
		return u.IsStaff, true
	case "is_active":
		return u.IsActive, true
	case "date_joined":
		return u.DateJoined, true
	}
	return nil, false
}

// selectUsers begins a query of users.
func (s *Store) selectUsers() string { return "SELECT " + userColumns + " FROM " + s.users + " AS u " }

// User reads a user by key.
func (s *Store) User(ctx context.Context, id ID) (*User, error) {
	return s.user(ctx, s.selectUsers()+"WHERE u.id = $1", id)
}

// UserForUpdate reads a user and keeps others from changing the row until the transaction ends.
func (s *Store) UserForUpdate(ctx context.Context, id ID) (*User, error) {
	return s.user(ctx, s.selectUsers()+"WHERE u.id = $1"+s.engine.forUpdate, id)
}

// user reads the one user of a query.
func (s *Store) user(ctx context.Context, query string, args ...any) (*User, error) {
	u := &User{}
	if err := s.first(ctx, u.fields(), query, args...); err != nil {
		return nil, err
	}
	if u.ID.IsZero() {
		return nil, errors.New("database: a user's key is NULL")
	}
	return u, nil
}

// userList reads all users of a query.
func (s *Store) userList(ctx context.Context, query string, args ...any) ([]User, error) {
	var all []User
	err := s.each(ctx, func(rows *sql.Rows) error {
		var u User
		err := rows.Scan(u.fields()...)
		all = append(all, u)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// UserBy reads the user who has exactly this value in a text column, or in id: ErrNotFound, ErrMultiple.
func (s *Store) UserBy(ctx context.Context, column, value string) (*User, error) {
	users, err := s.usersBy(ctx, column, value, " LIMIT 2")
	switch {
	case err != nil:
		return nil, err
	case len(users) == 0:
		return nil, ErrNotFound
	case len(users) > 1:
		return nil, ErrMultiple
	}
	return &users[0], nil
}

// UsersBy reads all users who have exactly this value in a text column, or in id, ordered by key.
func (s *Store) UsersBy(ctx context.Context, column, value string) ([]User, error) {
	return s.usersBy(ctx, column, value, "")
}

func (s *Store) usersBy(ctx context.Context, column, value, limit string) ([]User, error) {
	if column == "id" {
		id, ok := s.ParseID(value)
		if !ok {
			return nil, nil
		}
		return s.userList(ctx, s.selectUsers()+"WHERE u.id = $1", id)
	}
	if !textColumns[column] {
		return nil, fmt.Errorf("users cannot be looked up by %q", column)
	}
	return s.userList(ctx, s.selectUsers()+"WHERE u."+column+" = $1 ORDER BY u.id"+limit, value)
}

// UsersByEmailFold reads the users whose address is equal but for case, ordered by key: ASCII letters on SQLite, all on PostgreSQL, as
// Django's iexact. Letters of different alphabets may be equal in capitals, so mail must go to the address that is stored.
func (s *Store) UsersByEmailFold(ctx context.Context, email string) ([]User, error) {
	return s.userList(ctx, s.selectUsers()+"WHERE "+fmt.Sprintf(s.engine.fold, "u."+s.model.EmailField)+" ORDER BY u.id", email)
}

// Users reads all users, ordered by key.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	return s.userList(ctx, s.selectUsers()+"ORDER BY u.id")
}

// exists tells whether a query finds a row.
func (s *Store) exists(ctx context.Context, query string, args ...any) (bool, error) {
	var one int
	err := s.first(ctx, []any{&one}, query+" LIMIT 1", args...)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// InsertUser writes a new user and sets u.ID. *Duplicate when the USERNAME_FIELD, or another unique column, is taken.
func (s *Store) InsertUser(ctx context.Context, u *User) error {
	return s.naming(ctx, u.username(s.model), ID{}, func(tx *Store) error {
		return tx.returning(ctx, []any{&u.ID}, "INSERT INTO "+s.users+` (password, last_login, is_superuser, username, first_name, last_name, email,
			is_staff, is_active, date_joined) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
			u.Password, s.stamp(u.LastLogin), u.IsSuperuser, u.Username, u.FirstName, u.LastName, u.Email,
			u.IsStaff, u.IsActive, s.stamp(u.DateJoined))
	})
}

// username is the user's USERNAME_FIELD.
func (u *User) username(model UserModel) string {
	value, _ := u.Field(model.UsernameField)
	name, _ := value.(string)
	return name
}

// naming runs fn, which gives the user id, or a new one, this USERNAME_FIELD. Where the database has no unique index on it (the stock
// table's email), uniqueness is ours: the name is locked until the transaction ends, and *Duplicate when somebody else has it.
func (s *Store) naming(ctx context.Context, name string, id ID, fn func(tx *Store) error) error {
	if s.facts.Load().usernameUnique {
		return fn(s)
	}
	return s.InTx(ctx, func(tx *Store) error {
		if err := tx.Reserve(ctx, s.model.UsernameField, name); err != nil {
			return err
		}
		taken, err := tx.exists(ctx, "SELECT 1 FROM "+s.users+" WHERE "+s.model.UsernameField+" = $1 AND ($2 = '' OR CAST(id AS text) <> $2)", name, id.String())
		if err != nil {
			return err
		}
		if taken {
			return &Duplicate{Column: s.model.UsernameField}
		}
		return fn(tx)
	})
}

// Reserve holds a value of a column against other transactions that reserve it, until this one ends: it makes values unique that no index does.
func (s *Store) Reserve(ctx context.Context, column, value string) error {
	if s.engine.lockName == "" {
		return nil // a transaction that writes excludes all others
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(s.model.Table + "\x00" + column + "\x00" + value)) // never fails
	_, err := s.exec(ctx, s.engine.lockName, int64(hash.Sum64()))
	return err
}

// setColumn writes one column: Django saves whole rows and so undoes what others changed meanwhile; we do not.
func (s *Store) setColumn(ctx context.Context, id ID, column string, value any) error {
	return s.change(ctx, "UPDATE "+s.users+" SET "+column+" = $2 WHERE id = $1", id, value)
}

// SetPassword writes the encoded password. ErrNotFound when the user is gone, as for all of these.
func (s *Store) SetPassword(ctx context.Context, id ID, encoded string) error {
	return s.setColumn(ctx, id, "password", encoded)
}

// RehashPassword replaces the encoded password only if it still is old, and tells whether it did.
func (s *Store) RehashPassword(ctx context.Context, id ID, old, encoded string) (bool, error) {
	n, err := s.exec(ctx, "UPDATE "+s.users+" SET password = $3 WHERE id = $1 AND password = $2", id, old, encoded)
	return n > 0, orNone(err)
}

// SetEmail writes EMAIL_FIELD, by the rules of SetUsername where that is the same column.
func (s *Store) SetEmail(ctx context.Context, id ID, email string) error {
	if s.model.EmailField == s.model.UsernameField {
		return s.SetUsername(ctx, id, email)
	}
	return s.setColumn(ctx, id, s.model.EmailField, email)
}

// SetUsername writes USERNAME_FIELD: *Duplicate when somebody else has it.
func (s *Store) SetUsername(ctx context.Context, id ID, name string) error {
	return s.naming(ctx, name, id, func(tx *Store) error {
		return tx.setColumn(ctx, id, s.model.UsernameField, name)
	})
}

// SetText writes a text column by its name, by the rules of SetUsername where it is USERNAME_FIELD. The password is none of them.
func (s *Store) SetText(ctx context.Context, id ID, column, value string) error {
	if column == s.model.UsernameField {
		return s.SetUsername(ctx, id, value)
	}
	if !textColumns[column] || column == "password" {
		return fmt.Errorf("%q is no text column of users", column)
	}
	return s.setColumn(ctx, id, column, value)
}

// SetActive says whether the user may sign in.
func (s *Store) SetActive(ctx context.Context, id ID, active bool) error {
	return s.setColumn(ctx, id, "is_active", active)
}

// SetLastLogin writes when the user signed in.
func (s *Store) SetLastLogin(ctx context.Context, id ID, t time.Time) error {
	return s.setColumn(ctx, id, "last_login", s.stamp(t))
}

// Activate makes an inactive user active, and tells whether this call did.
func (s *Store) Activate(ctx context.Context, id ID) (bool, error) {
	n, err := s.exec(ctx, "UPDATE "+s.users+" SET is_active = true WHERE id = $1 AND is_active <> true", id)
	return n > 0, orNone(err)
}

// ResetPassword writes the password and stamps last_login, if both still are what the link was made under: of several calls with one
// link one wins. It tells whether this one did.
func (s *Store) ResetPassword(ctx context.Context, id ID, oldPassword string, oldLogin time.Time, encoded string, now time.Time) (bool, error) {
	return s.resetting(ctx, id, oldPassword, oldLogin, func(tx *Store) error {
		return tx.change(ctx, "UPDATE "+s.users+" SET password = $2, last_login = $3 WHERE id = $1", id, encoded, s.stamp(now))
	})
}

// ResetUsername is ResetPassword for USERNAME_FIELD: *Duplicate when somebody else has the name.
func (s *Store) ResetUsername(ctx context.Context, id ID, oldPassword string, oldLogin time.Time, name string, now time.Time) (bool, error) {
	return s.resetting(ctx, id, oldPassword, oldLogin, func(tx *Store) error {
		return tx.naming(ctx, name, id, func(tx *Store) error {
			return tx.change(ctx, "UPDATE "+s.users+" SET "+s.model.UsernameField+" = $2, last_login = $3 WHERE id = $1", id, name, s.stamp(now))
		})
	})
}

// resetting runs write under a lock on the user, if password and last login still are the old ones. They are compared here and not in
// the statement, since SQLite may hold a time in another spelling than ours.
func (s *Store) resetting(ctx context.Context, id ID, password string, login time.Time, write func(tx *Store) error) (done bool, err error) {
	err = s.InTx(ctx, func(tx *Store) error {
		done = false
		u, err := tx.UserForUpdate(ctx, id)
		if err != nil {
			return orNone(err)
		}
		if u.Password != password || !u.LastLogin.Equal(login.Truncate(time.Microsecond)) {
			return nil
		}
		done = true
		return write(tx)
	})
	return done && err == nil, err
}

// orNone makes ErrNotFound no error, for calls that tell by a boolean whether there was a row.
func orNone(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
