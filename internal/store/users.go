package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// A User is a row of the user table, with the columns of Django's stock user. A column that the table does not have is the zero value, but
// that a user without is_active is active.
type User struct {
	ID          ID
	Password    string    // encoded, at most 128 characters
	LastLogin   time.Time // zero: NULL, never
	IsSuperuser bool
	Username    string // the column Model.NameField, whatever USERNAME_FIELD is
	FirstName   string
	LastName    string
	Email       string // the column EMAIL_FIELD
	IsStaff     bool
	IsActive    bool
	DateJoined  time.Time
	// Extra are, by the names of their fields, the values of the columns that Django's stock user has not, or has otherwise: under another name, or
	// never NULL. It is nil for the stock user.
	Extra map[string]any
}

// Field is the user's value in a column that is read, by the name of its field: a value of the column's kind, nil for NULL, and for the key an ID.
// The columns of Django's own user have the type of the struct's field; there, a zero time is NULL.
func (u *User) Field(name string) (any, bool) {
	if value, ok := u.Extra[name]; ok {
		return value, true
	}
	switch name {
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

// Name is what the user signs in with: USERNAME_FIELD.
func (m *Model) Name(u *User) string {
	switch m.UsernameField {
	case m.NameField:
		return u.Username
	case m.EmailField:
		return u.Email
	}
	name, _ := u.Extra[m.UsernameField].(string) // NULL is no name
	return name
}

// selectUsers begins a query of users.
func (s *Store) selectUsers() string { return s.Model().users }

// key is the key's column, byKey the condition that it is $1.
func (s *Store) key() string   { return s.Model().key }
func (s *Store) byKey() string { return " WHERE " + s.key() + " = $1" }

// User reads a user by key.
func (s *Store) User(ctx context.Context, id ID) (*User, error) {
	return s.user(ctx, s.Model().one, id)
}

// UserForUpdate reads a user and keeps others from changing the row until the transaction ends.
func (s *Store) UserForUpdate(ctx context.Context, id ID) (*User, error) {
	return s.user(ctx, s.Model().one+s.engine.forUpdate, id)
}

// blank is a user to be read, with where its columns are scanned to.
func (m *Model) blank() (*User, []any) {
	u := &User{IsActive: true}
	dest := make([]any, len(m.fields))
	for i := range m.fields {
		dest[i] = m.fields[i].dest(u)
	}
	return u, dest
}

// user reads the one user of a query.
func (s *Store) user(ctx context.Context, query string, args ...any) (*User, error) {
	u, dest := s.Model().blank()
	if err := s.first(ctx, dest, query, args...); err != nil {
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
	m := s.Model()
	err := s.each(ctx, func(rows row) error {
		u, dest := m.blank()
		err := rows.Scan(dest...)
		all = append(all, *u)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// UserBy reads the user who has exactly this value in a column: ErrNotFound, ErrMultiple.
func (s *Store) UserBy(ctx context.Context, column, value string) (*User, error) {
	switch id, isKey, ok := s.asKey(column, value); {
	case isKey && !ok:
		return nil, ErrNotFound
	case isKey:
		return s.User(ctx, id)
	}
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

// UsersBy reads all users who have exactly this value in a column, ordered by key. A column of numbers or UUIDs has its text read as such.
func (s *Store) UsersBy(ctx context.Context, column, value string) ([]User, error) {
	return s.usersBy(ctx, column, value, "")
}

// asKey reads a value of the key's column: not ok for what is no key. It tells whether the column is the key's.
func (s *Store) asKey(column, value string) (id ID, isKey, ok bool) {
	if field, found := s.Model().Field(column); !found || field.role != keyRole {
		return ID{}, false, false
	}
	id, ok = s.ParseID(value)
	return id, true, ok
}

func (s *Store) usersBy(ctx context.Context, column, value, limit string) ([]User, error) {
	field, ok := s.Model().Field(column)
	id, isKey, fits := s.asKey(column, value)
	var arg any = value
	switch {
	case isKey && !fits:
		return nil, nil
	case isKey:
		arg = id
	case ok && field.Kind == Integer:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < field.Min || n > field.Max {
			return nil, nil
		}
		arg = n
	case ok && field.Kind == UUID:
		u, ok := ParseUUID(value)
		if !ok {
			return nil, nil
		}
		arg = u.hex()
	case !ok || field.Kind != Text:
		return nil, fmt.Errorf("users cannot be looked up by %q", column)
	}
	return s.userList(ctx, s.selectUsers()+"WHERE u."+quote(field.Column.Name)+" = $1 ORDER BY u."+s.key()+limit, arg)
}

// UsersByEmailFold reads the users whose address is equal but for case, ordered by key: ASCII letters on SQLite, all on PostgreSQL, as
// Django's iexact. Letters of different alphabets may be equal in capitals, so mail must go to the address that is stored.
func (s *Store) UsersByEmailFold(ctx context.Context, email string) ([]User, error) {
	if s.Model().EmailField == "" {
		return nil, nil
	}
	return s.UsersByFold(ctx, s.Model().EmailField, email)
}

// UsersByFold reads the users who have this value in a text column, whatever its case, ordered by key.
func (s *Store) UsersByFold(ctx context.Context, column, value string) ([]User, error) {
	field, ok := s.Model().Field(column)
	if !ok || field.Kind != Text {
		return nil, fmt.Errorf("users cannot be looked up by %q", column)
	}
	return s.userList(ctx, s.selectUsers()+"WHERE "+fmt.Sprintf(s.engine.fold, "u."+quote(field.Column.Name))+" ORDER BY u."+s.key(), value)
}

// Taken tells whether a user other than own has this value, as Field gives it, in a column.
func (s *Store) Taken(ctx context.Context, column string, value any, own ID) (bool, error) {
	field, ok := s.Model().Field(column)
	if !ok {
		return false, fmt.Errorf("users cannot be looked up by %q", column)
	}
	query, args := "SELECT 1 FROM "+s.users+" WHERE "+quote(field.Column.Name)+" = $1", []any{s.arg(value)}
	if !own.IsZero() {
		query, args = query+" AND "+s.key()+" <> $2", append(args, own)
	}
	return s.exists(ctx, query, args...)
}

// Refers tells whether the row that a foreign key would refer to is there.
func (s *Store) Refers(ctx context.Context, table, column string, value any) (bool, error) {
	return s.exists(ctx, "SELECT 1 FROM "+quote(table)+" WHERE "+quote(column)+" = $1", s.arg(value))
}

// Users reads all users, ordered by key.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	return s.userList(ctx, s.selectUsers()+"ORDER BY u."+s.key())
}

// UsersAfter reads at most limit users behind the one with a key, ordered by it: page by page, all of them without ever holding many. A zero key is before all.
func (s *Store) UsersAfter(ctx context.Context, id ID, limit int) ([]User, error) {
	order := " ORDER BY u." + s.key() + " LIMIT "
	if id.IsZero() {
		return s.userList(ctx, s.selectUsers()+order+"$1", limit)
	}
	return s.userList(ctx, s.selectUsers()+"WHERE u."+s.key()+" > $1"+order+"$2", id, limit)
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

// InsertUser writes a new user, and sets u.ID; where the table is not as Django's own, all of u to what the row holds. *Duplicate when the USERNAME_FIELD, or another unique column, is taken. Columns
// that are not read are left to the database, and those of Extra that are not given get their defaults.
func (s *Store) InsertUser(ctx context.Context, u *User) error {
	m := s.Model()
	var names, places []string
	var args []any
	var later []change // columns with a default of the database's own, so that there is one statement however many are given
	for i := range m.fields {
		f := &m.fields[i]
		value, given := f.initial(u, s.zone)
		switch {
		case !given:
		case f.filled() && f.role == extraRole:
			later = append(later, change{f, value})
		default:
			args = append(args, s.arg(value))
			names, places = append(names, quote(f.Column.Name)), append(places, fmt.Sprintf("$%d", len(args)))
		}
	}
	return s.naming(ctx, m.Name(u), ID{}, func(tx *Store) error {
		insert := "INSERT INTO " + s.users + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(places, ", ") + ") RETURNING "
		if m.alike {
			return tx.returning(ctx, []any{&u.ID}, insert+s.key(), args...)
		}
		row, dest := m.blank()
		if err := tx.returning(ctx, dest, insert+m.own, args...); err != nil {
			return err
		}
		for _, c := range later {
			row.Extra[c.field.Name] = c.value
		}
		*u = *row
		return orNotFound(tx.update(ctx, u.ID, "", nil, later...))
	})
}

// initial is what a column of a new user gets, and whether it gets anything.
func (f *Field) initial(u *User, zone *time.Location) (value any, given bool) {
	if value, given := u.Extra[f.Name]; given && f.role != keyRole {
		return value, true
	}
	value, _ = f.of(u)
	switch {
	case f.role == keyRole:
		return NewUUID(), f.Kind == UUID && !f.filled()
	case f.role != extraRole:
		if text, isText := value.(string); isText && text == "" && f.Null {
			return nil, true // of several users without a name or an address none has the same
		}
		return value, true
	case f.Initial != nil:
		return f.computed(f.Initial, u.DateJoined, zone), true
	case f.AutoNow:
		return f.computed(Now, u.DateJoined, zone), true
	case f.filled():
		return nil, false
	case f.Null:
		return nil, true
	}
	return "", f.Kind == Text
}

// computed is a default's value at a time, now when it is zero.
func (f *Field) computed(value any, at time.Time, zone *time.Location) any {
	if at.IsZero() {
		at = time.Now()
	}
	switch value {
	case NewID:
		return NewUUID()
	case Now:
		if f.Kind == Date {
			return DateValue(at.In(zone).Format(time.DateOnly))
		}
		return at
	}
	return value
}

// naming runs fn, which gives the user id, or a new one, this USERNAME_FIELD. Where the database has no unique index on it (the stock
// table's email), uniqueness is ours: the name is locked until the transaction ends, and *Duplicate when somebody else has it.
func (s *Store) naming(ctx context.Context, name string, id ID, fn func(tx *Store) error) error {
	column := s.Model().UsernameField
	if field, ok := s.Model().Field(column); ok && field.Unique {
		return fn(s)
	}
	return s.InTx(ctx, func(tx *Store) error {
		if err := tx.Reserve(ctx, column, name); err != nil {
			return err
		}
		taken, err := tx.Taken(ctx, column, name, id)
		if err != nil {
			return err
		}
		if taken {
			return &Duplicate{Column: column}
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
	_, _ = hash.Write([]byte(s.settings.Table + "\x00" + column + "\x00" + value)) // never fails
	return s.do(ctx, s.engine.lockName, int64(hash.Sum64()))
}

// A change is a column's new value.
type change struct {
	field *Field
	value any
}

// of is the change of the column of a role: none where the table has no such column.
func (m *Model) of(r role, value any) []change {
	if field := m.holding(r); field != nil {
		return []change{{field, value}}
	}
	return nil
}

// update writes some columns of a user where a condition, with its arguments from $2, holds, and tells whether there was such a row. Django saves
// whole rows and so undoes what others changed meanwhile; we do not.
func (s *Store) update(ctx context.Context, id ID, condition string, with []any, changes ...change) (bool, error) {
	if len(changes) == 0 {
		return s.exists(ctx, "SELECT 1 FROM "+s.users+s.byKey()+condition, append([]any{id}, with...)...)
	}
	args := append([]any{id}, with...)
	set := make([]string, len(changes))
	for i, c := range changes {
		args = append(args, s.arg(c.value))
		set[i] = fmt.Sprintf("%s = $%d", quote(c.field.Column.Name), len(args))
	}
	n, err := s.exec(ctx, "UPDATE "+s.users+" SET "+strings.Join(set, ", ")+s.byKey()+condition, args...)
	return n > 0, orNone(err)
}

// orNotFound is ErrNotFound where update found no row.
func orNotFound(found bool, err error) error {
	if err == nil && !found {
		return ErrNotFound
	}
	return err
}

// stamped adds to changes that somebody made those of the columns that tell when the last one was.
func (s *Store) stamped(changes ...change) []change {
	m := s.Model()
	for i := range m.fields {
		if f := &m.fields[i]; f.AutoNow {
			changes = append(changes, change{f, f.computed(Now, time.Time{}, s.zone)})
		}
	}
	return changes
}

// SetPassword writes the encoded password. ErrNotFound when the user is gone, as for all of these.
func (s *Store) SetPassword(ctx context.Context, id ID, encoded string) error {
	return orNotFound(s.update(ctx, id, "", nil, s.stamped(s.Model().of(passwordRole, encoded)...)...))
}

// RehashPassword replaces the encoded password only if it still is old, and tells whether it did.
func (s *Store) RehashPassword(ctx context.Context, id ID, old, encoded string) (bool, error) {
	return s.update(ctx, id, " AND password = $2", []any{old}, s.Model().of(passwordRole, encoded)...)
}

// ChangePassword is RehashPassword for another password.
func (s *Store) ChangePassword(ctx context.Context, id ID, old, encoded string) (bool, error) {
	return s.update(ctx, id, " AND password = $2", []any{old}, s.stamped(s.Model().of(passwordRole, encoded)...)...)
}

// SetEmail writes EMAIL_FIELD, by the rules of SetUsername where that is the same column.
func (s *Store) SetEmail(ctx context.Context, id ID, email string) error {
	return s.SetField(ctx, id, s.Model().EmailField, email)
}

// SetUsername writes USERNAME_FIELD: *Duplicate when somebody else has it.
func (s *Store) SetUsername(ctx context.Context, id ID, name string) error {
	return s.SetField(ctx, id, s.Model().UsernameField, name)
}

// SetField writes a column by its field's name: *Duplicate when it is USERNAME_FIELD, or unique, and somebody else has the value. What only the
// program and administrators write is none of them.
func (s *Store) SetField(ctx context.Context, id ID, name string, value any) error {
	field, ok := s.Model().Field(name)
	if !ok || field.role == keyRole || field.role == passwordRole || field.role.official() {
		return fmt.Errorf("%q is no column of users that can be written", name)
	}
	if name != s.Model().UsernameField {
		return orNotFound(s.update(ctx, id, "", nil, s.stamped(change{field, value})...))
	}
	text, _ := value.(string)
	return s.naming(ctx, text, id, func(tx *Store) error {
		return orNotFound(tx.update(ctx, id, "", nil, s.stamped(change{field, value})...))
	})
}

// SetActive says whether the user may sign in; ErrNoColumn where users always may.
func (s *Store) SetActive(ctx context.Context, id ID, active bool) error {
	if !s.Model().HasActive() {
		return ErrNoColumn
	}
	return orNotFound(s.update(ctx, id, "", nil, s.stamped(s.Model().of(activeRole, active)...)...))
}

// SetLastLogin writes when the user signed in, where there is a column for it.
func (s *Store) SetLastLogin(ctx context.Context, id ID, t time.Time) error {
	return orNotFound(s.update(ctx, id, "", nil, s.Model().of(lastLoginRole, t)...))
}

// Activate makes an inactive user active, and tells whether this call did.
func (s *Store) Activate(ctx context.Context, id ID) (bool, error) {
	if !s.Model().HasActive() {
		return false, nil
	}
	return s.update(ctx, id, " AND is_active <> true", nil, s.stamped(s.Model().of(activeRole, true)...)...)
}

// ResetPassword writes the password and stamps last_login, if both still are what the link was made under: of several calls with one
// link one wins. It tells whether this one did.
func (s *Store) ResetPassword(ctx context.Context, id ID, oldPassword string, oldLogin time.Time, encoded string, now time.Time) (bool, error) {
	return s.resetting(ctx, id, oldPassword, oldLogin, func(tx *Store) error {
		return orNotFound(tx.update(ctx, id, "", nil, s.stamped(append(s.Model().of(passwordRole, encoded), s.Model().of(lastLoginRole, now)...)...)...))
	})
}

// ResetUsername is ResetPassword for USERNAME_FIELD: *Duplicate when somebody else has the name.
func (s *Store) ResetUsername(ctx context.Context, id ID, oldPassword string, oldLogin time.Time, name string, now time.Time) (bool, error) {
	return s.resetting(ctx, id, oldPassword, oldLogin, func(tx *Store) error {
		if err := tx.SetUsername(ctx, id, name); err != nil {
			return err
		}
		return tx.SetLastLogin(ctx, id, now)
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
