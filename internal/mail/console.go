package mail

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"
)

// consoleSender prints each message, both parts in plain words, between two rules.
type consoleSender struct {
	mu       sync.Mutex
	terminal io.Writer
}

const rule = "------------------------------------------------------------------------------\n"

func (s *consoleSender) Send(_ context.Context, m Message) error {
	// Composed like any other, so that a message that cannot travel shows here already.
	if _, err := compose(m); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(rule)
	fmt.Fprintf(&b, "From: %s\nTo: %s\nSubject: %s\nDate: %s\nMessage-ID: <%s>\n\n%s\n",
		m.From, m.To, m.Subject, m.Date.Format(time.RFC1123Z), m.ID, strings.TrimSpace(m.Text))
	if m.HTML != "" {
		fmt.Fprintf(&b, "\n- - - the same in HTML - - -\n\n%s\n", strings.TrimSpace(m.HTML))
	}
	b.WriteString(rule)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.terminal, printable(b.String()))
	return err
}

// printable replaces what a terminal would obey instead of show: names and addresses come from strangers.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return -1
		case r == '\n', r == '\t', unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ReplacementChar
	}, s)
}
