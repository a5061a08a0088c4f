// Package mail writes the messages that people get about their accounts, and delivers them: over SMTP, into files,
// onto the terminal, or into a mailbox in memory that a browser can read.
//
// The queue is not here. Whoever owes somebody a mail renders it, stores it with what owes it, and hands it to a Sender
// until Send returns nil or a Permanent error.
package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// A Message is one mail to one person.
type Message struct {
	// ID is the Message-ID without its angle brackets. It stays the same however often the message is sent, so that
	// mail programs can drop the second copy.
	ID string
	// From is an address with or without a display name, To a bare address, as the user's row has it.
	From, To string
	Subject  string
	// Text and HTML say the same. An empty HTML makes a message of text alone.
	Text, HTML string
	Date       time.Time
}

// A Sender delivers one message. A nil error means that somebody else answers for the message now; after an error for
// which Permanent is false, the same message may be sent again later. Senders are safe for concurrent use.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// permanentError marks a message that will not be delivered however often it is sent.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

func permanent(format string, args ...any) error {
	return permanentError{fmt.Errorf(format, args...)}
}

// Permanent reports whether sending the message again is pointless: its address is none, or the server refused the
// recipient or the content for good. What an operator can mend (a server that is down, a wrong password, a sender
// that is not allowed yet) is not permanent.
func Permanent(err error) bool {
	var p permanentError
	return errors.As(err, &p)
}

// Django's names for the ways to deliver.
const (
	smtpBackend    = "django.core.mail.backends.smtp.EmailBackend"
	consoleBackend = "django.core.mail.backends.console.EmailBackend"
	fileBackend    = "django.core.mail.backends.filebased.EmailBackend"
	memoryBackend  = "django.core.mail.backends.locmem.EmailBackend"
	dummyBackend   = "django.core.mail.backends.dummy.EmailBackend"
)

// NewSender makes the Sender that cfg.Backend names, and checks what can be checked before the first mail: the sender's
// address, the certificate, the folder. box and terminal serve the mailbox, terminal also the console; a nil
// terminal is silent.
func NewSender(cfg Config, box *Mailbox, terminal io.Writer) (Sender, error) {
	if _, err := parseSender(cfg.DefaultFromEmail); err != nil {
		return nil, fmt.Errorf("DEFAULT_FROM_EMAIL: %w", err)
	}
	if terminal == nil {
		terminal = io.Discard
	}
	backend := cfg.Backend
	if backend == "" {
		backend = memoryBackend
		if cfg.Host != "" {
			backend = smtpBackend
		}
	}
	switch backend {
	case smtpBackend:
		return newSMTPSender(cfg)
	case consoleBackend:
		return &consoleSender{terminal: terminal}, nil
	case fileBackend:
		return newFileSender(cfg.FilePath)
	case memoryBackend:
		if box == nil {
			return nil, errors.New("EMAIL_BACKEND: there is no mailbox to deliver to")
		}
		return &mailboxSender{box: box, terminal: terminal}, nil
	case dummyBackend:
		return dummySender{}, nil
	}
	return nil, fmt.Errorf("EMAIL_BACKEND: unknown backend %q; there are %s, %s, %s, %s and %s", backend,
		smtpBackend, consoleBackend, fileBackend, memoryBackend, dummyBackend)
}

// dummySender drops every message, as Django's dummy backend does.
type dummySender struct{}

func (dummySender) Send(context.Context, Message) error { return nil }

// NewMessageID makes a Message-ID nobody has used before, without brackets. domain is the part behind the @; a port is
// dropped, and what no Message-ID can hold becomes localhost.
func NewMessageID(domain string) string {
	if host, _, ok := strings.Cut(domain, ":"); ok {
		domain = host
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	if !isHostname(domain) {
		domain = "localhost"
	}
	return strings.ToLower(rand.Text()) + "@" + domain
}

// isHostname reports whether s is letters, digits, dots and hyphens only, with no empty label.
func isHostname(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			return false
		}
	}
	return len(s) <= 253
}

// parseSender reads what DEFAULT_FROM_EMAIL may hold: an address, or a name and an address in angle brackets.
func parseSender(s string) (*mail.Address, error) {
	if hasControl(s) {
		return nil, errors.New("an address holds a control character")
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return nil, fmt.Errorf("%q is no address: %w", s, err)
	}
	return transportable(a)
}

// parseRecipient reads a bare address. net/mail also takes names, comments and angle brackets, under which the message would go
// to somebody other than it says; those are refused.
func parseRecipient(s string) (*mail.Address, error) {
	if hasControl(s) {
		return nil, errors.New("the recipient's address holds a control character")
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return nil, fmt.Errorf("the recipient's address: %w", err)
	}
	// Only quotes around the part before the @ may differ.
	domain := a.Address[strings.LastIndexByte(a.Address, '@'):]
	if a.Address != s && (a.Name != "" || !strings.HasPrefix(s, `"`) || !strings.HasSuffix(s, domain)) {
		return nil, errors.New("the recipient's address is not a bare one")
	}
	return transportable(a)
}

// transportable writes an internationalised domain as xn--…, as Django does: every server can carry that. It leaves the
// address alone where the part before the @ needs SMTPUTF8 anyway.
func transportable(a *mail.Address) (*mail.Address, error) {
	at := strings.LastIndexByte(a.Address, '@')
	local, domain := a.Address[:at], a.Address[at+1:]
	if isASCII(domain) || !isASCII(local) {
		return a, nil
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return nil, fmt.Errorf("the address's domain: %w", err)
	}
	return &mail.Address{Name: a.Name, Address: local + "@" + ascii}, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
