package main

import (
	"net"
	"strings"
	"testing"
)

// health asks the server that the same settings start, by whatever names it is to be asked.
func TestHealth(t *testing.T) {
	s := newShell(t, "LATCHKEY_SECRET_KEY=a-key-for-tests-of-more-than-32-letters")
	sv := s.serve("--config", s.write("latchkey.yaml", "ALLOWED_HOSTS: [app.example.com]\n"))
	address := strings.TrimPrefix(sv.base, "http://")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, listen := range []string{address, ":" + port, "0.0.0.0:" + port} {
		s.env = append(s.env, "LATCHKEY_LISTEN="+listen, "HTTP_PROXY=http://127.0.0.1:1")
		if out, problems := s.run(0, "", "health", "--config", "latchkey.yaml"); out != "ready\n" || problems != "" {
			t.Errorf("listening on %s: %q, %q", listen, out, problems)
		}
	}
	sv.stop(t)
	if out, problems := s.run(1, "", "health", "--config", "latchkey.yaml"); out != "" || !strings.Contains(problems, "the server does not answer") {
		t.Errorf("stopped: %q, %q", out, problems)
	}
}
