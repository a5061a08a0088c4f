package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

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
