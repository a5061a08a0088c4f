package passwords

import (
	"errors"
	"strings"
	"testing"

	"latchkey/internal/passwords/pbkdf2"
)

// counted is a hasher that counts what it makes.
type counted struct {
	Hasher
	made *int
}

func (c counted) Make(password string) (string, error) {
	*c.made++
	return c.Hasher.Make(password)
}

// A password that does not match costs one new hash, whatever is stored: its time does not tell accounts apart.
func TestEqualWork(t *testing.T) {
	cfg := allHashers("MD5PasswordHasher")
	cfg.Hashers = cfg.Hashers[:5]
	p := newPasswords(t, cfg)
	var made int
	p.hashers["md5"] = counted{p.hashers["md5"], &made}

	const pbkdf2 = "pbkdf2_sha256$1$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w="
	const md5 = "md5$abcdefghijklmnopqrstuv$1634b5ef0b20a9998bb2e31cb4a2ddda"
	const scrypt = "scrypt$16$salt$1$1$hash" // its hasher is not configured
	for _, test := range []struct {
		password, encoded string
		ok                bool
		made              int
	}{
		{"1311Qwqq!!", pbkdf2, true, 0}, {"wrong", pbkdf2, false, 1},
		{"1311Qwqq!!", md5, true, 0}, {"wrong", md5, false, 0}, // as dear as a new one by itself
		{"wrong", scrypt, false, 1}, {"wrong", "", false, 1}, {"wrong", Unusable(), false, 1}, {"wrong", "!" + md5, false, 1},
		{"wrong", "pbkdf2_sha256$1000$salt", false, 1}, {"wrong", "md5$", false, 1}, {"wrong", "unknown$1$2$3", false, 1},
	} {
		made = 0
		ok, _, err := p.Check(t.Context(), test.password, test.encoded)
		if ok != test.ok || made != test.made || err != nil {
			t.Errorf("%q, %q: %v after %d new hashes, %v; want %v after %d", test.password, test.encoded, ok, made, err, test.ok, test.made)
		}
	}
	made = 0
	if err := p.CheckNobody(t.Context(), "nobody", "x"); err != nil || made != 1 {
		t.Errorf("CheckNobody: %v after %d new hashes", err, made)
	}
}

// iterations is how many PBKDF2 iterations the pool does in a turn.
func iterations(t *turn) (sum int) {
	if t.work != nil {
		t.work()
	}
	for job := t.key; job != nil; {
		sum += job.Iterations
		computed := pbkdf2.Key(job.Password, job.Salt, job.Iterations, job.KeyLen)
		if job = nil; t.then != nil {
			job = t.then(computed)
		}
	}
	return sum
}

// The same where new hashes are keys that the pool computes.
func TestEqualKeys(t *testing.T) {
	cfg := allHashers("PBKDF2PasswordHasher")
	cfg.Iterations = 1000
	p := newPasswords(t, cfg)
	const password = "1311Qwqq!!"
	makeHash := func(iterations int) string {
		encoded, err := pbkdf2Hash{hasher: p.preferred().(pbkdf2Hasher), salt: "abcdefghijklmnopqrstuv", iterations: iterations}.
			encode(pbkdf2.Key([]byte(password), []byte("abcdefghijklmnopqrstuv"), iterations, 32))
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	for _, test := range []struct {
		encoded      string
		right, wrong int
	}{
		{makeHash(1000), 1000, 1000},
		{makeHash(999), 999, 1000},
		{makeHash(500), 500, 1000}, // what is missing is the same key again
		{makeHash(1), 1, 1000},
		{makeHash(1200), 1200, 1200},
		{"md5$abcdefghijklmnopqrstuv$1634b5ef0b20a9998bb2e31cb4a2ddda", 0, 1000},
		{"bcrypt$$2b$04$NkHSg4C1RVdvwnPbVykSyeaebyXeQosfOFtkeKSClUFAjyd/AdLDm", 0, 1000},
	} {
		algorithm, _, _ := strings.Cut(test.encoded, "$")
		hash, readable := p.hashers[algorithm].Read(test.encoded)
		if !readable {
			t.Errorf("%q was not read", test.encoded)
			continue
		}
		for given, want := range map[string]int{password: test.right, "wrong": test.wrong} {
			var ok bool
			got := iterations(p.checkTurn(hash, given, test.encoded, &ok))
			if ok != (given == password) || got != want {
				t.Errorf("%q, %q: %v after %d iterations, want %d", given, test.encoded, ok, got, want)
			}
		}
	}
	var encoded string
	var err error
	if got := iterations(p.makeTurn("x", &encoded, &err)); got != 1000 || err != nil {
		t.Errorf("a name that does not exist costs %d iterations, %v", got, err)
	}
}

// Only configured hashers check.
func TestHasherNotConfigured(t *testing.T) {
	p := newPasswords(t, Config{Hashers: []string{djangoHashers + "MD5PasswordHasher", djangoHashers + "BCryptPasswordHasher"}})
	for encoded, want := range map[string]bool{
		"md5$abcdefghijklmnopqrstuv$1634b5ef0b20a9998bb2e31cb4a2ddda":                            true,
		"pbkdf2_sha256$1$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w=":    false,
		"argon2$argon2id$v=19$m=8,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$hnbVCPqSUYiUx5rpnCt7EQ": false,
		"bcrypt_sha256$$2b$04$J6h7He5fdXfkJ5JXjVhyPuJlfiRrmcF7P/VYIculdXurA684wUg8C":             false,
		"bcrypt$$2b$04$NkHSg4C1RVdvwnPbVykSyeaebyXeQosfOFtkeKSClUFAjyd/AdLDm":                    true,
	} {
		if ok, _, err := p.Check(t.Context(), "1311Qwqq!!", encoded); ok != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", encoded, ok, err, want)
		}
	}
}

func TestUnusable(t *testing.T) {
	one, other := Unusable(), Unusable()
	if len(one) != 41 || one[0] != '!' || strings.Trim(one[1:], saltAlphabet) != "" || Usable(one) || one == other {
		t.Errorf("Unusable() = %q, then %q", one, other)
	}
	if !Usable("") || !Usable("gibberish") {
		t.Error("only a ! makes a column unusable")
	}
}

func TestDefaultConfig(t *testing.T) {
	p := newPasswords(t, DefaultConfig())
	if p.algorithm != "pbkdf2_sha256" || len(p.hashers) != 5 || len(p.rules) != 4 {
		t.Errorf("%s, %d hashers, %d rules", p.algorithm, len(p.hashers), len(p.rules))
	}
}

func TestNewReportsEveryMistake(t *testing.T) {
	path := t.TempDir() + "/missing.txt"
	_, err := New(Config{
		Hashers:          []string{djangoHashers + "Argon2PasswordHasher", djangoHashers + "UnsaltedMD5PasswordHasher", "PBKDF2PasswordHasher"},
		Iterations:       10_000_001,
		Workers:          -1,
		Queue:            -2,
		Memory:           99,
		Argon2HashLength: 24,
		Validators: []Validator{
			{Name: "accounts.validators.Pwned"},
			{Name: djangoValidation + "NumericPasswordValidator", Options: map[string]any{"z": 1, "a": 2}},
			{Name: djangoValidation + "MinimumLengthValidator", Options: map[string]any{"min_len": 9, "min_length": "ten"}},
			{Name: djangoValidation + "MinimumLengthValidator", Options: map[string]any{"min_length": 8.5}},
			{Name: djangoValidation + "MinimumLengthValidator", Options: map[string]any{"min_length": -1}},
			{Name: djangoValidation + "CommonPasswordValidator", Options: map[string]any{"password_list_path": path}},
			{Name: djangoValidation + "CommonPasswordValidator", Options: map[string]any{"password_list_path": 5}},
			{Name: djangoValidation + "UserAttributeSimilarityValidator", Options: map[string]any{
				"max_similarity": 0.05, "user_attributes": []any{"username", "nickname"}}},
			{Name: djangoValidation + "UserAttributeSimilarityValidator", Options: map[string]any{"user_attributes": []any{1}}},
			{Name: djangoValidation + "UserAttributeSimilarityValidator", Options: map[string]any{"user_attributes": "email"}},
		},
	})
	if err == nil {
		t.Fatal("no error")
	}
	want := strings.Split(strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(`
pbkdf2_iterations: 10000001 is out of range; write a number from 1 to 10000000
hash_workers: -1 is out of range; write a number from 1 to 65536
hash_queue: -2 is out of range; write a number from 0 to 16777216
argon2_hash_length: 24 is no length that Django uses; write 16 or 32
hash_memory_mib: 99 is too little for one hash of HArgon2PasswordHasher; write 100 or more, or take that out of PASSWORD_HASHERS
PASSWORD_HASHERS: there is no hasher "HUnsaltedMD5PasswordHasher"; remove it, or write H and one of PBKDF2PasswordHasher, PBKDF2SHA1PasswordHasher, Argon2PasswordHasher, BCryptSHA256PasswordHasher, BCryptPasswordHasher, ScryptPasswordHasher, MD5PasswordHasher
PASSWORD_HASHERS: there is no hasher "PBKDF2PasswordHasher"; remove it, or write H and one of PBKDF2PasswordHasher, PBKDF2SHA1PasswordHasher, Argon2PasswordHasher, BCryptSHA256PasswordHasher, BCryptPasswordHasher, ScryptPasswordHasher, MD5PasswordHasher
AUTH_PASSWORD_VALIDATORS: there is no validator "accounts.validators.Pwned"; remove it, or write V and one of UserAttributeSimilarityValidator, MinimumLengthValidator, CommonPasswordValidator, NumericPasswordValidator
AUTH_PASSWORD_VALIDATORS: VNumericPasswordValidator: there is no option "a"; remove it, this validator has none
AUTH_PASSWORD_VALIDATORS: VNumericPasswordValidator: there is no option "z"; remove it, this validator has none
AUTH_PASSWORD_VALIDATORS: VMinimumLengthValidator: min_length is ten; write a number
AUTH_PASSWORD_VALIDATORS: VMinimumLengthValidator: there is no option "min_len"; remove it, or write one of min_length
AUTH_PASSWORD_VALIDATORS: VMinimumLengthValidator: min_length is 8.5; write a whole number from 0
AUTH_PASSWORD_VALIDATORS: VMinimumLengthValidator: min_length is -1; write a whole number from 0
AUTH_PASSWORD_VALIDATORS: VCommonPasswordValidator: password_list_path cannot be read: open PATH: no such file or directory; write the path of a text file with one password a line, gzipped or not
AUTH_PASSWORD_VALIDATORS: VCommonPasswordValidator: password_list_path is 5; write a text
AUTH_PASSWORD_VALIDATORS: VUserAttributeSimilarityValidator: user_attributes names "nickname"; write names among username, first_name, last_name and email
AUTH_PASSWORD_VALIDATORS: VUserAttributeSimilarityValidator: max_similarity is 0.05; write a number from 0.1 to 1
AUTH_PASSWORD_VALIDATORS: VUserAttributeSimilarityValidator: user_attributes is [1]; write a list of texts
AUTH_PASSWORD_VALIDATORS: VUserAttributeSimilarityValidator: user_attributes is email; write a list of texts
`), "PATH", path), "\t", ""), "\n")
	got := strings.Split(err.Error(), "\n")
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = strings.NewReplacer(" H", " "+djangoHashers, `"HU`, `"`+djangoHashers+"U", " V", " "+djangoValidation).Replace(want[i])
		}
		if g != w {
			t.Errorf("mistake %d:\n got %s\nwant %s", i, g, w)
		}
	}
}

func TestNewWantsAHasher(t *testing.T) {
	_, err := New(Config{})
	if err == nil || !strings.HasPrefix(err.Error(), "PASSWORD_HASHERS: the list is empty") || errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
}
