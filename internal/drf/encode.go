package drf

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"latchkey/internal/message"
)

// A Style is how JSON is laid out. The zero Style is DRF's default: no blanks, and letters beyond ASCII as they are.
type Style struct {
	ASCII  bool // escape all but ASCII: UNICODE_JSON false
	Spaced bool // a blank after commas and colons: COMPACT_JSON false
	Indent int  // blanks per level, each value on a line of its own; 0 keeps everything on one line
	// Language is what messages are written in; English when nil.
	Language *message.Language
}

// Encode writes a JSON value as DRF does by default: see Style.Append.
func Encode(v any) []byte {
	return Style{}.Append(make([]byte, 0, 256), v)
}

// Append appends a JSON value to dst, byte for byte as DRF's renderer writes it: nothing is escaped for HTML, U+2028 and U+2029 are.
// It takes nil, bool, int, int64, float64, json.Number, Number, string, *message.Text, []string, json.RawMessage (taken as it is), List and Object.
// Floats are written as Python writes them; NaN and the infinities, which JSON does not have, become null.
// A lone surrogate stays an escape. Any other type is a mistake of the program, never of its input, and panics.
func (s Style) Append(dst []byte, v any) []byte {
	return s.value(dst, v, 0)
}

func (s Style) value(dst []byte, v any, level int) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(dst, "null"...)
		}
		return append(dst, floatText(v)...)
	case json.Number:
		return append(dst, v...)
	case Number:
		return append(dst, v.json()...)
	case string:
		return s.text(dst, v)
	case *message.Text:
		return s.text(dst, v.In(s.Language))
	case json.RawMessage:
		return append(dst, v...)
	case []string:
		return s.list(dst, len(v), level, func(dst []byte, i int) []byte { return s.text(dst, v[i]) })
	case List:
		return s.list(dst, len(v), level, func(dst []byte, i int) []byte { return s.value(dst, v[i], level+1) })
	case Object:
		return s.object(dst, v, level)
	}
	panic(fmt.Sprintf("drf: no JSON for a %T", v))
}

func (s Style) list(dst []byte, n, level int, item func(dst []byte, i int) []byte) []byte {
	dst = append(dst, '[')
	for i := range n {
		dst = item(s.before(dst, i, level+1), i)
	}
	return append(s.after(dst, n, level), ']')
}

func (s Style) object(dst []byte, o Object, level int) []byte {
	dst = append(dst, '{')
	for i, m := range o {
		dst = append(s.text(s.before(dst, i, level+1), m.Key), ':')
		if s.Spaced || s.Indent > 0 {
			dst = append(dst, ' ')
		}
		dst = s.value(dst, m.Value, level+1)
	}
	return append(s.after(dst, len(o), level), '}')
}

// before separates the i-th item of a list or object from what stands before it.
func (s Style) before(dst []byte, i, level int) []byte {
	if i > 0 {
		dst = append(dst, ',')
		if s.Spaced && s.Indent == 0 {
			dst = append(dst, ' ')
		}
	}
	return s.line(dst, level)
}

// after leads from the last of n items to the closing bracket, which an empty list has on the same line.
func (s Style) after(dst []byte, n, level int) []byte {
	if n == 0 {
		return dst
	}
	return s.line(dst, level)
}

func (s Style) line(dst []byte, level int) []byte {
	if s.Indent == 0 {
		return dst
	}
	dst = append(dst, '\n')
	for range s.Indent * level {
		dst = append(dst, ' ')
	}
	return dst
}

func (s Style) text(dst []byte, text string) []byte {
	dst = append(dst, '"')
	plain := 0 // where the part begins that needs no escape
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && (c != 0x7f || !s.ASCII) {
				i++
				continue
			}
			dst = appendEscape(append(dst, text[plain:i]...), c)
			i++
			plain = i
			continue
		}
		r, size := decodeRune(text[i:])
		if s.ASCII || r == '\u2028' || r == '\u2029' || isSurrogate(r) || r == utf8.RuneError && size == 1 {
			dst = append(dst, text[plain:i]...)
			if r > 0xFFFF {
				r -= 0x10000
				dst = appendHex(dst, 0xD800+r>>10)
				r = 0xDC00 + r&0x3FF
			}
			dst = appendHex(dst, r)
			plain = i + size
		}
		i += size
	}
	return append(append(dst, text[plain:]...), '"')
}

// shortEscapes are the characters that have an escape of two letters.
const shortEscapes = "\"\\\b\f\n\r\t"

func appendEscape(dst []byte, c byte) []byte {
	if i := strings.IndexByte(shortEscapes, c); i >= 0 {
		return append(dst, '\\', `"\bfnrt`[i])
	}
	return appendHex(dst, rune(c))
}

// appendHex appends \uXXXX in lower case, as Python does.
func appendHex(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
