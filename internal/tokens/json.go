package tokens

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxDepth is how deep JSON may be nested; Python gives up a little below 1000.
	maxDepth = 500
	// maxDigits is the longest whole number that Python reads (sys.int_info.default_max_str_digits).
	maxDigits = 4300
)

// ParseClaims reads a JSON object as Python's json.loads does: NaN and Infinity count, a byte order mark and white space
// round it do not, and of a name that comes twice the last value stands in the first one's place.
func ParseClaims(text string) (Claims, bool) {
	p := parser{text: strings.TrimPrefix(text, "\ufeff")}
	p.space()
	claims, ok := p.claims()
	p.space()
	return claims, ok && p.at == len(p.text)
}

// A parser walks through one JSON text.
type parser struct {
	text  string
	at    int
	depth int
	// odd says that what was read since it was last cleared is not spelled as Python would spell it.
	odd bool
}

// claims reads the outermost object.
func (p *parser) claims() (Claims, bool) {
	if !p.take('{') {
		return nil, false
	}
	var buf [12]Claim // as many as tokens commonly have: one allocation in the end, of the right size
	claims := buf[:0]
	p.space()
	if p.take('}') {
		return Claims{}, true
	}
	for {
		p.space()
		name, ok := p.member()
		if !ok {
			return nil, false
		}
		p.space()
		value, ok := p.value()
		if !ok {
			return nil, false
		}
		claims = append(claims, Claim{name, value})
		p.space()
		if p.take('}') {
			return merge(claims), true
		}
		if !p.take(',') {
			return nil, false
		}
	}
}

// merge copies claims, leaving out all but the last value of each name.
func merge(claims []Claim) Claims {
	merged := make(Claims, 0, len(claims)+2) // room for aud and iss
	if len(claims) <= 16 {
		for _, c := range claims {
			merged.Set(c.Name, c.Value)
		}
		return merged
	}
	place := make(map[string]int, len(claims))
	for _, c := range claims {
		if i, seen := place[c.Name]; seen {
			merged[i].Value = c.Value
			continue
		}
		place[c.Name] = len(merged)
		merged = append(merged, c)
	}
	return merged
}

// member reads a name and its colon.
func (p *parser) member() (string, bool) {
	start := p.at
	p.odd = false
	if !p.skipText() {
		return "", false
	}
	name, ok := p.since(start).Text()
	p.space()
	return name, ok && p.take(':')
}

// value reads one value.
func (p *parser) value() (Value, bool) {
	start := p.at
	p.odd = false
	if !p.skip() {
		return "", false
	}
	return p.since(start), true
}

// since is the text read since start, respelled if need be.
func (p *parser) since(start int) Value {
	if p.odd {
		return Value(respell(p.text[start:p.at]))
	}
	return Value(p.text[start:p.at])
}

// take steps over c if it comes next.
func (p *parser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// space steps over white space.
func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
			p.odd = true
		default:
			return
		}
	}
}

// skip steps over one value of any kind.
func (p *parser) skip() bool {
	if p.at == len(p.text) {
		return false
	}
	switch c := p.text[p.at]; c {
	case '"':
		return p.skipText()
	case '{', '[':
		if p.depth++; p.depth > maxDepth {
			return false
		}
		ok := p.skipContainer(c + 2) // in ASCII the closing bracket is two behind the opening one
		p.depth--
		return ok
	}
	for _, word := range [...]string{"true", "false", "null", "NaN", "Infinity", "-Infinity"} {
		if strings.HasPrefix(p.text[p.at:], word) {
			p.at += len(word)
			return true
		}
	}
	return p.skipNumber()
}

// skipContainer steps over an object or a list, whose closing bracket is end.
func (p *parser) skipContainer(end byte) bool {
	p.at++
	p.space()
	if p.take(end) {
		return true
	}
	for {
		p.space()
		if end == '}' {
			if !p.skipText() {
				return false
			}
			p.space()
			if !p.take(':') {
				return false
			}
			p.space()
		}
		if !p.skip() {
			return false
		}
		p.space()
		if p.take(end) {
			return true
		}
		if !p.take(',') {
			return false
		}
	}
}

// skipNumber steps over a number.
func (p *parser) skipNumber() bool {
	p.take('-')
	start := p.at
	if !p.take('0') && !p.digits() {
		return false
	}
	length := p.at - start
	whole := true
	if p.take('.') {
		if !p.digits() {
			return false
		}
		whole = false
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if !p.digits() {
			return false
		}
		whole = false
	}
	return !whole || length <= maxDigits
}

// digits steps over at least one digit.
func (p *parser) digits() bool {
	start := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

// skipText steps over a text with its quotes.
func (p *parser) skipText() bool {
	if !p.take('"') {
		return false
	}
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			return true
		case c < ' ':
			return false
		case c == '\\':
			p.odd = true
			if !p.skipEscape() {
				return false
			}
		case c < 0x7f:
			p.at++
		default:
			p.odd = true
			r, size := utf8.DecodeRuneInString(p.text[p.at:])
			if r == utf8.RuneError && size == 1 {
				return false
			}
			p.at += size
		}
	}
	return false
}

// skipEscape steps over a backslash and what belongs to it.
func (p *parser) skipEscape() bool {
	if p.at+1 == len(p.text) {
		return false
	}
	c := p.text[p.at+1]
	p.at += 2
	if c != 'u' {
		return strings.IndexByte(`"\/bfnrt`, c) >= 0
	}
	if len(p.text)-p.at < 4 {
		return false
	}
	_, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	p.at += 4
	return err == nil
}

// respell writes valid JSON as Python's compact json.dumps would, numbers and repeated names left alone.
func respell(text string) string {
	out := make([]byte, 0, len(text)+8)
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\t', '\n', '\r':
			i++
		case '"':
			end := i + 1
			for ; text[end] != '"'; end++ {
				if text[end] == '\\' {
					end++
				}
			}
			out = respellText(out, text[i+1:end])
			i = end + 1
		default:
			out = append(out, c)
			i++
		}
	}
	return string(out)
}

// respellText appends what stands between the quotes of a valid JSON text, with quotes. Lone surrogates survive.
func respellText(out []byte, inner string) []byte {
	out = append(out, '"')
	for i := 0; i < len(inner); {
		if inner[i] != '\\' {
			r, size := utf8.DecodeRuneInString(inner[i:])
			out = appendRune(out, r)
			i += size
			continue
		}
		if inner[i+1] != 'u' {
			if inner[i+1] != '/' {
				out = append(out, '\\')
			}
			out = append(out, inner[i+1])
			i += 2
			continue
		}
		unit, _ := strconv.ParseUint(inner[i+2:i+6], 16, 16)
		out = appendRune(out, rune(unit)) // halves of a pair are written one by one, as they were
		i += 6
	}
	return append(out, '"')
}

// appendText appends s as a JSON text with its quotes, as Python's json.dumps does with ensure_ascii.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		dst = appendRune(dst, r)
	}
	return append(dst, '"')
}

// appendRune appends one character of a JSON text, or half of a surrogate pair.
func appendRune(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case ' ' <= r && r <= '~':
		return append(dst, byte(r))
	case r == '\n':
		return append(dst, `\n`...)
	case r == '\r':
		return append(dst, `\r`...)
	case r == '\t':
		return append(dst, `\t`...)
	case r == '\b':
		return append(dst, `\b`...)
	case r == '\f':
		return append(dst, `\f`...)
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return appendUnit(appendUnit(dst, high), low)
	}
	return appendUnit(dst, r)
}

// appendUnit appends the escape of one UTF-16 unit.
func appendUnit(dst []byte, unit rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[unit>>12&15], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
}
