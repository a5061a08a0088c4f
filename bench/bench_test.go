package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestMain is also the processes that the benchmark starts of itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"drive", "ceiling", "hash", "clean"}, os.Args[1]) {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestPercentile(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(i + 1)
	}
	for _, c := range []struct {
		sorted []int64
		part   float64
		want   float64
	}{{hundred, 0.5, 50}, {hundred, 0.99, 99}, {hundred, 1, 100}, {hundred, 0, 1}, {[]int64{7}, 0.99, 7}, {[]int64{1, 2, 3}, 0.5, 2}, {[]int64{1, 2}, 0.99, 2}} {
		if got := percentile(c.sorted, c.part); got != c.want {
			t.Errorf("percentile %v of %d values is %v, want %v", c.part, len(c.sorted), got, c.want)
		}
	}
	if got := percentile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("of none it is %v", got)
	}
}

func TestRatio(t *testing.T) {
	for _, c := range []struct{ of, against []float64 }{
		{[]float64{50, 5, 40}, []float64{100, 10, 60}}, // the machine was busy in the second round
		{[]float64{50, 5}, []float64{100, 10, 60}},
		{[]float64{50, 9, 5}, []float64{100, 0, 10}},
		{[]float64{40, 60}, []float64{100, 100}},
	} {
		if got := ratio(c.of, c.against); got != 0.5 {
			t.Errorf("%v against %v is %v", c.of, c.against, got)
		}
	}
	if got := ratio(nil, []float64{1}); !math.IsNaN(got) {
		t.Errorf("of none it is %v", got)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0.256: "0.26", 12.34: "12.3", 123.4: "123", 1234: "1230", 43567: "43600", math.NaN(): "–"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

// TestDrive has the driver meet each form that an answer can have.
func TestDrive(t *testing.T) {
	var requests, varied atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /length", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer abc" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, "{}")
	})
	mux.HandleFunc("GET /chunked", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, "}")
	})
	mux.HandleFunc("GET /closing", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "{}")
	})
	mux.HandleFunc("GET /varied/", func(w http.ResponseWriter, r *http.Request) {
		n := varied.Add(1)
		body, _ := io.ReadAll(r.Body)
		if want := fmt.Sprint("v", (n-1)%2); string(body) != want || r.Header.Get("Authorization") != "Bearer "+want {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("POST /rotate", func(w http.ResponseWriter, r *http.Request) {
		n := requests.Add(1)
		body, _ := io.ReadAll(r.Body)
		if want := fmt.Sprintf(`{"refresh": "%d"}`, n-1); string(body) != want {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprintf(w, `{"refresh": "%d"}`, n)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	try := func(p plan, status int) outcome {
		return drive(job{Addresses: []string{server.Listener.Addr().String()}, Duration: 20 * time.Millisecond, Status: status, Connections: []plan{p}})
	}
	for _, p := range []plan{{Method: "GET", Path: "/length", Bearer: "abc"}, {Method: "GET", Path: "/chunked"}, {Method: "GET", Path: "/closing"},
		{Method: "GET", Path: "/varied/", Kind: "varied", Body: "%s", Bearer: "%s", Values: []string{"v0", "v1"}}} {
		if done := try(p, 200); done.Error != "" || len(done.Latencies) < 2 || done.Elapsed < 20*time.Millisecond {
			t.Errorf("%s: %d answers in %s, %s", p.Path, len(done.Latencies), done.Elapsed, done.Error)
		}
	}
	done := try(plan{Method: "POST", Path: "/rotate", Kind: rotating, Token: "0"}, 200)
	if done.Error != "" || len(done.Latencies) < 2 || done.Tokens[0] != fmt.Sprint(len(done.Latencies)) {
		t.Errorf("rotation: %d answers and the token %v, %s", len(done.Latencies), done.Tokens, done.Error)
	}
	if done := try(plan{Method: "GET", Path: "/length"}, 200); !strings.Contains(done.Error, "answered 401, not 200") {
		t.Errorf("a wrong status is told as %q", done.Error)
	}
}

// TestDriveSpreads has three connections take two servers in turn, with one request each.
func TestDriveSpreads(t *testing.T) {
	get := plan{Method: "GET", Path: "/"}
	j := job{Status: http.StatusOK, Connections: []plan{get, get, get}}
	var asked [2]atomic.Int64
	for i := range asked {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked[i].Add(1) }))
		defer server.Close()
		j.Addresses = append(j.Addresses, server.Listener.Addr().String())
	}
	if done := drive(j); done.Error != "" || asked[0].Load() != 2 || asked[1].Load() != 1 {
		t.Errorf("the servers were asked %d and %d times, %s", asked[0].Load(), asked[1].Load(), done.Error)
	}
}

func TestOnly(t *testing.T) {
	if stacks, cases, err := (&options{only: "sqlite,me"}).chosen(); err != nil || len(stacks) != 1 || len(cases) != 1 {
		t.Errorf("%v %v %v", stacks, cases, err)
	}
	if stacks, cases, err := (&options{}).chosen(); err != nil || len(stacks) != len(stackNames) || len(cases) != len(caseNames) {
		t.Errorf("%v %v %v", stacks, cases, err)
	}
	if _, _, err := (&options{only: "sqlit"}).chosen(); err == nil {
		t.Error("a wrong name is taken")
	}
}

// TestBench is the whole of it for a moment, on SQLite.
func TestBench(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "bench.svg")
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-duration", "100ms", "-rounds", "1", "-starts", "1", "-connections", "2", "-iterations", "1000", "-only", "ceiling,sqlite", "-markdown", "-svg", picture}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, name := range caseNames {
		if !strings.Contains(out.String(), "| "+name+" | Latchkey, SQLite | ") {
			t.Errorf("%s is missing", name)
		}
	}
	for _, want := range []string{"| bare net/http | ", "| SQLite: me, of the ceiling | ≥ 0.60 | ", "| stripped program, MB | "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
	isXML(t, picture)
}

func isXML(t *testing.T, picture string) {
	t.Helper()
	data, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture: %v", err)
		}
	}
}

// TestGrowth is the beginning of every curve, on SQLite.
func TestGrowth(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "growth.svg")
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-growth", "-up-to", "1e3", "-duration", "40ms", "-rounds", "1", "-only", "sqlite", "-markdown", "-svg", picture}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, s := range allSeries {
		for _, request := range s.requests {
			if !strings.Contains(out.String(), "| "+request+", SQLite | ") {
				t.Errorf("%s of %s is missing", request, s.name)
			}
		}
	}
	if !strings.Contains(out.String(), "Latchkey, SQLite: deleted 1000 rows in ") {
		t.Error("nothing was cleaned")
	}
	if t.Failed() {
		t.Log(out.String())
	}
	isXML(t, picture)
}

// TestSeveral is -several for a moment: each number of processes answers, with rotation and without, and each process has connections of its own.
func TestSeveral(t *testing.T) {
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-several", "-duration", "40ms", "-rounds", "1", "-connections", "2", "-only", "me,rotate", "-markdown"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	connections := 1 // the benchmark's own
	for _, n := range processCounts {
		for _, name := range []string{"me", "rotate"} {
			if !strings.Contains(out.String(), fmt.Sprintf("| %s | %d | ", name, n)) {
				t.Errorf("%s of %d processes is missing", name, n)
			}
		}
		_, after, _ := strings.Cut(out.String(), fmt.Sprintf("\n| %d | ", n))
		open, err := strconv.Atoi(strings.TrimSpace(strings.Split(after, "|")[0]))
		if err != nil || open <= connections {
			t.Errorf("%d idle processes have %d connections, fewer have %d (%v)", n, open, connections, err)
		}
		connections = open
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// TestHashers has each hasher that is there make the same hash, or be named as left out.
func TestHashers(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-hashers", "-rounds", "1", "-hashes", "1", "-markdown"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, h := range own {
		if !strings.Contains(out.String(), "| "+h.label+" | ") {
			t.Errorf("%s is missing", h.label)
		}
	}
	for _, ref := range references {
		if !strings.Contains(out.String(), "| "+ref.label+" | ") && !strings.Contains(out.String(), "left out: "+ref.label+" ") {
			t.Errorf("%s is missing", ref.label)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
	if err := sameHash(t.Context(), "ScryptPasswordHasher", "scrypt$16384$abcdefghijklmnopqrstuu$8$5$"+strings.Repeat("A", 86)+"=="); err == nil {
		t.Error("another hash is taken for the same")
	}
}
