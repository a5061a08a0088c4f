package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

// crowd makes 1200 users; the one of every hundred is staff, and of every ten inactive.
func crowd(t *testing.T) *shell {
	t.Helper()
	s := newShell(t)
	s.run(0, "", "migrate")
	if _, err := s.database().Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
		INSERT INTO auth_user (password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
		SELECT '!', CASE WHEN i = 7 THEN '2026-03-04 05:06:07' END, 0, 'user' || i, '', '', 'user' || i || '@example.com', i % 100 = 0, i % 10 <> 0, '2026-01-02 03:04:05' FROM n`); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestUserList(t *testing.T) {
	s := crowd(t)
	for _, test := range []struct {
		args  string
		count int
		first string
	}{
		{"", 1200, "1     user1     user1@example.com    active          never"},
		{"USER119", 11, "119   user119   user119@example.com   active    never"},
		{"--inactive", 120, "10    user10    user10@example.com    inactive        never"},
		{"--staff", 12, "100   user100   user100@example.com   inactive staff  never"},
		{"--limit 3", 3, "1   user1     user1@example.com  active  never"},
		{"--limit 600 --inactive", 120, "10    user10    user10@example.com    inactive        never"},
		{"nobody", 0, ""},
	} {
		out, said := s.run(0, "", append([]string{"user", "list"}, strings.Fields(test.args)...)...)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if test.count == 0 {
			if out != "" || said != "no user found\n" {
				t.Errorf("list %s: %s%s", test.args, out, said)
			}
			continue
		}
		if len(lines) != 1+test.count || strings.Join(strings.Fields(lines[1]), " ") != strings.Join(strings.Fields(test.first), " ") {
			t.Errorf("list %s: %d users, first %q, want %d and %q", test.args, len(lines)-1, lines[1], test.count, test.first)
		}
	}
	out, _ := s.run(0, "", "user", "list", "--json", "user7@")
	if want := `{"id":7,"username":"user7","email":"user7@example.com","first_name":"","last_name":"","is_active":true,"is_staff":false,"is_superuser":false,` +
		`"date_joined":"2026-01-02T03:04:05Z","last_login":"2026-03-04T05:06:07Z"}` + "\n"; out != want {
		t.Errorf("got %s\nwant %s", out, want)
	}
	out, _ = s.run(0, "", "user", "list", "--json")
	seen := map[int]bool{}
	for line := range strings.Lines(out) {
		var user struct{ ID int }
		if err := json.Unmarshal([]byte(line), &user); err != nil {
			t.Fatal(err)
		}
		seen[user.ID] = true
	}
	if len(seen) != 1200 {
		t.Errorf("%d users as JSON", len(seen))
	}
}

// A table fits its terminal, whatever people are called, and their names command nothing.
func TestUserListOnTerminal(t *testing.T) {
	s := crowd(t)
	names := []string{strings.Repeat("a-very-long-name-", 8), strings.Repeat("漢字", 30), "\x1b[31mred\x07\u202e"}
	for i, name := range names {
		if _, err := s.database().Exec("UPDATE auth_user SET username = $1, email = $2 WHERE id = $3", name, name+"@example.com", i+1); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(s.env, "NO_COLOR=1")
	for _, columns := range []int{60, 80, 120} {
		said := s.onTerminal(uint16(columns), "user", "list", "--limit", "600").all()
		lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
		if len(lines) != 601 {
			t.Errorf("%d lines on %d columns", len(lines), columns)
		}
		for i, line := range lines {
			if wide := uniseg.StringWidth(line); wide > columns || i == 1 && wide < columns-20 {
				t.Errorf("%d wide on %d columns: %q", wide, columns, line)
			}
		}
		if !strings.Contains(lines[1], "…") || !strings.Contains(lines[2], "漢") || strings.ContainsAny(said, "\x1b\x07\u202e") || !strings.Contains(lines[3], "[31mred") {
			t.Errorf("%d columns:\n%s", columns, strings.Join(lines[:4], "\n"))
		}
	}
	if out, _ := s.run(0, "", "user", "list", "--limit", "1"); !strings.Contains(out, names[0]+"@example.com") {
		t.Errorf("cut where there is no terminal: %s", out)
	}
	if out, _ := s.run(0, "", "user", "list", "--json", "--limit", "3"); !strings.Contains(out, `\u001b[31mred`) || strings.Contains(out, "\x1b") {
		t.Errorf("as JSON: %s", out)
	}
}
