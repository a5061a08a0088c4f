package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DevelopmentSecretFile is where development keeps its secret key, in the working directory.
const DevelopmentSecretFile = "latchkey.secret"

// EnsureSecret gives a Config without a secret key, which only development allows, the one of DevelopmentSecretFile.
// It is apart from Load so that looking at the settings writes nothing.
func (c *Config) EnsureSecret() error {
	if c.SecretKey != "" {
		return nil
	}
	if !c.Development {
		return errors.New("there is no secret key: set secret_key")
	}
	key, err := DevelopmentSecret(DevelopmentSecretFile)
	c.SecretKey = Secret(key)
	return err
}

// DevelopmentSecret reads the key in the file at path, and on the first start makes it: 48 random bytes as text, for the owner alone
// to read. Of several programs that start at once all get the same key, since the file appears whole or not at all.
func DevelopmentSecret(path string) (string, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createSecret(path); err != nil {
			return "", fmt.Errorf("keep a secret key in %s: %w", path, err)
		}
		key, err = os.ReadFile(path)
	}
	if err != nil {
		return "", fmt.Errorf("read the secret key: %w", err)
	}
	text := strings.TrimSpace(string(key))
	if len(text) < minSecret {
		return "", fmt.Errorf("%s holds no secret key of at least %d characters: delete it, and a new one is made", path, minSecret)
	}
	return text, nil
}

// createSecret writes a new key beside path and links it into place; a file that came there meanwhile stays.
func createSecret(path string) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".latchkey-secret-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	random := make([]byte, 48)
	rand.Read(random)
	_, err = temporary.WriteString(base64.RawURLEncoding.EncodeToString(random) + "\n")
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
