package beside

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// The files of the cut-over's guide, docs/cut-over.md, and the endpoints in its order.
const guide = "../../examples/cut-over/"

var moves = []string{
	"/auth/jwt/verify/", "/auth/users/me/", "/auth/jwt/refresh/", "/auth/jwt/create/", "/auth/token/login/", "/auth/token/logout/",
	"/auth/users/set_password/", "/auth/users/reset_password/", "/auth/users/reset_password_confirm/", "/auth/users/", "/auth/users/activation/",
}

// A proxy stands before both, by the guide's configuration.
type proxy struct {
	site
	folder string
	move   func(t *testing.T, endpoints []string) // has Latchkey answer these, and Django all others
}

// freePort is the address of a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// place copies a file of the guide into the proxy's folder, with the addresses that things have here.
func (p *proxy) place(t *testing.T, name string, addresses ...string) {
	t.Helper()
	text := strings.NewReplacer(addresses...).Replace(readFile(t, guide+name))
	if err := os.WriteFile(filepath.Join(p.folder, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tool finds a program: without it the test is skipped, but fails if CI is set.
func tool(t *testing.T, name, packaged string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("this test needs %s: install the package %s", name, packaged)
	}
	t.Skipf("this test needs %s: install the package %s", name, packaged)
	return ""
}

// start runs the proxy until the test ends.
func (p *proxy) start(t *testing.T, command ...string) {
	t.Helper()
	cmd := p.command(command)
	said := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is told to end
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		if t.Failed() {
			t.Logf("the proxy said:\n%s", said)
		}
	})
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if answer, err := http.Get(p.base + "/auth/users/"); err == nil {
			answer.Body.Close()
			return
		}
	}
	t.Fatalf("the proxy did not get ready:\n%s", said)
}

func (p *proxy) command(words []string) *exec.Cmd {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = p.folder
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+p.folder, "XDG_CONFIG_HOME="+p.folder)
	return cmd
}

// run runs a command of the guide to its end.
func (p *proxy) run(t *testing.T, words ...string) {
	t.Helper()
	if said, err := p.command(words).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", words, err, said)
	}
}

// route moves endpoints, and waits until the probe is answered by whom it should be: nginx reloads in its own time.
func (p *proxy) route(t *testing.T, endpoints []string, probe string, answers string) {
	t.Helper()
	p.move(t, endpoints)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		answer, err := unkept.Get(p.base + probe)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.Header.Get("X-Answered-By") == answers {
			if byLatchkey := answer.Header.Get("X-Request-Id") != ""; byLatchkey != (answers == "latchkey") {
				t.Fatalf("the proxy says that %s is answered by %s: %v", probe, answers, answer.Header)
			}
			return
		}
	}
	t.Fatalf("%s is not answered by %s", probe, answers)
}

// unkept has no connections that the proxy could close in the moment in which they are used again.
var unkept = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func nginx(t *testing.T, python, latchkey string) *proxy {
	t.Helper()
	program, address := tool(t, "nginx", "nginx-light"), freePort(t)
	p := &proxy{site: site{"nginx", "http://" + address}, folder: t.TempDir()}
	p.place(t, "nginx.conf", "127.0.0.1:8080", address, "127.0.0.1:8000", latchkey, "127.0.0.1:8001", python)
	p.place(t, "moved.conf")
	// the guide's file stands in a folder that the main file includes, as on Debian
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	main := fmt.Sprintf("%s pid nginx.pid; error_log stderr warn; daemon off; events {} http { access_log off;\n", user)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		main += kind + "_temp_path temp_" + kind + ";\n"
	}
	if err := os.WriteFile(filepath.Join(p.folder, "main.conf"), []byte(main+"include nginx.conf; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	words := []string{program, "-p", p.folder, "-c", "main.conf", "-e", "stderr"}
	p.move = func(t *testing.T, endpoints []string) {
		var lines strings.Builder
		for _, endpoint := range endpoints {
			lines.WriteString("~^" + strings.TrimSuffix(endpoint, "/") + "/?$ latchkey;\n")
		}
		if err := os.WriteFile(filepath.Join(p.folder, "moved.conf"), []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		p.run(t, slices.Concat(words, []string{"-t"})...)
		p.run(t, slices.Concat(words, []string{"-s", "reload"})...)
	}
	p.start(t, words...)
	return p
}

func caddy(t *testing.T, python, latchkey string) *proxy {
	t.Helper()
	program, address := tool(t, "caddy", "caddy"), freePort(t)
	p := &proxy{site: site{"Caddy", "http://" + address}, folder: t.TempDir()}
	moved := filepath.Join(p.folder, "moved")
	p.place(t, "Caddyfile", "127.0.0.1:8080", address, "127.0.0.1:8000", latchkey, "127.0.0.1:8001", python, "/etc/caddy/moved", moved)
	p.move = func(t *testing.T, endpoints []string) {
		for _, endpoint := range moves {
			folder := filepath.Join(moved, endpoint)
			if slices.Contains(endpoints, endpoint) {
				p.run(t, "mkdir", "-p", folder)
				p.run(t, "touch", filepath.Join(folder, "latchkey"))
			} else {
				p.run(t, "rm", "-f", filepath.Join(folder, "latchkey"))
			}
		}
	}
	p.run(t, program, "validate", "--config", "Caddyfile", "--adapter", "caddyfile")
	// its admin endpoint, which nothing here needs, would stand on a port that somebody else may have
	text := "{\n\tadmin off\n}\n" + readFile(t, filepath.Join(p.folder, "Caddyfile"))
	if err := os.WriteFile(filepath.Join(p.folder, "Caddyfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p.start(t, program, "run", "--config", "Caddyfile", "--adapter", "caddyfile")
	return p
}

// A traveller is a client that is logged in while endpoints move, in every way there is.
type traveller struct {
	via                           site
	access, refresh, key, session string
}

func (tr *traveller) logsIn(t *testing.T) {
	t.Helper()
	pair := tr.via.signsIn(t, "ann", password)
	tr.access, tr.refresh = pair.field(t, "access"), pair.field(t, "refresh")
	login := tr.via.wants(t, 200, "POST", "/auth/token/login/", "", fields{"username": "ann", "password": password})
	tr.key, tr.session = login.field(t, "auth_token"), login.session
	if tr.session == "" {
		t.Fatal("there is no session")
	}
}

// goesOn uses everything the client holds, which it has from whoever answered before.
func (tr *traveller) goesOn(t *testing.T) {
	t.Helper()
	for _, credential := range []string{"Bearer " + tr.access, "Token " + tr.key, tr.session} {
		tr.via.knows(t, "ann", credential)
	}
	tr.via.wants(t, 200, "POST", "/auth/jwt/verify/", "", fields{"token": tr.access})
	pair := tr.via.wants(t, 200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": tr.refresh})
	tr.access, tr.refresh = pair.field(t, "access"), pair.field(t, "refresh")
	tr.via.knows(t, "ann", "Bearer "+tr.access)
	tr.via.signsIn(t, "ann", password)
}

// TestCutOver walks through docs/cut-over.md with each proxy: one endpoint after the other is sent to Latchkey and back again, while a client stays logged in
// and others ask without a pause, of whose requests none may fail.
func TestCutOver(t *testing.T) {
	text := readFile(t, "../../docs/cut-over.md")
	for _, endpoint := range moves {
		if !strings.Contains(text, "`"+strings.TrimPrefix(endpoint, "/auth/")+"`") {
			t.Errorf("the guide does not move %s", endpoint)
		}
	}
	for name, start := range map[string]func(t *testing.T, python, latchkey string) *proxy{"nginx": nginx, "caddy": caddy} {
		t.Run(name, func(t *testing.T) {
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				d := &django{stack: stacks(t)[0], database: url, smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: "settings"}
				d.manage(t, "", "migrate", "-v", "0")
				p := &pair{django: d, maker: "Django", db: testenv.OpenDB(t, url), config: d.configure(t, "--with-secrets")}
				p.python = d.serve(t)
				p.joins(t, p.python, "ann")
				p.latchkey, p.stop = p.serveLatchkey(t, map[string]string{"trusted_proxies": "[127.0.0.1]"})
				p.cutsOver(t, start(t, strings.TrimPrefix(p.python.base, "http://"), strings.TrimPrefix(p.latchkey.base, "http://")))
			})
		})
	}
}

func (p *pair) cutsOver(t *testing.T, through *proxy) {
	client := &traveller{via: through.site}
	client.logsIn(t)
	client.goesOn(t)
	stop := through.askedAllTheWhile(t, "Token "+client.key)
	for i, endpoint := range moves {
		through.route(t, moves[:i+1], endpoint, "latchkey")
		client.goesOn(t)
	}
	client.logsIn(t)                       // all of it at Latchkey now
	p.joins(t, through.site, "during")     // its mail comes from Latchkey
	for i := len(moves) - 1; i >= 0; i-- { // and back again
		through.route(t, moves[:i], moves[i], "django")
		client.goesOn(t)
	}
	stop()
	p.stop()
	client.goesOn(t)
	through.signsIn(t, "during", password)
}

// askedAllTheWhile has others read and verify without a pause, until they are stopped: they tell of every request that failed.
func (p *proxy) askedAllTheWhile(t *testing.T, credential string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var asked, failed atomic.Int64
	var first sync.Once
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for ctx.Err() == nil {
				r, err := http.NewRequest("GET", p.base+"/auth/users/me/", nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Authorization", credential)
				answer, err := unkept.Do(r)
				status := 0
				if err == nil {
					status = answer.StatusCode
					answer.Body.Close()
				}
				if asked.Add(1); status != http.StatusOK {
					failed.Add(1)
					first.Do(func() { t.Errorf("a request failed: %d, %v", status, err) })
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
		if asked.Load() < 20 || failed.Load() > 0 {
			t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
		}
	}
}
