package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"latchkey/internal/tokens"
)

// readSecretFiles reads the secrets that stand in files of their own. A file's last line break is not part of them.
func (b *binder) readSecretFiles(c *Config) {
	for _, s := range []struct {
		key, fileKey, file string
		secret             *string
	}{
		{"secret_key", "secret_key_file", c.SecretKeyFile, (*string)(&c.SecretKey)},
		{"EMAIL_HOST_PASSWORD", "EMAIL_HOST_PASSWORD_FILE", c.Mail.HostPasswordFile, &c.Mail.HostPassword},
	} {
		if s.file == "" {
			continue
		}
		if _, both := b.origins[s.key]; both {
			b.bad(b.origins[s.fileKey], s.fileKey, s.key+" is set too", "keep one of them")
			continue
		}
		text, err := os.ReadFile(s.file)
		if err != nil {
			b.bad(b.origins[s.fileKey], s.fileKey, err.Error(), "name a file that the server may read")
		}
		*s.secret = strings.TrimRight(string(text), "\r\n")
		b.origins[s.key] = origin{source: s.file}
	}
}

// secretFiles refuses files with secrets that others can read, the settings file among them. Development has no secrets that would be worth it.
func (c *checker) secretFiles() {
	if c.Development {
		return
	}
	c.private("secret_key_file", c.SecretKeyFile)
	c.private("EMAIL_HOST_PASSWORD_FILE", c.Mail.HostPasswordFile)
	c.private("EMAIL_SSL_KEYFILE", c.Mail.SSLKeyfile)
	c.private("SIMPLE_JWT.SIGNING_KEY_FILE", c.SimpleJWT.SigningKeyFile)
	for i := range c.Webhooks {
		c.private(fmt.Sprintf("webhooks.%d.secret_file", i), c.Webhooks[i].SecretFile)
	}
	c.private("hooks.before_registration.secret_file", c.Hooks.BeforeRegistration.SecretFile)
	c.private("hooks.before_login.secret_file", c.Hooks.BeforeLogin.SecretFile)
	if u, err := url.Parse(c.Database); err == nil {
		c.private("database", u.Query().Get("passfile"))
	}
	for _, s := range c.Effective() {
		secret := strings.Contains(s.Value, hidden) && (s.Key != "throttle_store" || strings.Contains(string(c.ThrottleStore), "@"))
		if secret && c.file != "" && c.origins[s.Key].line > 0 {
			c.private(s.Key, c.file)
		}
	}
}

// private checks one file; whether it can be read at all its reader says.
func (c *checker) private(key, path string) {
	if path == "" {
		return
	}
	if err := tokens.CheckPrivate(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		message, mend, _ := strings.Cut(err.Error(), "; ")
		c.bad(key, message, mend)
	}
}
