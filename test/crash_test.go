package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"latchkey/internal/testenv"
)

// kills is how often TestCrashesUnderLoad kills the program on each database.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("LATCHKEY_TEST_KILLS")
	if text == "" {
		return 12
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("LATCHKEY_TEST_KILLS is %q, and not how often to kill", text)
	}
	return n
}

// TestCrashesUnderLoad kills the program again and again while clients use it, also while it starts. What was acknowledged must be there once, what was not must be there
// wholly or not at all, mails and events must come, under one id however often, and each start must go by itself.
func TestCrashesUnderLoad(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("the seed is %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		w := newCrashWorld(t, url)
		stop := w.load(4, seed)
		defer stop()
		var inStart int
		times := kills(t)
		for i := range times {
			p := w.launch()
			if i == 0 || random.IntN(6) == 0 { // the first start makes the tables
				inStart++
				time.Sleep(time.Duration(random.IntN(80)) * time.Millisecond)
				p.kill()
				continue
			}
			p.ready()
			w.nothingHalf()
			w.serve(p.base)
			time.Sleep(time.Duration(5+random.IntN(296)) * time.Millisecond)
			p.kill()
			w.serve("")
		}
		p := w.launch()
		p.ready()
		w.nothingHalf()
		w.serve(p.base)
		stop()
		w.acknowledged()
		w.drain()
		w.told()
		w.nothingHalf()
		w.noOrphans()
		p.kill() // so that the file is left as a crash leaves it
		w.sound()
		t.Logf("%d kills, %d of them in the start; %s", times, inStart, w.summary())
	})
}

// A crashWorld is what a program that crashes is used by: clients, a mail server and a receiver, which remember.
type crashWorld struct {
	t      *testing.T
	url    string
	file   string
	folder string
	base   atomic.Pointer[string] // empty while the program is down
	over   chan struct{}          // closed when the clients are to come to an end
	client *http.Client
	smtp   *testenv.SMTP

	answers, lost     atomic.Int64 // requests that were answered, and those that were not
	refused           atomic.Int64 // those answered 503
	retried           atomic.Int64 // mails and events that came more than once
	verifier          *standardwebhooks.Webhook
	mu                sync.Mutex
	accounts          map[string]*crashAccount
	mails             map[string]*crashMail // by Message-ID
	events            map[string]*crashEvent
	owedMail, owedEvt map[string]bool // what was seen in the queues
}

// A crashAccount is what its client knows of it.
type crashAccount struct {
	name, password, before string // before is the last password that is over
	made                   bool   // the sign-up was acknowledged, or found to be done
	active                 bool
	changes                int
	refresh                string
	logins                 int // those acknowledged
}

type crashMail struct {
	to, subject, text string
	times             int
}

type crashEvent struct {
	name, user string
	times      int
}

func newCrashWorld(t *testing.T, url string) *crashWorld {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	w := &crashWorld{
		t: t, url: url, folder: t.TempDir(), over: make(chan struct{}), verifier: verifier,
		// A connection for each request: nothing is sent again behind the back of the test.
		client:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute},
		accounts: map[string]*crashAccount{}, mails: map[string]*crashMail{}, events: map[string]*crashEvent{},
		owedMail: map[string]bool{}, owedEvt: map[string]bool{},
	}
	// Taking a mail lasts a while, so that some kills come between the mail and the note that it went.
	w.smtp = testenv.NewSMTP(t, testenv.SMTPOptions{Faults: map[testenv.SMTPStage]testenv.SMTPFault{testenv.SMTPData: {Delay: 10 * time.Millisecond}}})
	receiver := httptest.NewServer(http.HandlerFunc(w.event))
	t.Cleanup(receiver.Close)
	w.serve("")
	text, err := json.Marshal(map[string]any{
		"database": url, "secret_key": secretKey, "DOMAIN": "example.com", "SITE_NAME": "Example", "log_level": "warn",
		"mounts":            []any{map[string]any{"path": "/auth", "dialect": "djoser"}},
		"EMAIL_HOST":        "127.0.0.1",
		"EMAIL_PORT":        w.smtp.Port(),
		"DJOSER":            map[string]any{"SEND_ACTIVATION_EMAIL": true, "ACTIVATION_URL": "activate/{uid}/{token}", "PASSWORD_CHANGED_EMAIL_CONFIRMATION": true},
		"SIMPLE_JWT":        map[string]any{"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true},
		"webhooks":          []any{map[string]any{"name": "app", "url": receiver.URL + "/latchkey", "secret": webhookSecret}},
		"throttle_rates":    map[string]any{"login": nil, "register": nil, "mail": nil, "link": nil, "password": nil, "refresh": nil},
		"login_delay_after": 0,
		"refresh_grace":     "5m",
		"pbkdf2_iterations": fewRounds,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.file = filepath.Join(w.folder, "latchkey.yaml")
	if err := os.WriteFile(w.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// launch starts the program, each time at another address: nobody else can have taken it meanwhile.
func (w *crashWorld) launch() *program {
	w.t.Helper()
	return launch(w.t, w.folder, freeAddress(w.t), "--config", w.file)
}

// serve tells the clients where the program is.
func (w *crashWorld) serve(base string) { w.base.Store(&base) }

// event is the receiver. It takes note, and fails now and then after that, so that events come again.
func (w *crashWorld) event(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the program was killed in the middle
	}
	if err := w.verifier.Verify(body, r.Header); err != nil {
		w.t.Error(err)
	}
	var m struct {
		Type string
		Data struct{ User struct{ Username string } }
	}
	if err := json.Unmarshal(body, &m); err != nil {
		w.t.Errorf("%s: %v", body, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id := r.Header.Get("webhook-id")
	e := w.events[id]
	if e == nil {
		e = &crashEvent{name: m.Type, user: m.Data.User.Username}
		w.events[id] = e
	}
	if e.times++; e.times > 1 {
		w.retried.Add(1)
	}
	if e.name != m.Type || e.user != m.Data.User.Username {
		w.t.Errorf("the event %s came as %s of %s and as %s of %s", id, e.name, e.user, m.Type, m.Data.User.Username)
	}
	if e.times == 1 && len(w.events)%50 == 0 {
		rw.WriteHeader(http.StatusServiceUnavailable)
	}
}

// collect takes the mails that have come. The caller holds mu.
func (w *crashWorld) collect() {
	for _, m := range w.smtp.Take(len(w.smtp.Messages()), time.Minute) {
		id := strings.Trim(m.Header.Get("Message-ID"), "<>")
		known := w.mails[id]
		if known == nil {
			known = &crashMail{to: m.To[0], subject: m.Header.Get("Subject"), text: m.Text}
			w.mails[id] = known
		}
		if known.times++; known.times > 1 {
			w.retried.Add(1)
		}
		if known.to != m.To[0] || known.text != m.Text {
			w.t.Errorf("the mail %s came to %s and to %s, or with another text", id, known.to, m.To[0])
		}
	}
}

// ask sends a request once the program is there, and answers 0 for one that got no answer.
func (w *crashWorld) ask(method, path, authorization string, body any) (status int, answer map[string]any) {
	base := *w.base.Load()
	for end := time.Now().Add(2 * time.Minute); base == ""; base = *w.base.Load() {
		if time.Now().After(end) {
			w.t.Errorf("%s %s: there was no program for minutes", method, path)
			return 0, nil
		}
		time.Sleep(time.Millisecond)
	}
	payload, err := json.Marshal(body)
	if err != nil {
		w.t.Error(err)
		return 0, nil
	}
	r, err := http.NewRequest(method, base+path, bytes.NewReader(payload))
	if err != nil {
		w.t.Error(err)
		return 0, nil
	}
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	reply, err := w.client.Do(r)
	if err != nil {
		if os.IsTimeout(err) {
			w.t.Errorf("%s %s hangs", method, path)
		}
		w.lost.Add(1)
		time.Sleep(2 * time.Millisecond) // the program may be dead, and the next one not there yet
		return 0, nil
	}
	defer reply.Body.Close()
	data, err := io.ReadAll(reply.Body)
	if err != nil {
		w.lost.Add(1)
		return 0, nil
	}
	w.answers.Add(1)
	if reply.StatusCode == http.StatusServiceUnavailable {
		w.refused.Add(1)
		time.Sleep(20 * time.Millisecond)
		return 0, nil // which may have been done all the same
	}
	if reply.StatusCode >= 500 {
		w.t.Errorf("%s %s answered %d: %s", method, path, reply.StatusCode, data)
	}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &answer); err != nil {
			w.t.Errorf("%s %s answered %s: %v", method, path, data, err)
		}
	}
	return reply.StatusCode, answer
}

// insist asks until there is an answer, and wants one of the statuses.
func (w *crashWorld) insist(method, path, authorization string, body any, statuses ...int) (status int, answer map[string]any) {
	for end := time.Now().Add(2 * time.Minute); status == 0; {
		if status, answer = w.ask(method, path, authorization, body); status == 0 && time.Now().After(end) {
			w.t.Errorf("%s %s got no answer for minutes", method, path)
			return 0, nil
		}
	}
	if !slices.Contains(statuses, status) {
		w.t.Errorf("%s %s answered %d, not one of %d: %v (asked with %v)", method, path, status, statuses, answer, body)
	}
	return status, answer
}

// load starts clients; stop has them finish what they are at, and waits for that.
func (w *crashWorld) load(clients int, seed uint64) (stop func()) {
	var all sync.WaitGroup
	for i := range clients {
		random := rand.New(rand.NewPCG(seed, uint64(i+1)))
		all.Go(func() {
			for n := 0; !w.ending() && !w.t.Failed(); n++ {
				w.oneLife(random, fmt.Sprintf("user-%d-%d", i, n))
			}
		})
	}
	return sync.OnceFunc(func() {
		close(w.over)
		all.Wait()
	})
}

func (w *crashWorld) ending() bool {
	select {
	case <-w.over:
		return true
	default:
		return false
	}
}

// oneLife signs up, activates, signs in, refreshes and changes the password. What gets no answer is asked again, or found out.
func (w *crashWorld) oneLife(random *rand.Rand, name string) {
	a := &crashAccount{name: name, password: "Nw7!xyzzyQ"}
	w.mu.Lock()
	w.accounts[name] = a
	w.mu.Unlock()
	body := map[string]string{"username": name, "email": name + "@example.com", "password": a.password}
	switch status, answer := w.ask("POST", "/auth/users/", "", body); {
	case status == 201:
		a.made = true
	case status != 0:
		w.t.Errorf("the sign-up of %s answered %d: %v", name, status, answer)
		return
	case random.IntN(2) == 0: // nobody asks again: nothingHalf looks at what there is
		return
	default:
		w.insist("POST", "/auth/users/", "", body, 201, 400) // 400: the name was taken, by the request before
		a.made = true
	}
	mail := w.mailed(name)
	if mail == "" {
		return // its mail was in a dead program's hands: it is activated in the end
	}
	w.activate(a, mail)
	for range 1 + random.IntN(3) {
		if w.ending() || w.t.Failed() {
			return
		}
		access := w.signIn(a)
		for range random.IntN(3) {
			w.refreshToken(a)
		}
		if random.IntN(2) == 0 {
			w.insist("POST", "/auth/token/login/", "", a.credentials(), 200)
			a.logins++
		}
		if random.IntN(3) > 0 {
			w.changePassword(a, access)
		}
	}
}

func (a *crashAccount) credentials() map[string]string {
	return map[string]string{"username": a.name, "password": a.password}
}

// mailed waits a moment for the mail with an account's link; "" for none yet.
func (w *crashWorld) mailed(name string) string {
	for end := time.Now().Add(250 * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		w.mu.Lock()
		w.collect()
		text := w.linkMail(name)
		w.mu.Unlock()
		if text != "" {
			return text
		}
	}
	return ""
}

// linkMail is the text of the mail with an account's link. The caller holds mu.
func (w *crashWorld) linkMail(name string) string {
	for _, m := range w.mails {
		if m.to == name+"@example.com" && mailedToken.MatchString(m.text) {
			return m.text
		}
	}
	return ""
}

func (w *crashWorld) activate(a *crashAccount, mail string) {
	found := mailedToken.FindStringSubmatch(mail)
	body := map[string]string{"uid": found[1], "token": found[2]}
	status, answer := w.ask("POST", "/auth/users/activation/", "", body)
	if status == 0 {
		w.insist("POST", "/auth/users/activation/", "", body, 204, 403) // 403: the link was used, by the request before
	} else if status != 204 {
		w.t.Errorf("the activation of %s answered %d: %v", a.name, status, answer)
	}
	a.active = true
}

func (w *crashWorld) signIn(a *crashAccount) (access string) {
	_, pair := w.insist("POST", "/auth/jwt/create/", "", a.credentials(), 200)
	access, _ = pair["access"].(string)
	a.refresh, _ = pair["refresh"].(string)
	a.logins++
	return access
}

// refreshToken rotates the token. Where the answer got lost the old one is good for the same successor.
func (w *crashWorld) refreshToken(a *crashAccount) {
	_, pair := w.insist("POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": a.refresh}, 200)
	a.refresh, _ = pair["refresh"].(string)
}

func (w *crashWorld) changePassword(a *crashAccount, access string) {
	fresh := fmt.Sprintf("Nw7!xyzzyQ%d", a.changes+1)
	status, answer := w.ask("POST", "/auth/users/set_password/", "Bearer "+access, map[string]string{"current_password": a.password, "new_password": fresh})
	switch status {
	case 204:
	case 0: // who can sign in tells whether it was done
		if status, _ := w.insist("POST", "/auth/jwt/create/", "", a.credentials(), 200, 401); status == 200 {
			a.logins++
			return
		}
	default:
		w.t.Errorf("the change of %s's password answered %d: %v", a.name, status, answer)
		return
	}
	a.before, a.password, a.refresh = a.password, fresh, ""
	a.changes++
}

// column reads texts. Its connection ends with it: one that stayed open would do a part of what a start has to do after a crash.
func (w *crashWorld) column(query string) (all []string) {
	w.t.Helper()
	db := openDatabase(w.t, w.url)
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// nothingHalf wants the mail and the event of every account there is, owed or told, and what else belongs to it; and notes what is owed.
func (w *crashWorld) nothingHalf() {
	w.t.Helper()
	users := w.column("select username from auth_user") // before the queues, which only what is told leaves
	mails, events := map[string]bool{}, map[string]bool{}
	for _, line := range w.column("select message_id || ' ' || recipient || ' ' || body_text from latchkey_mail") {
		id, rest, _ := strings.Cut(line, " ")
		to, text, _ := strings.Cut(rest, " ")
		w.owedMail[id] = true
		if mailedToken.MatchString(text) {
			mails[to] = true
		}
	}
	for _, line := range w.column("select event_id || ' ' || body from latchkey_webhook where event = 'user.registered'") {
		_, body, _ := strings.Cut(line, " ")
		var m struct {
			Data struct{ User struct{ Username string } }
		}
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			w.t.Errorf("%s: %v", body, err)
		}
		events[m.Data.User.Username] = true
	}
	for _, id := range w.column("select event_id from latchkey_webhook") {
		w.owedEvt[id] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.collect()
	for _, m := range w.mails {
		if mailedToken.MatchString(m.text) {
			mails[m.to] = true
		}
	}
	for _, e := range w.events {
		if e.name == "user.registered" {
			events[e.user] = true
		}
	}
	there := map[string]bool{}
	for _, name := range users {
		switch {
		case there[name]:
			w.t.Errorf("there are two of %s", name)
		case w.accounts[name] == nil:
			w.t.Errorf("nobody signed up as %q", name)
		}
		there[name] = true
		if !mails[name+"@example.com"] || !events[name] {
			w.t.Errorf("%s is there; owed or told: mail %t, event %t", name, mails[name+"@example.com"], events[name])
		}
	}
	for to := range mails {
		if name := strings.TrimSuffix(to, "@example.com"); !there[name] && !slices.Contains(users, name) && !w.late(name) {
			w.t.Errorf("%s got mail and is not there", name)
		}
	}
}

// late tells of somebody who was not there when the users were read whether they are now: a server of a database may finish what a dead program began.
func (w *crashWorld) late(name string) bool {
	return slices.Contains(w.column("select username from auth_user"), name)
}

// acknowledged asks for everything that the clients know to be done.
func (w *crashWorld) acknowledged() {
	accounts := slices.Collect(maps.Values(w.accounts))
	todo := make(chan *crashAccount)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for a := range todo {
				if a.refresh != "" {
					w.refreshToken(a)
				}
				if a.active {
					w.signIn(a)
					if a.before != "" {
						w.insist("POST", "/auth/jwt/create/", "", map[string]string{"username": a.name, "password": a.before}, 401)
					}
				}
			}
		})
	}
	for _, a := range accounts {
		todo <- a
	}
	close(todo)
	all.Wait()
	there := map[string]bool{}
	for _, name := range w.column("select username from auth_user") {
		there[name] = true
	}
	for _, a := range accounts {
		if a.made && !there[a.name] {
			w.t.Errorf("%s was told of an account and has none", a.name)
		}
	}
}

// drain waits until nothing is owed, and activates who has waited for their mail. Dead programs hold some for a while yet; the test does not wait for that.
func (w *crashWorld) drain() {
	w.t.Helper()
	db := openDatabase(w.t, w.url)
	defer db.Close()
	empty := func() {
		w.t.Helper()
		for end := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
			var n int
			if err := db.QueryRow("select (select count(*) from latchkey_mail) + (select count(*) from latchkey_webhook)").Scan(&n); err != nil {
				w.t.Fatal(err)
			}
			if n == 0 {
				return
			}
			if time.Now().After(end) {
				w.t.Fatalf("%d mails and events are still owed", n)
			}
		}
	}
	for _, query := range []string{"update latchkey_mail set next_attempt_at = created_at", "update latchkey_webhook set next_attempt_at = queued_at"} {
		if _, err := db.Exec(query); err != nil {
			w.t.Fatal(err)
		}
	}
	empty()
	for _, a := range w.accounts {
		if !a.made || a.active {
			continue
		}
		w.mu.Lock()
		w.collect()
		text := w.linkMail(a.name)
		w.mu.Unlock()
		if text == "" {
			w.t.Errorf("%s never got a link", a.name)
			continue
		}
		w.activate(a, text)
		w.signIn(a)
	}
	empty()
}

// told compares the mails and events that came with what happened.
func (w *crashWorld) told() {
	users := w.column("select username from auth_user")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.collect()
	for id := range w.owedMail {
		if w.mails[id] == nil {
			w.t.Errorf("the mail %s was owed and never came", id)
		}
	}
	for id := range w.owedEvt {
		if w.events[id] == nil {
			w.t.Errorf("the event %s was owed and never came", id)
		}
	}
	links, notes := map[string]int{}, map[string]int{}
	for _, m := range w.mails {
		if mailedToken.MatchString(m.text) {
			links[m.to]++
		} else {
			notes[m.to]++
		}
	}
	happened := map[string]int{}
	for _, e := range w.events {
		happened[e.user+" "+e.name]++
	}
	for _, name := range users {
		a, to := w.accounts[name], name+"@example.com"
		if links[to] != 1 || notes[to] != a.changes {
			w.t.Errorf("%s got %d links and %d notes of %d changes", name, links[to], notes[to], a.changes)
		}
		registered, changed, logins := happened[name+" user.registered"], happened[name+" password.changed"], happened[name+" user.login"]
		if registered != 1 || changed != a.changes || logins < a.logins {
			w.t.Errorf("of %s was told: registered %d, changed %d of %d, login %d of %d", name, registered, changed, a.changes, logins, a.logins)
		}
	}
}

// noOrphans wants every row that belongs to a user to have one, and every user their rows.
func (w *crashWorld) noOrphans() {
	w.t.Helper()
	users := "select cast(id as text) from auth_user"
	for _, query := range []string{
		"select user_id from authtoken_token where cast(user_id as text) not in (" + users + ")",
		"select user_id from account_emailaddress where cast(user_id as text) not in (" + users + ")",
		"select user_id from token_blacklist_outstandingtoken where cast(user_id as text) not in (" + users + ")",
		"select token_id from token_blacklist_blacklistedtoken where token_id not in (select id from token_blacklist_outstandingtoken)",
		"select user_id from latchkey_activation where user_id not in (" + users + ")",
		"select user_id from latchkey_device where user_id not in (" + users + ")",
		"select user_id from latchkey_refresh where user_id not in (" + users + ")",
		"select user_id from latchkey_link where user_id not in (" + users + ")",
		"select jti from latchkey_refresh where successor <> '' and successor not in (select jti from latchkey_refresh)",
		"select jti from latchkey_refresh where jti not in (select jti from token_blacklist_outstandingtoken)",
		"select username from auth_user where cast(id as text) not in (select user_id from latchkey_activation)",
		"select username from auth_user where id not in (select user_id from account_emailaddress)",
		"select lower(username) from auth_user group by lower(username) having count(*) > 1",
	} {
		if rows := w.column(query); len(rows) > 0 {
			w.t.Errorf("%s: %d rows, %q first", query, len(rows), rows[0])
		}
	}
}

// sound asks SQLite whether the file is.
func (w *crashWorld) sound() {
	w.t.Helper()
	if !strings.HasPrefix(w.url, "sqlite://") {
		return
	}
	if got := w.column("pragma integrity_check"); !slices.Equal(got, []string{"ok"}) {
		w.t.Errorf("the integrity check says %q", got)
	}
	if got := w.column("select \"table\" from pragma_foreign_key_check"); len(got) > 0 {
		w.t.Errorf("the foreign key check says %q", got)
	}
}

func (w *crashWorld) summary() string {
	var made, changes int
	for _, a := range w.accounts {
		if a.made {
			made++
		}
		changes += a.changes
	}
	return fmt.Sprintf("%d sign-ups and %d password changes; %d requests answered (%d of them 503), %d not; %d mails, %d events, %d of both again",
		made, changes, w.answers.Load(), w.refused.Load(), w.lost.Load(), len(w.mails), len(w.events), w.retried.Load())
}
