package passwords

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const (
	// bcryptRounds is Django 5.2's, as a power of two.
	bcryptRounds = 12
	// bcryptMaxRounds is the dearest hash that is still checked: a few seconds of work.
	bcryptMaxRounds = 16
)

// bcryptHasher makes algorithm$ and a bcrypt hash of what prepare makes of the password: 72 bytes at most.
type bcryptHasher struct {
	algorithm string
	prepare   func(password string) []byte
}

// hexSHA256 is how bcrypt_sha256 brings passwords of any length under bcrypt's 72 bytes.
func hexSHA256(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return hex.AppendEncode(nil, sum[:])
}

// first72 is all that bcrypt looks at. The libraries of today refuse longer passwords, those that made the hashes cut them.
func first72(password string) []byte {
	return []byte(password[:min(len(password), 72)])
}

func (h bcryptHasher) Make(password string) (string, error) {
	return h.encode(password, bcryptRounds)
}

func (h bcryptHasher) Memory() int64 { return 0 }

// bcryptHash is version, rounds, salt and hash. A salt's last letter has four bits left over, which a library sets to
// zero when it writes the salt back: with others the reference never finds the texts equal.
var bcryptHash = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}$`)

func (h bcryptHasher) Read(encoded string) (Hash, bool) {
	hash, found := strings.CutPrefix(encoded, h.algorithm+"$")
	match := bcryptHash.FindStringSubmatch(hash)
	if !found || match == nil {
		return Hash{}, false
	}
	rounds, err := strconv.Atoi(match[1])
	if err != nil || rounds < bcrypt.MinCost || rounds > bcryptMaxRounds {
		return Hash{}, false
	}
	read := Hash{
		Matches: func(password string) bool {
			return bcrypt.CompareHashAndPassword([]byte(hash), h.prepare(password)) == nil
		},
		Outdated: rounds != bcryptRounds,
	}
	if rounds < bcryptRounds {
		// Each round doubles the work, so that one hash at every cost between makes up the difference.
		read.Missing = func(password string) {
			for cost := rounds; cost < bcryptRounds; cost++ {
				_, _ = h.encode(password, cost)
			}
		}
	}
	return read, true
}

func (h bcryptHasher) encode(password string, rounds int) (string, error) {
	hash, err := bcrypt.GenerateFromPassword(h.prepare(password), rounds)
	if err != nil {
		return "", err
	}
	// The library still writes the older name of the same algorithm.
	return h.algorithm + "$$2b$" + strings.TrimPrefix(string(hash), "$2a$"), nil
}
