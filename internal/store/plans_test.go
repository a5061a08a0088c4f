package store_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// A rightScan is a table that a statement reads whole, or in the order of an index from its beginning, and why that is right.
type rightScan struct {
	engines   string // sqlite, postgres or both
	table     string
	statement string // a pattern: the white space of statements is single blanks
	why       string
}

var rightScans = []rightScan{
	{"both", "auth_user", `"email" = \$1|"email" IN \(`, "Django has no index of addresses"},
	{"both", "auth_user", `"(email|username)" = \$1 COLLATE NOCASE|upper\(u\."(email|username)"\)`, "nor one of names whatever their case, as iexact asks"},
	{"both", "auth_user", `AS u ORDER BY u\."id"( LIMIT \$1)?$`, "all users, or the first of them"},
	{"both", "auth_user", `^SELECT u\."id", EXISTS .* ORDER BY u\."id" LIMIT`, "the first of all users, for an export"},
	{"both", "auth_user", `^SELECT "id" FROM "auth_user" ORDER BY "id"( DESC)? LIMIT 1$`, "the first user and the last"},
	{"both", "auth_user", `^SELECT count\(\*\)|^SELECT least|^SELECT "password" FROM "auth_user"$`, "an operator's survey, which counts all"},
	{"both", "account_emailaddress", `COLLATE NOCASE|upper\(email\)`, "allauth has no index of addresses whatever their case"},
	{"postgres", "account_emailaddress", `^SELECT u\."id", EXISTS`, "what is planned without knowing that a page of an export has few users, for whom it goes by user_id"},
	{"both", "account_emailaddress", `ORDER BY id LIMIT 1$`, "the first row"},
	{"both", "token_blacklist_outstandingtoken", `expires_at <= \$1`, "SimpleJWT has no index of ends: a count of those for the command line"},
	{"both", "django_site", `CAST\(id AS bigint\)`, "a table of a row or two"},
	{"both", "django_migrations", ``, "an operator's survey of a small table"},
	{"both", "django_content_type", ``, "an operator's survey of a small table"},
	{"both", "latchkey_migration", ``, "all of a small table, at the start"},
	{"both", "latchkey_audit", `latchkey_audit ORDER BY at DESC`, "the newest rows, by the index of times"},
	{"both", "latchkey_audit", `user_id = \$1 OR username = \$1 OR actor = \$1|event LIKE`, "an operator's question, newest first; each index more would be paid for by every sign-in"},
	{"both", "latchkey_mail", `^SELECT count`, "a count of what is owed, which is little or is of interest"},
	{"both", "latchkey_webhook", `failed_at IS (NOT )?NULL ORDER BY id LIMIT|WHERE failed_at IS NOT NULL$`, "an operator's list of what is owed or was given up, in order"},
}

// Every query reads what it needs by an index, on both databases, or stands in rightScans with the reason; and every one of them was looked at.
func TestEveryQueryHasItsIndex(t *testing.T) {
	var all []string
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			var url string
			if engine == "sqlite" {
				url = testenv.SQLite(t)
			} else {
				url = testenv.Postgres(t)
			}
			statements := recorded(t, url)
			all = append(all, statements...)
			plan := plansOf(t, url)
			used := make([]bool, len(rightScans))
			for _, statement := range statements {
				if !explainable.MatchString(statement) {
					continue
				}
				text := strings.Join(strings.Fields(statement), " ")
				for _, table := range plan(statement) {
					right := false
					for i, r := range rightScans {
						if (r.engines == "both" || r.engines == engine) && r.table == table && regexp.MustCompile(r.statement).MatchString(text) {
							right, used[i] = true, true
						}
					}
					if !right {
						t.Errorf("%s is scanned by\n%s", table, text)
					}
				}
			}
			for i, r := range rightScans {
				if !used[i] && (r.engines == "both" || r.engines == engine) {
					t.Errorf("nothing that looks like %q scans %s any more: take it off the list", r.statement, r.table)
				}
			}
		})
	}
	if !t.Failed() && !t.Skipped() && len(all) > 0 {
		everyLiteralSeen(t, all)
	}
}

// explainable tells the statements that have plans.
var explainable = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b`)

// plansOf is a function that names the tables which a statement scans.
func plansOf(t *testing.T, url string) func(statement string) []string {
	db := testenv.OpenDB(t, url)
	db.SetMaxOpenConns(1) // for settings and prepared statements
	if strings.HasPrefix(url, "sqlite:") {
		return func(statement string) []string { return scansOnSQLite(t, db, statement) }
	}
	// Without seq scans, and joins that read both sides, only what no index can serve is one; without values no plan depends on them.
	for _, set := range []string{"SET enable_seqscan = off", "SET enable_hashjoin = off", "SET enable_mergejoin = off", "SET plan_cache_mode = force_generic_plan"} {
		_, err := db.Exec(set)
		must(t, err)
	}
	// In an empty table nothing is better than to read it all.
	for _, fill := range []string{
		`INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
			SELECT 'p', false, 'u' || i, '', '', 'u' || i || '@example.com', false, true, now() FROM generate_series(1, 3000) AS i`,
		`INSERT INTO authtoken_token ("key", created, user_id) SELECT md5(id::text), now(), id FROM auth_user`,
		`INSERT INTO account_emailaddress (email, verified, "primary", user_id) SELECT email, true, true, id FROM auth_user`,
		`INSERT INTO account_emailconfirmation (created, sent, "key", email_address_id) SELECT now(), now(), md5(id::text), id FROM account_emailaddress`,
		"ANALYZE auth_user, authtoken_token, account_emailaddress, account_emailconfirmation",
	} {
		_, err := db.Exec(fill)
		must(t, err)
	}
	return func(statement string) []string { return scansOnPostgres(t, db, statement) }
}

var (
	sqliteScan = regexp.MustCompile(`^SCAN (\w+)`)
	alias      = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|INTO|UPDATE) "?(\w+)"? AS (\w+)`)
	place      = regexp.MustCompile(`\$(\d+)`)
)

// scansOnSQLite reads EXPLAIN QUERY PLAN: a SCAN goes through a table, or through an index from end to end (https://www.sqlite.org/eqp.html).
func scansOnSQLite(t *testing.T, db *sql.DB, statement string) []string {
	t.Helper()
	args := make([]any, places(statement))
	rows, err := db.Query("EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	defer func() { _ = rows.Close() }()
	names := map[string]string{}
	for _, m := range alias.FindAllStringSubmatch(statement, -1) {
		names[m[2]] = m[1]
	}
	var scans []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		m := sqliteScan.FindStringSubmatch(detail)
		if m == nil {
			continue
		}
		table := m[1]
		if name, ok := names[table]; ok {
			table = name
		}
		if store.OfProgram(table) {
			scans = append(scans, table)
		}
	}
	must(t, rows.Err())
	return scans
}

// places is how many arguments a statement takes.
func places(statement string) (n int) {
	for _, m := range place.FindAllStringSubmatch(statement, -1) {
		i, _ := strconv.Atoi(m[1])
		n = max(n, i)
	}
	return n
}

// A planNode is what counts of EXPLAIN's JSON (https://www.postgresql.org/docs/15/sql-explain.html).
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Index    string     `json:"Index Name"`
	Cond     string     `json:"Index Cond"`
	Plans    []planNode `json:"Plans"`
}

func scansOnPostgres(t *testing.T, db *sql.DB, statement string) []string {
	t.Helper()
	_, err := db.Exec("PREPARE looked AS " + statement)
	if err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	execute := "EXPLAIN (FORMAT JSON) EXECUTE looked"
	if n := places(statement); n > 0 {
		execute += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	var text string
	if err := db.QueryRow(execute).Scan(&text); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	_, err = db.Exec("DEALLOCATE looked")
	must(t, err)
	var plans []struct{ Plan planNode }
	must(t, json.Unmarshal([]byte(text), &plans))
	var scans []string
	var walk func(node planNode, table string)
	walk = func(node planNode, table string) {
		if node.Relation != "" {
			table = node.Relation
		}
		switch node.Type {
		case "Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan":
			if node.Cond == "" && store.OfProgram(table) {
				scans = append(scans, table)
			}
		}
		for _, child := range node.Plans {
			walk(child, table)
		}
	}
	for _, p := range plans {
		walk(p.Plan, "")
	}
	return scans
}

// everyLiteralSeen finds the SQL in the package's source, each text with gaps where values are put in, and fails for one that nothing ran.
func everyLiteralSeen(t *testing.T, statements []string) {
	files, err := filepath.Glob("*.go")
	must(t, err)
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		must(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			expr, ok := node.(ast.Expr)
			if !ok {
				return true
			}
			var pattern strings.Builder
			isSQL := false
			if !flatten(expr, &pattern, &isSQL) {
				return true
			}
			if isSQL && !slices.ContainsFunc(statements, regexp.MustCompile(pattern.String()).MatchString) {
				t.Errorf("%s: no statement that was run has this", set.Position(expr.Pos()))
			}
			return false
		})
	}
}

var (
	verbs = regexp.MustCompile(`\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|ORDER BY|VALUES|AND|OR|SET|EXISTS) |^ANALYZE `)
	verb  = regexp.MustCompile(`%(\\\[\d\\\])?[sd]`)
)

// flatten writes a text, or a sum of texts and other things, as a pattern; false for all other expressions.
func flatten(expr ast.Expr, pattern *strings.Builder, isSQL *bool) bool {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		if expr.Kind != token.STRING {
			return false
		}
		text, err := strconv.Unquote(expr.Value)
		if err != nil {
			return false
		}
		*isSQL = *isSQL || verbs.MatchString(text)
		pattern.WriteString(verb.ReplaceAllString(regexp.QuoteMeta(text), `[\s\S]*`))
		return true
	case *ast.BinaryExpr:
		if expr.Op != token.ADD {
			return false
		}
		var sum strings.Builder
		some := false
		for _, side := range []ast.Expr{expr.X, expr.Y} {
			if flatten(side, &sum, isSQL) {
				some = true
			} else {
				sum.WriteString(`[\s\S]*`)
			}
		}
		pattern.WriteString(sum.String())
		return some
	}
	return false
}

// recorded calls every method that asks the database something, in every way that makes another statement, and tells what was asked.
func recorded(t *testing.T, url string) []string {
	t.Helper()
	var recorder store.Recorder
	open := func(user store.UserModel) *store.Store {
		s, err := store.Open(ctx, store.Config{URL: url, User: user})
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		recorder.Record(s)
		must(t, s.Migrate(ctx))
		return s
	}
	s := open(store.DefaultUserModel())
	byEmail := store.DefaultUserModel()
	byEmail.UsernameField, byEmail.RequiredFields = "email", nil
	named := open(byEmail)
	later := noon.Add(time.Hour)
	// What is not there is an answer as any.
	ask := func(err error) {
		t.Helper()
		var referenced *store.Referenced
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.As(err, &referenced) {
			t.Fatal(err)
		}
	}

	must(t, s.Ping(ctx))
	_, err := s.Plan(ctx)
	ask(err)
	ann := addUser(t, s, "ann")
	addUser(t, named, "bob")

	// users.go
	for _, fn := range []func() error{
		func() error { _, err := s.User(ctx, ann.ID); return err },
		func() error { _, err := s.UserBy(ctx, "username", "ann"); return err },
		func() error { _, err := s.UserBy(ctx, "email", "ann@example.com"); return err },
		func() error { _, err := s.UsersBy(ctx, "username", "ann"); return err },
		func() error { _, err := s.UsersBy(ctx, "email", "ann@example.com"); return err },
		func() error { _, err := s.UsersBy(ctx, "id", "1"); return err },
		func() error { _, err := s.UsersByEmailFold(ctx, "ann@example.com"); return err },
		func() error { _, err := s.SamplePasswords(ctx); return err },
		func() error { _, err := s.UsersByFold(ctx, "username", "ann"); return err },
		func() error { _, err := s.Taken(ctx, "username", "ann", store.ID{}); return err },
		func() error { _, err := s.Taken(ctx, "username", "ann", ann.ID); return err },
		func() error { _, err := s.Refers(ctx, "auth_group", "id", int64(1)); return err },
		func() error { _, err := s.Users(ctx); return err },
		func() error { _, err := s.UsersAfter(ctx, store.ID{}, 10); return err },
		func() error { _, err := s.UsersAfter(ctx, ann.ID, 10); return err },
		func() error { return s.SetPassword(ctx, ann.ID, "p") },
		func() error { _, err := s.RehashPassword(ctx, ann.ID, "p", "q"); return err },
		func() error { _, err := s.ChangePassword(ctx, ann.ID, "q", "p"); return err },
		func() error { return s.SetEmail(ctx, ann.ID, "ann@example.com") },
		func() error { return s.SetUsername(ctx, ann.ID, "ann") },
		func() error { return named.SetUsername(ctx, ann.ID, "ann@example.com") },
		func() error { return s.SetActive(ctx, ann.ID, false) },
		func() error { return s.SetLastLogin(ctx, ann.ID, noon) },
		func() error { _, err := s.Activate(ctx, ann.ID); return err },
		func() error { _, err := s.ResetPassword(ctx, ann.ID, "p", noon, "q", noon); return err },
		func() error { _, err := s.ResetUsername(ctx, ann.ID, "q", noon, "ann", noon); return err },

		// activation.go, audit.go
		func() error { return s.RecordActivation(ctx, ann.ID, noon) },
		func() error { return s.RecordPending(ctx, ann.ID, noon) },
		func() error { _, err := s.ActivationOf(ctx, ann.ID); return err },
		func() error { return s.InsertAudit(ctx, store.Audit{ID: "a", At: noon, Event: "user.login"}) },
		func() error { _, err := s.AuditTrail(ctx, store.AuditFilter{}, 10); return err },
		func() error { _, err := s.AuditTrail(ctx, store.AuditFilter{User: "1"}, 10); return err },
		func() error {
			_, err := s.AuditTrail(ctx, store.AuditFilter{Since: noon, Until: later, Before: &store.Audit{ID: "b", At: noon}}, 10)
			return err
		},
		func() error {
			_, err := s.AuditTrail(ctx, store.AuditFilter{Events: []string{"user", "user.login"}}, 10)
			return err
		},
		func() error { _, err := s.PurgeAudit(ctx, later, 10); return err },

		// tokens.go, outstanding.go, refresh.go
		func() error { _, err := s.TokenKeyFor(ctx, ann.ID, "key", noon); return err },
		func() error { _, err := s.UserByTokenKey(ctx, "key"); return err },
		func() error {
			return s.InsertOutstanding(ctx, store.Outstanding{UserID: ann.ID, JTI: "o", CreatedAt: noon, ExpiresAt: later})
		},
		func() error { _, err := s.Blacklisted(ctx, "o"); return err },
		func() error {
			_, err := s.Blacklist(ctx, store.Outstanding{UserID: ann.ID, JTI: "n", ExpiresAt: later}, noon)
			return err
		},
		func() error {
			return s.InsertRefresh(ctx, store.Refresh{JTI: "r", Family: "f", UserID: ann.ID, IssuedAt: noon, ExpiresAt: later})
		},
		func() error { _, err := s.LiveRefresh(ctx, "r"); return err },
		func() error { _, err := claim(ctx, s, "r", "x", noon); return err },
		func() error { _, err := claim(ctx, s, "y", "z", noon); return err },

		// links.go, mail.go, webhooks.go, throttle.go, sessions.go, sites.go
		func() error {
			return s.InsertLink(ctx, store.Link{Digest: "d", Purpose: "reset", UserID: ann.ID, CreatedAt: noon, ExpiresAt: later})
		},
		func() error { _, err := s.LinkByDigest(ctx, "d"); return err },
		func() error { _, err := s.UseLink(ctx, "d", "reset", noon); return err },
		func() error { return s.EndLinks(ctx, ann.ID, noon) },
		func() error { return s.EnqueueMail(ctx, store.Mail{CreatedAt: noon}) },
		func() error { _, _, err := s.OwedMail(ctx); return err },
		func() error { _, err := s.ClaimMail(ctx, noon, time.Minute, 10); return err },
		func() error { return s.MailFailed(ctx, store.Mail{ID: 1, Attempts: 1}, "why", later) },
		func() error { return s.MailSent(ctx, 1) },
		func() error {
			return s.EnqueueWebhook(ctx, store.Webhook{Receiver: "r", QueuedAt: noon, ExpiresAt: later})
		},
		func() error { _, err := s.ClaimWebhook(ctx, "r", noon, time.Minute); return err },
		func() error { return s.WebhookPutOff(ctx, &store.Webhook{ID: 1, Attempts: 1}, "why", later) },
		func() error { return s.WebhookFailed(ctx, &store.Webhook{ID: 1, Attempts: 1}, "why", noon, later) },
		func() error { _, err := s.Webhooks(ctx, false, 10); return err },
		func() error { _, err := s.Webhooks(ctx, true, 10); return err },
		func() error { return s.ReplayWebhook(ctx, 1, noon, later) },
		func() error { _, err := s.ReplayWebhooks(ctx, noon, later); return err },
		func() error { return s.WebhookDelivered(ctx, 1) },
		func() error { _, _, err := s.CountHit(ctx, "k", 1, time.Hour, noon); return err },
		func() error { _, _, err := s.CountTry(ctx, "k", 1, time.Hour, time.Hour, time.Hour, noon); return err },
		func() error { _, _, err := s.CountTry(ctx, "k", 1, time.Hour, time.Hour, time.Hour, noon); return err },
		func() error { _, _, err := s.CountTry(ctx, "k", 1, time.Hour, time.Hour, time.Hour, noon); return err },
		func() error { return s.ForgetTries(ctx, "k") },
		func() error { return s.SaveSession(ctx, store.SessionRow{Key: "s", Expires: later}) },
		func() error { _, err := s.Session(ctx, "s", noon); return err },
		func() error { return s.DeleteSession(ctx, "s", "d") },
		func() error { _, _, err := s.Site(ctx, 1); return err },

		// devices.go
		func() error {
			return s.SaveDevice(ctx, store.Device{ID: "f", Kind: store.RefreshDevice, UserID: ann.ID, CreatedAt: noon, UsedAt: noon, ExpiresAt: later})
		},
		func() error { _, err := s.DeviceOfRefresh(ctx, "r"); return err },
		func() error { _, err := s.TokenUse(ctx, "r", "id", ann.ID.String()); return err },
		func() error { _, err := s.Devices(ctx, ann.ID, noon, 10); return err },
		func() error { _, err := s.DeviceOf(ctx, ann.ID, "o"); return err },
		func() error {
			return s.EndDevice(ctx, &store.Device{ID: "f", Kind: store.RefreshDevice, UserID: ann.ID, Handle: "h", CreatedAt: noon, ExpiresAt: later}, noon)
		},
		func() error {
			return s.EndDevice(ctx, &store.Device{ID: "t", Kind: store.TokenDevice, UserID: ann.ID}, noon)
		},
		func() error { return s.EndDevicesOf(ctx, ann.ID, store.RefreshDevice, noon) },
		func() error { return s.EndDevicesOf(ctx, ann.ID, store.SessionDevice, noon) },
		func() error { return s.CutOff(ctx, ann.ID, store.Cutoff{Sessions: noon}) },
		func() error { _, err := s.CutoffOf(ctx, ann.ID); return err },
		func() error { return s.BlacklistUser(ctx, ann.ID, noon) },
		func() error { _, err := s.Expired(ctx, noon); return err },
		func() error { _, err := s.FlushExpired(ctx, later.Add(time.Hour), 10, nil); return err },
		func() error { _, err := s.Job(ctx, "purge", func() error { return nil }); return err },

		// email_addresses.go
		func() error {
			_, err := s.InsertEmailAddress(ctx, &store.EmailAddress{UserID: ann.ID, Email: "a@example.com"})
			return err
		},
		func() error { _, err := s.EmailAddress(ctx, 1); return err },
		func() error { _, err := s.FirstEmailAddress(ctx); return err },
		func() error { _, err := s.EmailAddressesOf(ctx, ann.ID); return err },
		func() error { _, err := s.EmailAddressesBy(ctx, "a@example.com", false); return err },
		func() error { _, err := s.EmailAddressesBy(ctx, "a@example.com", true); return err },
		func() error { _, err := s.EmailAddressesAfter(ctx, 0, 10); return err },
		func() error { _, err := s.VerifyEmailAddress(ctx, 1, false); return err },
		func() error { return s.MakePrimary(ctx, store.EmailAddress{ID: 1, UserID: ann.ID}) },
		func() error {
			return s.InsertEmailConfirmation(ctx, store.EmailConfirmation{Key: "c", AddressID: 1, Created: noon})
		},
		func() error { _, err := s.EmailConfirmationByKey(ctx, "c"); return err },
		func() error { return s.DeleteOtherEmailAddresses(ctx, store.EmailAddress{ID: 1, UserID: ann.ID}) },

		// load.go
		func() error {
			return named.Load(ctx, func(tx *store.Store) error { return tx.Try(ctx, func() error { return nil }) })
		},
		func() error {
			return s.InTx(ctx, func(tx *store.Store) error {
				return errors.Join(tx.Try(ctx, func() error { return store.ErrNotFound }), tx.NumberOn(ctx), tx.Grown(ctx))
			})
		},
		func() error {
			columns := []string{"password", "is_superuser", "username", "first_name", "last_name", "email", "is_staff", "is_active", "date_joined"}
			_, err := s.InsertUserRows(ctx, columns, [][]any{{"", false, "cy", "", "", "", false, true, noon}})
			return err
		},
		func() error { _, err := s.UserKeysBy(ctx, "username", []any{"ann"}); return err },
		func() error { _, err := s.UserKeysBy(ctx, "email", []any{"ann"}); return err },
		func() error { _, err := s.Existing(ctx, "auth_group", "id", []any{1}); return err },
		func() error { _, err := s.VerifiedAddresses(ctx, []any{"a@example.com"}); return err },
		func() error { return s.UpdateUserRow(ctx, ann.ID, []string{"first_name"}, []any{"Ann"}) },
		func() error { return s.RecordActivations(ctx, []store.ID{ann.ID}, noon) },
		func() error {
			return s.InsertEmailAddresses(ctx, []store.EmailAddress{{UserID: ann.ID, Email: "b@example.com"}})
		},
		func() error { _, err := s.CountUsers(ctx); return err },
		func() error {
			columns, err := s.UserColumns(ctx)
			if err == nil {
				_, err = s.UserRows(ctx, columns, store.ID{}, 10)
			}
			if err == nil {
				_, err = s.UserRows(ctx, columns, ann.ID, 10)
			}
			return err
		},

		// survey.go
		func() error { _, err := s.Survey().Tables(ctx); return err },
		func() error { _, err := s.Survey().Count(ctx, "auth_user"); return err },
		func() error { _, err := s.Survey().CountBefore(ctx, "django_session", "expire_date", noon); return err },
		func() error { _, err := s.Survey().CountEmpty(ctx, "auth_user", "email"); return err },
		func() error { _, err := s.Survey().CountTrue(ctx, "auth_user", "is_staff"); return err },
		func() error { _, err := s.Survey().Migrations(ctx); return err },
		func() error { _, _, err := s.Survey().ModelName(ctx, "auth_user"); return err },
		func() error { return s.Survey().EachText(ctx, "auth_user", "password", func(string) {}) },
		func() error { _, err := s.Survey().Twins(ctx, "auth_user", "email", "id"); return err },
		func() error { _, err := s.Survey().MayNot(ctx, "auth_user"); return err },
		func() error { return s.Look(ctx) },
		func() error { return s.DeleteUser(ctx, ann.ID) },
	} {
		ask(fn())
	}
	return recorder.Statements()
}
