package drf

import (
	"bytes"
	"net/http"
	"strings"

	"latchkey/internal/message"
)

// parseForm reads a URL-encoded form: pieces between ampersands, empty ones skipped, a piece without = being a name with the value "".
// Names may come more than once; Object.Get finds the last.
func parseForm(data []byte, c charset, limits Limits) (Object, error) {
	if bytes.Count(data, []byte("&")) >= limits.Fields {
		return nil, tooManyFields(limits.Fields)
	}
	text, ok := c.strict(data)
	if !ok {
		text = fromLatin1(data) // Django's way out for bodies that are not in their charset
	}
	form := Object{}
	for piece := range strings.SplitSeq(text, "&") {
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		form = append(form, Member{unescape(name, c), unescape(value, c)})
	}
	return form, nil
}

// tooManyFields is the answer to a form with too much in it; Django's is a page.
func tooManyFields(limit int) *Error {
	return Detail(http.StatusBadRequest, message.N("The form has more than {limit} field.", "The form has more than {limit} fields.", limit, "limit", limit))
}

func tooManyFiles(limit int) *Error {
	return Detail(http.StatusBadRequest, message.N("The form has more than {limit} file.", "The form has more than {limit} files.", limit, "limit", limit))
}

// unescape reads + as a blank and %XX as a byte of the charset; a % with no two digits behind it stays.
// As in Python each stretch of ASCII is decoded by itself, so escaped bytes never join with letters that came as they are.
func unescape(s string, c charset) string {
	if !strings.ContainsAny(s, "+%") {
		return s
	}
	s = strings.ReplaceAll(s, "+", " ")
	var b strings.Builder
	for s != "" {
		n := 0
		for n < len(s) && s[n] < 0x80 {
			n++
		}
		b.WriteString(unescapeASCII(s[:n], c))
		s = s[n:]
		for n = 0; n < len(s) && s[n] >= 0x80; {
			n++
		}
		b.WriteString(s[:n])
		s = s[n:]
	}
	return b.String()
}

func unescapeASCII(s string, c charset) string {
	if !strings.Contains(s, "%") {
		return s
	}
	decoded := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, low := fromHex(s[i+1]), fromHex(s[i+2])
			if high >= 0 && low >= 0 {
				decoded = append(decoded, byte(high<<4|low))
				i += 2
				continue
			}
		}
		decoded = append(decoded, s[i])
	}
	return c.replace(decoded)
}

// fromHex is the value of a hexadecimal digit, or -1.
func fromHex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
