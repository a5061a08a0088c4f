package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"latchkey/internal/testenv"
)

const webhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// A receiver is a real server at an address of its own that can be up or down. It takes only what is signed.
type receiver struct {
	t        *testing.T
	address  string
	verifier *standardwebhooks.Webhook
	web      *http.Server

	mu     sync.Mutex
	status int
	came   []delivery
}

// A delivery is a request that came, whatever it was answered.
type delivery struct{ id, event, user string }

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, address: freeAddress(t), verifier: verifier, status: http.StatusOK}
	t.Cleanup(r.down)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	if err := r.verifier.Verify(body, q.Header); err != nil {
		r.t.Error(err)
	}
	var m struct {
		Type string
		Data struct{ User struct{ Username string } }
	}
	if err := json.Unmarshal(body, &m); err != nil {
		r.t.Errorf("%s: %v", body, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.came = append(r.came, delivery{q.Header.Get("webhook-id"), m.Type, m.Data.User.Username})
	w.WriteHeader(r.status)
}

func (r *receiver) up() {
	r.t.Helper()
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.web = &http.Server{Handler: r}
	go r.web.Serve(l)
}

func (r *receiver) down() {
	if r.web != nil {
		r.web.Close()
		r.web = nil
	}
}

// take waits for n deliveries and takes them.
func (r *receiver) take(n int) []delivery {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		if len(r.came) >= n {
			came := r.came
			r.came = nil
			r.mu.Unlock()
			return came
		}
		r.mu.Unlock()
		if time.Now().After(end) {
			r.t.Fatalf("%d deliveries came, not %d", len(r.came), n)
		}
	}
}

// events are those of one user, in the order of their coming.
func events(came []delivery, user string) (names []string) {
	for _, d := range came {
		if d.user == user {
			names = append(names, d.event)
		}
	}
	return names
}

// tells writes a configuration that tells a receiver of events.
func tells(t *testing.T, database string, r *receiver) (file string) {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"database": database, "secret_key": secretKey, "DOMAIN": "example.com", "mounts": []any{map[string]any{"path": "/auth", "dialect": "djoser"}},
		"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
		"webhooks":      []any{map[string]any{"name": "app", "url": "http://" + r.address + "/latchkey", "secret": webhookSecret}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func somebody(name string) map[string]string {
	return map[string]string{"username": name, "email": name + "@example.com", "password": "Nw7!xyzzyQ"}
}

// TestOwedEventsOutliveACrash kills the program while it owes events to a receiver that is down, and starts both again.
func TestOwedEventsOutliveACrash(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		r := newReceiver(t)
		file := tells(t, url, r)
		p := launch(t, t.TempDir(), freeAddress(t), "--config", file)
		p.ready()
		p.call("POST", "/auth/users/", "", somebody("ann"), 201)
		p.call("POST", "/auth/jwt/create/", "", somebody("ann"), 200)
		p.kill()

		db := openDatabase(t, url)
		var owed []string
		rows, err := db.Query("select event_id from latchkey_webhook order by id")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				t.Fatal(err)
			}
			owed = append(owed, id)
		}
		rows.Close()
		// The dead process may hold the first event for a while yet; the test does not wait for that.
		if _, err := db.Exec("update latchkey_webhook set next_attempt_at = queued_at"); err != nil {
			t.Fatal(err)
		}
		r.up()
		p = launch(t, t.TempDir(), freeAddress(t), "--config", file)
		p.ready()
		came := r.take(2)
		if got := []string{came[0].id, came[1].id}; !slices.Equal(got, owed) {
			t.Errorf("came %q, owed were %q", got, owed)
		}
		if got := events(came, "ann"); !slices.Equal(got, []string{"user.registered", "user.login"}) {
			t.Errorf("came %q", got)
		}
		p.terminate()
		if n := len(r.take(0)); n > 0 {
			t.Errorf("%d more came", n)
		}
	})
}

// TestTwoProgramsTellOnce has two programs on one database serve the same users at once: each event comes, and is not told twice while both live.
func TestTwoProgramsTellOnce(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		r := newReceiver(t)
		r.up()
		file := tells(t, url, r)
		programs := []*program{launch(t, t.TempDir(), freeAddress(t), "--config", file), launch(t, t.TempDir(), freeAddress(t), "--config", file)}
		for _, p := range programs {
			p.ready()
		}
		const users, logins = 4, 4
		var wait sync.WaitGroup
		for i := range users {
			wait.Go(func() {
				who := somebody(fmt.Sprint("user", i))
				programs[i%2].call("POST", "/auth/users/", "", who, 201)
				for n := range logins {
					programs[n%2].call("POST", "/auth/jwt/create/", "", who, 200)
				}
			})
		}
		wait.Wait()
		came := r.take(users * (1 + logins))
		ids := map[string]bool{}
		for _, d := range came {
			ids[d.id] = true
		}
		for _, p := range programs {
			p.terminate()
		}
		if more := r.take(0); len(ids) != len(came) || len(more) > 0 {
			t.Errorf("%d deliveries of %d events, and then %v", len(came), len(ids), more)
		}
		for i := range users {
			if got := events(came, fmt.Sprint("user", i)); len(got) != 1+logins || got[0] != "user.registered" {
				t.Errorf("told of user%d: %q", i, got)
			}
		}
	})
}

// TestWebhookCommands lists and replays what a receiver wanted no more, while the program runs.
func TestWebhookCommands(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		r := newReceiver(t)
		r.status = http.StatusGone
		r.up()
		file := tells(t, url, r)
		p := launch(t, t.TempDir(), freeAddress(t), "--config", file)
		p.ready()
		latchkey := func(want int, args ...string) string {
			t.Helper()
			path, err := build()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(path, append(append([]string{"webhook"}, args...), "--config", file)...)
			cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LATCHKEY_") })
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != want {
				t.Fatalf("webhook %q left with %d: %s", args, code, out)
			}
			return string(out)
		}
		p.call("POST", "/auth/users/", "", somebody("ann"), 201)
		p.call("POST", "/auth/users/", "", somebody("bob"), 201)
		first := r.take(2)
		var listed string
		for end := time.Now().Add(time.Minute); strings.Count(listed, "\n") != 3; listed = latchkey(0, "list", "--failed") {
			if time.Now().After(end) {
				t.Fatalf("webhook list says:\n%s", listed)
			}
		}
		for _, want := range []string{"ID  RECEIVER  EVENT", "1   app       user.registered  1 ", "the receiver answered 410", "GIVEN UP"} {
			if !strings.Contains(listed, want) {
				t.Errorf("there is no %q in\n%s", want, listed)
			}
		}
		if out := latchkey(0, "list"); strings.Count(out, "\n") != 1 {
			t.Errorf("still owed are\n%s", out)
		}
		var line struct {
			ID      int
			EventID string `json:"event_id"`
			Body    struct {
				Type string
				Data struct{ User struct{ Email string } }
			}
		}
		if err := json.NewDecoder(strings.NewReader(latchkey(0, "list", "--failed", "--json"))).Decode(&line); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(first, func(d delivery) bool { return d.id == line.EventID }) || line.Body.Data.User.Email != "ann@example.com" {
			t.Errorf("got %+v, told were %v", line, first)
		}
		r.mu.Lock()
		r.status = http.StatusNoContent
		r.mu.Unlock()
		for _, args := range [][]string{{"replay"}, {"replay", "1", "--all"}, {"replay", "1", "99"}} {
			latchkey(1, args...)
		}
		if out := latchkey(0, "list", "--failed"); strings.Count(out, "\n") != 3 { // a replay that was refused changed nothing
			t.Errorf("given up are\n%s", out)
		}
		latchkey(0, "replay", "1")
		again := r.take(1)
		if again[0].user != "ann" || !slices.Contains(first, again[0]) {
			t.Errorf("replayed was %v, of %v", again, first)
		}
		if out := latchkey(0, "replay", "--all"); !strings.Contains(out, "1 will be told again") {
			t.Errorf("replay --all says %s", out)
		}
		r.take(1)
		p.terminate()
		if n := strings.Count(p.log.String(), "an event is given up"); n != 2 || strings.Contains(p.log.String(), webhookSecret) {
			t.Errorf("the log says %d times that an event is given up", n)
		}
	})
}
