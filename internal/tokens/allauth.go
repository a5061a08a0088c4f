package tokens

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EncodeUID36 writes a whole-number key the way allauth's links carry it: base 36, small letters.
func EncodeUID36(id int64) string { return strconv.FormatInt(id, 36) }

// maxUID36 is how many digits of base 36 are read: enough for 64 bits.
const maxUID36 = 13

// DecodeUID36 reads such a uid. Django's own reading takes signs, underscores and the digits of every script too; no link has them.
func DecodeUID36(uid string) (int64, bool) {
	if uid == "" || len(uid) > maxUID36 || strings.ContainsFunc(uid, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return 0, false
	}
	n, err := strconv.ParseInt(uid, 36, 64)
	return n, err == nil
}

// allauthEmails is what allauth's reset tokens cover beside Django's: the addresses of the account and of its rows in account_emailaddress, each once.
func allauthEmails(account string, rows []string) string {
	all := slices.Clone(rows)
	if account != "" {
		all = append(all, strings.ToLower(account))
	}
	slices.Sort(all) // UTF-8 sorts as its code points do
	return strings.Join(slices.Compact(all), "|")
}

// MakeAllauth is Make for the links of allauth; addresses are the user's rows of account_emailaddress.
func (r Resets) MakeAllauth(s Subject, addresses []string, now time.Time) string {
	s.emails = allauthEmails(s.Email, addresses)
	return r.Make(s, now)
}

// CheckAllauth is Check for the links of allauth.
func (r Resets) CheckAllauth(s Subject, addresses []string, token string, now time.Time) bool {
	s.emails = allauthEmails(s.Email, addresses)
	return r.Check(s, token, now)
}

// ConfirmationKey signs the key of a row of account_emailaddress, as it stands in allauth's confirmation links; salt is ACCOUNT_SALT.
func (k Keys) ConfirmationKey(salt string, id int64, now time.Time) string {
	return k.Dumps(strconv.AppendInt(nil, id, 10), salt, false, now)
}

// OpenConfirmationKey returns the row's key if the signature is good and no older than maxAge; with a maxAge of 0 it is expired at once.
func (k Keys) OpenConfirmationKey(salt, key string, maxAge time.Duration, now time.Time) (int64, bool) {
	value, made, ok := k.unsignTime(salt, key)
	if !ok || now.Sub(made) > maxAge {
		return 0, false
	}
	data, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return 0, false
	}
	id, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 64) // some wrote the number as a text
	return id, err == nil && id > 0
}

// NewConfirmationKey returns a key for account_emailconfirmation: 64 random characters of a-z and 0-9.
func NewConfirmationKey() string { return randomOf(lowerAlnum, 64) }

// csrfLetters are those of Django's CSRF secrets.
const csrfLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// NewCSRFSecret returns a value for the CSRF cookie: 32 random letters and digits.
func NewCSRFSecret() string { return randomOf(csrfLetters, 32) }
