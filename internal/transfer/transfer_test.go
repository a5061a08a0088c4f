package transfer_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/config"
	"latchkey/internal/mail"
	"latchkey/internal/server"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/transfer"
)

// A place is a database with the rules that hold for it.
type place struct {
	accounts *account.Service
	cfg      *config.Config
	db       *sql.DB
}

func newPlace(t testing.TB, url string, settings map[string]string) *place {
	t.Helper()
	flags := map[string]string{"database": url, "secret_key": "a-key-for-tests-of-more-than-32-letters"}
	for key, value := range settings {
		flags[key] = value
	}
	cfg, err := config.Load(config.Options{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), cfg.Store())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	accounts, err := server.Accounts(cfg, s, &mail.Mailbox{}, server.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, Terminal: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return &place{accounts, cfg, testenv.OpenDB(t, url)}
}

// imports runs an import and returns what it did and what it reported.
func (p *place) imports(t *testing.T, format transfer.Format, text string, change func(*transfer.Import)) (transfer.Summary, []string, error) {
	t.Helper()
	var said []string
	im := &transfer.Import{
		Accounts: p.accounts, Label: p.cfg.AuthUserModel, Format: format, OnConflict: transfer.Refuse,
		Report: func(problem transfer.Problem) { said = append(said, problem.String()) }, Progress: func(int64) {},
	}
	if change != nil {
		change(im)
	}
	summary, err := im.Run(t.Context(), strings.NewReader(text))
	return summary, said, err
}

// takes is imports for a file without a fault.
func (p *place) takes(t *testing.T, format transfer.Format, text string, change func(*transfer.Import)) transfer.Summary {
	t.Helper()
	summary, said, err := p.imports(t, format, text, change)
	if err != nil || len(said) > 0 {
		t.Fatalf("%v: %s", err, strings.Join(said, "\n"))
	}
	return summary
}

func (p *place) exports(t *testing.T, format transfer.Format, withPasswords bool) string {
	t.Helper()
	var b bytes.Buffer
	ex := &transfer.Export{
		Store: p.accounts.Store, Label: p.cfg.AuthUserModel, Format: format, WithPasswords: withPasswords, Progress: func(int64) {},
	}
	if _, err := ex.Run(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// column reads a query's one column.
func (p *place) column(t *testing.T, query string) []string {
	t.Helper()
	rows, err := p.db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	all := []string{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	return all
}

// everybody is the users by name.
func (p *place) everybody(t *testing.T) []string {
	t.Helper()
	return p.column(t, "SELECT username FROM auth_user ORDER BY username")
}

func (p *place) user(t *testing.T, name string) *store.User {
	t.Helper()
	user, err := p.accounts.Store.UserBy(t.Context(), "username", name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return user
}

// eachPlace runs fn on SQLite and PostgreSQL.
func eachPlace(t *testing.T, settings map[string]string, fn func(t *testing.T, p *place)) {
	t.Helper()
	testenv.EachDatabase(t, func(t *testing.T, url string) { fn(t, newPlace(t, url, settings)) })
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const (
	correct = "pbkdf2_sha256$1$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w=" // of 1311Qwqq!!
	secret  = "1311Qwqq!!"
)

func (p *place) signsIn(t *testing.T, name, password string) bool {
	t.Helper()
	ok, _, err := p.accounts.Passwords.Check(t.Context(), password, p.user(t, name).Password)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestImportFillsIn(t *testing.T) {
	eachPlace(t, nil, func(t *testing.T, p *place) {
		before := time.Now().Add(-time.Second)
		summary := p.takes(t, transfer.CSV, "\ufeffusername,email,password,id,is_superuser,last_login,email_verified\n"+
			"ann,Ann@Example.com,"+correct+",40,yes,2024-02-03T04:05:06.789Z,true\n"+
			"\"b.o+b\",,,,,,\n", nil)
		if summary.Made != 2 {
			t.Errorf("%+v", summary)
		}
		ann, bob := p.user(t, "ann"), p.user(t, "b.o+b")
		if id, _ := ann.ID.Int(); id != 40 || ann.Email != "Ann@Example.com" || !ann.IsSuperuser || ann.IsStaff || !ann.IsActive ||
			!ann.LastLogin.Equal(time.Date(2024, 2, 3, 4, 5, 6, 789e6, time.UTC)) || ann.DateJoined.Before(before) {
			t.Errorf("ann is %+v", ann)
		}
		if !p.signsIn(t, "ann", secret) {
			t.Error("ann cannot sign in")
		}
		if !strings.HasPrefix(bob.Password, "!") || len(bob.Password) != 41 || !bob.LastLogin.IsZero() || bob.Email != "" || !bob.IsActive {
			t.Errorf("bob is %+v", bob)
		}
		if id, _ := bob.ID.Int(); id == 40 || id < 1 {
			t.Errorf("bob has the id %d", id)
		}
		same(t, "addresses", p.column(t, `SELECT email FROM account_emailaddress WHERE verified AND "primary"`), []string{"ann@example.com"})
		if activation, err := p.accounts.Store.ActivationOf(t.Context(), ann.ID); err != nil || !activation.Activated {
			t.Errorf("a link could let ann in again whom somebody switches off: %+v, %v", activation, err)
		}
		same(t, "audit trail", p.column(t, "SELECT event || ' ' || CAST(sum(times) AS text) || ' ' || actor FROM latchkey_audit GROUP BY event, actor"), []string{"user.imported 2 operator"})
		// whoever signs up next gets a key of their own
		carl, err := p.accounts.Register(t.Context(), account.Registration{Username: "carl", Password: secret})
		if err != nil {
			t.Fatal(err)
		}
		if id, _ := carl.ID.Int(); id <= 40 {
			t.Errorf("carl has the id %d", id)
		}

		p.takes(t, transfer.JSONLines, `{"username": "dora", "password": "plain words"}`+"\n\n"+`{"username": "eve"}`, func(im *transfer.Import) {
			im.HashPasswords, im.ResetByMail = true, true
		})
		if !p.signsIn(t, "dora", "plain words") {
			t.Error("dora cannot sign in")
		}
		if strings.HasPrefix(p.user(t, "eve").Password, "!") {
			t.Error("eve may not ask for a reset mail")
		}
	})
}

// TestImportTellsLines has every kind of fault, each with its line, and leaves the database as it was.
func TestImportTellsLines(t *testing.T) {
	eachPlace(t, nil, func(t *testing.T, p *place) {
		p.takes(t, transfer.CSV, "id,username,email,email_verified\n7,ann,ann@example.com,true\n", nil)
		faults := strings.Join([]string{
			"id,username,email,password,is_active,date_joined,email_verified",
			`1,"good",good@example.com,,,,`,
			`2,two words,good@example.com,,,,`,
			`3,three,"no
address",,,,`,
			`4,four,,sha1$salt$1234,,,`,
			`5,five,,,perhaps,,`,
			`6,six,,,,yesterday,`,
			`x,seven,,,,,`,
			`7,eight,,,,,`,
			`9,ann,,,,,`,
			`10,` + strings.Repeat("n", 151) + `,,,,,`,
			`11,eleven`,
			`12,tw"elve,,,,,`,
			`99999999999999999999,thirteen,,,,,`,
			`14,good,,,,,`,
			`15,,,,,,`,
			`16,sixteen,ann@example.com,,,,yes`,
			"17,n\x00l,,,,,",
			"18,\xff,,,,,",
			`19,twice,bad,,bad,bad,`,
		}, "\n")
		want := []string{
			"3: username: a username holds letters, digits and @ . + - _ only",
			`4: email: "no\naddress" is no e-mail address`,
			"6: password: this is no password hash that is known here",
			"7: is_active: this is neither true nor false",
			"8: date_joined: this is no date and time as in 2024-12-31T23:59:59Z",
			"9: id: this is no whole number",
			"10: id: user 7, of the database or an earlier line, has it already",
			"11: username: user 7, of the database or an earlier line, has it already",
			"12: username: ensure this has no more than 150 characters",
			"12: username: it is missing",
			"13: there are 2 values, and the first line names 7 columns",
			`14: bare " in non-quoted-field`,
			"15: id: this is no whole number",
			"16: username: user 1, of the database or an earlier line, has it already",
			"17: username: it is missing",
			"18: email: another user has this address verified",
			"19: username: null characters are not allowed",
			"19: username: it is missing",
			"20: username: this is not UTF-8",
			"20: username: it is missing",
			"21: date_joined: this is no date and time as in 2024-12-31T23:59:59Z",
			"21: email: \"bad\" is no e-mail address",
			"21: is_active: this is neither true nor false",
		}
		sorted := func(lines []string) []string {
			lines = slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.HasSuffix(line, "username: it is missing") && line[:2] != "17" })
			slices.Sort(lines)
			return lines
		}
		for _, dry := range []bool{false, true} {
			summary, said, err := p.imports(t, transfer.CSV, faults, func(im *transfer.Import) { im.DryRun = dry })
			if !errors.Is(err, transfer.ErrWrong) || summary.Wrong != 18 {
				t.Errorf("%+v, %v", summary, err)
			}
			same(t, "said", sorted(said), sorted(want))
			same(t, "users", p.everybody(t), []string{"ann"})
		}
		summary, said, err := p.imports(t, transfer.CSV, faults, func(im *transfer.Import) { im.KeepGoing = true })
		if !errors.Is(err, transfer.ErrWrong) || summary.Made != 1 || summary.Wrong != 18 {
			t.Errorf("going on: %+v, %v", summary, err)
		}
		same(t, "said", sorted(said), sorted(want))
		same(t, "users", p.everybody(t), []string{"ann", "good"})
		if summary, _, _ := p.imports(t, transfer.CSV, "username\n"+strings.Repeat("b d\n", 10000), nil); summary.Wrong > 200 {
			t.Errorf("an import that can only fail read %d wrong lines", summary.Wrong)
		}
	})
}

func TestImportIsWholeOrNothing(t *testing.T) {
	eachPlace(t, nil, func(t *testing.T, p *place) {
		var b strings.Builder
		b.WriteString("username\n")
		for i := range 3000 {
			fmt.Fprintf(&b, "user%d\n", i)
		}
		good := b.String()
		if summary := p.takes(t, transfer.CSV, good, func(im *transfer.Import) { im.DryRun = true }); summary.Made != 3000 {
			t.Errorf("a dry run: %+v", summary)
		}
		same(t, "users after a dry run", p.everybody(t), []string{})
		if _, _, err := p.imports(t, transfer.CSV, good+"user5\n", nil); !errors.Is(err, transfer.ErrWrong) {
			t.Errorf("a name twice: %v", err)
		}
		same(t, "users after a failure in the last line", p.everybody(t), []string{})
		ctx, cancel := context.WithCancel(t.Context())
		im := &transfer.Import{Accounts: p.accounts, Format: transfer.CSV, Report: func(transfer.Problem) {}, Progress: func(int64) { cancel() }}
		if _, err := im.Run(ctx, strings.NewReader(good)); err == nil {
			t.Error("it was interrupted and says nothing of it")
		}
		same(t, "users after an interruption", p.everybody(t), []string{})
		p.takes(t, transfer.CSV, good, nil)
		if n := len(p.everybody(t)); n != 3000 {
			t.Errorf("%d users", n)
		}
	})
}

func TestImportFilesThatAreNone(t *testing.T) {
	p := newPlace(t, testenv.SQLite(t), nil)
	long := strings.Repeat("x", 2<<20)
	for _, test := range []struct {
		format     transfer.Format
		text, want string
	}{
		{transfer.CSV, "", "the file is empty"},
		{transfer.CSV, "username;email\n", `"username;email", and the table auth_user has no such column: it has date_joined, email`},
		{transfer.CSV, "email\nx@example.com\n", "does not name username"},
		{transfer.CSV, "username,username\n", "names username twice"},
		{transfer.CSV, "username\n\"" + long, "is a quote or a bracket not closed?"},
		{transfer.JSONLines, `{"username": "` + long, "is a quote or a bracket not closed?"},
		{transfer.Dumpdata, "", "this is no dump"},
		{transfer.Dumpdata, `{"username": "ann"}`, "this is no dump"},
		{transfer.Dumpdata, `[` + strings.Repeat(`{"model": "x.y", "fields": {}},`+"\n", 3) + `{"model: 4}]`, "ends in the middle"},
		{transfer.Dumpdata, "[\n{}\n\n!]", "line 4: this is no JSON"},
		{transfer.Dumpdata, `[{"model": "auth.user", "pk": 1, "fields": {"username": "ann"}}`, "ends in the middle"},
		{transfer.Dumpdata, `[{"model": "x.y", "fields": {"x": "` + long, "is a quote or a bracket not closed?"},
	} {
		_, _, err := p.imports(t, test.format, test.text, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %.40q: got %v, want %s", test.format, test.text, err, test.want)
		}
	}
	same(t, "users", p.everybody(t), []string{})
	if _, said, _ := p.imports(t, transfer.JSONLines, "[]\n{\"username\": 5}\n{\"username\": \"x\", \"nick\": 1}\n{\"username\": null}\nnull\n", nil); len(said) < 5 {
		t.Errorf("said %q", said)
	}
}

func TestImportOverUsers(t *testing.T) {
	eachPlace(t, nil, func(t *testing.T, p *place) {
		p.takes(t, transfer.CSV, "username,email,password,first_name,email_verified\nann,ann@example.com,"+correct+",Ann,yes\nbob,,"+correct+",,\n", nil)
		ann := p.user(t, "ann")
		if _, err := p.accounts.NewPair(t.Context(), ann); err != nil {
			t.Fatal(err)
		}
		const more = "username,first_name,is_active,email,password\nann,Anna,false,new@example.com,\ncarl,,,,\nbob,Bob,,,\nbob,Bobby,,,\n"
		skip := p.takes(t, transfer.CSV, more, func(im *transfer.Import) { im.OnConflict = transfer.Skip })
		if skip.Made != 1 || skip.Skipped != 3 || p.user(t, "ann").FirstName != "Ann" {
			t.Errorf("skip: %+v, %+v", skip, p.user(t, "ann"))
		}
		update := p.takes(t, transfer.CSV, more, func(im *transfer.Import) { im.OnConflict = transfer.Overwrite })
		after := p.user(t, "ann")
		if update.Made != 0 || update.Updated != 4 || after.FirstName != "Anna" || after.IsActive || after.Email != "new@example.com" {
			t.Errorf("update: %+v, %+v", update, after)
		}
		if after.ID != ann.ID || after.Password != ann.Password || !after.DateJoined.Equal(ann.DateJoined) {
			t.Errorf("what the file does not give has changed: %+v", after)
		}
		if bob := p.user(t, "bob"); bob.FirstName != "Bobby" || !p.signsIn(t, "bob", secret) {
			t.Errorf("bob is %+v", bob)
		}
		same(t, "blacklisted", p.column(t, "SELECT CAST(count(*) AS text) FROM token_blacklist_blacklistedtoken"), []string{"1"})
		_, said, _ := p.imports(t, transfer.CSV, fmt.Sprintf("id,username\n%s,bob\n", ann.ID), func(im *transfer.Import) { im.OnConflict = transfer.Overwrite })
		same(t, "a name of somebody else", said, []string{"2: username: somebody has it already"})
	})
}

// dump is as Django's dumpdata writes it, with what else stands in one.
const dump = `[
{"model": "contenttypes.contenttype", "pk": 1, "fields": {"app_label": "auth", "model": "user"}},
{
  "model": "auth.user",
  "pk": 12,
  "fields": {
    "password": "` + correct + `",
    "last_login": null,
    "is_superuser": false,
    "username": "ann",
    "first_name": "Ann",
    "last_name": "Ωmega",
    "email": "ann@example.com",
    "is_staff": true,
    "is_active": true,
    "date_joined": "2021-05-06T07:08:09.123Z",
    "groups": [1],
    "user_permissions": []
  }
},
{"model": "auth.user", "fields": {"password": "!", "last_login": "2022-01-01T00:00:00+02:00", "username": "bob", "is_active": false, "date_joined": "2021-05-06T07:08:09Z"}},
{"model": "account.emailaddress", "pk": 3, "fields": {"user": 12, "email": "ann@example.com", "verified": true, "primary": true}},
{"model": "account.emailaddress", "pk": 4, "fields": {"user": ["bob"], "email": "bob@example.com", "verified": false, "primary": false}}
]`

func TestImportDump(t *testing.T) {
	eachPlace(t, nil, func(t *testing.T, p *place) {
		lines := "{\"model\": \"auth.user\", \"pk\": 90, \"fields\": {\"username\": \"lines\", \"password\": \"!\", \"date_joined\": \"2021-05-06T07:08:09Z\"}}\n"
		if summary := p.takes(t, transfer.JSONLines, lines, nil); summary.Made != 1 { // dumpdata --format jsonl
			t.Errorf("%+v", summary)
		}
		summary := p.takes(t, transfer.Dumpdata, dump, nil)
		if summary.Made != 2 || summary.Addresses != 2 || summary.Left["contenttypes.contenttype"] != 1 || summary.Left["auth.user.groups"] != 1 || len(summary.Left) != 2 {
			t.Errorf("%+v", summary)
		}
		ann, bob := p.user(t, "ann"), p.user(t, "bob")
		if ann.ID.String() != "12" || !ann.IsStaff || ann.LastName != "Ωmega" || !ann.DateJoined.Equal(time.Date(2021, 5, 6, 7, 8, 9, 123e6, time.UTC)) {
			t.Errorf("%+v", ann)
		}
		if bob.IsActive || !bob.LastLogin.Equal(time.Date(2021, 12, 31, 22, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v", bob)
		}
		same(t, "addresses", p.column(t, `SELECT email || ' ' || CASE WHEN verified THEN 'v' ELSE '' END || CASE WHEN "primary" THEN 'p' ELSE '' END FROM account_emailaddress ORDER BY 1`),
			[]string{"ann@example.com vp", "bob@example.com "})
		_, said, _ := p.imports(t, transfer.Dumpdata, dump, nil)
		same(t, "the same again", said, []string{
			"3: id: user 12, of the database or an earlier line, has it already",
			"21: username: user " + bob.ID.String() + ", of the database or an earlier line, has it already",
			"22: email: user 12 has this address already",
			"23: email: user " + bob.ID.String() + " has this address already",
		})
		if summary := p.takes(t, transfer.Dumpdata, dump, func(im *transfer.Import) { im.OnConflict = transfer.Skip }); summary.Skipped != 4 {
			t.Errorf("%+v", summary)
		}
		_, said, _ = p.imports(t, transfer.Dumpdata, `[{"model": "account.emailaddress", "fields": {"user": 777, "email": "x@example.com", "verified": true, "primary": false}},
			{"model": "account.emailaddress", "fields": {"user": 90, "email": "ann@example.com", "verified": true, "primary": false}},
			{"model": "account.emailaddress", "fields": {}}]`, nil)
		slices.Sort(said)
		same(t, "addresses that cannot be", said, []string{
			"1: user: there is no user 777", "2: email: somebody has it already", "3: an address has user, email, verified and primary",
		})
	})
}

// TestThereAndBack exports from each engine and imports into the other: the rows are the same.
func TestThereAndBack(t *testing.T) {
	for _, format := range []transfer.Format{transfer.CSV, transfer.JSONLines, transfer.Dumpdata} {
		t.Run(string(format), func(t *testing.T) {
			from, to := newPlace(t, testenv.SQLite(t), nil), newPlace(t, testenv.Postgres(t), nil)
			for range 2 {
				seed := "id,username,email,password,first_name,last_name,is_active,is_staff,is_superuser,last_login,date_joined,email_verified\n" +
					"3,ann,Ann@Example.COM," + correct + ",Änn,\"O\"\"Neil, jr\",true,false,true,2024-02-03T04:05:06.789012Z,2020-01-02T03:04:05Z,true\n" +
					"9,=cmd,,!x,\" a \",\"<b>&\nline\",false,true,false,,0001-01-01T00:00:00Z,false\n"
				from.takes(t, transfer.CSV, strings.Replace(seed, "=cmd", "@cmd", 1), func(im *transfer.Import) { im.OnConflict = transfer.Skip })
				whole := from.exports(t, format, true)
				to.takes(t, format, whole, func(im *transfer.Import) { im.OnConflict = transfer.Skip })
				// the columns stand in another order in each engine's table, so the two are compared as lines of JSON by name
				sameUsers(t, from, to)
				if bare := from.exports(t, format, false); strings.Contains(bare, "pbkdf2") || strings.Contains(bare, "password") {
					t.Errorf("passwords were not asked for:\n%s", bare)
				}
				from, to = newPlace(t, testenv.Postgres(t), nil), newPlace(t, testenv.SQLite(t), nil)
			}
		})
	}
}

func sameUsers(t *testing.T, a, b *place) {
	t.Helper()
	all := func(p *place) []string {
		users, err := p.accounts.Store.Users(t.Context())
		if err != nil || len(users) != 2 {
			t.Fatalf("%d users, %v", len(users), err)
		}
		var lines []string
		for _, u := range users {
			lines = append(lines, fmt.Sprintf("%+v", u))
		}
		return append(lines, p.column(t, `SELECT CAST(user_id AS text) || email || CASE WHEN verified THEN 'v' ELSE '' END || CASE WHEN "primary" THEN 'p' ELSE '' END FROM account_emailaddress ORDER BY 1`)...)
	}
	same(t, "the other database", all(b), all(a))
}

// TestOwnTable takes a user table with columns of other kinds, a foreign key and one more unique column.
func TestOwnTable(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		p := newPlace(t, url, nil)
		kinds := map[bool][]any{true: {"bool", "datetime", "char(32)", "text"}, false: {"boolean", "timestamptz", "uuid", "jsonb"}}
		sqlite := strings.HasPrefix(url, "sqlite")
		key := "integer NOT NULL PRIMARY KEY AUTOINCREMENT"
		if !sqlite {
			key = "bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY"
		}
		check := `CHECK ((JSON_VALID("prefs") OR "prefs" IS NULL))`
		if !sqlite {
			check = ""
		}
		table := fmt.Sprintf(`CREATE TABLE shop_company (id integer NOT NULL PRIMARY KEY, name varchar(9) NOT NULL);
			INSERT INTO shop_company VALUES (5, 'Acme');
			CREATE TABLE shop_person (id `+key+`, password varchar(128) NOT NULL, last_login %[2]s NULL, is_superuser %[1]s NOT NULL,
			username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL, last_name varchar(150) NOT NULL, email varchar(254) NOT NULL UNIQUE,
			is_staff %[1]s NOT NULL, is_active %[1]s NOT NULL, date_joined %[2]s NOT NULL, born date NULL, credit decimal(8,2) NOT NULL, tag %[3]s NULL,
			prefs %[4]s NOT NULL `+check+`, nick varchar(5) NULL, company_id bigint NULL REFERENCES shop_company (id) DEFERRABLE INITIALLY DEFERRED);
			DROP TABLE account_emailconfirmation; DROP TABLE account_emailaddress`, kinds[sqlite]...)
		for statement := range strings.SplitSeq(table, ";") {
			if _, err := p.db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		p = newPlace(t, url, map[string]string{"user_model.table": "shop_person"})
		lines := `{"username": "ann", "email": "ann@example.com", "born": "1999-12-31", "credit": "12.50", "tag": "0c5b5c1e-3a5f-4b8e-9a53-2b6bb1f4f0aa", "prefs": {"a": [1, null]}, "nick": "", "company_id": 5}
{"username": "bob", "email": "bob@example.com", "credit": 7, "prefs": "text", "tag": "x"}
{"username": "carl", "email": "carl@example.com", "credit": 7, "prefs": 1, "nick": "longer", "born": "31.12.1999"}
{"username": "dora", "email": "ann@example.com", "credit": 7, "prefs": null}
{"username": "eve", "email": "eve@example.com", "prefs": {}, "company_id": 6}
{"username": "fred", "email": "fred@example.com", "prefs": {}}
`
		_, said, err := p.imports(t, transfer.JSONLines, lines, func(im *transfer.Import) { im.KeepGoing = true })
		if !errors.Is(err, transfer.ErrWrong) {
			t.Fatal(err)
		}
		slices.Sort(said)
		same(t, "said", said, []string{
			"2: tag: this is no UUID", "3: born: this is no date as in 2024-12-31", "3: nick: ensure this has no more than 5 characters",
			"4: prefs: it may not be null", "5: company_id: there is no such row in shop_company",
			"6: credit: the column has no default, so every user needs a value",
		})
		same(t, "users", p.column(t, "SELECT username || ' ' || CAST(company_id AS text) || ' ' || nick FROM shop_person"), []string{"ann 5 "})
		out := p.exports(t, transfer.JSONLines, false)
		for _, want := range []string{`"born": "1999-12-31"`, `"credit": "12.5`, `"tag": "0c5b5c1e-3a5f-4b8e-9a53-2b6bb1f4f0aa"`, `"company_id": 5`, `"nick": ""`, `"prefs": {"a":`} {
			if !strings.Contains(out, want) {
				t.Errorf("no %s in %s", want, out)
			}
		}
		if dump := p.exports(t, transfer.Dumpdata, false); !strings.Contains(dump, `"company":5`) || !strings.Contains(dump, `"model": "auth.user"`) {
			t.Errorf("the dump is %s", dump)
		}
		_, said, _ = p.imports(t, transfer.JSONLines, `{"username": "gus", "email": "ann@example.com", "credit": 1, "prefs": 1}`, nil)
		same(t, "an address twice", said, []string{"1: email: user 1, of the database or an earlier line, has it already"})
	})
}

// TestImportByAddress has users told apart by a column that no index keeps unique: the import does.
func TestImportByAddress(t *testing.T) {
	eachPlace(t, map[string]string{"user_model.username_field": "email", "user_model.required_fields": "[username]"}, func(t *testing.T, p *place) {
		p.takes(t, transfer.CSV, "email,username\nann@example.com,ann\n", nil)
		_, said, _ := p.imports(t, transfer.CSV, "email,username\nann@example.com,other\nbob@example.com,bob\nbob@example.com,bobby\n,carl\n", nil)
		slices.Sort(said)
		same(t, "said", said, []string{
			"2: email: user 1, of the database or an earlier line, has it already",
			"4: email: user 2, of the database or an earlier line, has it already",
			"5: email: it is missing",
		})
		// whoever wants the address meanwhile waits, and is then told that it is taken
		r, w := io.Pipe()
		imported := make(chan error)
		reading := make(chan struct{}, 100)
		go func() {
			im := &transfer.Import{Accounts: p.accounts, Format: transfer.CSV, OnConflict: transfer.Refuse, Report: func(transfer.Problem) {}, Progress: func(int64) { reading <- struct{}{} }}
			_, err := im.Run(t.Context(), r)
			imported <- err
		}()
		fmt.Fprintln(w, "email,username")
		for i := range 1024 { // a batch
			fmt.Fprintf(w, "user%d@example.com,user%d\n", i, i)
		}
		fmt.Fprintln(w, "last@example.com,last")
		<-reading
		registered := make(chan error)
		go func() {
			_, err := p.accounts.Register(t.Context(), account.Registration{Username: "late", Email: "user7@example.com", Password: secret})
			registered <- err
		}()
		time.Sleep(300 * time.Millisecond) // longer than the hash takes
		w.Close()
		if err := <-imported; err != nil {
			t.Errorf("import: %v", err)
		}
		if err := <-registered; !errors.Is(err, account.ErrTaken) {
			t.Errorf("an address that was imported meanwhile: %v", err)
		}
	})
}

// FuzzRead reads anything as each format: it ends, without a panic, and whatever is read has a line.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{dump, "username,email\nann,\"a\nb\"\n", "{\"username\": \"ann\"}\n[]\n", "\ufeffusername\n", "[", "[{}", "\"", "{\"model\": 1, \"fields\": {}}"} {
		f.Add(seed)
	}
	p := newPlace(f, testenv.SQLite(f), nil).accounts
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []transfer.Format{transfer.CSV, transfer.JSONLines, transfer.Dumpdata} {
			im := &transfer.Import{
				Accounts: p, Label: "auth.User", Format: format, DryRun: true, KeepGoing: true, OnConflict: transfer.Refuse, Progress: func(int64) {},
				Report: func(problem transfer.Problem) {
					if problem.Line < 1 || problem.Message == "" {
						t.Errorf("a problem without a place: %+v", problem)
					}
				},
			}
			_, _ = im.Run(t.Context(), strings.NewReader(text)) // whatever it says of the text
		}
	})
}

// manyUsers is a file of n users, made while it is read.
func manyUsers(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		fmt.Fprintln(w, "username,email,first_name,last_name")
		padding := strings.Repeat("x", 140)
		for i := range n {
			if _, err := fmt.Fprintf(w, "user%d,user%d@example.com,%s,%s\n", i, i, padding, padding); err != nil {
				return
			}
		}
		w.Close()
	}()
	return r
}

// TestImportInBoundedMemory reads a file of 15 MB: what it holds of it at a time does not grow with it.
func TestImportInBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes fifty thousand users")
	}
	p := newPlace(t, testenv.SQLite(t), nil)
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, calls := live(), uint64(0), 0
	im := &transfer.Import{
		Accounts: p.accounts, Format: transfer.CSV, OnConflict: transfer.Refuse,
		Report: func(problem transfer.Problem) { t.Error(problem) },
		Progress: func(int64) {
			if calls++; calls%10 == 0 {
				most = max(most, live())
			}
		},
	}
	summary, err := im.Run(t.Context(), manyUsers(50_000))
	if err != nil || summary.Made != 50_000 {
		t.Fatalf("%+v, %v", summary, err)
	}
	t.Logf("%d KiB before, at most %d KiB while reading", before>>10, most>>10)
	if grown := int64(most) - int64(before); grown > 6<<20 {
		t.Errorf("%d MiB more were in use", grown>>20)
	}
}
