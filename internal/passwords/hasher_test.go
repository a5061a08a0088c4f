package passwords

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// dear finds hashes at about the full cost, which -short leaves out: under the race detector each takes seconds.
var dear = regexp.MustCompile(`\$\d{5,}\$|m=\d{5,}|\$2b\$1`)

func skipDear(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("makes hashes at Django's full cost")
	}
}

// unreadable are hashes that Django checks and we do not: golang.org/x/crypto has neither argon2d nor argon2 1.0.
func unreadable(encoded string) bool {
	return strings.HasPrefix(encoded, "argon2$argon2d$") || strings.HasPrefix(encoded, "argon2$argon2id$v=16$")
}

func TestDjangosHashes(t *testing.T) {
	t.Parallel()
	p := newPasswords(t, allHashers("MD5PasswordHasher")) // so that wrong passwords cost little beside
	for _, v := range readVectors(t).Hashes {
		if testing.Short() && dear.MatchString(v.Encoded) {
			continue
		}
		ok, outdated, err := p.Check(context.Background(), v.Password, v.Encoded)
		if err != nil {
			t.Fatal(err)
		}
		if want := !unreadable(v.Encoded); ok != want {
			t.Errorf("%q, %q: matches %v, want %v", v.Encoded, v.Password, ok, want)
		}
		if ok && outdated != (v.Hasher != "md5") {
			t.Errorf("%q: outdated %v", v.Encoded, outdated)
		}
		wrong := v.CheckWrong
		if ok, _, err = p.Check(context.Background(), wrong.Password, v.Encoded); err != nil {
			t.Fatal(err)
		}
		if ok != (wrong.Matches && !unreadable(v.Encoded)) {
			t.Errorf("%q, %q: matches %v, want %v", v.Encoded, wrong.Password, ok, wrong.Matches)
		}
	}
}

func TestMustUpdate(t *testing.T) {
	skipDear(t)
	t.Parallel()
	classes := map[string]string{
		"": "PBKDF2PasswordHasher", "argon2": "Argon2PasswordHasher",
		"bcrypt_sha256": "BCryptSHA256PasswordHasher", "scrypt": "ScryptPasswordHasher",
	}
	v := readVectors(t).MustUpdate
	for _, item := range append(v.Items, v.OtherPreferredHasher...) {
		p := newPasswords(t, allHashers(classes[item.Preferred]))
		ok, outdated, err := p.Check(context.Background(), item.Password, item.Encoded)
		if err != nil {
			t.Fatal(err)
		}
		if ok != item.IsCorrect || outdated != item.MustUpdate {
			t.Errorf("%q, preferred %q: matches %v, outdated %v; want %v, %v",
				item.Encoded, item.Preferred, ok, outdated, item.IsCorrect, item.MustUpdate)
		}
	}
}

func TestOddValues(t *testing.T) {
	p := newPasswords(t, allHashers("MD5PasswordHasher"))
	for _, item := range readVectors(t).OddValues.Items {
		ok, outdated, err := p.Check(context.Background(), "1311Qwqq!!", item.Encoded)
		if ok || outdated || err != nil {
			t.Errorf("%q: %v, %v, %v", item.Encoded, ok, outdated, err)
		}
		if got := Usable(item.Encoded); got != item.Usable {
			t.Errorf("Usable(%q) = %v", item.Encoded, got)
		}
	}
}

// What a hasher makes has Django's form and parameters, fits into Django's column of 128 characters and is read as up to date.
func TestMake(t *testing.T) {
	skipDear(t)
	prefixes := map[string]string{
		"pbkdf2_sha256": "pbkdf2_sha256$1000000$",
		"pbkdf2_sha1":   "pbkdf2_sha1$1000000$",
		"argon2":        "argon2$argon2id$v=19$m=102400,t=2,p=8$",
		"bcrypt_sha256": "bcrypt_sha256$$2b$12$",
		"bcrypt":        "bcrypt$$2b$12$",
		"scrypt":        "scrypt$16384$",
		"md5":           "md5$",
	}
	for _, h := range hashers {
		t.Run(h.algorithm, func(t *testing.T) {
			t.Parallel()
			p := newPasswords(t, allHashers(strings.TrimPrefix(h.class, djangoHashers)))
			const password = "пароль \x00 $"
			encoded, err := p.Make(context.Background(), password)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(encoded, prefixes[h.algorithm]) || utf8.RuneCountInString(encoded) > 128 || !Usable(encoded) {
				t.Errorf("made %q, want %s…", encoded, prefixes[h.algorithm])
			}
			ok, outdated, err := p.Check(context.Background(), password, encoded)
			if !ok || outdated || err != nil {
				t.Errorf("matches %v, outdated %v, %v", ok, outdated, err)
			}
			if ok, _, _ := p.Check(context.Background(), password+"$", encoded); ok {
				t.Error("another password matches")
			}
		})
	}
}

func TestArgon2HashLength(t *testing.T) {
	skipDear(t)
	cfg := allHashers("Argon2PasswordHasher")
	cfg.Argon2HashLength = 32
	p := newPasswords(t, cfg)
	for encoded, want := range map[string]bool{
		"argon2$argon2id$v=19$m=102400,t=2,p=8$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$Qwe7NByGXxctiRwN0v+D4A":                      true,
		"argon2$argon2id$v=19$m=102400,t=2,p=8$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$8EnR+xF4V/KVl474k7xEPUkU8QL1oR5+mBDei3gGE2E": false,
	} {
		ok, outdated, err := p.Check(context.Background(), "1311Qwqq!!", encoded)
		if !ok || outdated != want || err != nil {
			t.Errorf("%q: %v, outdated %v, %v; want %v", encoded, ok, outdated, err, want)
		}
	}
}

func TestPBKDF2Iterations(t *testing.T) {
	cfg := allHashers("PBKDF2PasswordHasher")
	cfg.Iterations = 1000
	p := newPasswords(t, cfg)
	encoded, err := p.Make(context.Background(), "x")
	if err != nil || !strings.HasPrefix(encoded, "pbkdf2_sha256$1000$") {
		t.Errorf("made %q, %v", encoded, err)
	}
}

// Hashes that are damaged or ask for too much are refused before any work.
func TestReadRefuses(t *testing.T) {
	p := newPasswords(t, allHashers("PBKDF2PasswordHasher"))
	const (
		salt22  = "$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg"
		hash16  = "$Qwe7NByGXxctiRwN0v+D4A"
		bcrypt  = "J6h7He5fdXfkJ5JXjVhyPuJlfiRrmcF7P/VYIculdXurA684wUg8C"
		oddSalt = "J6h7He5fdXfkJ5JXjVhyPvJlfiRrmcF7P/VYIculdXurA684wUg8C"
	)
	for _, encoded := range []string{
		"pbkdf2_sha256$10000001$salt$hash", "pbkdf2_sha256$0$salt$hash", "pbkdf2_sha256$-1$salt$hash", "pbkdf2_sha256$+1$salt$hash",
		"pbkdf2_sha256$01$salt$hash", "pbkdf2_sha256$99999999999999999999$salt$hash", "pbkdf2_sha256$1$$hash", "pbkdf2_sha256$1$a$b$c",
		"argon2$argon2id$v=19$m=1048577,t=1,p=1" + salt22 + hash16, "argon2$argon2id$v=19$m=102400,t=65,p=8" + salt22 + hash16,
		"argon2$argon2id$v=19$m=1048576,t=5,p=8" + salt22 + hash16, "argon2$argon2id$v=19$m=4194304,t=1,p=8" + salt22 + hash16,
		"argon2$argon2id$v=19$m=8,t=1,p=2" + salt22 + hash16, "argon2$argon2id$v=19$m=8,t=0,p=1" + salt22 + hash16,
		"argon2$argon2id$v=19$m=65536,t=1,p=256" + salt22 + hash16, "argon2$argon2id$v=19$m=8,t=1,p=0" + salt22 + hash16,
		"argon2$argon2id$v=19$t=1,m=8,p=1" + salt22 + hash16, "argon2$argon2id$v=19$m=8,t=1" + salt22 + hash16,
		"argon2$argon2id$v=19$m=8,t=1,p=1$YWJj" + hash16, "argon2$argon2id$v=19$m=8,t=1,p=1" + salt22 + "$Qwe7",
		"argon2$argon2id$v=19$m=8,t=1,p=1$!" + hash16, "argon2$argon2id$m=8,t=1,p=1" + salt22 + hash16,
		"argon2$argon2d$v=19$m=8,t=1,p=1" + salt22 + hash16, "argon2$argon2id$v=18$m=8,t=1,p=1" + salt22 + hash16,
		"bcrypt$$2b$17$" + bcrypt, "bcrypt$$2b$03$" + bcrypt, "bcrypt$$2x$04$" + bcrypt, "bcrypt$$2$04$" + bcrypt,
		"bcrypt$$2b$04$" + bcrypt + "x", "bcrypt$$2b$04$" + bcrypt[1:], "bcrypt$$2b$4$" + bcrypt, "bcrypt$$2b$04$" + oddSalt,
		"bcrypt$$2b$04$" + bcrypt + "\n", "bcrypt_sha256$2b$04$" + bcrypt,
		"scrypt$16384$salt$8$129$hash", "scrypt$16777216$salt$1$2$hash", "scrypt$16777216$salt$1$1$hash",
		"scrypt$2$salt$8388608$16777216$hash", "scrypt$1000$salt$8$1$hash", "scrypt$1$salt$8$1$hash", "scrypt$2$salt$0$1$hash",
		"scrypt$2$salt$1$0$hash", "scrypt$2$$1$1$hash", "scrypt$2$salt$1$1$ha$sh",
		"md5$salt", "md5$$00000000000000000000000000000000", "md5$a$b$c",
	} {
		algorithm, _, _ := strings.Cut(encoded, "$")
		if _, ok := p.hashers[algorithm].Read(encoded); ok {
			t.Errorf("%q was read", encoded)
		}
	}
}

// Texts that differ from what Django would write for the same password match there no more than here.
func TestOtherSpellings(t *testing.T) {
	p := newPasswords(t, allHashers("MD5PasswordHasher"))
	const argon2 = "argon2$argon2id$v=19$m=8,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$hnbVCPqSUYiUx5rpnCt7EQ"
	const pbkdf2 = "pbkdf2_sha256$1$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w="
	const bcrypt = "bcrypt$$2b$04$NkHSg4C1RVdvwnPbVykSyeaebyXeQosfOFtkeKSClUFAjyd/AdLDm"
	for encoded, want := range map[string]bool{
		argon2:                                   true,
		argon2 + "=":                             false,
		strings.TrimSuffix(argon2, "Q") + "R":    false,
		strings.Replace(argon2, "EQ", "E\nQ", 1): false,
		pbkdf2:                                   true,
		strings.TrimSuffix(pbkdf2, "="):          false,
		strings.TrimSuffix(pbkdf2, "w=") + "x=":  false,
		pbkdf2 + "\n":                            false,
		bcrypt:                                   true,
		strings.Replace(bcrypt, "$2b$", "$2a$", 1):                    true,
		strings.Replace(bcrypt, "$2b$", "$2y$", 1):                    true,
		"md5$abcdefghijklmnopqrstuv$1634b5ef0b20a9998bb2e31cb4a2ddda": true,
		"md5$abcdefghijklmnopqrstuv$1634B5EF0B20A9998BB2E31CB4A2DDDA": false,
	} {
		if ok, _, err := p.Check(context.Background(), "1311Qwqq!!", encoded); ok != want || err != nil {
			t.Errorf("%q: matches %v, %v; want %v", encoded, ok, err, want)
		}
	}
}

// Hashes that were cheaper to make than new ones know how to make up for it; others have nothing to add.
func TestMissingWork(t *testing.T) {
	p := newPasswords(t, allHashers("PBKDF2PasswordHasher"))
	const bcrypt = "$J6h7He5fdXfkJ5JXjVhyPuJlfiRrmcF7P/VYIculdXurA684wUg8C"
	const argon2 = "$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$Qwe7NByGXxctiRwN0v+D4A"
	for encoded, want := range map[string]bool{
		"pbkdf2_sha256$999999$salt$hash":                 true,
		"pbkdf2_sha256$1000000$salt$hash":                false,
		"pbkdf2_sha256$1200000$salt$hash":                false,
		"argon2$argon2id$v=19$m=102399,t=2,p=8" + argon2: true,
		"argon2$argon2i$v=19$m=512,t=2,p=2" + argon2:     true,
		"argon2$argon2id$v=19$m=102400,t=2,p=8" + argon2: false,
		"argon2$argon2id$v=19$m=65536,t=4,p=4" + argon2:  false,
		"bcrypt_sha256$$2b$11" + bcrypt:                  true,
		"bcrypt_sha256$$2b$12" + bcrypt:                  false,
		"bcrypt_sha256$$2b$13" + bcrypt:                  false,
		"scrypt$16384$salt$8$1$hash":                     true,
		"scrypt$16384$salt$8$5$hash":                     false,
		"scrypt$32768$salt$8$5$hash":                     false,
	} {
		algorithm, _, _ := strings.Cut(encoded, "$")
		hasher := p.hashers[algorithm]
		hash, ok := hasher.Read(encoded)
		if !ok {
			t.Errorf("%q was not read", encoded)
			continue
		}
		if got := hash.Missing != nil; got != want {
			t.Errorf("%q: missing work %v, want %v", encoded, got, want)
		}
		if hash.Missing != nil && hash.Memory < hasher.Memory() {
			t.Errorf("%q: %d bytes do not hold the missing work, which takes %d", encoded, hash.Memory, hasher.Memory())
		}
	}
}

func TestRandomText(t *testing.T) {
	seen := make(map[rune]bool)
	for range 200 {
		for _, r := range randomText(40) {
			seen[r] = true
		}
	}
	// 8000 letters miss one of 62 less than once in 10^54 runs.
	if len(seen) != len(saltAlphabet) {
		t.Errorf("%d different letters, want %d", len(seen), len(saltAlphabet))
	}
	for _, n := range []int{0, 1, 22, 40, 500} {
		if got := randomText(n); len(got) != n || strings.Trim(got, saltAlphabet) != "" {
			t.Errorf("randomText(%d) = %q", n, got)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, v := range readVectors(f).Hashes {
		if len(v.Password) < 30 {
			f.Add(v.Encoded, v.Password)
		}
	}
	for _, item := range readVectors(f).OddValues.Items {
		f.Add(item.Encoded, "1311Qwqq!!")
	}
	p := newPasswords(f, allHashers("MD5PasswordHasher"))
	f.Fuzz(func(t *testing.T, encoded, password string) {
		for _, hasher := range p.hashers {
			if hash, ok := hasher.Read(encoded); ok && (hash.Memory < 0 || hash.Memory > 1024<<20) {
				t.Errorf("%q asks for %d bytes", encoded, hash.Memory)
			}
		}
		if !cheap(encoded) {
			return
		}
		ok, _, err := p.Check(t.Context(), password, encoded)
		if err != nil {
			t.Fatal(err)
		}
		if ok && !Usable(encoded) {
			t.Errorf("%q matches %q", encoded, password)
		}
	})
}

// cheap tells hashes that the fuzzer may work on thousands of times: of numbers with at most two digits, and bcrypt below 10.
func cheap(encoded string) bool {
	digits := 0
	for _, r := range encoded {
		if digits++; r < '0' || r > '9' {
			digits = 0
		}
		if digits > 2 {
			return false
		}
	}
	return !strings.HasPrefix(encoded, "bcrypt") || strings.Contains(encoded, "$0")
}

// BenchmarkMake is one new hash at Django's cost.
func BenchmarkMake(b *testing.B) {
	for _, h := range hashers {
		b.Run(h.algorithm, func(b *testing.B) {
			p := newPasswords(b, allHashers(strings.TrimPrefix(h.class, djangoHashers)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Make(b.Context(), "correct horse battery staple"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
