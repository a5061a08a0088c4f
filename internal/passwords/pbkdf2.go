package passwords

import (
	"crypto/pbkdf2"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"
)

const (
	// pbkdf2Iterations is the count of Django 5.2.
	pbkdf2Iterations = 1_000_000
	// pbkdf2MaxIterations is the dearest hash that is still checked: a few seconds of work.
	pbkdf2MaxIterations = 10_000_000
)

// pbkdf2Hasher makes algorithm$iterations$salt$base64, its key as long as the hash function's sum.
type pbkdf2Hasher struct {
	algorithm  string
	newHash    func() hash.Hash
	size       int
	iterations int
}

func (h pbkdf2Hasher) Make(password string) (string, error) {
	return h.encode(password, randomText(saltLength), h.iterations)
}

func (h pbkdf2Hasher) Memory() int64 { return 0 }

func (h pbkdf2Hasher) Read(encoded string) (Hash, bool) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 4 || parts[0] != h.algorithm || parts[2] == "" {
		return Hash{}, false
	}
	salt := parts[2]
	iterations, ok := number(parts[1], pbkdf2MaxIterations)
	if !ok {
		return Hash{}, false
	}
	read := Hash{
		Matches: func(password string) bool {
			again, err := h.encode(password, salt, iterations)
			return err == nil && equal(again, encoded)
		},
		Outdated: iterations != h.iterations || len(salt) < saltLength,
	}
	if missing := h.iterations - iterations; missing > 0 {
		read.Missing = func(password string) { _, _ = h.encode(password, salt, missing) }
	}
	return read, true
}

// encode fails only where FIPS mode forbids the parameters.
func (h pbkdf2Hasher) encode(password, salt string, iterations int) (string, error) {
	key, err := pbkdf2.Key(h.newHash, password, []byte(salt), iterations, h.size)
	if err != nil {
		return "", err
	}
	return h.algorithm + "$" + strconv.Itoa(iterations) + "$" + salt + "$" + base64.StdEncoding.EncodeToString(key), nil
}
