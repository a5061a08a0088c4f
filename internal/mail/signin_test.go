package mail

import (
	"testing"

	"github.com/wneessen/go-mail/smtp"
)

// A password leaves the machine only over TLS. The address is the connection's own, so no name can pretend to be loopback.
func TestSignInNeedsEncryption(t *testing.T) {
	for _, c := range []struct {
		tls, loopback, allowed bool
	}{
		{true, false, true},
		{true, true, true},
		{false, true, true},
		{false, false, false},
	} {
		a := &signIn{user: "ann", password: "sesame", host: "mail.example.com", loopback: c.loopback}
		_, response, err := a.Start(&smtp.ServerInfo{Name: "mail.example.com", TLS: c.tls, Auth: []string{"PLAIN"}})
		if (err == nil) != c.allowed {
			t.Errorf("TLS %t, loopback %t: %v", c.tls, c.loopback, err)
		}
		if want := map[bool]string{true: "\x00ann\x00sesame"}[c.allowed]; string(response) != want {
			t.Errorf("TLS %t, loopback %t: sent %q", c.tls, c.loopback, response)
		}
	}
}
