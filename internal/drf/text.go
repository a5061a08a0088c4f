package drf

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text of a request is a Go string in UTF-8, with one extension: JSON can spell half of a surrogate pair ("\ud800"), which Python keeps as a character
// and fields refuse by name. Such a half is kept as the three bytes that UTF-8 would give its code point (this is known as WTF-8).

// decodeRune is utf8.DecodeRuneInString that also knows lone surrogates.
func decodeRune(s string) (r rune, size int) {
	r, size = utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 && len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] < 0xC0 && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return r, size
}

// appendRune is utf8.AppendRune that also knows lone surrogates.
func appendRune(dst []byte, r rune) []byte {
	if isSurrogate(r) {
		return append(dst, 0xED, 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(dst, r)
}

func isSurrogate(r rune) bool { return r >= 0xD800 && r < 0xE000 }

// firstSurrogate finds the first lone surrogate of a text.
func firstSurrogate(s string) (rune, bool) {
	for {
		i := strings.IndexByte(s, 0xED)
		if i < 0 {
			return 0, false
		}
		r, size := decodeRune(s[i:])
		if isSurrogate(r) {
			return r, true
		}
		s = s[i+size:]
	}
}

// Length counts a text's characters as Python does: code points, lone surrogates included.
func Length(s string) int {
	n := 0
	for i := range len(s) {
		if s[i]&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

// Strip takes white space off both ends, as Python's str.strip() does: more than Unicode calls white space (U+001C–001F), less than some editors show as blank (U+200B).
func Strip(s string) string {
	return strings.TrimFunc(s, isSpace)
}

func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F
}
