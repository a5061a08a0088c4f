package passwords

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"strconv"
)

// A Hasher is one of Django's password hashers, with the parameters it makes new hashes with.
type Hasher interface {
	// Make hashes password under a fresh salt.
	Make(password string) (encoded string, err error)
	// Memory is what Make needs, in bytes, where that is worth counting.
	Memory() int64
	// Read takes a stored hash apart without working on it. It is false for a hash that is damaged,
	// or that asks for more work or memory than the hasher's limits allow.
	Read(encoded string) (Hash, bool)
}

// A Hash is a stored hash, taken apart.
type Hash struct {
	// Matches tells whether the hash was made of password.
	Matches func(password string) bool
	// Missing does the work by which Matches is cheaper than Make; nil when it is not.
	Missing func(password string)
	// Outdated tells whether Django would make the hash anew after a right password (must_update),
	// given that its algorithm is the preferred one.
	Outdated bool
	// Memory is what Matches and Missing need at most, in bytes, where that is worth counting.
	Memory int64
	// Keys is set where Matches and Missing are keys that the pool can compute beside those of others.
	Keys *pbkdf2Hash
}

// djangoHashers is the module that PASSWORD_HASHERS' names begin with.
const djangoHashers = "django.contrib.auth.hashers."

// hashers are the classes that PASSWORD_HASHERS may name. The algorithm is the word before a hash's first $.
var hashers = []struct {
	class, algorithm string
	build            func(cfg Config) Hasher
}{
	{djangoHashers + "PBKDF2PasswordHasher", "pbkdf2_sha256", func(cfg Config) Hasher {
		return pbkdf2Hasher{"pbkdf2_sha256", sha256Key, sha256.Size, cfg.Iterations}
	}},
	{djangoHashers + "PBKDF2SHA1PasswordHasher", "pbkdf2_sha1", func(cfg Config) Hasher {
		return pbkdf2Hasher{"pbkdf2_sha1", sha1Key, sha1.Size, cfg.Iterations}
	}},
	{djangoHashers + "Argon2PasswordHasher", "argon2", func(cfg Config) Hasher {
		return argon2Hasher{hashLength: cfg.Argon2HashLength, budget: cfg.memory()}
	}},
	{djangoHashers + "BCryptSHA256PasswordHasher", "bcrypt_sha256", func(Config) Hasher {
		return bcryptHasher{"bcrypt_sha256", hexSHA256}
	}},
	{djangoHashers + "BCryptPasswordHasher", "bcrypt", func(Config) Hasher {
		return bcryptHasher{"bcrypt", first72}
	}},
	{djangoHashers + "ScryptPasswordHasher", "scrypt", func(cfg Config) Hasher {
		return scryptHasher{budget: cfg.memory()}
	}},
	{djangoHashers + "MD5PasswordHasher", "md5", func(Config) Hasher {
		return md5Hasher{}
	}},
}

// Django's salts are 22 of these, which is just over 128 bits; shorter ones count as outdated.
const (
	saltAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	saltLength   = 22
)

// randomText is n letters and digits, each as likely as any other.
func randomText(n int) string {
	// Bytes from the largest multiple of the alphabet's length on would favour its beginning.
	const fair = 256 / len(saltAlphabet) * len(saltAlphabet)
	text := make([]byte, 0, n)
	var random [64]byte
	for {
		rand.Read(random[:]) // crypto/rand never fails
		for _, b := range random {
			if len(text) == n {
				return string(text)
			}
			if int(b) < fair {
				text = append(text, saltAlphabet[int(b)%len(saltAlphabet)])
			}
		}
	}
}

// number reads a parameter of a stored hash: 1 to most, written as Django writes it, without sign or leading zeros.
func number(text string, most int) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && 1 <= n && n <= most && strconv.Itoa(n) == text
}

// equal compares two encoded hashes in a time that tells nothing but their lengths.
func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
