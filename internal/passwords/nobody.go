package passwords

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strings"
)

// A crowd is how the users' passwords are kept: each way, and how many of a sample are kept so. Under a key every name that nobody has gets one of them.
type crowd struct {
	key  []byte
	ways map[string]*way // by algorithm and parameters
}

// A way is one algorithm with its parameters.
type way struct {
	encoded string // of no password
	users   float64
}

// Resemble has names that nobody has cost what users like those of a sample cost, whose encoded passwords these are: as many of such names take the work of a
// way as users do. Which name takes which is the key's secret; it stays the same while the sample does, and where that changes, names move as its users did.
func (p *Passwords) Resemble(key []byte, sample []string) {
	c := &crowd{key: key, ways: map[string]*way{}}
	for _, encoded := range sample {
		hasher, known := p.hashers[Algorithm(encoded)]
		if !known {
			continue
		}
		if _, readable := hasher.Read(encoded); !readable {
			continue
		}
		name := Algorithm(encoded) + " " + Parameters(encoded)
		if c.ways[name] == nil {
			c.ways[name] = &way{encoded: strangers(encoded)}
		}
		c.ways[name].users++
	}
	p.nobody.Store(c)
}

// strangers is an encoded password like another, that no password fits.
func strangers(encoded string) string {
	hash := strings.LastIndexByte(encoded, '$') + 1
	hash = max(hash, len(encoded)-31) // bcrypt has its salt before the hash
	return encoded[:hash] + randomText(len(encoded)-hash)
}

// like is the encoded password of a user like whom a name is, empty where there are no users. It is weighted rendezvous hashing: each way draws for the name,
// the more luckily the more users it has, and the luckiest has it. So no name moves between two ways that did not change.
func (c *crowd) like(name string) (encoded string) {
	best := math.Inf(1)
	for text, w := range c.ways {
		mac := hmac.New(sha256.New, c.key)
		mac.Write([]byte(text + "\x00" + name))
		drawn := (float64(binary.BigEndian.Uint64(mac.Sum(nil))>>11) + 0.5) / (1 << 53) // between 0 and 1
		if at := -math.Log(drawn) / w.users; at < best {
			best, encoded = at, w.encoded
		}
	}
	return encoded
}

// CheckNobody does the work of checking the password of somebody who has a name, for a name that nobody has, and forgets it. Before Resemble, and where there
// are no users, it is the work of one new hash. The errors are Make's.
func (p *Passwords) CheckNobody(ctx context.Context, name, password string) error {
	if c := p.nobody.Load(); c != nil {
		if encoded := c.like(name); encoded != "" {
			_, _, err := p.Check(ctx, password, encoded)
			return err
		}
	}
	_, err := p.Make(ctx, password)
	return err
}

// Parameters are what an encoded password says of the work that it takes, without salt and hash. Where the algorithm has none, or the form is not Django's, there are none.
func Parameters(encoded string) string {
	parts := strings.Split(encoded, "$")
	switch algorithm := Algorithm(encoded); {
	case strings.HasPrefix(algorithm, "pbkdf2") && len(parts) == 4:
		return parts[1] + " iterations"
	case algorithm == "argon2" && len(parts) > 3:
		return parts[1] + " " + parts[3]
	case strings.HasPrefix(algorithm, "bcrypt") && len(parts) > 3:
		return parts[3] + " rounds"
	case algorithm == "scrypt" && len(parts) == 6:
		return "n=" + parts[1] + ",r=" + parts[3] + ",p=" + parts[4]
	}
	return ""
}
