package store_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

func TestUserRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		want := store.User{
			Password: "pbkdf2_sha256$1$s$h", LastLogin: noon.Add(time.Hour), IsSuperuser: true, Username: "Ann", FirstName: "Ânn",
			LastName: "O'Neil", Email: "Ann@Example.com", IsStaff: true, IsActive: true, DateJoined: noon.In(time.FixedZone("", 3600)),
		}
		must(t, s.InsertUser(ctx, &want))
		if n, ok := want.ID.Int(); !ok || n != 1 {
			t.Errorf("got key %v, want 1", want.ID)
		}
		want.DateJoined = noon
		byID, err := s.User(ctx, want.ID)
		must(t, err)
		byName, err := s.UserBy(ctx, "username", "Ann")
		must(t, err)
		byKey, err := s.UserBy(ctx, "id", "1")
		must(t, err)
		locked, err := s.UserForUpdate(ctx, want.ID)
		must(t, err)
		for _, got := range []*store.User{byID, byName, byKey, locked} {
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("got  %+v\nwant %+v", *got, want)
			}
		}
		never := store.User{Username: "bob", DateJoined: noon.Truncate(time.Second)}
		must(t, s.InsertUser(ctx, &never))
		got, err := s.User(ctx, never.ID)
		must(t, err)
		if !reflect.DeepEqual(*got, never) {
			t.Errorf("got  %+v\nwant %+v", *got, never)
		}
	})
}

// The columns hold what Django writes, byte for byte.
func TestUserColumnsOnSQLite(t *testing.T) {
	s := testenv.OpenStore(t, testenv.SQLite(t))
	must(t, s.InsertUser(ctx, &store.User{Username: "ann", IsActive: true, DateJoined: time.Date(2026, 1, 2, 3, 4, 5, 6999, time.FixedZone("", -3600))}))
	must(t, s.InsertUser(ctx, &store.User{Username: "bob", LastLogin: noon, DateJoined: time.Date(2026, 1, 2, 3, 4, 5, 999, time.UTC)}))
	same(t, "rows", rows(t, s, `SELECT id, last_login || '', typeof(is_active), is_active, is_staff, date_joined || '' FROM auth_user`), []string{
		"1|NULL|integer|1|0|2026-01-02 04:04:05.000006",
		"2|2026-11-22 12:00:00.045712|integer|0|0|2026-01-02 03:04:05",
	})
}

// What others left in a SQLite file is read as Django reads it, or is an error; it is never a panic.
func TestOddColumnsOnSQLite(t *testing.T) {
	tests := []struct {
		set    string
		ok     bool
		active bool
		joined time.Time
	}{
		{"is_active = 1", true, true, noon},
		{"is_active = 2", true, false, noon},
		{"is_active = 'true'", true, false, noon},
		{"is_active = 1.5", true, false, noon},
		{"date_joined = '2026-11-22T13:00:00.045712+01:00'", true, true, noon},
		{"date_joined = '2026-11-22 12:00:00.045712Z'", true, true, noon},
		{"date_joined = '2026-11-22 12:00'", true, true, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)},
		{"date_joined = '2026-11-22'", true, true, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
		{"date_joined = 'yesterday'", false, false, time.Time{}},
		{"date_joined = 20261122", false, false, time.Time{}},
		{"username = NULL", true, true, noon},
		{"is_active = NULL", true, false, noon},
		{"date_joined = NULL", true, true, time.Time{}},
	}
	for _, test := range tests {
		s := open(t, testenv.SQLite(t), store.DefaultUserModel())
		// a table as somebody may have made it by hand, without Django's NOT NULL
		must(t, s.Exec(ctx, `CREATE TABLE auth_user (id integer PRIMARY KEY, password varchar(128), last_login datetime, is_superuser bool, username varchar(150),
			last_name varchar(150), email varchar(254), is_staff bool, is_active bool, date_joined datetime, first_name varchar(150))`))
		must(t, s.Migrate(ctx))
		addUser(t, s, "ann")
		must(t, s.Exec(ctx, "UPDATE auth_user SET "+test.set))
		u, err := s.User(ctx, store.IntID(1))
		if (err == nil) != test.ok || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: got %v", test.set, err)
			continue
		}
		if test.ok && (u.IsActive != test.active || !u.DateJoined.Equal(test.joined)) {
			t.Errorf("%s: got %v %v, want %v %v", test.set, u.IsActive, u.DateJoined, test.active, test.joined)
		}
	}
}

func TestLookups(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, bob, eve := addUser(t, s, "ann"), addUser(t, s, "bob"), addUser(t, s, "eve")
		must(t, s.SetEmail(ctx, bob.ID, "ANN@example.com"))
		must(t, s.SetEmail(ctx, eve.ID, "ann@example.com"))
		must(t, s.SetNames(ctx, eve.ID, "E%e", "X"))
		names := func(users []store.User, err error) string {
			must(t, err)
			var list []string
			for _, u := range users {
				list = append(list, u.Username)
			}
			return strings.Join(list, " ")
		}
		for _, test := range []struct{ what, got, want string }{
			{"all", names(s.Users(ctx)), "ann bob eve"},
			{"a page", names(s.UsersAfter(ctx, store.ID{}, 2)), "ann bob"},
			{"the next page", names(s.UsersAfter(ctx, bob.ID, 2)), "eve"},
			{"the page after that", names(s.UsersAfter(ctx, eve.ID, 2)), ""},
			{"exact", names(s.UsersBy(ctx, "email", "ann@example.com")), "ann eve"},
			{"fold", names(s.UsersByEmailFold(ctx, "Ann@EXAMPLE.com")), "ann bob eve"},
			{"fold takes no patterns", names(s.UsersByEmailFold(ctx, "a_n@example.%")), ""},
			{"other case", names(s.UsersBy(ctx, "username", "ANN")), ""},
			{"id", names(s.UsersBy(ctx, "id", bob.ID.String())), "bob"},
			{"no id", names(s.UsersBy(ctx, "id", "b")), ""},
		} {
			if test.got != test.want {
				t.Errorf("%s: got %q, want %q", test.what, test.got, test.want)
			}
		}
		if _, err := s.UserBy(ctx, "email", "ann@example.com"); err != store.ErrMultiple {
			t.Errorf("two of one address: got %v", err)
		}
		for _, test := range [][2]string{{"email", ""}, {"username", "Ann"}, {"id", "99"}, {"id", "1; DROP"}, {"id", "99999999999999999999"}, {"id", "9223372036854775807"}} {
			if _, err := s.UserBy(ctx, test[0], test[1]); err != store.ErrNotFound {
				t.Errorf("%v: got %v, want ErrNotFound", test, err)
			}
		}
		for _, column := range []string{"is_active", "date_joined", "nick", "1=1 OR username"} {
			if _, err := s.UserBy(ctx, column, "1"); err == nil || errors.Is(err, store.ErrNotFound) {
				t.Errorf("column %s: got %v, want an error", column, err)
			}
		}
		for _, id := range []store.ID{{}, store.IntID(0), store.IntID(-1), store.IntID(99), store.IntID(math.MaxInt64), store.IntID(math.MinInt64)} {
			if _, err := s.User(ctx, id); err != store.ErrNotFound {
				t.Errorf("key %v: got %v, want ErrNotFound", id, err)
			}
			if err := s.SetPassword(ctx, id, "x"); err != store.ErrNotFound {
				t.Errorf("writing key %v: got %v, want ErrNotFound", id, err)
			}
		}
		if taken, err := s.UsernameTaken(ctx, "ann"); err != nil || !taken {
			t.Errorf("ann is not taken: %v", err)
		}
		if taken, err := s.UsernameTaken(ctx, "Ann"); err != nil || taken {
			t.Errorf("Ann is taken: %v", err)
		}
		_ = ann
	})
}

func TestParseID(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		big, huge := "2147483648", "9223372036854775808"
		for text, want := range map[string]bool{
			"1": true, "0": true, "-1": true, "007": true, "2147483647": true, big: !s.IsPostgres(), huge: false,
			"": false, " 1": false, "1.0": false, "1_0": false, "0x1": false, "١": false, "1\x00": false,
		} {
			id, ok := s.ParseID(text)
			if ok != want || ok == id.IsZero() {
				t.Errorf("%q: got %v %v, want %v", text, id, ok, want)
			}
		}
	})
}

func TestSingleColumns(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, bob := addUser(t, s, "ann"), addUser(t, s, "bob")
		must(t, s.SetPassword(ctx, ann.ID, "new"))
		must(t, s.SetEmail(ctx, ann.ID, "a@b.c"))
		must(t, s.SetUsername(ctx, ann.ID, "anna"))
		must(t, s.SetUsername(ctx, ann.ID, "anna")) // one's own name is no duplicate
		must(t, s.SetNames(ctx, ann.ID, "A", "N"))
		must(t, s.SetActive(ctx, ann.ID, false))
		must(t, s.SetLastLogin(ctx, ann.ID, noon))
		got, err := s.User(ctx, ann.ID)
		must(t, err)
		want := store.User{ID: ann.ID, Password: "new", Email: "a@b.c", Username: "anna", FirstName: "A", LastName: "N", LastLogin: noon, DateJoined: noon}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("got  %+v\nwant %+v", *got, want)
		}
		if other, err := s.User(ctx, bob.ID); err != nil || !reflect.DeepEqual(other, bob) {
			t.Errorf("another user changed: %+v, %v", other, err)
		}
		var duplicate *store.Duplicate
		if err := s.SetUsername(ctx, ann.ID, "bob"); !errors.As(err, &duplicate) || duplicate.Column != "username" {
			t.Errorf("a name that is taken: got %v", err)
		}
		if err := s.InsertUser(ctx, &store.User{Username: "bob", DateJoined: noon}); !errors.As(err, &duplicate) || duplicate.Column != "username" {
			t.Errorf("a new user with a name that is taken: got %v", err)
		}

		for _, wrong := range []string{"old", ""} {
			if done, err := s.RehashPassword(ctx, ann.ID, wrong, "newer"); done || err != nil {
				t.Errorf("rehash over %q: got %v, %v", wrong, done, err)
			}
		}
		if done, err := s.RehashPassword(ctx, ann.ID, "new", "newer"); !done || err != nil {
			t.Errorf("rehash: got %v, %v", done, err)
		}
		for _, want := range []bool{true, false} {
			if done, err := s.Activate(ctx, ann.ID); done != want || err != nil {
				t.Errorf("activate: got %v, %v; want %v", done, err, want)
			}
		}
	})
}

// A reset counts only while password and last login are those of the link.
func TestReset(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, later := addUser(t, s, "ann"), noon.Add(time.Minute)
		addUser(t, s, "bob")
		reset := func(want bool, password string, login time.Time) {
			t.Helper()
			if done, err := s.ResetPassword(ctx, ann.ID, password, login, "second", later); done != want || err != nil {
				t.Errorf("got %v, %v; want %v", done, err, want)
			}
		}
		reset(false, "other", time.Time{})
		reset(false, ann.Password, noon)
		reset(true, ann.Password, time.Time{})
		reset(false, ann.Password, time.Time{}) // the link is spent
		reset(false, "second", time.Time{})
		if done, err := s.ResetUsername(ctx, ann.ID, "second", later, "anna", noon); !done || err != nil {
			t.Errorf("user name: got %v, %v", done, err)
		}
		var duplicate *store.Duplicate
		if done, err := s.ResetUsername(ctx, ann.ID, "second", noon, "bob", later); done || !errors.As(err, &duplicate) {
			t.Errorf("a name that is taken: got %v, %v", done, err)
		}
		if done, err := s.ResetPassword(ctx, store.IntID(99), "", time.Time{}, "x", later); done || err != nil {
			t.Errorf("nobody: got %v, %v", done, err)
		}
		got, err := s.User(ctx, ann.ID)
		must(t, err)
		if got.Password != "second" || got.Username != "anna" || !got.LastLogin.Equal(noon) {
			t.Errorf("got %+v", got)
		}
	})
}

// A last login that somebody wrote with a T still resets.
func TestResetWithOddLastLogin(t *testing.T) {
	s := testenv.OpenStore(t, testenv.SQLite(t))
	ann := addUser(t, s, "ann")
	must(t, s.Exec(ctx, "UPDATE auth_user SET last_login = '2026-11-22T12:00:00.045712+00:00'"))
	if done, err := s.ResetPassword(ctx, ann.ID, ann.Password, noon, "x", noon); !done || err != nil {
		t.Errorf("got %v, %v", done, err)
	}
}

// Where USERNAME_FIELD is the stock table's email, which no index guards, uniqueness is ours. Other columns' indexes still count.
func TestEmailAsUsername(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := open(t, url, store.UserModel{Table: "auth_user", UsernameField: "email", EmailField: "email"})
		must(t, s.Migrate(ctx))
		ann, bob := addUser(t, s, "ann"), addUser(t, s, "bob")
		var duplicate *store.Duplicate
		column := func(want string, err error) {
			t.Helper()
			if !errors.As(err, &duplicate) || duplicate.Column != want {
				t.Errorf("got %v, want a duplicate %s", err, want)
			}
		}
		column("email", s.InsertUser(ctx, &store.User{Username: "other", Email: ann.Email, DateJoined: noon}))
		column("username", s.InsertUser(ctx, &store.User{Username: "ann", Email: "other", DateJoined: noon}))
		column("email", s.SetUsername(ctx, bob.ID, ann.Email))
		column("email", s.SetEmail(ctx, bob.ID, ann.Email))
		_, err := s.ResetUsername(ctx, bob.ID, bob.Password, time.Time{}, ann.Email, noon)
		column("email", err)
		must(t, s.SetEmail(ctx, ann.ID, ann.Email))
		must(t, s.SetUsername(ctx, ann.ID, "Ann@example.com")) // compared with case
		if taken, err := s.UsernameTaken(ctx, "Ann@example.com"); err != nil || !taken {
			t.Errorf("got %v, %v", taken, err)
		}
	})
}

// A user table that lacks a column is refused at the start, and not at the first request.
func TestUserTableWithoutColumn(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		stock := testenv.OpenStore(t, url)
		must(t, stock.Exec(ctx, "CREATE TABLE people (id integer PRIMARY KEY, email varchar(254) NOT NULL UNIQUE)"))
		_, err := store.Open(ctx, store.Config{URL: url, User: store.UserModel{Table: "people", UsernameField: "email", EmailField: "email"}})
		if err == nil || !strings.Contains(err.Error(), "user_model.table: the table people has no column password") {
			t.Errorf("got %v", err)
		}
	})
}

// A project's own user table of the same columns.
func TestOwnUserTable(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		stock := testenv.OpenStore(t, url)
		must(t, stock.Exec(ctx, "ALTER TABLE auth_user RENAME TO \"accounts_User\""))
		s := open(t, url, store.UserModel{Table: "accounts_User", UsernameField: "username", EmailField: "email"})
		must(t, s.Migrate(ctx))
		ann := addUser(t, s, "ann")
		key, err := s.TokenKeyFor(ctx, ann.ID, "k", noon)
		must(t, err)
		if got, err := s.UserByTokenKey(ctx, key); err != nil || got.Username != "ann" {
			t.Errorf("got %v, %v", got, err)
		}
		if _, err := s.Blacklist(ctx, store.Outstanding{UserID: ann.ID, JTI: "j", ExpiresAt: noon}, noon); err != nil {
			t.Error(err)
		}
		must(t, s.DeleteUser(ctx, ann.ID))
	})
}

func TestField(t *testing.T) {
	u := store.User{ID: store.IntID(1), Password: "p", LastLogin: noon, IsSuperuser: true, Username: "u", FirstName: "f", LastName: "l",
		Email: "e", IsStaff: true, IsActive: true, DateJoined: noon}
	for column, want := range map[string]any{"id": store.IntID(1), "password": "p", "last_login": noon, "is_superuser": true, "username": "u",
		"first_name": "f", "last_name": "l", "email": "e", "is_staff": true, "is_active": true, "date_joined": noon} {
		if got, ok := u.Field(column); !ok || got != want {
			t.Errorf("%s: got %v %v, want %v", column, got, ok, want)
		}
	}
	if got, ok := u.Field("nick"); ok {
		t.Errorf("nick: got %v", got)
	}
}
