package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// A holder is what a client knows of an account that it made.
type holder struct {
	name string
	// acknowledged says that the sign-up was answered; without an answer it was made whole or not at all.
	acknowledged bool
	// passwords are those that may be good: one, or two after a change that got no answer.
	passwords []string
	// refresh is the newest token, empty where a renewal got no answer.
	refresh string
}

const firstPassword = "Nw7!xyzzyQ"

// A crasher is a client that goes on whatever happens to the server.
type crasher struct {
	base string
	t    *testing.T
	// steady says that the server itself stays: every request is answered, be it by 503.
	steady bool
	// refused counts the 503s.
	refused *atomic.Int64
}

// patience is how long an answer may take while others are slow too.
const patience = 15 * time.Second

// post tells the status and the answer; not ok where none came.
func (c crasher) post(path, bearer string, body map[string]string) (status int, answer map[string]string, ok bool) {
	payload, _ := json.Marshal(body) // never fails
	return c.send("POST", path, bearer, payload)
}

func (c crasher) send(method, path, bearer string, payload []byte) (status int, answer map[string]string, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(payload))
	if err != nil {
		c.t.Error(err)
		return 0, nil, false
	}
	r.Header = http.Header{"Content-Type": {"application/json"}}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		if c.steady {
			c.t.Errorf("%s is not answered: %v", path, err)
		}
		return 0, nil, false
	}
	defer reply.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(reply.Body); err != nil {
		if c.steady {
			c.t.Errorf("%s is answered by half: %v", path, err)
		}
		return 0, nil, false // the answer was cut off
	}
	if reply.StatusCode == http.StatusServiceUnavailable {
		if reply.Header.Get("Retry-After") == "" || reply.Header.Get("Content-Type") != "application/json" || text.String() != busy {
			c.t.Errorf("%s is answered 503 %v: %s", path, reply.Header, &text)
		}
		if c.refused != nil {
			c.refused.Add(1)
		}
		return 0, nil, false // it is busy or lacks its database: as no answer, it leaves open what was done
	}
	if reply.StatusCode >= 500 {
		c.t.Errorf("%s is answered %d: %s", path, reply.StatusCode, &text)
	}
	_ = json.Unmarshal(text.Bytes(), &answer) // where it is no object of texts nothing of it is needed
	return reply.StatusCode, answer, true
}

// busy is the answer, in all dialects, where waiting helps.
const busy = `{"detail":"Service temporarily unavailable, try again later."}`

// live signs up, signs in, renews tokens and changes passwords until told to stop, and gives back what it was told.
func (c crasher) live(number int, over <-chan struct{}) (members []holder) {
	for n := 0; ; n++ {
		select {
		case <-over:
			return members
		default:
		}
		m := holder{name: fmt.Sprintf("ann%d_%d", number, n), passwords: []string{firstPassword}}
		status, _, ok := c.post("/auth/users/", "", map[string]string{"username": m.name, "email": m.name + "@example.com", "password": m.passwords[0]})
		if ok && status != 201 {
			c.t.Errorf("%s: sign-up is answered %d", m.name, status)
		}
		if m.acknowledged = ok; !ok {
			members = append(members, m)
			time.Sleep(10 * time.Millisecond) // the server is not there
			continue
		}
		members = append(members, c.uses(m))
	}
}

func (c crasher) uses(m holder) holder {
	_, pair, ok := c.post("/auth/jwt/create/", "", map[string]string{"username": m.name, "password": m.passwords[0]})
	if !ok {
		return m
	}
	if status, _, ok := c.send("GET", "/auth/users/me/", pair["access"], nil); ok && status != 200 {
		c.t.Errorf("%s: the own account is answered %d", m.name, status)
	}
	change := m.passwords[0] + "2"
	status, _, ok := c.post("/auth/users/set_password/", pair["access"], map[string]string{"current_password": m.passwords[0], "new_password": change})
	switch {
	case !ok:
		m.passwords = append(m.passwords, change)
		return m
	case status != 204:
		c.t.Errorf("%s: the password's change is answered %d", m.name, status)
		return m
	}
	m.passwords = []string{change}
	if _, pair, ok = c.post("/auth/jwt/create/", "", map[string]string{"username": m.name, "password": change}); !ok {
		return m
	}
	for range 3 {
		_, next, ok := c.post("/auth/jwt/refresh/", "", map[string]string{"refresh": pair["refresh"]})
		if !ok {
			return m
		}
		pair = next
	}
	m.refresh = pair["refresh"]
	return m
}

// A load is clients of a server, and who is told of what they do: everything that must come out right in the end.
type load struct {
	t      *testing.T
	url    string
	file   string // the configuration
	inbox  *testenv.SMTP
	events *receiver

	stop  func() // ends the clients
	lives [][]holder
}

// newLoad writes the configuration of a server on the database, with all dialects where they are by default.
func newLoad(t *testing.T, url string) *load {
	t.Helper()
	l := &load{t: t, url: url, inbox: testenv.NewSMTP(t, testenv.SMTPOptions{}), events: newReceiver(t), file: filepath.Join(t.TempDir(), "latchkey.yaml")}
	l.events.up()
	text, err := json.Marshal(map[string]any{
		"database": url, "secret_key": secretKey, "DOMAIN": "example.com",
		"pbkdf2_iterations": 1, "login_delay_after": 0, "log_level": "warn", "mails_per_address": "", "hash_queue": 1000,
		"throttle_rates": map[string]any{"login": nil, "register": nil, "password": nil},
		"SIMPLE_JWT":     map[string]any{"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true},
		"DJOSER":         map[string]any{"SEND_CONFIRMATION_EMAIL": true, "PASSWORD_CHANGED_EMAIL_CONFIRMATION": true},
		"EMAIL_HOST":     "127.0.0.1", "EMAIL_PORT": l.inbox.Port(),
		"webhooks": []any{map[string]any{"name": "app", "url": "http://" + l.events.address + "/latchkey", "secret": webhookSecret}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

// begin lets clients loose.
func (l *load) begin(c crasher) {
	const clients = 4
	over, all := make(chan struct{}), new(sync.WaitGroup)
	l.lives = make([][]holder, clients)
	for i := range clients {
		all.Go(func() { l.lives[i] = c.live(i, over) })
	}
	l.stop = sync.OnceFunc(func() { close(over); all.Wait() })
	l.t.Cleanup(l.stop) // where the test fails before it comes to reckon
}

// reckon stops the clients and compares what they were told with what is there: all that was acknowledged once, nothing by half, and everybody got the mails and the webhook that
// were owed, however often under one id. It ends the program.
func (l *load) reckon(p *program) {
	t := l.t
	t.Helper()
	l.stop()
	members, inbox, events := slices.Concat(l.lives...), l.inbox, l.events
	// Dead processes hold some of what is owed for a while yet; the test does not wait for that.
	db := openDatabase(t, l.url)
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := db.QueryRow(query, args...).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	for end := time.Now().Add(2 * time.Minute); count("select count(*) from latchkey_mail")+count("select count(*) from latchkey_webhook") > 0; time.Sleep(50 * time.Millisecond) {
		for _, owed := range []string{"update latchkey_mail set next_attempt_at = created_at where attempts > 0", "update latchkey_webhook set next_attempt_at = queued_at where attempts > 0"} {
			if _, err := db.Exec(owed); err != nil {
				t.Fatal(err)
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%d mails and %d webhooks are owed still", count("select count(*) from latchkey_mail"), count("select count(*) from latchkey_webhook"))
		}
		time.Sleep(time.Second)
	}
	letters, told := map[string][]string{}, map[string][]string{} // ids by who and what
	for _, m := range inbox.Messages() {
		key := m.To[0] + " " + m.Header.Get("Subject")
		letters[key] = append(letters[key], m.Header.Get("Message-Id"))
	}
	events.mu.Lock()
	for _, d := range events.came {
		if d.event == "user.registered" {
			told[d.user] = append(told[d.user], d.id)
		}
	}
	events.mu.Unlock()

	var acknowledged, unanswered, twice int
	for _, m := range members {
		users := count("select count(*) from auth_user where username = $1", m.name)
		if users > 1 || m.acknowledged && users != 1 {
			t.Errorf("%s is there %d times; acknowledged: %v", m.name, users, m.acknowledged)
		}
		if users == 0 {
			if len(told[m.name]) > 0 {
				t.Errorf("%s is not there, but was told of", m.name)
			}
			continue
		}
		if acknowledged++; !m.acknowledged {
			acknowledged--
			unanswered++
		}
		if ids := told[m.name]; len(ids) == 0 || len(slices.Compact(ids)) != 1 {
			t.Errorf("%s was told of under the ids %q", m.name, ids)
		}
		mails := 0
		for key, ids := range letters {
			if !strings.HasPrefix(key, m.name+"@") {
				continue
			}
			if mails++; len(ids) > 1 {
				twice++
			}
			if len(slices.Compact(ids)) != 1 {
				t.Errorf("%s: the mail came under the ids %q", key, ids)
			}
		}
		owed := 1 // for the sign-up, and for a change of the password
		if len(m.passwords) == 1 && m.passwords[0] != firstPassword {
			owed = 2
		}
		if mails < owed {
			t.Errorf("%s got %d mails of %d", m.name, mails, owed)
		}
		good := 0
		for _, password := range m.passwords {
			if status, _, _ := (crasher{base: p.base, t: t, steady: true}).post("/auth/jwt/create/", "", map[string]string{"username": m.name, "password": password}); status == 200 {
				good++
			}
		}
		if good != 1 {
			t.Errorf("%s: of the passwords %q, %d are good", m.name, m.passwords, good)
		}
		if m.refresh != "" {
			if status, _, _ := (crasher{base: p.base, t: t, steady: true}).post("/auth/jwt/refresh/", "", map[string]string{"refresh": m.refresh}); status != 200 {
				t.Errorf("%s: the newest refresh token is answered %d", m.name, status)
			}
		}
	}
	t.Logf("%d acknowledged accounts, %d whole ones that were not, of %d tries; %d mails came twice", acknowledged, unanswered, len(members), twice)
	if acknowledged == 0 {
		t.Error("no account was made")
	}
	for _, query := range []string{
		"select count(*) from token_blacklist_outstandingtoken where user_id not in (select id from auth_user)",
		"select count(*) from token_blacklist_blacklistedtoken where token_id not in (select id from token_blacklist_outstandingtoken)",
		"select count(*) from latchkey_refresh where jti not in (select jti from token_blacklist_outstandingtoken)",
		// A family has one token that is not used up.
		"select count(*) from (select family from latchkey_refresh where rotated_at is null group by family having count(*) > 1) as f",
	} {
		if n := count(query); n != 0 {
			t.Errorf("%s: %d", query, n)
		}
	}
	p.terminate()
	if strings.HasPrefix(l.url, "sqlite:") {
		var verdict string
		if err := db.QueryRow("pragma integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("%s, %v", verdict, err)
		}
	}
}

// times is how often a test does what it is about: LATCHKEY_TEST_KILLS where that is set.
func times(t *testing.T, usual int) int {
	text := os.Getenv("LATCHKEY_TEST_KILLS")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("LATCHKEY_TEST_KILLS: %v", err)
	}
	return n
}

// TestCrashes kills the server again and again, at any moment of a load of sign-ups, sign-ins, changed passwords and renewed tokens. It begins anew each time by itself, and nothing is lost.
// LATCHKEY_TEST_KILLS says how often; hundreds take minutes.
func TestCrashes(t *testing.T) {
	kills := times(t, 8)
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		l := newLoad(t, url)
		folder, address := t.TempDir(), freeAddress(t)
		p := launch(t, folder, address, "--config", l.file)
		p.ready()
		l.begin(crasher{base: p.base, t: t})
		for range kills {
			time.Sleep(time.Duration(5+rand.IntN(300)) * time.Millisecond)
			p.kill()
			p = launch(t, folder, address, "--config", l.file)
			p.ready()
		}
		time.Sleep(200 * time.Millisecond)
		l.reckon(p)
	})
}
