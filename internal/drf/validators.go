package drf

import (
	"net/netip"
	"strings"
	"unicode"
)

// ValidUsername is Django's UnicodeUsernameValidator: at least one character, all of them letters, numbers (Unicode's L and N), or of _ @ . + -.
func ValidUsername(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune("_@.+-", r) {
			return false
		}
	}
	return s != ""
}

// ValidEmail is Django's EmailValidator: at most 320 characters, a local part and a domain around the last @.
func ValidEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 0 || Length(s) > 320 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if !dotAtom(local) && !quotedString(local) {
		return false
	}
	return domain == "localhost" || hostname(domain) || addressLiteral(domain)
}

// dotAtom is words of the usual characters with single dots between them. Python compares without case, by which four more letters fold into a–z.
func dotAtom(s string) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" {
			return false
		}
		for _, r := range word {
			if !asciiAlnum(r) && !strings.ContainsRune("!#$%&'*+/=?^_`{|}~-", r) && !foldsToASCII(r) {
				return false
			}
		}
	}
	return true
}

// quotedString is text in quotes; white space other than some control characters, and quotes, only behind a backslash.
func quotedString(s string) bool {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	escaped := false
	for _, r := range s[1 : len(s)-1] {
		switch {
		case escaped:
			if r == 0 || r == '\n' || r == '\r' || r > 0x7F && !foldsToASCII(r) {
				return false
			}
			escaped = false
		case r == '\\':
			escaped = true
		case r == 0, r == '\t', r == '\n', r == '\r', r == ' ', r == '"', r > 0x7F && !foldsToASCII(r):
			return false
		}
	}
	return !escaped
}

// hostname is two labels or more, the last one without digits or in punycode.
func hostname(s string) bool {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 || !topLevel(s[dot+1:]) {
		return false
	}
	for label := range strings.SplitSeq(s[:dot], ".") {
		if !labelOf(label, func(r rune) bool { return domainLetter(r) || asciiDigit(r) || r == '-' }) {
			return false
		}
	}
	return true
}

func topLevel(label string) bool {
	if labelOf(label, func(r rune) bool { return domainLetter(r) || r == '-' }) && Length(label) > 1 {
		return true
	}
	return len(label) > 4 && strings.EqualFold(label[:4], "xn--") && labelOf(label, func(r rune) bool { return r == '-' || asciiAlnum(r) || foldsToASCII(r) }) &&
		!strings.Contains(label[4:], "-")
}

// labelOf is 1 to 63 characters of a kind, no hyphen at either end.
func labelOf(label string, kind func(rune) bool) bool {
	if label == "" || label[0] == '-' || label[len(label)-1] == '-' || Length(label) > 63 {
		return false
	}
	for label != "" {
		r, size := decodeRune(label)
		if !kind(r) {
			return false
		}
		label = label[size:]
	}
	return true
}

// addressLiteral is an IPv4 or IPv6 address in brackets, without zone or tag.
func addressLiteral(s string) bool {
	inner := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if len(s) != len(inner)+2 {
		return false
	}
	address, err := netip.ParseAddr(inner)
	return err == nil && address.Zone() == "" && len(inner) <= len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
}

// domainLetter is what Django takes for a letter of any script: a range of the code points, not a property.
func domainLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0xA1 && r <= 0xFFFF
}

func asciiDigit(r rune) bool { return r >= '0' && r <= '9' }

func asciiAlnum(r rune) bool {
	return asciiDigit(r) || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// foldsToASCII names the letters beyond ASCII that Python's matching without case takes for an i, an s or a k.
func foldsToASCII(r rune) bool {
	return r == 'İ' || r == 'ı' || r == 'ſ' || r == '\u212A'
}
