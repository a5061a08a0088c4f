package tokens

import (
	"crypto/hmac"
	"encoding/hex"
	"time"
)

const (
	sessionSalt     = "django.contrib.sessions.SessionStore"
	sessionHashSalt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"

	sessionUserID  = "_auth_user_id"
	sessionBackend = "_auth_user_backend"
	sessionHash    = "_auth_user_hash"
)

// A Session is the dict behind a session key. UserID, Backend and Hash are empty where nobody is signed in.
type Session struct {
	UserID  string    // the user's primary key as text
	Backend string    // dotted path of the authentication backend
	Hash    string    // SessionHash of the password column at sign-in
	Other   Claims    // every other key of the dict, in its order
	Written time.Time // when it was signed, to the second; zero in one that was not
}

// EncodeSession writes session_data, signed now.
func (k Keys) EncodeSession(s Session, now time.Time) string {
	all := make(Claims, 0, 3+len(s.Other))
	if s.UserID != "" {
		all = append(all,
			Claim{sessionUserID, TextValue(s.UserID)},
			Claim{sessionBackend, TextValue(s.Backend)},
			Claim{sessionHash, TextValue(s.Hash)})
	}
	all = append(all, s.Other...)
	return k.Dumps(all.AppendJSON(nil), sessionSalt, true, now)
}

// DecodeSession reads session_data of any age: the row's expire_date says how long it is good.
// It reports false for data that Django would take for an empty session.
func (k Keys) DecodeSession(text string) (Session, bool) {
	value, written, ok := k.unsignTime(sessionSalt, text)
	if !ok {
		return Session{}, false
	}
	data, ok := unpack(value)
	if !ok {
		return Session{}, false
	}
	all, ok := ParseClaims(string(data))
	if !ok {
		return Session{}, false
	}
	s := Session{Written: written}
	for _, c := range all {
		text, _ := c.Value.Text()
		switch c.Name {
		case sessionUserID:
			s.UserID = text
		case sessionBackend:
			s.Backend = text
		case sessionHash:
			s.Hash = text
		default:
			s.Other = append(s.Other, c)
		}
	}
	return s, true
}

// SessionHash is what ties a session to the password column it was opened under.
func (k Keys) SessionHash(password string) string {
	return hex.EncodeToString(saltedHMAC(sessionHashSalt, k.Secret, password))
}

// CheckSessionHash compares a session's hash with the password column in constant time. fallback says that a
// fallback key made it, whereupon Django renews both the hash and the session key.
func (k Keys) CheckSessionHash(password, hash string) (ok, fallback bool) {
	for i, secret := range k.all() {
		want := hex.EncodeToString(saltedHMAC(sessionHashSalt, secret, password))
		if hmac.Equal([]byte(hash), []byte(want)) {
			return true, i > 0
		}
	}
	return false, false
}
