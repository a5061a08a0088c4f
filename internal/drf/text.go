package drf

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
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

// Lower is Python's str.lower(): every letter by itself, but for the capital I with dot, which becomes two characters,
// and the Greek sigma, which has a form of its own at the end of a word.
func Lower(s string) string {
	if !strings.ContainsAny(s, "İΣ") {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && endsWord(s[:i], s[i+len("Σ"):]):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// endsWord says whether a letter between before and after is the last of a word: Unicode's Final_Sigma.
func endsWord(before, after string) bool {
	for before != "" {
		r, size := utf8.DecodeLastRuneInString(before)
		if before = before[:len(before)-size]; caseIgnorable(r) {
			continue
		}
		if !cased(r) {
			return false
		}
		for _, r := range after {
			if !caseIgnorable(r) {
				return !cased(r)
			}
		}
		return true
	}
	return false
}

func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// caseIgnorable is Unicode's Case_Ignorable: marks, formats, modifiers, and the punctuation that stands within words.
func caseIgnorable(r rune) bool {
	return strings.ContainsRune("'.:·\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a", r) ||
		unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}

// NormalizeEmail is what Django stores of an address at sign-up: the part after the last @ in lower case. Text without an @ is returned as it is.
func NormalizeEmail(s string) string {
	stripped := Strip(s)
	at := strings.LastIndexByte(stripped, '@')
	if at < 0 {
		return s
	}
	return stripped[:at+1] + Lower(stripped[at+1:])
}

// NormalizeUsername is what Django stores of a user name at sign-up: its NFKC form.
func NormalizeUsername(s string) string {
	return norm.NFKC.String(s)
}
