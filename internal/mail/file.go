package mail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// fileSender writes each message to a file of its own, named for its date and ID: sending a message again writes the same file.
type fileSender struct{ dir string }

func newFileSender(dir string) (*fileSender, error) {
	if dir == "" {
		return nil, errors.New("EMAIL_FILE_PATH: the filebased backend needs a folder")
	}
	// The mails hold links that open accounts, so only the owner may look.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("EMAIL_FILE_PATH: %w", err)
	}
	return &fileSender{dir: dir}, nil
}

// Send writes under a hidden name first and renames, so that whoever watches the folder sees whole messages only.
func (s *fileSender) Send(_ context.Context, m Message) error {
	l, err := compose(m)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, ".mail-*")
	if err != nil {
		return fmt.Errorf("mail to file: %w", err)
	}
	_, err = f.Write(l.bytes)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, fileName(m)))
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("mail to file: %w", err)
	}
	return nil
}

// fileName sorts by date, and holds only what every file system takes.
func fileName(m Message) string {
	id := strings.Map(func(r rune) rune {
		if strings.ContainsRune("@.-_", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, m.ID)
	return m.Date.UTC().Format("20060102-150405") + "-" + id[:min(len(id), 200)] + ".eml"
}
