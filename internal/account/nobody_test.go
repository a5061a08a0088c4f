package account_test

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"slices"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// The ways in which passwords are kept in a database on its way from Django, with costs that differ as those of real ones do and are small; how many of 100 users have each.
// New hashes are PBKDF2's of 20,000 iterations, and a wrong password of another hasher costs such a one, too.
var inTransition = []struct {
	users   int
	encoded string
}{
	{25, "pbkdf2_sha256$12000$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w="},
	{25, "pbkdf2_sha256$20000$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w="},
	{15, "pbkdf2_sha256$60000$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w="},
	{15, "argon2$argon2id$v=19$m=8192,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$hnbVCPqSUYiUx5rpnCt7EQ"},
	{15, "bcrypt_sha256$$2b$07$J6h7He5fdXfkJ5JXjVhyPuJlfiRrmcF7P/VYIculdXurA684wUg8C"},
	{5, "!"}, // made an unusable one for each
}

// mixed is a world with users named u0, u1 …: count of them, their passwords kept in those ways, every tenth switched off.
func mixed(t *testing.T, count int, change func(*account.Service)) *world {
	t.Helper()
	w := newWorld(t, testenv.SQLite(t), func(s *account.Service) {
		hashing := passwords.DefaultConfig()
		hashing.Iterations = 20_000
		judge, err := passwords.New(hashing)
		must(t, err)
		s.Passwords, s.Keys.Secret = judge, rand.Text()
		if change != nil {
			change(s)
		}
	})
	must(t, w.Store.InTx(ctx, func(tx *store.Store) error {
		n := 0
		for _, way := range inTransition {
			for range count * way.users / 100 {
				encoded := way.encoded
				if encoded == "!" {
					encoded = passwords.Unusable()
				}
				user := &store.User{Username: fmt.Sprint("u", n), Email: fmt.Sprintf("u%d@example.com", n), Password: encoded, IsActive: n%10 > 0, DateJoined: noon}
				if err := tx.InsertUser(ctx, user); err != nil {
					return err
				}
				n++
			}
		}
		return nil
	}))
	must(t, w.ResembleUsers(ctx))
	return w
}

// Whether somebody has a name does not show in the time that a wrong password takes: known and unknown names, tried in random order, have times that no test can
// tell apart. The comparison is Kolmogorov's and Smirnov's, which looks only at the order of the times and so at no clock's speed. Its bound is passed by chance
// once in 10,000 times, and something that the machine does meanwhile is unlikely to do it thrice.
func TestKnownAndUnknownNamesTakeTheSameTime(t *testing.T) {
	const users, tries = 300, 3
	var distance, bound float64
	for range tries {
		w := mixed(t, users, nil)
		names := make([]string, 0, 2*users)
		for n := range users {
			names = append(names, fmt.Sprint("u", n), rand.Text())
		}
		known := func(name string) bool { return name[0] == 'u' } // rand.Text has capitals and digits
		mathrand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		var times [2][]time.Duration
		for _, name := range names {
			began := time.Now()
			_, err := w.SignIn(ctx, name, "wrong")
			took := time.Since(began)
			wants(t, name, err, account.ErrBadCredentials)
			side := 0
			if known(name) {
				side = 1
			}
			times[side] = append(times[side], took)
		}
		distance, bound = apart(times[0], times[1])
		t.Logf("the times are %.3f apart, and %.3f may be chance", distance, bound)
		if distance < bound {
			return
		}
	}
	t.Errorf("in each of %d tries the times of known and unknown names were further apart than chance has it: %.3f, at most %.3f", tries, distance, bound)
}

// apart is the greatest distance between the distributions of two samples, and what it is at most, but for once in 10,000 times, where they are of one kind
// (https://en.wikipedia.org/wiki/Kolmogorov–Smirnov_test#Two-sample_Kolmogorov–Smirnov_test).
func apart[T cmp.Ordered](a, b []T) (distance, bound float64) {
	slices.Sort(a)
	slices.Sort(b)
	n, m := float64(len(a)), float64(len(b))
	for i, j := 0, 0; i < len(a) && j < len(b); {
		at := min(a[i], b[j])
		for i < len(a) && a[i] == at {
			i++
		}
		for j < len(b) && b[j] == at {
			j++
		}
		distance = max(distance, math.Abs(float64(i)/n-float64(j)/m))
	}
	return distance, math.Sqrt(-math.Log(0.0001/2) / 2 * (n + m) / (n * m))
}
