package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"
)

// A screen is a terminal that the program runs on.
type screen struct {
	t        *testing.T
	terminal *os.File
	cmd      *exec.Cmd
}

// onTerminal starts the program on a terminal of so many columns.
func (s *shell) onTerminal(columns uint16, args ...string) *screen {
	s.t.Helper()
	cmd := s.command(args...)
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: columns})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = terminal.Close() })
	return &screen{s.t, terminal, cmd}
}

// until is what the terminal got when a text is there; the program is then told to leave.
func (s *screen) until(text string) string {
	s.t.Helper()
	var said strings.Builder
	part := make([]byte, 4096)
	for !strings.Contains(said.String(), text) {
		n, err := s.terminal.Read(part)
		said.Write(part[:n])
		if err != nil {
			s.t.Fatalf("%v\n%s", err, said.String())
		}
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	return said.String() + s.all()
}

// all is what the terminal got by the time the program has left with 0.
func (s *screen) all() string {
	s.t.Helper()
	said, err := io.ReadAll(s.terminal)
	if err != nil && !errors.Is(err, syscall.EIO) { // Linux's way to say that the other end is closed
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("%v\n%s", err, said)
	}
	return strings.ReplaceAll(string(said), "\r\n", "\n")
}

var link = regexp.MustCompile(`http://127\.0\.0\.1:\d+(/\S*)`)

// In development the program begins with a page, short and with addresses that work.
func TestBanner(t *testing.T) {
	s := newShell(t)
	sv := s.serve()
	sv.stop(t)
	said := sv.said.String()
	page, _, _ := strings.Cut(said, "time=")
	if lines := strings.Count(page, "\n"); lines > 20 {
		t.Errorf("%d lines:\n%s", lines, page)
	}
	for line := range strings.Lines(page) {
		if utf8.RuneCountInString(line) > 121 {
			t.Errorf("too long for a terminal: %s", line)
		}
	}
	if strings.Contains(said, "\x1b") {
		t.Error("colours where there is no terminal")
	}
	links := link.FindAllStringSubmatch(page, -1)
	if len(links) < 6 {
		t.Errorf("there are only %q", links)
	}
	again := s.serve()
	for _, found := range links {
		answer, err := http.Get(again.base + found[1])
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusNotFound {
			t.Errorf("%s answers %d", found[0], answer.StatusCode)
		}
	}
	_, command, _ := strings.Cut(page, "settings: latchkey ")
	command, _, _ = strings.Cut(command, "\n")
	if out, _ := s.run(0, "", strings.Fields(command)...); !strings.Contains(out, "note: ") || !strings.Contains(out, "The configuration is fine.") {
		t.Errorf("latchkey %s: %s", command, out)
	}
}

// Colours are for terminals, and for whoever has not asked for none.
func TestColours(t *testing.T) {
	for _, test := range []struct {
		env  string
		want bool
	}{{"TERM=xterm", true}, {"TERM=dumb", false}, {"NO_COLOR=1", false}} {
		s := newShell(t, test.env)
		said := s.onTerminal(80, "serve", "--listen", "127.0.0.1:0")
		text := said.until("config check")
		if got := strings.Contains(text, "\x1b[1mLatchkey "); got != test.want {
			t.Errorf("%s: %q", test.env, text)
		}
	}
}

// Where people depend on it, the program says in one line of its log what it serves, and nothing elsewhere.
func TestServingLine(t *testing.T) {
	s := newShell(t, "LATCHKEY_SECRET_KEY=a-key-for-tests-of-more-than-32-letters")
	sv := s.serve("--config", s.write("latchkey.yaml", "log_format: json\nprofile: exact\nTIME_ZONE: UTC\n"))
	sv.stop(t)
	first, rest, _ := strings.Cut(sv.said.String(), "\n")
	var line struct{ Msg, Address, Version, Profile, Database, Served, Risks string }
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		t.Fatalf("%v: %s", err, first)
	}
	if line.Msg != "serving" || "http://"+line.Address != sv.base || line.Profile != "exact" || line.Database != "sqlite://latchkey.db" || line.Version == "" ||
		!strings.HasPrefix(line.Served, "/auth/ djoser, /api/auth/login/ dj-rest-auth, ") || !strings.Contains(line.Risks, "A mailed link serves") {
		t.Errorf("got %+v", line)
	}
	for other := range strings.Lines(rest) {
		if !strings.HasPrefix(other, "{") {
			t.Errorf("the program also said %s", other)
		}
	}
}

func TestProgressIsForTerminals(t *testing.T) {
	s := newShell(t)
	fill := func() {
		if _, err := s.database().Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
			INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, user_id, jti) SELECT '', NULL, '2020-01-01 00:00:00', NULL, i FROM n`); err != nil {
			t.Fatal(err)
		}
	}
	s.run(0, "", "flush-expired-tokens") // makes the tables
	fill()
	if out, problems := s.run(0, "", "flush-expired-tokens"); out != "deleted 2000 expired rows\n" || problems != "" {
		t.Errorf("without a terminal: %q and %q", out, problems)
	}
	fill()
	said := s.onTerminal(80, "flush-expired-tokens").all()
	if !strings.Contains(said, "deleting expired rows") || !strings.Contains(said, "/2000)") || !strings.HasSuffix(said, "\rdeleted 2000 expired rows\n") {
		t.Errorf("on a terminal: %q", said)
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(said, "\n", "\r"), "\r") {
		if len(line) > 80 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
}
