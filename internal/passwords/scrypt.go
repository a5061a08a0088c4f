package passwords

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// Django 5.2's parameters.
const (
	scryptN = 1 << 14
	scryptR = 8
	scryptP = 5
	// scryptSize is the length of the hash in bytes.
	scryptSize = 64
)

// scryptMaxWork bounds n·r·p of a stored hash that is still checked: about 25 times Django's.
const scryptMaxWork = 1 << 24

// scryptHasher makes scrypt$n$salt$r$p$base64.
type scryptHasher struct {
	budget int64 // bytes that all hashes may use together
}

// scryptParameters are scrypt's costs: n a power of two.
type scryptParameters struct{ n, r, p int }

var scryptDjango = scryptParameters{scryptN, scryptR, scryptP}

func (h scryptHasher) Make(password string) (string, error) {
	return scryptDjango.encode(password, randomText(saltLength))
}

func (h scryptHasher) Memory() int64 { return scryptDjango.memory() }

func (h scryptHasher) Read(encoded string) (Hash, bool) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "scrypt" || parts[2] == "" {
		return Hash{}, false
	}
	n, nOK := number(parts[1], scryptMaxWork)
	r, rOK := number(parts[3], scryptMaxWork)
	p, pOK := number(parts[4], scryptMaxWork)
	cost, salt := scryptParameters{n, r, p}, parts[2]
	if !nOK || !rOK || !pOK || n < 2 || n&(n-1) != 0 || cost.work() > scryptMaxWork || cost.memory() > h.budget {
		return Hash{}, false
	}
	read := Hash{
		Matches: func(password string) bool {
			again, err := cost.encode(password, salt)
			return err == nil && equal(again, encoded)
		},
		Outdated: cost != scryptDjango, // Django looks at no salt here
		Memory:   cost.memory(),
	}
	if cost.work() < scryptDjango.work() {
		read.Missing = func(password string) { _, _ = h.Make(password) }
		read.Memory = max(read.Memory, h.Memory())
	}
	return read, true
}

// work is n·r·p, in blocks of 128 bytes; it does not overflow when each is at most scryptMaxWork.
func (s scryptParameters) work() int64 {
	if int64(s.n)*int64(s.r) > scryptMaxWork {
		return int64(s.n) * int64(s.r)
	}
	return int64(s.n) * int64(s.r) * int64(s.p)
}

// memory is the large table, one for all lanes in turn, and the lanes themselves, in bytes.
func (s scryptParameters) memory() int64 {
	return 128 * int64(s.r) * (int64(s.n) + int64(s.p))
}

func (s scryptParameters) encode(password, salt string) (string, error) {
	key, err := scrypt.Key([]byte(password), []byte(salt), s.n, s.r, s.p, scryptSize)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", s.n, salt, s.r, s.p, base64.StdEncoding.EncodeToString(key)), nil
}
