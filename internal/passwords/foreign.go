package passwords

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Adopt is a hash from elsewhere as the password column keeps it: Django's own encodings and unusable ones as they are, bcrypt's and argon2's own, which other
// frameworks store, with Django's word before them. Its errors say why nobody could ever sign in by the hash; they do not repeat it.
func (p *Passwords) Adopt(hash string) (encoded string, err error) {
	switch {
	case strings.HasPrefix(hash, unusable):
		return hash, nil
	case bcryptHash.MatchString(hash):
		encoded = "bcrypt$" + hash
	case strings.HasPrefix(hash, "$argon2"):
		encoded = "argon2" + hash
	default:
		encoded = hash
	}
	algorithm, _, found := strings.Cut(encoded, "$")
	hasher, configured := p.hashers[algorithm]
	if class, known := Class(algorithm); found && !configured && known {
		return "", fmt.Errorf("this is a hash of %s, which is not in use: add %s to PASSWORD_HASHERS", algorithm, class)
	}
	if !configured {
		return "", errors.New("this is no password hash that is known here")
	}
	if _, readable := hasher.Read(encoded); !readable || !whole(hasher, encoded) {
		return "", fmt.Errorf("this hash of %s is damaged, or would take more work or memory than is allowed", algorithm)
	}
	return encoded, nil
}

// whole tells whether the hash at the end has its full length: Read leaves that to the comparison.
func whole(hasher Hasher, encoded string) bool {
	last := encoded[strings.LastIndexByte(encoded, '$')+1:]
	switch hasher := hasher.(type) {
	case pbkdf2Hasher:
		sum, err := base64.StdEncoding.DecodeString(last)
		return err == nil && len(sum) == hasher.size
	case scryptHasher:
		sum, err := base64.StdEncoding.DecodeString(last)
		return err == nil && len(sum) == scryptSize
	case md5Hasher:
		sum, err := hex.DecodeString(last)
		return err == nil && len(sum) == md5.Size
	}
	return true
}

// Unknown is a password column that no password matches, as far as anybody can know, and that yet counts as a usable one: whoever has it may ask for a
// reset mail. Checking it takes the work of a new PBKDF2 hash.
func (p *Passwords) Unknown() string {
	hasher := pbkdf2Hasher{algorithm: "pbkdf2_sha256", size: sha256.Size, iterations: pbkdf2Iterations}
	if preferred, ok := p.preferred().(pbkdf2Hasher); ok && preferred.algorithm == hasher.algorithm {
		hasher = preferred
	}
	key := make([]byte, hasher.size)
	rand.Read(key) // crypto/rand never fails
	return fmt.Sprintf("%s$%d$%s$%s", hasher.algorithm, hasher.iterations, randomText(saltLength), base64.StdEncoding.EncodeToString(key))
}

// Algorithm is the word by which an encoded password says how it was made: empty for an unusable one, or one without such a word.
func Algorithm(encoded string) string {
	algorithm, _, found := strings.Cut(encoded, "$")
	if !found || !Usable(encoded) {
		return ""
	}
	return algorithm
}

// Class is the hasher of an algorithm, by the name that PASSWORD_HASHERS has for it.
func Class(algorithm string) (class string, known bool) {
	for _, h := range hashers {
		if h.algorithm == algorithm {
			return h.class, true
		}
	}
	return "", false
}
