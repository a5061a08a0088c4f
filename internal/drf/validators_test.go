package drf

import (
	"strings"
	"testing"
)

func TestValidEmail(t *testing.T) {
	for _, c := range readVectors(t).Emails.Items {
		if got := ValidEmail(c.Email); got != c.Valid {
			t.Errorf("%q: got %v, want %v", c.Email, got, c.Valid)
		}
	}
	// Lone surrogates lie in Django's range of letters, and a long spelling of an address is refused: asked of the reference.
	for email, want := range map[string]bool{
		"a@\xed\xa0\x80b.co": true,
		"\xed\xa0\x80@b.co":  false,
		"a@b.xn--\u017fx":    true,
		"a@b.xn--a-b":        true,
		"a@b.xn--a-1":        false,
		"\"\u212a\"@b.co":    true,
		"\"\\\u00e9\"@b.co":  false,
		"a@[0000:0000:0000:0000:0000:ffff:192.168.100.100]": false,
		"a@[1::3:4:5:6:7:8]": true,
		"a@[1.2.3.4]]":       false,
		"a@[]":               false,
		"a@[":                false,
	} {
		if got := ValidEmail(email); got != want {
			t.Errorf("%q: got %v, want %v", email, got, want)
		}
	}
}

func TestUsernames(t *testing.T) {
	for _, c := range readVectors(t).Usernames.Items {
		if got := ValidUsername(c.Username); got != c.Valid {
			t.Errorf("%q: got %v, want %v", c.Username, got, c.Valid)
		}
	}
	if ValidUsername("\xed\xa0\x80") {
		t.Error("a lone surrogate is taken for a letter")
	}
}

func FuzzEmail(f *testing.F) {
	for _, c := range readVectors(f).Emails.Items {
		f.Add(c.Email)
	}
	f.Fuzz(func(t *testing.T, s string) {
		valid := ValidEmail(s)
		if valid && (Length(s) > 320 || strings.ContainsRune(s, 0) || strings.HasPrefix(s, "@") || strings.HasSuffix(s, "@")) {
			t.Errorf("%q is valid", s)
		}
		if at := strings.LastIndexByte(s, '@'); at >= 0 && valid != ValidEmail(swapCase(s[:at])+s[at:]) {
			t.Errorf("%q: case decides", s)
		}
	})
}

func FuzzUsername(f *testing.F) {
	for _, c := range readVectors(f).Usernames.Items {
		f.Add(c.Username)
	}
	f.Fuzz(func(t *testing.T, s string) {
		valid := ValidUsername(s)
		if valid && (Strip(s) != s || s == "" || strings.ContainsRune(s, 0)) || valid != ValidUsername(s+s) || valid != ValidUsername(swapCase(s)) {
			t.Errorf("%q is valid: %v", s, valid)
		}
	})
}

// swapCase turns upper and lower case of ASCII about.
func swapCase(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}
