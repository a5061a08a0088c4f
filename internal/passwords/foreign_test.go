package passwords

import (
	"strings"
	"testing"
)

func TestAdopt(t *testing.T) {
	cfg := allHashers("PBKDF2PasswordHasher")
	p := newPasswords(t, cfg)
	for _, v := range readVectors(t).Hashes {
		if adopted, err := p.Adopt(v.Encoded); unreadable(v.Encoded) {
			if err == nil {
				t.Errorf("%s is taken, and nobody could sign in by it", v.Encoded)
			}
		} else if err != nil || adopted != v.Encoded {
			t.Errorf("%s: %q, %v", v.Encoded, adopted, err)
		}
	}
	// what other frameworks store is the same with another beginning, and signs the same people in
	for _, v := range readVectors(t).Hashes {
		var bare string
		switch {
		case unreadable(v.Encoded):
			continue
		case strings.HasPrefix(v.Encoded, "bcrypt$"):
			bare = strings.TrimPrefix(v.Encoded, "bcrypt$")
		case strings.HasPrefix(v.Encoded, "argon2$"):
			bare = strings.TrimPrefix(v.Encoded, "argon2")
		default:
			continue
		}
		if adopted, err := p.Adopt(bare); err != nil || adopted != v.Encoded {
			t.Errorf("%s: %q, %v", bare, adopted, err)
		}
	}
	if adopted, err := p.Adopt("!nobody"); err != nil || adopted != "!nobody" {
		t.Errorf("an unusable one: %q, %v", adopted, err)
	}
	for hash, want := range map[string]string{
		"": "no password hash", "hunter2": "no password hash", "sha1$salt$0123": "no password hash", "5f4dcc3b5aa765d61d8327deb882cf99": "no password hash",
		"pbkdf2_sha256$1000$salt":          "damaged",
		"pbkdf2_sha256$1000$salt$c2hvcnQ=": "damaged", // base64, but of too few bytes
		"md5$salt$abc":                     "damaged", "bcrypt$$2b$12$short": "damaged",
		"pbkdf2_sha256$999999999$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w=": "more work",
	} {
		if adopted, err := p.Adopt(hash); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v; want %s", hash, adopted, err, want)
		}
	}
	cfg.Hashers = cfg.Hashers[:1]
	_, err := newPasswords(t, cfg).Adopt("$2b$12$abcdefghijklmnopqrstuuDD9C2Hdr0ZXvVXQVb2jSfxrzoVxGCSO")
	if err == nil || !strings.Contains(err.Error(), "add django.contrib.auth.hashers.BCryptPasswordHasher to PASSWORD_HASHERS") {
		t.Errorf("a hasher that is not in use: %v", err)
	}
}

func TestUnknown(t *testing.T) {
	p := newPasswords(t, allHashers("PBKDF2PasswordHasher"))
	unknown := p.Unknown()
	if !Usable(unknown) || unknown == p.Unknown() || len(unknown) > 128 {
		t.Errorf("%q", unknown)
	}
	if adopted, err := p.Adopt(unknown); err != nil || adopted != unknown {
		t.Errorf("it is no hash: %q, %v", adopted, err)
	}
	if ok, outdated, err := p.Check(t.Context(), "", unknown); ok || outdated || err != nil {
		t.Errorf("it matches: %v, %v, %v", ok, outdated, err)
	}
	for encoded, want := range map[string]string{unknown: "pbkdf2_sha256", "!x$y": "", "": "", "0123": ""} {
		if got := Algorithm(encoded); got != want {
			t.Errorf("%q is of %q, want %q", encoded, got, want)
		}
	}
}
