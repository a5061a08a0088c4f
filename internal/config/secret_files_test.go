package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const longSecret = "a-secret-key-of-more-than-32-letters"

// secretFile is a file of a mode in a folder that anybody can enter.
func secretFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretsFromFiles(t *testing.T) {
	c, err := Load(Options{Flags: map[string]string{"database": "sqlite://x.db",
		"secret_key_file": secretFile(t, longSecret+"\r\n", 0o400), "EMAIL_HOST_PASSWORD_FILE": secretFile(t, "pass word\n", 0o640)}})
	if err != nil {
		t.Fatal(err)
	}
	if c.SecretKey != longSecret || c.Mail.HostPassword != "pass word" || c.Development {
		t.Errorf("%q, %q, development %v", string(c.SecretKey), c.Mail.HostPassword, c.Development)
	}
	for _, s := range c.Effective() {
		if strings.Contains(s.Value, longSecret) || strings.Contains(s.Value, "pass word") {
			t.Errorf("%s shows a secret", s.Key)
		}
	}
}

// Files that hold secrets are for the service alone, except in development; the message names file, mode and mend, and no secret.
func TestOpenFilesAreRefused(t *testing.T) {
	const secret = "secret_key: " + longSecret + "\n"
	open := secretFile(t, longSecret, 0o644)
	for _, test := range []struct {
		text string
		mode os.FileMode
		want string
	}{
		{secret, 0o600, ""},
		{secret, 0o640, ""},
		{secret, 0o644, "secret_key: FILE has mode 0644, by which others than its owner can read or change it; chmod 0640 FILE"},
		{secret, 0o620, "chmod 0600 FILE"},
		{secret + "development: true\n", 0o644, ""},
		{"secret_key_file: " + secretFile(t, longSecret, 0o600) + "\nthrottle_store: memory\n", 0o644, ""},
		{"secret_key_file: " + open, 0o644, "secret_key_file: " + open + " has mode 0644"},
		{"secret_key_file: /no/such/file", 0o644, "secret_key_file: open /no/such/file"},
		{secret + "secret_key_file: " + open, 0o600, "secret_key_file: secret_key is set too"},
		{secret + "EMAIL_HOST_PASSWORD_FILE: " + open, 0o600, "EMAIL_HOST_PASSWORD_FILE: " + open + " has mode 0644"},
		{secret + "SIMPLE_JWT: {SIGNING_KEY_FILE: " + open + "}", 0o600, "SIMPLE_JWT.SIGNING_KEY_FILE: " + open + " has mode 0644"},
		{secret + "database: postgres://app@db/app?passfile=" + open, 0o600, "database: " + open + " has mode 0644"},
		{"secret_key_file: " + secretFile(t, longSecret, 0o600) + "\ndatabase: postgres://app:word@db/app\n", 0o644, "database: FILE has mode 0644"},
		{"secret_key_file: " + secretFile(t, longSecret, 0o600) + "\nwebhooks: [{url: 'https://app.example.com', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]\n", 0o644, "webhooks: FILE has mode 0644"},
		{secret + "webhooks: [{url: 'https://app.example.com', secret_file: " + secretFile(t, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", 0o604) + "}]", 0o600, "webhooks.0.secret_file: "},
		{"secret_key_file: " + secretFile(t, longSecret, 0o600) + "\nthrottle_store: redis://:word@db:6379/0\n", 0o644, "throttle_store: FILE has mode 0644"},
	} {
		text := test.text
		if !strings.Contains(text, "database:") {
			text += "\ndatabase: sqlite://x.db\n"
		}
		file := secretFile(t, text, test.mode)
		_, err := Load(Options{File: file})
		want := strings.ReplaceAll(test.want, "FILE has", file+" has")
		want = strings.ReplaceAll(want, " FILE", " "+file)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s\ngot %v\nwant %s", text, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), longSecret) || strings.Contains(err.Error(), "word@")) {
			t.Errorf("the error prints a secret: %v", err)
		}
	}
}

// Where nobody else can enter, a file's own mode says nothing: temporary folders and homes are such.
func TestFilesOutOfReach(t *testing.T) {
	file := secretFile(t, "secret_key: "+longSecret+"\ndatabase: sqlite://x.db\n", 0o644)
	for _, test := range []struct {
		mode os.FileMode
		ok   bool
	}{{0o755, false}, {0o710, false}, {0o701, false}, {0o700, true}} {
		if err := os.Chmod(filepath.Dir(file), test.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(Options{File: file}); (err == nil) != test.ok {
			t.Errorf("in a folder of mode %o: %v", test.mode, err)
		}
	}
}
