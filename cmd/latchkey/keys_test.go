package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/tokens"
)

// A listed key is a line of keys list --json.
type listed struct{ Kid, Algorithm, State, File string }

func (s *shell) keys() (keys []listed) {
	s.t.Helper()
	out, _ := s.run(0, "", "keys", "list", "--json")
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		var k listed
		if err := json.Unmarshal(lines.Bytes(), &k); err != nil {
			s.t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

// A folder is made with its first key, gets a second, which waits, loses a stolen one and those that no token needs any more.
func TestKeys(t *testing.T) {
	s := newShell(t, "LATCHKEY_JWT_KEYS=keys", "LATCHKEY_SECRET_KEY=a-key-for-tests-of-more-than-32-letters", "LATCHKEY_DATABASE=sqlite://latchkey.db")
	if _, problems := s.run(2, "", "config", "check"); !strings.Contains(problems, "jwt_keys") {
		t.Errorf("without a folder: %s", problems)
	}
	out, _ := s.run(0, "", "keys", "rotate", "--algorithm", "ES256")
	if !strings.Contains(out, "add jwt_old_tokens_until: ") {
		t.Errorf("the first key: %s", out)
	}
	s.run(0, "", "config", "check")
	first := s.keys()
	if len(first) != 1 || first[0].State != "signs" || first[0].Algorithm != "ES256" {
		t.Fatalf("%+v", first)
	}
	if info, err := os.Stat(filepath.Join(s.folder, "keys", first[0].File)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	s.run(0, "", "keys", "rotate")
	both := s.keys()
	if len(both) != 2 || both[0].Kid != first[0].Kid || both[0].State != "signs" || !strings.HasPrefix(both[1].State, "signs from ") || both[1].Algorithm != "ES256" {
		t.Fatalf("%+v", both)
	}
	if _, problems := s.run(1, "", "keys", "rotate"); !strings.Contains(problems, "a new key is there already") {
		t.Error(problems)
	}
	if table, _ := s.run(0, "", "keys", "list"); !strings.Contains(table, both[1].Kid) {
		t.Error(table)
	}

	s.run(0, "", "keys", "retire", both[1].Kid) // which signs not yet
	s.run(1, "", "keys", "retire", "x")
	time.Sleep(time.Second) // names tell seconds
	s.run(0, "", "keys", "retire", first[0].File)
	if after := s.keys(); len(after) != 1 || after[0].State != "signs" || after[0].Kid == first[0].Kid {
		t.Fatalf("%+v", after)
	}

	for _, ago := range []time.Duration{72 * time.Hour, 48 * time.Hour} {
		if _, err := tokens.WriteKey(filepath.Join(s.folder, "keys"), "ES256", time.Now().Add(-ago)); err != nil {
			t.Fatal(err)
		}
	}
	states := func() (states []string) {
		for _, k := range s.keys() {
			state, _, _ := strings.Cut(k.State, " 2")
			states = append(states, state)
		}
		return states
	}
	if got := strings.Join(states(), ", "); got != "not needed, checks until, signs" {
		t.Error(got)
	}
	s.run(0, "", "keys", "rotate", "--algorithm", "EdDSA")
	if got := strings.Join(states(), ", "); got != "checks until, signs, signs from" {
		t.Error(got)
	}
}
