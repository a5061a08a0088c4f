package tokens

import (
	"crypto/hkdf"
	"crypto/sha256"
	"sync"
)

// A Purpose is what a key derived from the secret key is for. What Django has to read stays with the secret key itself and Django's salts; everything else
// has a key of its own, so that nothing which is made with one says anything about another.
type Purpose string

// The purposes that there are.
const (
	ForAccessIDs Purpose = "ids of access tokens"       // JTIBeside
	ForNobody    Purpose = "passwords of unknown names" // passwords.Resemble
)

// Derive is the key for a purpose: HKDF with SHA-256 (RFC 5869), without salt, of the secret that signs.
func (k Keys) Derive(purpose Purpose) []byte { return derive(k.Secret, purpose) }

// derived are the keys that were derived: to do so takes several times as long as the HMAC that they are for.
var derived sync.Map

func derive(secret string, purpose Purpose) []byte {
	from := struct {
		secret  string
		purpose Purpose
	}{secret, purpose}
	if key, ok := derived.Load(from); ok {
		return key.([]byte)
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "latchkey: "+string(purpose), sha256.Size)
	if err != nil {
		panic("tokens: " + err.Error()) // in FIPS 140-only mode, which refuses a secret of less than 14 bytes, as it does in an HMAC
	}
	derived.Store(from, key)
	return key
}
