package passwords

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Django 5.2's parameters. Memory is in KiB.
const (
	argon2Time    = 2
	argon2Memory  = 102_400
	argon2Threads = 8
	// argon2HashLength is the length in bytes that goes with Config.Argon2HashLength 0.
	argon2HashLength = 16
)

// The limits beyond which a stored hash is not checked.
const (
	argon2MaxTime = 64
	// argon2MaxWork bounds passes times KiB: about twenty times Django's.
	argon2MaxWork = 1 << 22
)

// argon2Hasher makes argon2$argon2id$v=19$m=…,t=…,p=…$salt$hash and reads argon2i as well.
// It cannot read argon2d, nor the versions before 19 (1.3): golang.org/x/crypto has neither, and Django has made neither.
type argon2Hasher struct {
	hashLength int
	budget     int64 // bytes that all hashes may use together
}

// argon2Parameters are the parts of an argon2 hash before the salt.
type argon2Parameters struct {
	variety               string // argon2i or argon2id
	memory, time, threads int
	hashLength            int
}

func (h argon2Hasher) parameters() argon2Parameters {
	return argon2Parameters{"argon2id", argon2Memory, argon2Time, argon2Threads, h.hashLength}
}

func (h argon2Hasher) Make(password string) (string, error) {
	return h.parameters().encode(password, []byte(randomText(saltLength))), nil
}

func (h argon2Hasher) Memory() int64 { return argon2Memory << 10 }

func (h argon2Hasher) Read(encoded string) (Hash, bool) {
	parameters, salt, ok := readArgon2(encoded)
	memory := int64(parameters.memory) << 10
	if !ok || memory > h.budget || parameters.memory*parameters.time > argon2MaxWork {
		return Hash{}, false
	}
	read := Hash{
		Matches:  func(password string) bool { return equal(parameters.encode(password, salt), encoded) },
		Outdated: parameters != h.parameters() || len(salt) < saltLength,
		Memory:   memory,
	}
	if parameters.memory*parameters.time < argon2Memory*argon2Time {
		read.Missing = func(password string) { _, _ = h.Make(password) }
		read.Memory = max(memory, h.Memory())
	}
	return read, true
}

// readArgon2 takes a hash apart, with the bounds that the reference's library (libargon2) sets.
func readArgon2(encoded string) (p argon2Parameters, salt []byte, ok bool) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "argon2" || parts[2] != "v=19" {
		return p, nil, false
	}
	if p.variety = parts[1]; p.variety != "argon2i" && p.variety != "argon2id" {
		return p, nil, false
	}
	costs := strings.Split(parts[3], ",")
	if len(costs) != 3 {
		return p, nil, false
	}
	for i, cost := range []struct {
		name string
		most int
		to   *int
	}{{"m=", argon2MaxWork, &p.memory}, {"t=", argon2MaxTime, &p.time}, {"p=", 255, &p.threads}} {
		text, found := strings.CutPrefix(costs[i], cost.name)
		if *cost.to, ok = number(text, cost.most); !found || !ok {
			return p, nil, false
		}
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	hash, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	p.hashLength = len(hash)
	ok = err == nil && err2 == nil && len(salt) >= 8 && len(hash) >= 4 && p.memory >= 8*p.threads
	return p, salt, ok
}

func (p argon2Parameters) encode(password string, salt []byte) string {
	key := argon2.IDKey
	if p.variety == "argon2i" {
		key = argon2.Key
	}
	hash := key([]byte(password), salt, uint32(p.time), uint32(p.memory), uint8(p.threads), uint32(p.hashLength))
	return fmt.Sprintf("argon2$%s$v=19$m=%d,t=%d,p=%d$%s$%s", p.variety, p.memory, p.time, p.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash))
}
