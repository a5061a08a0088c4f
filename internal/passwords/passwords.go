// Package passwords makes and checks password hashes in Django's encodings, within bounds of work and memory, and tells
// weak passwords by Django's validators.
package passwords

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"latchkey/internal/passwords/pbkdf2"
)

// Passwords hashes, checks and judges passwords as one configuration says. It is safe for concurrent use.
type Passwords struct {
	algorithm string            // of the preferred hasher, which makes new hashes
	hashers   map[string]Hasher // by algorithm
	rules     []rule
	pool      *pool
	nobody    atomic.Pointer[crowd] // nil before Resemble
}

// New checks cfg and reports every mistake in it, joined; each names the setting and what to write instead.
// Password lists that validators name are read here.
func New(cfg Config) (*Passwords, error) {
	if cfg.Iterations == 0 {
		cfg.Iterations = pbkdf2Iterations
	}
	if cfg.Argon2HashLength == 0 {
		cfg.Argon2HashLength = argon2HashLength
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Memory == 0 {
		cfg.Memory = 1024
	}
	mistakes := []error{cfg.checkNumbers()}

	p := &Passwords{hashers: make(map[string]Hasher)}
	for i, class := range cfg.Hashers {
		algorithm, hasher, err := buildHasher(class, cfg)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		p.hashers[algorithm] = hasher
		if i == 0 {
			p.algorithm = algorithm
		}
		// Its own hashes could never match: better said now than when somebody cannot sign in.
		if hasher.Memory() > cfg.memory() {
			mistakes = append(mistakes, fmt.Errorf("hash_memory_mib: %d is too little for one hash of %s; write %d or more, or take that out of PASSWORD_HASHERS",
				cfg.Memory, class, (hasher.Memory()+1<<20-1)>>20))
		}
	}
	for _, validator := range cfg.Validators {
		rule, err := buildRule(validator, cfg)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		p.rules = append(p.rules, rule)
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	p.pool = newPool(cfg.Workers, cfg.Queue, cfg.memory())
	return p, nil
}

// memory is the budget in bytes.
func (c Config) memory() int64 { return int64(c.Memory) << 20 }

func (c Config) checkNumbers() error {
	var mistakes []error
	if len(c.Hashers) == 0 {
		mistakes = append(mistakes, errors.New("PASSWORD_HASHERS: the list is empty; name at least one hasher, the first makes new hashes"))
	}
	for _, n := range []struct {
		key                string
		value, least, most int
	}{
		{"pbkdf2_iterations", c.Iterations, 1, pbkdf2MaxIterations},
		{"hash_workers", c.Workers, 1, 1 << 16},
		{"hash_queue", c.Queue, 0, 1 << 24},
		{"hash_memory_mib", c.Memory, 1, 1 << 24},
	} {
		if n.value < n.least || n.value > n.most {
			mistakes = append(mistakes, fmt.Errorf("%s: %d is out of range; write a number from %d to %d", n.key, n.value, n.least, n.most))
		}
	}
	if c.Argon2HashLength != 16 && c.Argon2HashLength != 32 {
		mistakes = append(mistakes, fmt.Errorf("argon2_hash_length: %d is no length that Django uses; write 16 or 32", c.Argon2HashLength))
	}
	return errors.Join(mistakes...)
}

func buildHasher(class string, cfg Config) (algorithm string, hasher Hasher, err error) {
	known := make([]string, len(hashers))
	for i, h := range hashers {
		if h.class == class {
			return h.algorithm, h.build(cfg), nil
		}
		known[i] = strings.TrimPrefix(h.class, djangoHashers)
	}
	return "", nil, fmt.Errorf("PASSWORD_HASHERS: there is no hasher %q; remove it, or write %s and one of %s",
		class, djangoHashers, strings.Join(known, ", "))
}

// preferred makes new hashes.
func (p *Passwords) preferred() Hasher { return p.hashers[p.algorithm] }

// Make hashes password with the preferred hasher under a fresh salt. It returns ErrBusy when too many wait already,
// and the context's error when that ends before its turn.
func (p *Passwords) Make(ctx context.Context, password string) (encoded string, err error) {
	var failed error
	err = p.pool.do(ctx, p.makeTurn(password, &encoded, &failed))
	return encoded, cmp.Or(err, failed)
}

func (p *Passwords) makeTurn(password string, encoded *string, failed *error) *turn {
	hasher, ok := p.pooled()
	if !ok {
		return &turn{memory: p.preferred().Memory(), work: func() {
			*encoded, *failed = p.preferred().Make(password)
		}}
	}
	fresh := hasher.fresh()
	return &turn{key: fresh.job(password), then: func(key []byte) *pbkdf2.Job {
		*encoded, *failed = fresh.encode(key)
		return nil
	}}
}

// Load is how many passwords are being hashed, how many wait, and how many were refused with ErrBusy since the start.
func (p *Passwords) Load() (running, waiting int, refused uint64) { return p.pool.load() }

// Workers is how many processors hash at once, at most.
func (p *Passwords) Workers() int { return p.pool.most }

// pooled is the preferred hasher if the pool can compute its keys beside others.
func (p *Passwords) pooled() (hasher pbkdf2Hasher, ok bool) {
	hasher, ok = p.preferred().(pbkdf2Hasher)
	return hasher, ok && hasher.pooled()
}

// Check tells whether encoded was made of password, and if so whether Django would now make the hash anew: because its
// algorithm is not the preferred one, its parameters differ or its salt is short.
//
// A hash that is damaged, unknown, unusable, of a hasher that is not configured or beyond the hashers' limits never
// matches, and is as dear as a name that nobody has: see CheckNobody. A wrong password costs at least the work of a new
// hash, whatever is stored, so that its time tells no account with an old hash. The errors are Make's.
func (p *Passwords) Check(ctx context.Context, password, encoded string) (ok, outdated bool, err error) {
	algorithm, _, _ := strings.Cut(encoded, "$")
	hasher, known := p.hashers[algorithm]
	if !known {
		return false, false, p.CheckNobody(ctx, encoded, password)
	}
	hash, readable := hasher.Read(encoded)
	if !readable {
		return false, false, p.CheckNobody(ctx, encoded, password)
	}
	if algorithm != p.algorithm {
		hash.Outdated = true
		hash.Missing = func(password string) { _, _ = p.preferred().Make(password) }
		hash.Memory = max(hash.Memory, p.preferred().Memory())
	}
	err = p.pool.do(ctx, p.checkTurn(hash, password, encoded, &ok))
	return ok, ok && hash.Outdated, err
}

// checkTurn sets ok if hash, read from encoded, was made of password, and does what is missing if not.
//
// Where new hashes are keys that the pool computes beside others, what is missing is computed so, too: then accounts that
// exist and names that do not share a processor alike when it is short.
func (p *Passwords) checkTurn(hash Hash, password, encoded string, ok *bool) *turn {
	preferred, pooled := p.pooled()
	t := &turn{memory: hash.Memory}
	switch {
	case pooled && hash.Keys != nil:
		t.key = hash.Keys.job(password)
		t.then = func(key []byte) *pbkdf2.Job {
			*ok = hash.Keys.is(key, encoded)
			missing := hash.Keys.missing()
			if *ok || missing == nil {
				return nil
			}
			t.then = nil
			return missing.job(password)
		}
	case pooled:
		t.work = func() {
			if *ok = hash.Matches(password); !*ok {
				t.key = preferred.fresh().job(password)
			}
		}
	default:
		t.work = func() {
			*ok = hash.Matches(password)
			if !*ok && hash.Missing != nil {
				hash.Missing(password)
			}
		}
	}
	return t
}

// unusable begins a password column that no password matches.
const unusable = "!"

// Usable tells whether an account may sign in with a password and be mailed a reset: Django asks for no more than that
// the column does not say otherwise, so that an empty or damaged one is usable and yet never matches.
func Usable(encoded string) bool {
	return !strings.HasPrefix(encoded, unusable)
}

// Unusable is a new password column that no password matches. Its random letters make the account's reset links and
// session hashes its own.
func Unusable() string {
	return unusable + randomText(40)
}
