package passwords

import (
	standard "crypto/pbkdf2"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"latchkey/internal/passwords/pbkdf2"
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
	key        func(job *pbkdf2.Job) []byte // nil where FIPS mode forbids the parameters
	size       int
	iterations int
}

// sha256Key is the key that the pool computes as well.
func sha256Key(job *pbkdf2.Job) []byte {
	return pbkdf2.Key(job.Password, job.Salt, job.Iterations, job.KeyLen)
}

func sha1Key(job *pbkdf2.Job) []byte {
	key, err := standard.Key(sha1.New, string(job.Password), job.Salt, job.Iterations, job.KeyLen)
	if err != nil {
		return nil
	}
	return key
}

// pooled tells whether the pool can compute the hasher's keys beside others.
func (h pbkdf2Hasher) pooled() bool { return h.algorithm == "pbkdf2_sha256" }

func (h pbkdf2Hasher) Make(password string) (string, error) {
	fresh := h.fresh()
	return fresh.encode(h.key(fresh.job(password)))
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
	stored := pbkdf2Hash{h, salt, iterations}
	read := Hash{
		Matches:  func(password string) bool { return stored.is(h.key(stored.job(password)), encoded) },
		Outdated: iterations != h.iterations || len(salt) < saltLength,
	}
	if h.pooled() {
		read.Keys = &stored
	}
	if missing := stored.missing(); missing != nil {
		read.Missing = func(password string) { h.key(missing.job(password)) }
	}
	return read, true
}

// A pbkdf2Hash is everything of a hash but its key.
type pbkdf2Hash struct {
	hasher     pbkdf2Hasher
	salt       string
	iterations int
}

// fresh is a new hash.
func (h pbkdf2Hasher) fresh() pbkdf2Hash {
	return pbkdf2Hash{h, randomText(saltLength), h.iterations}
}

// missing is the hash of the iterations that are missing to a new one's; nil when none are.
func (h pbkdf2Hash) missing() *pbkdf2Hash {
	if h.iterations >= h.hasher.iterations {
		return nil
	}
	return &pbkdf2Hash{h.hasher, h.salt, h.hasher.iterations - h.iterations}
}

// job is what computes the hash's key.
func (h pbkdf2Hash) job(password string) *pbkdf2.Job {
	return &pbkdf2.Job{Password: []byte(password), Salt: []byte(h.salt), Iterations: h.iterations, KeyLen: h.hasher.size}
}

func (h pbkdf2Hash) encode(key []byte) (string, error) {
	if key == nil {
		return "", errors.New("passwords: FIPS 140-only mode forbids " + h.hasher.algorithm + " with these parameters")
	}
	return h.hasher.algorithm + "$" + strconv.Itoa(h.iterations) + "$" + h.salt + "$" + base64.StdEncoding.EncodeToString(key), nil
}

// is tells whether encoded is the hash with this key.
func (h pbkdf2Hash) is(key []byte, encoded string) bool {
	again, err := h.encode(key)
	return err == nil && equal(again, encoded)
}
