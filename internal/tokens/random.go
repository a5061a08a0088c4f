package tokens

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// NewTokenKey returns a key for authtoken_token: 40 lower-case hex digits of 20 random bytes.
func NewTokenKey() string {
	var key [20]byte
	rand.Read(key[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(key[:])
}

// NewSessionKey returns a key for django_session: 32 random characters of a-z and 0-9.
func NewSessionKey() string { return randomOf(lowerAlnum, 32) }

// newJTI returns the text of a random UUID (version 4) without dashes, the id of a web token.
func newJTI() string {
	var id [16]byte
	rand.Read(id[:])
	return uuid4(id)
}

// uuid4 marks 16 bytes as a UUID of version 4, whatever they are, and writes it without dashes.
func uuid4(id [16]byte) string {
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return hex.EncodeToString(id[:])
}

// JTIBeside returns an id for an access token that is handed out beside a refresh token. It looks like any other, and tells who has the secret key that
// the two belong together: no claim has to say so and no table to remember it.
func (k Keys) JTIBeside(refresh string) string {
	var half [8]byte
	rand.Read(half[:])
	return jtiBeside(k.Secret, refresh, half)
}

// Beside reports whether JTIBeside made the id of an access token for this refresh token, with the secret or one of the fallbacks.
func (k Keys) Beside(access, refresh string) bool {
	id, err := hex.DecodeString(access)
	if err != nil || len(id) != 16 {
		return false
	}
	for _, secret := range k.all() {
		if hmac.Equal([]byte(access), []byte(jtiBeside(secret, refresh, [8]byte(id)))) {
			return true
		}
	}
	return false
}

// jtiBeside is a random half and what the secret's key makes of it and of the refresh token's id.
func jtiBeside(secret, refresh string, half [8]byte) string {
	half[6] = half[6]&0x0f | 0x40 // as uuid4 will have it
	var id [16]byte
	copy(id[:], half[:])
	mac := hmac.New(sha256.New, derive(secret, ForAccessIDs))
	mac.Write(half[:])
	mac.Write([]byte(refresh))
	copy(id[8:], mac.Sum(nil))
	return uuid4(id)
}

// Digest is the hex SHA-256 of a token: what is stored of a link, so that the database holds no working one.
func Digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

const lowerAlnum = "abcdefghijklmnopqrstuvwxyz0123456789"

// randomOf is n random characters of an alphabet, each as likely as the others.
func randomOf(alphabet string, n int) string {
	fair := 256 - 256%len(alphabet) // bytes from here on would favour the first letters
	text := make([]byte, 0, n)
	var pool [48]byte
	for len(text) < n {
		rand.Read(pool[:]) // never fails: crypto/rand ends the program instead
		for _, b := range pool {
			if int(b) < fair && len(text) < n {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}
