package passwords

// Config is how passwords are hashed and judged.
type Config struct {
	// Hashers is Django's PASSWORD_HASHERS: dotted class names, the first one making new hashes.
	Hashers []string `yaml:"PASSWORD_HASHERS"`
	// Validators is Django's AUTH_PASSWORD_VALIDATORS.
	Validators []Validator `yaml:"AUTH_PASSWORD_VALIDATORS"`
	// Iterations overrides PBKDF2's count, for a database shared with a Django of another version. Latchkey's own key.
	Iterations int `yaml:"pbkdf2_iterations"`
	// Workers is how many processors hash at once; all of them when 0. Latchkey's own key.
	Workers int `yaml:"hash_workers"`
	// Queue is how many requests more than workers may be hashing or waiting before the answer is 503. Latchkey's own key.
	Queue int `yaml:"hash_queue"`
	// Memory bounds what all running hashes may use together, in MiB; 1024 when 0. Latchkey's own key.
	// Memory that a finished hash leaves behind comes on top until the collector takes it: GOMEMLIMIT bounds that.
	Memory int `yaml:"hash_memory_mib"`
	// Argon2HashLength is the length of new argon2 hashes in bytes: 16, as argon2-cffi made them up to 21.1 and when 0,
	// or 32, as it does since. Beside a Django it must be that Django's, or the two rewrite each other's hashes for ever.
	// Latchkey's own key.
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
