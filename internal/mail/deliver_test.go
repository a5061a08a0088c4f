package mail_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/mail"
)

func TestFileSender(t *testing.T) {
	cfg := mail.DefaultConfig()
	cfg.Backend, cfg.FilePath = "django.core.mail.backends.filebased.EmailBackend", filepath.Join(t.TempDir(), "out", "mails")
	out, err := mail.NewSender(cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := sample()
	for range 2 { // the second is a retry
		if err := out.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	other := sample()
	other.ID = "../../x/y@example.com"
	if err := out.Send(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(cfg.FilePath)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), "20260728-123000-.._.._x_y@example.com.eml 20260728-123000-abc123@example.com.eml"; got != want {
		t.Fatalf("files %s, want %s", got, want)
	}
	raw, err := os.ReadFile(filepath.Join(cfg.FilePath, names[1]))
	if err != nil {
		t.Fatal(err)
	}
	checkHeader(t, raw, m)
	if info, err := entries[1].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the mail: %v, %v", info.Mode(), err)
	}
	m.To = "nobody"
	if err := out.Send(t.Context(), m); !mail.Permanent(err) {
		t.Errorf("to nobody: %v", err)
	}
	if err := os.RemoveAll(cfg.FilePath); err != nil {
		t.Fatal(err)
	}
	if err := out.Send(t.Context(), sample()); err == nil || mail.Permanent(err) {
		t.Errorf("the folder is gone: %v", err)
	}
}

func TestConsoleSender(t *testing.T) {
	cfg := mail.DefaultConfig()
	cfg.Backend = "django.core.mail.backends.console.EmailBackend"
	var terminal bytes.Buffer
	out, err := mail.NewSender(cfg, nil, &terminal)
	if err != nil {
		t.Fatal(err)
	}
	m := sample()
	m.Subject, m.Text, m.HTML = "Hi \x1b[2J", "Open\n\nhttps://example.com/x\n", "<p>Open</p>\n"
	if err := out.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("-", 78) + "\n"
	want := line + `From: Team <team@example.net>
To: ann@example.com
Subject: Hi �[2J
Date: Tue, 28 Jul 2026 12:30:00 +0000
Message-ID: <abc123@example.com>

Open

https://example.com/x

- - - the same in HTML - - -

<p>Open</p>
` + line
	if terminal.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", &terminal, want)
	}
	m.To = "nobody"
	if err := out.Send(t.Context(), m); !mail.Permanent(err) {
		t.Errorf("to nobody: %v", err)
	}
}

func TestDummySender(t *testing.T) {
	cfg := mail.DefaultConfig()
	cfg.Backend = "django.core.mail.backends.dummy.EmailBackend"
	out, err := mail.NewSender(cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Send(t.Context(), sample()); err != nil {
		t.Error(err)
	}
}
