package passwords

// Config is how passwords are hashed and judged.
type Config struct {
	// The first makes new hashes, all are verified, and others are rehashed at the next sign-in.
	Hashers []string `yaml:"PASSWORD_HASHERS"`
	// What a new password must be: `NAME` and `OPTIONS`.
	Validators []Validator `yaml:"AUTH_PASSWORD_VALIDATORS"`
	// PBKDF2's count, where the database is shared with a Django of another version. 0 stands for that of Django 5.2.
	Iterations int `yaml:"pbkdf2_iterations"`
	// How many processors hash passwords at once. 0 stands for all.
	Workers int `yaml:"hash_workers"`
	// How many requests more than that may be hashing or waiting before the answer is 503.
	Queue int `yaml:"hash_queue"`
	// What all hashes at work may use together, in MiB. What a finished hash leaves behind comes on top until it is collected: `GOMEMLIMIT` bounds that.
	Memory int `yaml:"hash_memory_mib"`
	// Bytes of new argon2 hashes: 16 or 32, as argon2-cffi makes them since 21.2. It must be that of the Django beside. 0 stands for 16.
	Argon2HashLength int `yaml:"argon2_hash_length"`
	// ExactCommonList keeps CommonPasswordValidator to Django's own list. It is set by the profile, not by a key.
	ExactCommonList bool `yaml:"-"`
}

// A Validator is one entry of AUTH_PASSWORD_VALIDATORS.
type Validator struct {
	Name    string         `yaml:"NAME"`
	Options map[string]any `yaml:"OPTIONS"`
}

// DefaultConfig holds Django's hashers in Django's order, the four validators that startproject configures, and bounds for a small machine.
func DefaultConfig() Config {
	const hashers, validation = "django.contrib.auth.hashers.", "django.contrib.auth.password_validation."
	return Config{
		Hashers: []string{
			hashers + "PBKDF2PasswordHasher",
			hashers + "PBKDF2SHA1PasswordHasher",
			hashers + "Argon2PasswordHasher",
			hashers + "BCryptSHA256PasswordHasher",
			hashers + "ScryptPasswordHasher",
		},
		Validators: []Validator{
			{Name: validation + "UserAttributeSimilarityValidator"},
			{Name: validation + "MinimumLengthValidator"},
			{Name: validation + "CommonPasswordValidator"},
			{Name: validation + "NumericPasswordValidator"},
		},
		Queue:  64,
		Memory: 1024,
	}
}
