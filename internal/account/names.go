package account

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// NormalizeUsername is Django's normal form of a new name: NFKC.
func NormalizeUsername(name string) string { return norm.NFKC.String(name) }

// NormalizeEmail is Django's form of a new account's address: without white space at its ends, what follows the last @ in lower case. Text without an @ is
// returned as it is.
func NormalizeEmail(email string) string {
	stripped := strings.TrimFunc(email, func(r rune) bool { return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F }) // Python's str.strip
	at := strings.LastIndexByte(stripped, '@')
	if at < 0 {
		return email
	}
	return stripped[:at+1] + cases.Lower(language.Und).String(stripped[at+1:])
}
