package test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestFloodOfLogins has 256 connections try wrong passwords, with every limit by client off, so that only the hashing pool stands between them and the machine: what finds no place
// is refused at once and told when to come again, whoever is signed in already hardly notices, memory stays where it was, and the right password works when it is over.
func TestFloodOfLogins(t *testing.T) {
	const connections, patience = 256, 100 * time.Millisecond
	folder := t.TempDir()
	config := "development: true\nthrottle_rates: {login: null, register: null}\nlogin_delay_after: 0\nhash_queue: 16\nlog_level: warn\nDJOSER: {SEND_ACTIVATION_EMAIL: false}\n"
	if err := os.WriteFile(filepath.Join(folder, "latchkey.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, folder, freeAddress(t), "--config", "latchkey.yaml")
	p.ready()
	p.call("POST", "/auth/users/", "", map[string]string{"username": "ann", "email": "ann@example.com", "password": "Nw7!xyzzyQ"}, 201)
	right := map[string]string{"username": "ann", "password": "Nw7!xyzzyQ"}
	access := fmt.Sprint(p.call("POST", "/auth/jwt/create/", "", right, 200)["access"])

	// median asks for one's own account, one request at a time.
	median := func(times int) time.Duration {
		took := make([]time.Duration, times)
		for i := range took {
			since := time.Now()
			p.call("GET", "/auth/users/me/", access, nil, 200)
			took[i] = time.Since(since)
			time.Sleep(2 * time.Millisecond)
		}
		slices.Sort(took)
		return took[times/2]
	}
	median(50)
	before := p.memory()

	var refused, tried atomic.Int64
	flood := func() (stop func()) {
		over := make(chan struct{})
		var all sync.WaitGroup
		for range connections {
			all.Go(func() {
				client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
				defer client.CloseIdleConnections()
				for {
					select {
					case <-over:
						return
					default:
					}
					answer, err := client.Post(p.base+"/auth/jwt/create/", "application/json", strings.NewReader(`{"username": "ann", "password": "wrong"}`))
					if err != nil {
						t.Error(err)
						return
					}
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
					switch after, _ := strconv.Atoi(answer.Header.Get("Retry-After")); {
					case answer.StatusCode == 401:
						tried.Add(1)
					case answer.StatusCode == 503 && after > 0:
						refused.Add(1)
						time.Sleep(patience) // the machine that floods is this one too
					default:
						t.Errorf("a wrong login is answered %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
						return
					}
				}
			})
		}
		return func() { close(over); all.Wait() }
	}

	// Three times is what is promised. Other programs on the machine can only make it look worse than it is, so the best of some rounds counts, and the test fails where no noise reaches:
	// without processors left for requests it is thirty times and more.
	best := 1000.0
	for round := 0; round < 10 && best > 3; round++ {
		quiet := median(200)
		stop := flood()
		time.Sleep(300 * time.Millisecond)
		loud := median(200)
		stop()
		t.Logf("one's own account takes %v, and %v while %d connections try to sign in: %.1f times", quiet, loud, connections, float64(loud)/float64(quiet))
		best = min(best, float64(loud)/float64(quiet))
	}
	if best > 8 {
		t.Errorf("a flood makes other requests %.1f times slower", best)
	}
	if refused.Load() == 0 || tried.Load() == 0 {
		t.Errorf("%d logins were refused, %d tried", refused.Load(), tried.Load())
	}
	// A connection costs its buffers, a login in the pool its body: some dozens of KiB each.
	if grown := p.memory() - before; grown > connections*256<<10 {
		t.Errorf("memory grew from %d MiB by %d MiB", before>>20, grown>>20)
	}
	p.call("POST", "/auth/jwt/create/", "", right, 200)
	p.terminate()
}

// memory is the most that the program has had in memory so far, in bytes.
func (p *program) memory() int64 {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Skip("memory is read from /proc: ", err)
	}
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if peak == nil {
		p.t.Fatalf("no peak in\n%s", status)
	}
	kib, _ := strconv.ParseInt(string(peak[1]), 10, 64)
	return kib << 10
}

// TestSlowAndLargeClients opens what an attacker opens at no cost, thousands of connections that say nothing and hundreds that begin a request and go on a byte at a time, and sends
// headers and bodies beyond measure: each is answered 4xx or waits at its own expense, and everybody else is served meanwhile.
func TestSlowAndLargeClients(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "latchkey.yaml"), []byte("development: true\nlog_level: warn\nthrottle_rates: {login: null}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, folder, freeAddress(t), "--config", "latchkey.yaml")
	p.ready()
	before := p.memory()
	address := strings.TrimPrefix(p.base, "http://")
	open := func(first string) net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, first); err != nil {
			t.Fatal(err)
		}
		return c
	}
	const idle, slow = 3000, 300
	for range idle {
		open("")
	}
	beginnings := []string{
		"POST /auth/jwt/create/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
		"POST /auth/jwt/create/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"username\": \"",
	}
	var trickles []net.Conn
	for i := range slow {
		trickles = append(trickles, open(beginnings[i%len(beginnings)]))
	}
	for range 20 {
		for _, c := range trickles {
			if _, err := io.WriteString(c, "a"); err != nil {
				t.Fatal(err)
			}
		}
		p.call("GET", "/auth/users/me/", "", nil, 401)
	}

	post := func(body []byte, header string) int {
		r, err := http.NewRequest("POST", p.base+"/auth/jwt/create/", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {"application/json"}, "X-Long": {header}}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	for _, c := range []struct {
		what   string
		body   []byte
		header string
		want   int
	}{
		{"a header of a megabyte", []byte(`{}`), strings.Repeat("a", 1<<20), 431},
		{"a body of three megabytes", bytes.Repeat([]byte("x"), 3<<20), "", 413},
		{"a million arrays in each other", bytes.Repeat([]byte("["), 1<<20), "", 400},
		{"a million objects in each other", bytes.Repeat([]byte(`{"a":`), 1<<18), "", 400},
	} {
		if got := post(c.body, c.header); got != c.want {
			t.Errorf("%s is answered %d, want %d", c.what, got, c.want)
		}
	}
	// net/http keeps 4 KiB for reading and a goroutine for each connection.
	if grown := p.memory() - before; grown > (idle+slow)*32<<10 {
		t.Errorf("memory grew from %d MiB by %d MiB", before>>20, grown>>20)
	}
	p.call("GET", "/auth/users/me/", "", nil, 401)
}
