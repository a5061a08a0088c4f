package account_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/mail"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/tokens"
)

var (
	ctx  = context.Background()
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

const (
	secret   = "a-secret-key-for-tests-that-is-long-enough-2b7e"
	password = "correct-horse-7"
	anything = "battery-staple-8"
)

// A clock shows what it is set to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A world is an account service on a database of its own, with the clock it goes by.
type world struct {
	*account.Service
	t     testing.TB
	clock *clock
	db    *sql.DB
	url   string
}

// newWorld opens the database at url in the safe profile, which ends everything, with rotation; change may make it another.
func newWorld(t testing.TB, url string, change func(*account.Service)) *world {
	t.Helper()
	c := &clock{now: noon}
	return &world{Service: newService(t, url, c, change), t: t, clock: c, db: testenv.OpenDB(t, url), url: url}
}

func newService(t testing.TB, url string, c *clock, change func(*account.Service)) *account.Service {
	t.Helper()
	db := testenv.OpenStore(t, url)
	hashing := passwords.DefaultConfig()
	hashing.Iterations = 1
	hashing.Queue = 1000
	judge, err := passwords.New(hashing)
	must(t, err)
	templates, err := mail.NewTemplates("", nil)
	must(t, err)
	sender, err := mail.NewSender(mail.DefaultConfig(), &mail.Mailbox{}, nil)
	must(t, err)
	keys := tokens.Keys{Secret: secret}
	s := &account.Service{
		Store:         db,
		Passwords:     judge,
		JWT:           tokens.DefaultJWTConfig(),
		Keys:          keys,
		Resets:        tokens.Resets{Keys: keys, Timeout: 72 * time.Hour},
		Templates:     templates,
		Sender:        sender,
		Log:           slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now:           c.Now,
		Backends:      []string{account.ModelBackend},
		UsernameField: "username",
		LoginField:    "username",
		End:           account.End{OnPasswordChange: true, OnEmailChange: true, OnDeactivation: true, OnDeletion: true},
		RefreshGrace:  10 * time.Second,
		Devices:       true,
		Audit:         true,
		SessionAge:    time.Hour,
		Site:          account.Site{Domain: "example.com", Name: "Example"},
		From:          "noreply@example.com",
	}
	s.JWT.RotateRefreshTokens, s.JWT.BlacklistAfterRotation = true, true
	if change != nil {
		change(s)
	}
	s.JWTs, err = tokens.NewJWTs(s.JWT, keys, nil)
	must(t, err)
	return s
}

// exact makes the profile exact, where nothing ends unless settings say so.
func exact(s *account.Service) { s.Exact, s.End, s.Devices = true, account.End{}, false }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants compares an error with the one that must come, nil for none.
func wants(t testing.TB, what string, err, want error) {
	t.Helper()
	if want == nil && err != nil || want != nil && !is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// register signs somebody up at name@example.com.
func (w *world) register(name string, inactive bool) *store.User {
	w.t.Helper()
	reg := account.Registration{Username: name, Email: name + "@example.com", Password: password, Inactive: inactive}
	if inactive {
		reg.Letter = letter(mail.Activation)
	}
	user, err := w.Register(ctx, reg)
	must(w.t, err)
	return user
}

// user is the row as it is now.
func (w *world) user(id store.ID) *store.User {
	w.t.Helper()
	user, err := w.Store.User(ctx, id)
	must(w.t, err)
	return user
}

// letter is a mail of a kind, with a link to a path that names the kind.
func letter(kind mail.Kind) *account.Letter {
	return &account.Letter{Kind: kind, Path: string(kind) + "/{uid}/{token}", Protocol: "https"}
}

// ask has a link of a kind mailed to an address.
func (w *world) ask(kind mail.Kind, email string) {
	w.t.Helper()
	_, err := w.MailLink(ctx, account.Asking{Email: email, Inactive: kind == mail.Activation, Letter: letter(kind)})
	must(w.t, err)
}

var mailed = regexp.MustCompile(`https://example\.com/(\w+)/([^/\s]+)/([^/\s]+)`)

// queue takes all owed mail that has a recipient out of the queue, as its deliverer would.
func (w *world) queue() []store.Mail {
	w.t.Helper()
	all, err := w.Store.ClaimMail(ctx, w.Now(), time.Hour, 1000)
	must(w.t, err)
	var real []store.Mail
	for _, m := range all {
		must(w.t, w.Store.MailSent(ctx, m.ID))
		if m.Recipient != "" {
			real = append(real, m)
		}
	}
	return real
}

// link is the link of the one mail that is owed, whatever it was mailed for.
func (w *world) link() account.Link {
	w.t.Helper()
	all := w.queue()
	if len(all) != 1 {
		w.t.Fatalf("%d mails are owed, want 1", len(all))
	}
	found := mailed.FindStringSubmatch(all[0].Text)
	if found == nil {
		w.t.Fatalf("there is no link in\n%s", all[0].Text)
	}
	return account.Link{UID: found[2], Token: found[3], Purpose: mail.Kind(found[1])}
}

// use goes through a link for a purpose.
func (w *world) use(link account.Link, purpose mail.Kind) error {
	link.Purpose = purpose
	switch purpose {
	case mail.Activation:
		return w.Activate(ctx, link, nil)
	case mail.PasswordReset:
		return w.ResetPassword(ctx, account.PasswordReset{Link: link, Password: anything})
	default:
		return w.ResetUsername(ctx, link, "renamed", account.Letters{})
	}
}

// signIn signs somebody in and makes a pair of tokens.
func (w *world) signIn(name string) (*store.User, account.Pair) {
	w.t.Helper()
	login, err := w.SignIn(ctx, name, password)
	must(w.t, err)
	pair, err := w.NewPair(ctx, login.User)
	must(w.t, err)
	return login.User, pair
}

// count is the number that a query finds.
func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	must(w.t, w.db.QueryRow(query, args...).Scan(&n))
	return n
}

// same compares two values by how they print.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: got %s, want %s", what, strings.TrimSpace(g), strings.TrimSpace(w))
	}
}
