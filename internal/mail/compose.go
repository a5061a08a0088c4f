package mail

import (
	"bytes"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// A letter is a message as it travels: its envelope and its bytes.
type letter struct {
	from, to *mail.Address
	// utf8 says that an address is not ASCII, so that only servers with SMTPUTF8 can take the letter.
	utf8 bool
	// bytes are the headers and the body, with CRLF at the end of each line.
	bytes []byte
}

// compose turns m into a letter: multipart/alternative with the text first, both parts in UTF-8 and quoted-printable. All
// its errors are permanent. Nothing that m holds can start a header of its own.
func compose(m Message) (*letter, error) {
	from, err := parseSender(m.From)
	if err != nil {
		return nil, permanentError{err}
	}
	to, err := parseRecipient(m.To)
	if err != nil {
		return nil, permanentError{err}
	}
	if !isMessageID(m.ID) {
		return nil, permanent("%q is no Message-ID", m.ID)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	msg.SetGenHeaderPreformatted("From", headerAddress(from))
	msg.SetGenHeaderPreformatted("To", headerAddress(to))
	msg.Subject(oneLine(m.Subject))
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDateWithValue(m.Date)
	if m.Date.IsZero() {
		msg.SetDateWithValue(time.Now())
	}
	// RFC 3834: keeps out-of-office answers away.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, strings.ToValidUTF8(m.Text, "\ufffd"))
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, strings.ToValidUTF8(m.HTML, "\ufffd"))
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, permanentError{err}
	}
	return &letter{from: from, to: to, utf8: !isASCII(from.Address + to.Address), bytes: b.Bytes()}, nil
}

// headerAddress is an address as Django writes it into a header: bare where there is no name to it. Its parts were parsed, so that nothing else can
// hide in it.
func headerAddress(a *mail.Address) string {
	if a.Name == "" {
		return strings.Trim(a.String(), "<>")
	}
	return a.String()
}

// isMessageID reports whether s can stand between the brackets of a Message-ID: something on both sides of one @, of visible
// ASCII without brackets.
func isMessageID(s string) bool {
	left, right, ok := strings.Cut(s, "@")
	return ok && left != "" && right != "" && len(s) <= 250 && !strings.Contains(right, "@") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' })
}

// oneLine puts a space where s has control characters and line ends, and none at its ends.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), func(r rune) bool {
		return r == ' ' || r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
	}), " ")
}
