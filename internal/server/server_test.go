package server

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/testenv"
)

var ctx = context.Background()

const (
	secretKey = "a-secret-key-for-tests-that-is-long-enough-2b7e"
	password  = "correct-horse-7"
)

// load makes settings of the defaults of these tests and what is given beside, by dotted key.
func load(t testing.TB, url string, given map[string]string) *config.Config {
	t.Helper()
	settings := map[string]string{
		"database":          url,
		"secret_key":        secretKey,
		"mounts":            "[{path: /auth, dialect: djoser}, {path: /api/token, dialect: simplejwt}]",
		"pbkdf2_iterations": "1",
		"DOMAIN":            "example.com",
		"SITE_NAME":         "Example",
		"EMAIL_BACKEND":     "django.core.mail.backends.dummy.EmailBackend",

		"DJOSER.ACTIVATION_URL": "activate/{uid}/{token}",
	}
	maps.Copy(settings, given)
	cfg, err := config.Load(config.Options{Flags: settings})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// unlimited switches the safe profile's throttles off.
var unlimited = map[string]string{"throttle_rates": "{login: null, register: null, mail: null, link: null, password: null}"}

// with is one map of several.
func with(settings ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, some := range settings {
		maps.Copy(all, some)
	}
	return all
}

// A site is a whole server, listening.
type site struct {
	*Server
	t    testing.TB
	base string
	web  *httptest.Server
	log  *lockedBuffer
	now  *clock
	db   *sql.DB
}

// start serves the database at url until the end of the test.
func start(t testing.TB, url string, given map[string]string) *site {
	t.Helper()
	s := &site{t: t, log: &lockedBuffer{}, now: &clock{}}
	log := slog.New(LogHandler{slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})})
	var err error
	if s.Server, err = New(ctx, load(t, url, given), Options{Log: log, Now: s.now.Now, Terminal: io.Discard}); err != nil {
		t.Fatal(err)
	}
	s.web = httptest.NewUnstartedServer(nil)
	s.web.Config = HTTPServer(s.Handler(), log)
	s.web.Start()
	s.base = s.web.URL
	t.Cleanup(func() {
		s.web.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			lines := strings.SplitAfter(s.log.String(), "\n")
			t.Logf("the server said:\n%s", strings.Join(lines[max(len(lines)-100, 0):], ""))
		}
	})
	s.db = testenv.OpenDB(t, url)
	return s
}

// A reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// field is a key of a JSON body.
func (a reply) field(t testing.TB, key string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(a.body), &object); err != nil {
		t.Fatalf("%v: %d %s", err, a.status, a.body)
	}
	return fmt.Sprint(object[key])
}

// call sends a request with a JSON body, if there is one.
func (s *site) call(method, path, authorization string, body any) reply {
	s.t.Helper()
	r := s.request(method, path, authorization, body)
	a, err := s.send(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *site) request(method, path, authorization string, body any) *http.Request {
	s.t.Helper()
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		payload = bytes.NewReader(data)
	}
	r, err := http.NewRequest(method, s.base+path, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

// client gives up some time: what hangs shall fail, and not hang the tests.
var client = &http.Client{Timeout: time.Minute}

func (s *site) send(r *http.Request) (reply, error) {
	response, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(text)}, err
}

// wants calls and checks the status.
func (s *site) wants(status int, method, path, authorization string, body any) reply {
	s.t.Helper()
	a := s.call(method, path, authorization, body)
	if a.status != status {
		s.t.Fatalf("%s %s: got %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

type fields map[string]string

func credentials(name string) fields { return fields{"username": name, "password": password} }

// register signs somebody up at name@example.com.
func (s *site) register(name string) {
	s.t.Helper()
	s.wants(201, "POST", "/auth/users/", "", fields{"username": name, "email": name + "@example.com", "password": password})
}

// pair signs somebody in.
func (s *site) pair(name string) (access, refresh string) {
	s.t.Helper()
	a := s.wants(200, "POST", "/auth/jwt/create/", "", credentials(name))
	return a.field(s.t, "access"), a.field(s.t, "refresh")
}

// count is the number that a query finds.
func (s *site) count(query string) (n int) {
	s.t.Helper()
	if err := s.db.QueryRow(query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// A clock runs, and can be put ahead.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// A lockedBuffer is a log that is written and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// await waits until the log says something.
func (l *lockedBuffer) await(t testing.TB, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(l.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log does not say %q", text)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	s := start(t, testenv.SQLite(t), nil)
	for _, test := range []struct {
		sent string
		kept bool
	}{
		{"", false}, {"0123-4567_abcDEF", true}, {"short", false}, {strings.Repeat("x", 65), false}, {"has a blank", false}, {`quote"quote`, false}, {"line\tline", false},
	} {
		r := s.request("GET", "/auth/", "", nil)
		if test.sent != "" {
			r.Header.Set("X-Request-Id", test.sent)
		}
		a, err := s.send(r)
		if err != nil {
			t.Fatal(err)
		}
		id := a.header.Get("X-Request-Id")
		if len(id) < 8 || (id == test.sent) != test.kept {
			t.Errorf("%q was answered as %q", test.sent, id)
		}
		s.log.await(t, "request="+id)
	}
}

// Nothing that signs anybody in, or lets them reset anything, stands in the log, whatever becomes of the request.
func TestNoSecretsInTheLog(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		s := start(t, url, map[string]string{
			"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": fmt.Sprint(smtp.Port()),
			"DJOSER.SEND_ACTIVATION_EMAIL": "true", "SIMPLE_JWT.ROTATE_REFRESH_TOKENS": "true", "SIMPLE_JWT.BLACKLIST_AFTER_ROTATION": "true", "log_level": "debug",
		})
		const fresh, wrong = "battery-staple-8", "wrong-guess-9"
		secrets := []string{password, fresh, wrong, secretKey}
		keep := func(values ...string) { secrets = append(secrets, values...) }
		link := func() fields {
			t.Helper()
			found := mailedLink.FindStringSubmatch(smtp.Take(1, time.Minute)[0].Text)
			if found == nil {
				t.Fatal("there is no link in the mail")
			}
			keep(found[2])
			return fields{"uid": found[1], "token": found[2]}
		}
		s.register("ann")
		activation := link()
		s.wants(404, "GET", "/activate/"+activation["uid"]+"/"+activation["token"], "", nil)
		s.wants(404, "GET", "/auth/users/activation/"+activation["uid"]+"/"+activation["token"]+"/?token="+activation["token"], "", nil)
		s.wants(204, "POST", "/auth/users/activation/", "", activation)
		s.wants(403, "POST", "/auth/users/activation/", "", activation)
		s.wants(401, "POST", "/auth/jwt/create/", "", fields{"username": "ann", "password": wrong})
		access, refresh := s.pair("ann")
		keep(access, refresh)
		key := s.wants(200, "POST", "/auth/token/login/", "", credentials("ann")).field(t, "auth_token")
		keep(key)
		s.wants(200, "GET", "/auth/users/me/?access="+access, "Bearer "+access, nil)
		s.wants(200, "GET", "/auth/users/me/", "Token "+key, nil)
		s.wants(401, "GET", "/auth/users/me/", "Token "+key[:39]+"x", nil)
		next := s.wants(200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": refresh}).field(t, "refresh")
		keep(next)
		// A stolen token comes back: the log tells that, and not which. It is over the grace, and within the time that a mail just taken may need to be crossed off, or it comes again.
		s.now.advance(20 * time.Second)
		s.wants(401, "POST", "/auth/jwt/refresh/", "", fields{"refresh": refresh})
		s.log.await(t, "its family is ended")
		s.wants(400, "POST", "/auth/jwt/verify/", "", fields{"token": next})
		s.wants(204, "POST", "/auth/users/reset_password/", "", fields{"email": "ann@example.com"})
		reset := link()
		reset["new_password"] = fresh
		smtp.SetFault(testenv.SMTPData, testenv.SMTPFault{Code: 451}) // and a mail that fails tells its number, and not its link
		s.wants(204, "POST", "/auth/users/reset_username/", "", fields{"email": "ann@example.com"})
		s.log.await(t, "tried again")
		s.wants(204, "POST", "/auth/users/reset_password_confirm/", "", reset)
		s.wants(400, "POST", "/auth/users/reset_password_confirm/", "", reset)
		said := s.log.String()
		for _, secret := range secrets {
			parts := []string{secret}
			if i := strings.LastIndexByte(secret, '.'); i > 0 {
				parts = append(parts, secret[i+1:]) // the signature is what nobody may know
			}
			for _, part := range parts {
				if strings.Contains(said, part) {
					t.Errorf("the log holds %q", part)
				}
			}
		}
	})
}

var mailedLink = regexp.MustCompile(`example\.com/\S*?([^/\s]+)/([^/\s]+)\s`)

func TestPanicIsAnAnswer(t *testing.T) {
	s := start(t, testenv.SQLite(t), nil)
	log := &lockedBuffer{}
	o := Options{Log: slog.New(LogHandler{slog.NewTextHandler(log, nil)}), Now: time.Now}
	web := httptest.NewServer(s.middleware(load(t, "sqlite://x.db", nil), o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		panic("a bug that knows " + r.URL.Path)
	})))
	defer web.Close()
	a, err := s.send(get(t, web.URL+"/x"))
	if err != nil || a.status != 500 || a.body != `{"detail":"A server error occurred."}` || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %v, %v", a, err)
	}
	log.await(t, "status=500")
	for _, want := range []string{"a request panicked", "a bug that knows /x", "server_test.go", "request=" + a.header.Get("X-Request-Id")} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	if a, err := s.send(get(t, web.URL+"/abort")); err == nil {
		t.Errorf("an aborted request was answered: %v", a)
	}
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLimits(t *testing.T) {
	s := start(t, testenv.SQLite(t), map[string]string{"max_body": "2048"})
	long := fields{"username": strings.Repeat("x", 3000), "password": password}
	a := s.wants(413, "POST", "/auth/jwt/create/", "", long)
	if a.body != `{"detail":"The request body is larger than 2048 bytes."}` {
		t.Errorf("got %s", a.body)
	}
	// Without a length, as chunks of which there is no end.
	r := s.request("POST", "/auth/jwt/create/", "", nil)
	r.Body, r.ContentLength = io.NopCloser(io.LimitReader(endless{}, 1<<30)), -1
	r.Header.Set("Content-Type", "application/json")
	if a, err := s.send(r); err == nil && a.status != 413 {
		t.Errorf("chunks: got %d %s", a.status, a.body)
	}
	r = s.request("GET", "/auth/users/me/", "", nil)
	r.Header.Set("X-Long", strings.Repeat("x", 80<<10))
	if a, err := s.send(r); err != nil || a.status != 431 {
		t.Errorf("long header: got %v, %v", a, err)
	}
	s.wants(401, "POST", "/auth/jwt/create/", "", credentials("nobody"))
}

// endless is a body of blanks.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// A server that is told to stop finishes the request that is running, and takes no other.
func TestShutdownFinishesRequests(t *testing.T) {
	s := start(t, testenv.SQLite(t), nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	body := `{"username":"ann","email":"ann@example.com","password":"` + password + `"}`
	fmt.Fprintf(conn, "POST /auth/users/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	told := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, told); err != nil || !strings.Contains(string(told), "100") { // the handler reads: the request is running
		t.Fatalf("got %q, %v", told, err)
	}
	stopping, stopped := make(chan bool), make(chan error, 1)
	s.web.Config.RegisterOnShutdown(func() { close(stopping) })
	go func() { stopped <- s.web.Config.Shutdown(ctx) }()
	<-stopping
	if other, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://")); err == nil {
		_ = other.Close()
		t.Error("the server takes more")
	}
	select {
	case err := <-stopped:
		t.Fatalf("the server stopped before the answer: %v", err)
	default:
	}
	fmt.Fprint(conn, body)
	got, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 201 ") {
		t.Errorf("got %q, %v", got, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A server that leaves says so at /readyz, takes requests all the same, on connections that wait and on new ones, and ends each connection with its answer.
func TestLeave(t *testing.T) {
	s := start(t, testenv.SQLite(t), nil)
	dial := func() (net.Conn, *bufio.Reader) {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		return conn, bufio.NewReader(conn)
	}
	ask := func(conn net.Conn, reader *bufio.Reader, path string, status int, last bool) {
		t.Helper()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != status || answer.Close != last {
			t.Errorf("%s: got %d, and the connection ends: %v", path, answer.StatusCode, answer.Close)
		}
		if last {
			if _, err := reader.ReadByte(); err != io.EOF {
				t.Errorf("%s: the connection goes on: %v", path, err)
			}
		}
	}
	conn, reader := dial()
	ask(conn, reader, "/readyz", 200, false)
	s.Leave()
	ask(conn, reader, "/auth/users/me/", 401, true)
	for path, status := range map[string]int{"/readyz": 503, "/healthz": 200, "/auth/users/me/": 401} {
		conn, reader := dial()
		ask(conn, reader, path, status, true)
	}
}
