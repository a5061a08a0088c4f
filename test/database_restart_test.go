package test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// TestPostgresRestarts kills PostgreSQL again and again under a load of sign-ups, sign-ins, changed passwords and renewed tokens, and leaves it down for a while. All that time the program
// says so, in every dialect, at once and as JSON; afterwards it goes on by itself, and nothing is lost. LATCHKEY_TEST_KILLS says how often.
func TestPostgresRestarts(t *testing.T) {
	kills := times(t, 3)
	server := testenv.NewPostgres(t)
	l := newLoad(t, server.URL)
	p := launch(t, t.TempDir(), freeAddress(t), "--config", l.file)
	p.ready()
	var refused atomic.Int64
	l.begin(crasher{base: p.base, t: t, steady: true, refused: &refused})
	for n := range kills {
		time.Sleep(time.Duration(300+rand.IntN(700)) * time.Millisecond)
		server.Kill([]string{"KILL", "QUIT"}[n%2])
		until(t, "not ready", func() bool { return status(t, p.base+"/readyz") == 503 })
		before := refused.Load()
		for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			p.lacksDatabase(server.Password)
		}
		until(t, "clients are refused", func() bool { return refused.Load() > before+4 })
		server.Start()
		p.ready()
		p.call("POST", "/auth/users/", "", map[string]string{"username": fmt.Sprintf("back%d", n), "email": fmt.Sprintf("back%d@example.com", n), "password": firstPassword}, 201)
	}
	time.Sleep(300 * time.Millisecond)
	l.reckon(p)
	said := p.log.String()
	if strings.Contains(said, "level=ERROR") || strings.Contains(said, server.Password) {
		t.Errorf("the log holds an error or a secret:\n%s", said)
	}
	if n := strings.Count(said, `msg="the database is not available"`); n == 0 || n > 20*kills {
		t.Errorf("the log tells %d times that the database is not available, %d requests were refused:\n%s", n, refused.Load(), said)
	}
	t.Logf("%d kills, %d requests were refused", kills, refused.Load())
}

// TestPostgresCutsConnections has PostgreSQL end all connections of the program while it stays up itself, as an operator or a failover does. Under load that costs the requests under way
// a 503 and nobody anything that was acknowledged. Connections that nobody used at the moment are replaced, and their next request notices nothing.
func TestPostgresCutsConnections(t *testing.T) {
	url := testenv.Postgres(t)
	admin := openDatabase(t, url)
	cut := func() {
		t.Helper()
		var pids string
		const ended = "select pid, pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut'"
		if err := admin.QueryRow("with ended as materialized (" + ended + ") select coalesce(array_agg(pid), '{}')::text from ended").Scan(&pids); err != nil {
			t.Fatal(err)
		}
		until(t, "the connections are cut", func() (gone bool) {
			err := admin.QueryRow("select not exists (select from pg_stat_activity where pid = any ($1::text::int[]))", pids).Scan(&gone)
			return err == nil && gone
		})
	}
	l := newLoad(t, url+"&application_name=cut")
	p := launch(t, t.TempDir(), freeAddress(t), "--config", l.file)
	p.ready()

	ann := map[string]string{"username": "ann", "email": "ann@example.com", "password": firstPassword}
	p.call("POST", "/auth/users/", "", ann, 201)
	access := fmt.Sprint(p.call("POST", "/auth/jwt/create/", "", ann, 200)["access"])
	for n := range 10 {
		var all sync.WaitGroup // several connections
		for range 8 {
			all.Go(func() { _ = status(t, p.base+"/readyz") })
		}
		all.Wait()
		cut()
		p.call("GET", "/auth/users/me/", access, nil, 200)
		cut()
		p.call("POST", "/auth/users/", "", map[string]string{"username": fmt.Sprintf("bob%d", n), "email": fmt.Sprintf("bob%d@example.com", n), "password": firstPassword}, 201)
	}

	var refused atomic.Int64
	l.begin(crasher{base: p.base, t: t, steady: true, refused: &refused})
	for range times(t, 10) {
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
		cut()
	}
	l.reckon(p)
	if said := p.log.String(); strings.Contains(said, "level=ERROR") {
		t.Errorf("the log holds an error:\n%s", said)
	}
	t.Logf("%d requests were refused", refused.Load())
}

// lacksDatabase checks what is answered while there is no database.
func (p *program) lacksDatabase(secret string) {
	p.t.Helper()
	credentials := `{"username": "nobody", "email": "nobody@example.com", "password": "Nw7!xyzzyQ"}`
	client := http.Client{Timeout: patience}
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/healthz", "", 200, ""},
		{"GET", "/readyz", "", 503, "the database does not answer\n"},
		{"POST", "/auth/users/", credentials, 503, busy},
		{"POST", "/auth/jwt/create/", credentials, 503, busy},
		{"POST", "/auth/users/reset_password/", credentials, 503, busy},
		{"POST", "/api/auth/login/", credentials, 503, busy},
		{"POST", "/api/token/", credentials, 503, busy},
		{"POST", "/api/auth/login", credentials, 503, busy},
		{"POST", "/auth/jwt/refresh/", `{"refresh": "x.y.z"}`, 401, ""}, // needs none
	} {
		r, err := http.NewRequest(c.method, p.base+c.path, strings.NewReader(c.body))
		if err != nil {
			p.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(r)
		if err != nil {
			p.t.Errorf("%s is not answered: %v", c.path, err)
			continue
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != c.status || c.want != "" && string(body) != c.want || strings.Contains(string(body), secret) {
			p.t.Errorf("%s is answered %d, %v: %s", c.path, answer.StatusCode, err, body)
		}
		if c.want == busy && (answer.Header.Get("Retry-After") == "" || answer.Header.Get("Content-Type") != "application/json") {
			p.t.Errorf("%s is answered with %v", c.path, answer.Header)
		}
	}
}

// status is that of a GET.
func status(t *testing.T, url string) int {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// until waits for something to come true, half a minute at most.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within half a minute", what)
		}
	}
}
