package tokens

import (
	"crypto/hmac"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

const (
	resetSalt = "django.contrib.auth.tokens.PasswordResetTokenGenerator"
	// year2001 is the Unix time from which reset tokens count.
	year2001 = 978307200
	// resetStampLength is the longest timestamp Django reads, in base 36 digits.
	resetStampLength = 13
)

// Subject is what a reset token is made of; when any of it changes, the tokens made before are dead.
type Subject struct {
	ID        string    // the primary key as text
	Password  string    // the whole password column
	Email     string    // the e-mail column, "" for NULL
	LastLogin time.Time // to the second; zero stands for NULL

	emails string // what allauth's tokens cover beside Django's
}

// Resets makes and checks the tokens of activation, password reset and username reset links: Django's
// PasswordResetTokenGenerator. What a token was mailed for is not part of it.
type Resets struct {
	Keys Keys
	// Location is Django's TIME_ZONE, whose wall clock the tokens count by; UTC when nil.
	Location *time.Location
	// Timeout is PASSWORD_RESET_TIMEOUT, in whole seconds; a token of exactly this age is still good.
	Timeout time.Duration
}

// Make returns the token of a link that is mailed to s now.
func (r Resets) Make(s Subject, now time.Time) string {
	return resetToken(s, r.clock(now), r.Keys.Secret)
}

// Check reports whether token was made for s, as s still is, no longer than Timeout ago. As in Django a token
// from the future passes: a clock that was put back does not spoil links.
func (r Resets) Check(s Subject, token string, now time.Time) bool {
	stamp, hash, found := strings.Cut(token, "-")
	if !found || len(stamp) > resetStampLength || strings.Contains(hash, "-") {
		return false
	}
	seconds, err := strconv.ParseInt(stamp, 36, 64)
	if err != nil {
		return false
	}
	genuine := false
	for _, secret := range r.Keys.all() {
		// The whole token is compared, so other spellings of the same number (capitals, a leading zero) fail.
		if hmac.Equal([]byte(token), []byte(resetToken(s, seconds, secret))) {
			genuine = true
			break
		}
	}
	return genuine && r.clock(now)-seconds <= int64(r.Timeout/time.Second)
}

// clock is the number of seconds that the wall clock in Location shows since the first moment of 2001 on it.
func (r Resets) clock(now time.Time) int64 {
	offset := 0
	if r.Location != nil {
		_, offset = now.In(r.Location).Zone()
	}
	return now.Unix() + int64(offset) - year2001
}

// resetToken is the token of s at the given seconds since 2001: base 36 of the seconds, a dash,
// and every second digit of the hex HMAC over the subject.
func resetToken(s Subject, seconds int64, secret string) string {
	message := make([]byte, 0, 256)
	message = append(message, s.ID...)
	message = append(message, s.Password...)
	if !s.LastLogin.IsZero() {
		message = s.LastLogin.UTC().AppendFormat(message, time.DateTime)
	}
	message = strconv.AppendInt(message, seconds, 10)
	message = append(message, s.Email...)
	message = append(message, s.emails...)

	digits := hex.AppendEncode(make([]byte, 0, 64), saltedHMAC(resetSalt, secret, string(message)))
	token := make([]byte, 0, resetStampLength+1+len(digits)/2)
	token = append(strconv.AppendInt(token, seconds, 36), '-')
	for i := 0; i < len(digits); i += 2 {
		token = append(token, digits[i])
	}
	return string(token)
}
