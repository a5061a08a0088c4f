package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// unavailable checks a 503 as clients are to understand it.
func (s *site) unavailable(a reply) {
	s.t.Helper()
	if a.status != 503 || a.header.Get("Retry-After") == "" || a.header.Get("Content-Type") != "application/json" ||
		a.body != `{"detail":"Service temporarily unavailable, try again later."}` {
		s.t.Errorf("got %d %v %s", a.status, a.header, a.body)
	}
}

// A SQLite file that another program locks answers 503 to what writes; reading goes on, and writing does as soon as the lock is gone.
func TestLockedSQLite(t *testing.T) {
	url := testenv.SQLite(t)
	s := start(t, url, nil)
	s.register("ann")
	access, _ := s.pair("ann")
	other, err := s.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if _, err := other.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan reply)
	go func() { waiting <- s.call("POST", "/auth/jwt/create/", "", credentials("ann")) }()
	s.wants(200, "GET", "/auth/users/me/", "Bearer "+access, nil)
	s.wants(200, "GET", "/readyz", "", nil)
	s.unavailable(<-waiting)
	if _, err := other.ExecContext(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	s.pair("ann")
}

// PostgreSQL ending every connection, as at a failover, costs single requests at most.
func TestTerminatedBackends(t *testing.T) {
	url := testenv.Postgres(t)
	s := start(t, url+"&application_name=terminated", nil)
	s.register("ann")
	access, _ := s.pair("ann")
	stop := make(chan bool)
	var wait sync.WaitGroup
	answered := make(chan bool)
	for range 4 {
		wait.Go(func() {
			for {
				for _, r := range []*http.Request{
					s.request("GET", "/auth/users/me/", "Bearer "+access, nil), s.request("POST", "/auth/jwt/verify/", "", fields{"token": access}),
				} {
					if a, err := s.send(r); err != nil {
						t.Error(err)
					} else if a.status != 200 {
						s.unavailable(a)
					}
				}
				select {
				case <-stop:
					return
				case answered <- true:
				}
			}
		})
	}
	defer wait.Wait()
	defer close(stop)
	admin := testenv.OpenDB(t, url)
	for range 5 {
		<-answered
		if _, err := admin.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'terminated'"); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			<-answered
		}
	}
	s.settlesAt(200, "POST", "/auth/jwt/create/", credentials("ann"))
	s.settlesAt(200, "GET", "/readyz", nil)
}

// settlesAt asks again as long as the answer is a 503.
func (s *site) settlesAt(status int, method, path string, body any) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		a := s.call(method, path, "", body)
		if a.status == status {
			return
		}
		if a.status != 503 || time.Now().After(end) {
			s.t.Fatalf("%s %s: got %d %s, want %d", method, path, a.status, a.body, status)
		}
	}
}

// A PostgreSQL that cannot be reached answers 503 to what needs it, also to whoever asks whether the server is ready; the process lives, and goes on by
// itself when the database is back.
func TestUnreachablePostgres(t *testing.T) {
	way := newProxy(t, testenv.Postgres(t))
	s := start(t, way.url, nil)
	s.register("ann")
	way.cut()
	for range 3 {
		s.unavailable(s.call("POST", "/auth/jwt/create/", "", credentials("ann")))
		s.unavailable(s.call("POST", "/auth/users/reset_password/", "", fields{"email": "ann@example.com"}))
		s.wants(503, "GET", "/readyz", "", nil)
		s.wants(200, "GET", "/healthz", "", nil)
		s.wants(401, "POST", "/auth/jwt/refresh/", "", fields{"refresh": "x.y.z"}) // needs no database
	}
	way.restore()
	s.settlesAt(200, "GET", "/readyz", nil)
	s.settlesAt(200, "POST", "/auth/jwt/create/", credentials("ann"))
}

// A proxy is a way to a PostgreSQL that can be cut.
type proxy struct {
	url    string
	target [2]string // network and address

	mu    sync.Mutex
	off   bool
	conns []net.Conn
}

func newProxy(t *testing.T, address string) *proxy {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: [2]string{"tcp", parsed.Host}}
	query := parsed.Query()
	if folder := query.Get("host"); folder != "" {
		p.target = [2]string{"unix", filepath.Join(folder, ".s.PGSQL.5432")}
		query.Del("host")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close(); p.cut() })
	parsed.Host, parsed.RawQuery = listener.Addr().String(), query.Encode()
	p.url = parsed.String()
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			p.connect(near)
		}
	}()
	return p
}

// connect passes on what comes, or hangs up.
func (p *proxy) connect(near net.Conn) {
	far, err := net.Dial(p.target[0], p.target[1])
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || p.off {
		_ = near.Close()
		if err == nil {
			_ = far.Close()
		}
		return
	}
	p.conns = append(p.conns, near, far)
	go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
	go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
}

// cut ends all connections, and those that come at once.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = true
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

// restore lets connections through.
func (p *proxy) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = false
}

// When no more passwords may wait to be hashed, the answer is a quick 503, and what needs no hash is served as ever.
func TestHasherBusy(t *testing.T) {
	s := start(t, testenv.SQLite(t), map[string]string{"hash_workers": "1", "hash_queue": "0", "pbkdf2_iterations": "10000000"}) // seconds of work
	user := &store.User{Username: "ann", IsActive: true, DateJoined: time.Now()}
	if err := s.Store.InsertUser(ctx, user); err != nil {
		t.Fatal(err)
	}
	key, err := s.Store.TokenKeyFor(ctx, user.ID, strings.Repeat("k", 40), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan reply, 2)
	for range 2 {
		go func() { answers <- s.call("POST", "/auth/jwt/create/", "", credentials("nobody")) }()
	}
	s.unavailable(<-answers) // the other one has the hasher
	s.wants(200, "GET", "/auth/users/me/", "Token "+key, nil)
	s.wants(200, "GET", "/readyz", "", nil)
	s.unavailable(s.call("POST", "/auth/users/", "", fields{"username": "bob", "password": password}))
	select {
	case a := <-answers:
		t.Fatalf("the hasher was free: %v", a)
	default:
	}
	if a := <-answers; a.status != 401 {
		t.Errorf("got %v", a)
	}
	if n := s.count("SELECT count(*) FROM auth_user"); n != 1 {
		t.Errorf("%d users", n)
	}
}

// A client that hung up is nobody's failure: nothing is logged as one.
func TestClientGone(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, map[string]string{"hash_workers": "1", "pbkdf2_iterations": "3000000"})
		first := make(chan reply, 1)
		go func() { first <- s.call("POST", "/auth/jwt/create/", "", credentials("nobody")) }()
		s.hangUp("/auth/jwt/create/", `{"username":"nobody","password":"`+password+`"}`)
		<-first
		s.log.await(t, "request=gone-client")
		s.wants(200, "GET", "/healthz", "", nil)
		if said := s.log.String(); strings.Contains(said, "ERROR") || strings.Contains(said, "status=500") {
			t.Errorf("the log says\n%s", said)
		}
	})
}

// hangUp sends a request under the id gone-client, and closes the connection as soon as all of it is on its way to a handler that reads it.
func (s *site) hangUp(path, body string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone-client\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", path, len(body))
	told := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, told); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, body); err != nil {
		s.t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		s.t.Fatal(err)
	}
}
