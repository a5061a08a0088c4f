package tokens

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// EncodeUID writes a primary key the way links carry it: base64url without padding.
func EncodeUID(pk string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(pk))
}

// DecodeUID reads a uid as Django's urlsafe_base64_decode and force_str do: bytes outside the alphabet are skipped,
// both alphabets count, padding is optional and ends the text. It reports false for what is no base64 or no UTF-8.
func DecodeUID(uid string) (string, bool) {
	// Django adds as many "=" as the length exceeds a multiple of four (utils/http.py): enough for every uid without
	// foreign characters, and harmless where it is too many.
	padding := len(uid) % 4
	out := make([]byte, 0, len(uid)*3/4+1)
	var bits uint32
	have := 0 // letters read of the current group of four
	pads := 0
	for i := range len(uid) + padding {
		c := byte('=')
		if i < len(uid) {
			c = uid[i]
		}
		if c == '=' {
			if pads++; have >= 2 && have+pads >= 4 {
				return string(out), utf8.Valid(out)
			}
			continue
		}
		letter, ok := base64Letter(c)
		if !ok {
			continue
		}
		pads = 0
		bits = bits<<6 | letter
		switch have++; have {
		case 2:
			out = append(out, byte(bits>>4))
		case 3:
			out = append(out, byte(bits>>2))
		case 4:
			out = append(out, byte(bits))
			have = 0
		}
	}
	return string(out), have == 0 && utf8.Valid(out)
}

// base64Letter is the value of a letter of either base64 alphabet.
func base64Letter(c byte) (uint32, bool) {
	switch {
	case 'A' <= c && c <= 'Z':
		return uint32(c - 'A'), true
	case 'a' <= c && c <= 'z':
		return uint32(c-'a') + 26, true
	case '0' <= c && c <= '9':
		return uint32(c-'0') + 52, true
	case c == '+' || c == '-':
		return 62, true
	case c == '/' || c == '_':
		return 63, true
	}
	return 0, false
}

// ParseInt reads a decimal number as Python's int() does: white space round it, a sign, single underscores between digits
// and the decimal digits of every script are fine. It reports false for anything else and beyond 64 bits.
func ParseInt(text string) (int64, bool) {
	plain, ok := PlainInt(text)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(plain, 10, 64)
	return n, err == nil
}

// PlainInt is a decimal number of any size, as Python's int() reads it, in ASCII digits with at most a sign before them.
func PlainInt(text string) (string, bool) {
	// Unicode white space is what int() skips; str.strip would take the ASCII separators 1C to 1F too.
	text = strings.TrimFunc(text, unicode.IsSpace)
	if len(text) > maxDigits {
		return "", false
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return text, true
	}
	var plain strings.Builder
	if text != "" && (text[0] == '+' || text[0] == '-') {
		plain.WriteByte(text[0])
		text = text[1:]
	}
	digitBefore := false
	for _, r := range text {
		if r == '_' && digitBefore {
			digitBefore = false
			continue
		}
		digit, ok := decimal(r)
		if !ok {
			return "", false
		}
		plain.WriteByte('0' + digit)
		digitBefore = true
	}
	return plain.String(), digitBefore
}

// decimal is the value of a decimal digit of any script. The digits of a script stand in a row from zero to nine.
func decimal(r rune) (byte, bool) {
	if r < utf8.RuneSelf {
		return byte(r - '0'), '0' <= r && r <= '9'
	}
	for _, row := range unicode.Nd.R16 {
		if rune(row.Lo) <= r && r <= rune(row.Hi) {
			return byte((r - rune(row.Lo)) % 10), true
		}
	}
	for _, row := range unicode.Nd.R32 {
		if rune(row.Lo) <= r && r <= rune(row.Hi) {
			return byte((r - rune(row.Lo)) % 10), true
		}
	}
	return 0, false
}
