package authenticate

import (
	"strings"
	"testing"
)

// A CSRF token has one secret behind it, and a mask over that comes off again; what is no token is refused.
func FuzzUnmask(f *testing.F) {
	f.Add(strings.Repeat("a", 32))
	f.Add(strings.Repeat("aZ09", 16))
	f.Add(strings.Repeat("a", 31) + "\xff")
	f.Fuzz(func(t *testing.T, token string) {
		secret, fault := unmask(token)
		if fault != nil {
			return
		}
		if len(secret) != 32 || strings.Trim(secret, csrfLetters) != "" {
			t.Errorf("%q hides %q", token, secret)
		}
		if again, fault := unmask(mask(secret)); fault != nil || again != secret {
			t.Errorf("%q comes back as %q, %v", secret, again, fault)
		}
	})
}
