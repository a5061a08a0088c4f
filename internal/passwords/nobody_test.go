package passwords

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// In a database on its way from Django passwords are kept in many ways; how many of 100 users each has. Hashes of fewer iterations than a new one's are their own way, too.
var inTransition = []struct {
	users   int
	encoded string
}{
	{40, "pbkdf2_sha256$600000$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w="},
	{25, "pbkdf2_sha256$1000000$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w="},
	{20, "argon2$argon2id$v=19$m=102400,t=2,p=8$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$hnbVCPqSUYiUx5rpnCt7EQ"},
	{10, "bcrypt_sha256$$2b$12$J6h7He5fdXfkJ5JXjVhyPuJlfiRrmcF7P/VYIculdXurA684wUg8C"},
	{4, "scrypt$16384$abcdefghijklmnopqrstuv$8$5$" + strings.Repeat("A", 86) + "=="},
	{1, "md5$abcdefghijklmnopqrstuv$1634b5ef0b20a9998bb2e31cb4a2ddda"},
}

// sampled is a sample of so many users of each.
func sampled(users func(i int) int) (sample []string) {
	for i, way := range inTransition {
		for range users(i) {
			sample = append(sample, way.encoded)
		}
	}
	return sample
}

func wayOf(encoded string) string { return Algorithm(encoded) + " " + Parameters(encoded) }

// Names that nobody has are like users: each always like the same, and all together in the users' proportions. What no hasher here can check counts for nothing.
func TestResemble(t *testing.T) {
	p := newPasswords(t, allHashers("PBKDF2PasswordHasher"))
	sample := sampled(func(i int) int { return inTransition[i].users })
	for _, useless := range []string{"", Unusable(), "argon2$bad", "unknown$1$2$3", "pbkdf2_sha256$99999999999$salt$hash"} {
		for range 50 {
			sample = append(sample, useless)
		}
	}
	p.Resemble([]byte("key"), sample)
	const names = 20_000
	got := map[string]float64{}
	for i := range names {
		name := fmt.Sprint("name ", i)
		encoded := p.nobody.Load().like(name)
		if again := p.nobody.Load().like(name); again != encoded {
			t.Fatalf("%s is like %s and then like %s", name, wayOf(encoded), wayOf(again))
		}
		got[wayOf(encoded)]++
	}
	for _, way := range inTransition {
		share := float64(way.users) / 100
		deviation := math.Sqrt(share * (1 - share) / names)
		if is := got[wayOf(way.encoded)] / names; math.Abs(is-share) > 5*deviation { // the key is fixed: this fails always or never
			t.Errorf("%.4f of the names are like %s, and %.2f of the users", is, wayOf(way.encoded), share)
		}
	}
	if len(got) != len(inTransition) {
		t.Errorf("the names are like %v", got)
	}
	other := newPasswords(t, allHashers("PBKDF2PasswordHasher"))
	other.Resemble([]byte("another key"), sample)
	same := 0
	for i := range names {
		name := fmt.Sprint("name ", i)
		if wayOf(other.nobody.Load().like(name)) == wayOf(p.nobody.Load().like(name)) {
			same++
		}
	}
	if same > names/2 { // as chance would have it: the sum of the squared shares, 0.27
		t.Errorf("%d of %d names are like the same users under another key", same, names)
	}
}

// While users move from one way to another, their passwords being hashed anew, names that nobody has move just so, and no others.
func TestNamesMoveAsUsersDo(t *testing.T) {
	p := newPasswords(t, allHashers("PBKDF2PasswordHasher"))
	const names = 5000
	like := func(users func(i int) int) (ways []string) {
		p.Resemble([]byte("key"), sampled(users))
		for i := range names {
			ways = append(ways, wayOf(p.nobody.Load().like(fmt.Sprint("name ", i))))
		}
		return ways
	}
	before := like(func(i int) int { return inTransition[i].users })
	after := like(func(i int) int { return inTransition[i].users + map[int]int{0: -20, 1: 20}[i] })
	moved := 0
	for i := range names {
		if before[i] == after[i] {
			continue
		}
		moved++
		if before[i] != wayOf(inTransition[0].encoded) && after[i] != wayOf(inTransition[1].encoded) {
			t.Fatalf("a name moved from %s to %s", before[i], after[i])
		}
	}
	if share := float64(moved) / names; share < 0.1 || share > 0.3 {
		t.Errorf("%.2f of the names moved, and 0.20 of the users", share)
	}
}

// What stands in for a user's password costs what that does, and nothing fits it, not even that user's password.
func TestStrangers(t *testing.T) {
	cfg := allHashers("MD5PasswordHasher")
	cfg.Iterations = 1
	p := newPasswords(t, cfg)
	const password = "1311Qwqq!!"
	for _, encoded := range []string{
		"md5$abcdefghijklmnopqrstuv$1634b5ef0b20a9998bb2e31cb4a2ddda",
		"pbkdf2_sha256$1$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w=",
		"argon2$argon2id$v=19$m=8,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$hnbVCPqSUYiUx5rpnCt7EQ",
		"bcrypt_sha256$$2b$04$J6h7He5fdXfkJ5JXjVhyPuJlfiRrmcF7P/VYIculdXurA684wUg8C",
		"bcrypt$$2b$04$NkHSg4C1RVdvwnPbVykSyeaebyXeQosfOFtkeKSClUFAjyd/AdLDm",
	} {
		if ok, _, err := p.Check(t.Context(), password, encoded); !ok || err != nil {
			t.Errorf("%s: %v, %v", encoded, ok, err)
		}
		stranger := strangers(encoded)
		if _, readable := p.hashers[Algorithm(stranger)].Read(stranger); !readable || wayOf(stranger) != wayOf(encoded) || len(stranger) != len(encoded) {
			t.Errorf("%s is no stand-in for %s", stranger, encoded)
		}
		if ok, _, err := p.Check(t.Context(), password, stranger); ok || err != nil {
			t.Errorf("%s: %v, %v", stranger, ok, err)
		}
	}
}

// A name that nobody has, and an account whose password cannot be checked, cost a check by the hasher that they are given, not a new hash.
func TestNobodyIsHashedLikeUsers(t *testing.T) {
	cfg := allHashers("PBKDF2PasswordHasher")
	cfg.Iterations = 1
	p := newPasswords(t, cfg)
	var read, made int
	p.hashers["md5"] = counted{watched{p.hashers["md5"], &read}, &made}
	p.Resemble([]byte("key"), []string{"md5$abcdefghijklmnopqrstuv$1634b5ef0b20a9998bb2e31cb4a2ddda"})
	read = 0
	if err := p.CheckNobody(t.Context(), "nobody", "x"); err != nil || read != 1 {
		t.Errorf("%d checks, %v", read, err)
	}
	for _, encoded := range []string{"", Unusable(), "argon2$bad", "unknown$1$2$3"} {
		read = 0
		if ok, _, err := p.Check(t.Context(), "x", encoded); ok || err != nil || read != 1 {
			t.Errorf("%q: %v after %d checks, %v", encoded, ok, read, err)
		}
	}
}

// watched is a hasher that counts the hashes which it takes apart.
type watched struct {
	Hasher
	read *int
}

func (w watched) Read(encoded string) (Hash, bool) {
	*w.read++
	return w.Hasher.Read(encoded)
}
