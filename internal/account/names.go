package account

import (
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// NormalizeUsername is Django's normal form of a new name: NFKC.
func NormalizeUsername(name string) string { return norm.NFKC.String(name) }

// NormalizeEmail is Django's form of a new account's address: what follows the last @ in lower case.
func NormalizeEmail(email string) string {
	i := strings.LastIndexByte(email, '@')
	if i < 0 {
		return email
	}
	return email[:i+1] + cases.Lower(language.Und).String(email[i+1:])
}
