package passwords

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
)

// md5Hasher makes md5$salt$hex. It protects nothing: Django keeps it for fast tests, and so do we.
type md5Hasher struct{}

func (h md5Hasher) Make(password string) (string, error) {
	return h.encode(password, randomText(saltLength)), nil
}

func (h md5Hasher) Memory() int64 { return 0 }

func (h md5Hasher) Read(encoded string) (Hash, bool) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 3 || parts[0] != "md5" || parts[1] == "" {
		return Hash{}, false
	}
	salt := parts[1]
	return Hash{
		Matches:  func(password string) bool { return equal(h.encode(password, salt), encoded) },
		Outdated: len(salt) < saltLength,
	}, true
}

func (h md5Hasher) encode(password, salt string) string {
	sum := md5.Sum([]byte(salt + password))
	return "md5$" + salt + "$" + hex.EncodeToString(sum[:])
}
