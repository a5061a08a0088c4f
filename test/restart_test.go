package test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// The servers that the files of deploy/ for several processes name.
var documentedServers = []string{"127.0.0.1:8001", "127.0.0.1:8002", "127.0.0.1:8003"}

// shared are settings of processes that share a PostgreSQL, with nothing in the way of a load from one address.
func shared(url string) map[string]any {
	return map[string]any{
		"database": url, "secret_key": secretKey, "DOMAIN": "app.example.com", "mounts": []any{map[string]any{"path": "/auth", "dialect": "djoser"}},
		"pbkdf2_iterations": 1, "login_delay_after": 0, "mails_per_address": "", "hash_queue": 1000,
		"throttle_rates": map[string]any{"login": nil, "register": nil, "password": nil},
		"SIMPLE_JWT":     map[string]any{"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true},
		"EMAIL_BACKEND":  "django.core.mail.backends.dummy.EmailBackend",
	}
}

// writeSettings writes settings, and lines of YAML behind them, to a file.
func writeSettings(t *testing.T, settings map[string]any, more string) string {
	t.Helper()
	var text bytes.Buffer
	for key, value := range settings {
		data, err := json.Marshal(value) // YAML takes JSON
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%s: %s\n", key, data)
	}
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, append(text.Bytes(), more...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A crowd are clients each of whose requests must be answered as if nothing happened.
type crowd struct {
	t      *testing.T
	base   string
	client *http.Client
	asked  atomic.Int64
	failed atomic.Int64
	over   func() // ends the load, and waits for it
}

// gather has n clients sign up, sign in, renew tokens and ask for their own account, again and again, until they are dismissed.
func gather(t *testing.T, base string, client *http.Client, n int) *crowd {
	c := &crowd{t: t, base: base, client: client}
	var over atomic.Bool
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for k := 0; !over.Load(); k++ {
				c.live(fmt.Sprintf("ann%d_%d", i, k))
			}
		})
	}
	c.over = func() {
		over.Store(true)
		all.Wait()
	}
	t.Cleanup(c.over) // of a test that fails
	return c
}

func (c *crowd) live(name string) {
	ann := map[string]string{"username": name, "email": name + "@example.com", "password": "Nw7!xyzzyQ"}
	if _, ok := c.ask("POST", "/auth/users/", "", ann, 201); !ok {
		return
	}
	pair, ok := c.ask("POST", "/auth/jwt/create/", "", ann, 200)
	for i := 0; ok && i < 3; i++ {
		pair, ok = c.ask("POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": pair["refresh"]}, 200)
	}
	if ok {
		c.ask("GET", "/auth/users/me/", pair["access"], nil, 200)
	}
}

// ask sends one request, once: what it is answered, and whether that is what was wanted.
func (c *crowd) ask(method, path, bearer string, body any, status int) (answer map[string]string, ok bool) {
	time.Sleep(2 * time.Millisecond) // a load, but no flood
	c.asked.Add(1)
	payload, _ := json.Marshal(body) // never fails
	r, err := http.NewRequest(method, c.base+path, bytes.NewReader(payload))
	if err != nil {
		c.t.Error(err)
		return nil, false
	}
	r.Header = http.Header{"Content-Type": {"application/json"}}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	reply, err := c.client.Do(r)
	var text []byte
	if err == nil {
		text, err = io.ReadAll(reply.Body)
		reply.Body.Close()
	}
	if err != nil || reply.StatusCode != status {
		if c.failed.Add(1) <= 5 { // more would say the same
			if err == nil {
				err = fmt.Errorf("answered %d: %.200s", reply.StatusCode, text)
			}
			c.t.Errorf("%s %s: %v", method, path, err)
		}
		return nil, false
	}
	_ = json.Unmarshal(text, &answer) // where it is no object of texts nothing of it is needed
	return answer, true
}

// dismiss ends the load, and tells how much there was.
func (c *crowd) dismiss() {
	c.t.Helper()
	c.over()
	c.t.Logf("%d requests, %d of them failed", c.asked.Load(), c.failed.Load())
	if c.asked.Load() < 100 {
		c.t.Errorf("there were only %d requests", c.asked.Load())
	}
}

// signal sends one.
func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// stays says what /readyz answers, 0 where nobody listens.
func (p *program) stays() int {
	answer, err := http.Get(p.base + "/readyz")
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// TestRollingRestart has three processes behind a proxy, with the files of deploy/ and the settings that these name, and restarts one after the other under load: no client sees any of it.
func TestRollingRestart(t *testing.T) {
	for _, proxy := range []struct {
		name, file string
		command    func(t *testing.T, text, folder, port, certificate, key string) *exec.Cmd
		// keeps says that the proxy keeps its clients' connections while its own settings change.
		keeps bool
		// mark has the proxy use only the servers that are not down.
		mark func(t *testing.T, front *program, folder, down string)
	}{
		{"caddy", "../deploy/Caddyfile.several", caddy, true, func(*testing.T, *program, string, string) {}},
		{"nginx", "../deploy/nginx-several.conf", nginxMaster, false, markDown},
	} {
		t.Run(proxy.name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			text := string(readFile(t, proxy.file))
			_, settings, found := strings.Cut(text, "# In latchkey.yaml: ")
			settings, _, _ = strings.Cut(settings, ".\n")
			if !found {
				t.Fatal("the file names no settings")
			}
			file := writeSettings(t, shared(testenv.Postgres(t)), regexp.MustCompile(`, ([A-Za-z_]+: )`).ReplaceAllString(settings, "\n$1")+"\n")
			folder := t.TempDir()
			programs, addresses := make([]*program, len(documentedServers)), make([]string, len(documentedServers))
			for i, documented := range documentedServers {
				addresses[i] = freeAddress(t)
				text = strings.ReplaceAll(text, documented, addresses[i])
				programs[i] = launch(t, folder, addresses[i], "--config", file)
			}
			for _, p := range programs {
				p.ready()
			}
			certificate, key, trust := certify(t, folder, "app.example.com")
			_, port, _ := net.SplitHostPort(freeAddress(t))
			front := start(t, proxy.command(t, text, folder, port, certificate, key), "https://app.example.com")
			t.Cleanup(func() { // before it is killed, which workers of nginx would outlive
				_ = front.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
				select {
				case <-front.gone:
				case <-time.After(20 * time.Second):
				}
				if t.Failed() {
					t.Logf("the proxy said:\n%s", front.log)
				}
			})
			client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port)
				},
				TLSClientConfig: &tls.Config{RootCAs: trust}, DisableKeepAlives: !proxy.keeps, MaxIdleConnsPerHost: 10,
			}}
			for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				answer, err := client.Get("https://app.example.com/auth/users/me/")
				if err == nil {
					answer.Body.Close()
					if answer.StatusCode == 401 {
						break
					}
				}
				if time.Now().After(end) {
					t.Fatalf("the proxy does not answer: %v\n%s", err, front.log)
				}
			}

			load := gather(t, "https://app.example.com", client, 4)
			for i, p := range programs {
				if !p.logs("path=/auth/") {
					t.Fatalf("process %d gets no requests", i)
				}
				proxy.mark(t, front, folder, addresses[i])
				p.signal(syscall.SIGTERM)
				for end := time.Now().Add(20 * time.Second); p.stays() != 503; time.Sleep(10 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("process %d does not say that it leaves", i)
					}
				}
				select {
				case <-p.gone:
				case <-time.After(30 * time.Second):
					t.Fatalf("process %d did not stop", i)
				}
				if code := p.cmd.ProcessState.ExitCode(); code != 0 {
					t.Errorf("process %d left with %d", i, code)
				}
				p = launch(t, folder, addresses[i], "--config", file)
				p.ready()
				proxy.mark(t, front, folder, "")
				if !p.logs("path=/auth/") {
					t.Fatalf("process %d gets no requests after its restart", i)
				}
				programs[i] = p
			}
			load.dismiss()
			// The proxy keeps connections to all of them, which may end now.
			for _, p := range programs {
				p.signal(syscall.SIGTERM)
			}
		})
	}
}

// nginxMaster is nginx as it runs on a server: with workers, which it replaces when it is to read its settings again.
func nginxMaster(t *testing.T, text, folder, port, certificate, key string) *exec.Cmd {
	cmd := nginx(t, text, folder, port, certificate, key)
	path := filepath.Join(folder, "nginx.conf")
	whole := strings.Replace(string(readFile(t, path)), "master_process off;", "worker_processes 2;", 1)
	if os.Geteuid() == 0 {
		whole = "user root;\n" + whole // who may enter the test's folder
	}
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// markDown writes "down" behind one server and behind no other, and has nginx read its settings again.
func markDown(t *testing.T, front *program, folder, down string) {
	t.Helper()
	path := filepath.Join(folder, "nginx.conf")
	lines := slices.Collect(strings.Lines(string(readFile(t, path))))
	for i, line := range lines {
		if strings.HasPrefix(line, "    server 127.0.0.1:") {
			lines[i] = strings.Replace(line, " down;", ";", 1)
			if down != "" && strings.Contains(line, down+";") {
				lines[i] = strings.Replace(line, ";", " down;", 1)
			}
		}
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	front.signal(syscall.SIGHUP)
}
