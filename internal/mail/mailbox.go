package mail

import (
	"context"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// mailboxSize is how many messages a Mailbox keeps.
const mailboxSize = 200

// A Mailbox keeps the last 200 messages in memory, for development: mails are read in the browser, or by a test over its JSON. The
// zero Mailbox is empty and ready. It is safe for concurrent use.
type Mailbox struct {
	mu       sync.Mutex
	messages []Message // oldest first
	state    int       // counts the changes
	changed  chan struct{}
	ended    bool
}

// Messages returns what is in the mailbox, newest first.
func (b *Mailbox) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	messages := slices.Clone(b.messages)
	slices.Reverse(messages)
	return messages
}

// Message returns the message with that Message-ID, if it is still there.
func (b *Mailbox) Message(id string) (Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.find(id); i >= 0 {
		return b.messages[i], true
	}
	return Message{}, false
}

// Delete drops the message with that Message-ID, and reports whether there was one.
func (b *Mailbox) Delete(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.find(id)
	if i < 0 {
		return false
	}
	b.messages = slices.Delete(b.messages, i, i+1)
	b.tell()
	return true
}

// Clear empties the mailbox.
func (b *Mailbox) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = nil
	b.tell()
}

// End lets everybody go who watches for mail, so that a server can stop.
func (b *Mailbox) End() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.tell()
}

// tell wakes those who watch; the lock is held.
func (b *Mailbox) tell() {
	b.state++
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// watch is a number that stands for what is in the mailbox, and a channel that is closed when that changes; not ok once the mailbox has ended.
func (b *Mailbox) watch() (state int, changed <-chan struct{}, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.state, b.changed, !b.ended
}

// add keeps a message; one that comes a second time takes the place of the first.
func (b *Mailbox) add(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.tell()
	if i := b.find(m.ID); i >= 0 {
		b.messages[i] = m
		return
	}
	b.messages = append(b.messages, m)
	if extra := len(b.messages) - mailboxSize; extra > 0 {
		b.messages = slices.Delete(b.messages, 0, extra)
	}
}

func (b *Mailbox) find(id string) int {
	return slices.IndexFunc(b.messages, func(m Message) bool { return m.ID == id })
}

// mailboxSender puts messages into the mailbox, and shows the text of each on the terminal, where its link can be clicked.
type mailboxSender struct {
	box      *Mailbox
	mu       sync.Mutex
	terminal io.Writer
}

func (s *mailboxSender) Send(_ context.Context, m Message) error {
	// Composed like any other, so that a message that cannot travel shows here already.
	if _, err := compose(m); err != nil {
		return err
	}
	s.box.add(m)
	text := strings.ReplaceAll(strings.TrimSpace(m.Text), "\n", "\n    ")
	s.mu.Lock()
	defer s.mu.Unlock()
	// The message has arrived, whether or not anybody sees the terminal.
	fmt.Fprint(s.terminal, printable(fmt.Sprintf("mail to %s: %s\n\n    %s\n\n", m.To, m.Subject, text)))
	return nil
}

var linkPattern = regexp.MustCompile(`https?://[^\s"'<>]+`)

// links lists the links of a message's two parts, each once, in the order of appearance.
func (m Message) links() []string {
	found := linkPattern.FindAllString(m.Text, -1)
	for _, link := range linkPattern.FindAllString(m.HTML, -1) {
		found = append(found, html.UnescapeString(link))
	}
	links := []string{}
	for _, link := range found {
		if !slices.Contains(links, link) {
			links = append(links, link)
		}
	}
	return links
}
