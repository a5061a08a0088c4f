package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestAudit(t *testing.T) {
	s := newShell(t)
	out, said := s.run(0, "", "audit")
	if out != "" || said != "nothing found\n" {
		t.Errorf("of nothing: %q %q", out, said)
	}
	s.run(0, "correct-horse-7\n", "user", "create", "ann")
	s.run(0, "", "user", "deactivate", "ann")
	if _, err := s.database().Exec(`INSERT INTO latchkey_audit (id, at, event, result, user_id, username, actor, via, changed, address, agent, request, times)
		VALUES ('x', '2026-03-01 12:00:00', 'login.failed', 'refused', '', '', '', '', '', '192.0.2.1', 'evil' || char(155) || '2J', 'r', 7),
		('y', '2026-03-01 12:00:01', 'user.updated', 'ok', '5', 'bob', '9', '', 'first_name,last_name', '192.0.2.1', 'curl', 'r', 1)`); err != nil {
		t.Fatal(err)
	}
	out, _ = s.run(0, "", "audit", "--until", "2026-03-02")
	want := `WHEN (UTC)           EVENT         USER     BY  DETAILS               ADDRESS    AGENT
2026-03-01 12:00:01  user.updated  bob (5)  9   first_name last_name  192.0.2.1  curl
2026-03-01 12:00:00  login.failed  -            refused 7 times       192.0.2.1  evil·2J
`
	if out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	for args, want := range map[string]string{
		"--since 1h":                     "user.deactivated user.registered",
		"--user ann":                     "user.deactivated user.registered",
		"--user 9":                       "user.updated",
		"--event login":                  "login.failed",
		"--event login.failed --limit 1": "login.failed",
		"--event user.updated --event login --since 2026-03-01T12:00:00Z --until 2026-03-01T12:00:01Z": "login.failed",
		"--limit 3": "user.deactivated user.registered user.updated",
		"--limit 0": "user.deactivated user.registered user.updated login.failed",
	} {
		out, _ := s.run(0, "", append([]string{"audit", "--json"}, strings.Fields(args)...)...)
		var events []string
		for line := range strings.Lines(out) {
			var row struct {
				Event string
				At    time.Time
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil || row.At.IsZero() {
				t.Fatalf("%v in %s", err, line)
			}
			events = append(events, row.Event)
		}
		if got := strings.Join(events, " "); got != want {
			t.Errorf("%s: got %s, want %s", args, got, want)
		}
	}
	for args, want := range map[string]string{
		"--event user.loggin": "there is no event",
		"--since yesterday":   "neither a time",
		"--limit=-1":          "negative",
	} {
		if _, said := s.run(1, "", append([]string{"audit"}, strings.Fields(args)...)...); !strings.Contains(said, want) {
			t.Errorf("%s: %s", args, said)
		}
	}
}
