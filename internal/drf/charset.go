package drf

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"latchkey/internal/message"
)

// A charset turns a body's bytes into text. UTF-8, ASCII and Latin-1 are decoded as Python decodes them, with its words for what is wrong;
// for all others the web's own tables (htmlindex) stand in for Python's.
type charset struct {
	name  string            // Python's name for it
	other encoding.Encoding // what decodes it; nil for the four below
}

var (
	utf8Charset   = charset{name: "utf-8"}
	utf8Signed    = charset{name: "utf-8-sig"} // the byte order mark is no part of the text
	asciiCharset  = charset{name: "ascii"}
	latin1Charset = charset{name: "latin-1"}
)

// charsetOf finds the charset that a Content-Type names. As in Django, no name and a name Python does not know mean UTF-8;
// the error is a 400 for Python's codecs that are no text encoding, and for two that cannot stand in for one.
func charsetOf(contentType string) (charset, error) {
	name, ok := parameter(contentType, "charset")
	if !ok {
		return utf8Charset, nil
	}
	key := strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !asciiAlnum(r) && r != '.' }), "_") // as codecs.lookup does
	switch key {
	case "bz2", "bz2_codec", "zlib", "zlib_codec", "zip", "hex", "hex_codec", "base64", "base_64", "base64_codec", "rot13", "rot_13",
		"uu", "uu_codec", "quopri", "quopri_codec", "quoted_printable", "quotedprintable", "undefined", "punycode", "idna":
		return charset{}, Detail(http.StatusBadRequest, message.T(`Unsupported charset "{charset}" in request Content-Type header.`, "charset", fromLatin1([]byte(name))))
	case "utf_8_sig", "utf8_sig":
		return utf8Signed, nil
	case "ascii", "us_ascii", "646", "us", "ansi_x3.4_1968":
		return asciiCharset, nil
	case "latin_1", "latin1", "latin", "l1", "iso_8859_1", "iso8859_1", "iso8859", "cp819":
		return latin1Charset, nil
	case "utf_16", "utf16":
		return charset{name: "utf-16", other: unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)}, nil
	case "utf_16_le", "utf_16le":
		return charset{name: "utf-16-le", other: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)}, nil
	case "utf_16_be", "utf_16be":
		return charset{name: "utf-16-be", other: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)}, nil
	}
	for _, spelling := range [...]string{key, strings.ReplaceAll(key, "_", "-")} {
		if e, err := htmlindex.Get(spelling); err == nil && e != encoding.Replacement && e != unicode.UTF8 {
			return charset{name: key, other: e}, nil
		}
	}
	return utf8Charset, nil
}

// stream decodes as Python reads a stream: text that breaks off within a character is taken without it. The error's text is Python's for UTF-8 and ASCII.
func (c charset) stream(data []byte) (string, error) {
	switch c.name {
	case utf8Charset.name, utf8Signed.name:
		if c == utf8Signed {
			data = bytes.TrimPrefix(data, []byte(byteOrderMark))
		}
		good, bad, reason := checkUTF8(data)
		if reason == "" || reason == endOfData {
			return string(data[:good]), nil
		}
		return "", decodeError("utf-8", data, good, bad, reason)
	case asciiCharset.name:
		for i, b := range data {
			if b >= utf8.RuneSelf {
				return "", decodeError("ascii", data, i, 1, "ordinal not in range(128)")
			}
		}
	case "utf-16", "utf-16-le", "utf-16-be":
		data = data[:len(data)&^1]
		if c.name == "utf-16" && !bytes.HasPrefix(data, []byte("\xff\xfe")) && !bytes.HasPrefix(data, []byte("\xfe\xff")) {
			return "", errors.New("UTF-16 stream does not start with BOM")
		}
	}
	text, ok := c.strict(data)
	if !ok {
		return "", fmt.Errorf("'%s' codec can't decode the body", c.name)
	}
	return text, nil
}

// strict decodes a body that must be good to its last byte.
func (c charset) strict(data []byte) (text string, ok bool) {
	text = c.replace(data)
	if c == utf8Charset || c == utf8Signed {
		return text, utf8.Valid(data)
	}
	return text, !strings.ContainsRune(text, utf8.RuneError)
}

// replace decodes with U+FFFD for what is wrong.
func (c charset) replace(data []byte) string {
	switch c.name {
	case utf8Charset.name:
		return replaceUTF8(data)
	case utf8Signed.name:
		return replaceUTF8(bytes.TrimPrefix(data, []byte(byteOrderMark)))
	case asciiCharset.name:
		return strings.Map(func(r rune) rune {
			if r >= utf8.RuneSelf {
				return utf8.RuneError
			}
			return r
		}, fromLatin1(data))
	case latin1Charset.name:
		return fromLatin1(data)
	}
	decoded, err := c.other.NewDecoder().Bytes(data)
	if err != nil {
		return string(utf8.RuneError)
	}
	return string(decoded)
}

const byteOrderMark = "\ufeff"

// fromLatin1 reads each byte as the character of that number, as Python's servers hand over headers.
func fromLatin1(data []byte) string {
	var b strings.Builder
	b.Grow(len(data))
	for _, c := range data {
		b.WriteRune(rune(c))
	}
	return b.String()
}

// decodeError is Python's message for n bytes at a position that do not decode.
func decodeError(codec string, data []byte, at, n int, reason string) error {
	if n == 1 {
		return fmt.Errorf("'%s' codec can't decode byte 0x%02x in position %d: %s", codec, data[at], at, reason)
	}
	return fmt.Errorf("'%s' codec can't decode bytes in position %d-%d: %s", codec, at, at+n-1, reason)
}

const endOfData = "unexpected end of data"

// checkUTF8 finds the first place that is not UTF-8: how many bytes before it are good, how many bytes are bad together, and why in Python's words.
// The reason is empty if there is no such place.
func checkUTF8(data []byte) (good, bad int, reason string) {
	if utf8.Valid(data) {
		return len(data), 0, ""
	}
	for good < len(data) {
		r, size := utf8.DecodeRune(data[good:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		good += size
	}
	sequence := data[good:]
	length := 0
	switch c := sequence[0]; {
	case c >= 0xC2 && c < 0xE0:
		length = 2
	case c >= 0xE0 && c < 0xF0:
		length = 3
	case c >= 0xF0 && c < 0xF5:
		length = 4
	default:
		return good, 1, "invalid start byte"
	}
	bad = 1
	for bad < min(length, len(sequence)) && continues(sequence[0], bad, sequence[bad]) {
		bad++
	}
	if bad == len(sequence) {
		return good, bad, endOfData
	}
	return good, bad, "invalid continuation byte"
}

// continues says whether c may be the i-th byte of a sequence that starts with first: the second one has a narrower range behind some.
func continues(first byte, i int, c byte) bool {
	low, high := byte(0x80), byte(0xBF)
	if i == 1 {
		switch first {
		case 0xE0:
			low = 0xA0
		case 0xED:
			high = 0x9F
		case 0xF0:
			low = 0x90
		case 0xF4:
			high = 0x8F
		}
	}
	return c >= low && c <= high
}

// replaceUTF8 puts one U+FFFD for each run of bytes that Python reports together.
func replaceUTF8(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	var b strings.Builder
	for len(data) > 0 {
		good, bad, _ := checkUTF8(data)
		b.Write(data[:good])
		if bad > 0 {
			b.WriteRune(utf8.RuneError)
		}
		data = data[good+bad:]
	}
	return b.String()
}
