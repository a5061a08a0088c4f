package tokens

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"iter"
	"strings"
	"time"
)

// maxInflated bounds what a compressed value may grow to.
const maxInflated = 1 << 20

// base62Alphabet writes the timestamps of signed values.
const base62Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Keys are Django's SECRET_KEY, which signs, and SECRET_KEY_FALLBACKS, which only check.
type Keys struct {
	Secret    string
	Fallbacks []string
}

// all yields the secret and then each fallback, with its place: 0 for the secret.
func (k Keys) all() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		if !yield(0, k.Secret) {
			return
		}
		for i, old := range k.Fallbacks {
			if !yield(i+1, old) {
				return
			}
		}
	}
}

// saltedHMAC is django.utils.crypto.salted_hmac with SHA-256: the key is the digest of salt and secret.
func saltedHMAC(salt, secret, value string) []byte {
	key := sha256.Sum256([]byte(salt + secret))
	mac := hmac.New(sha256.New, key[:])
	io.WriteString(mac, value)
	return mac.Sum(nil)
}

// signature is the part behind the last colon of a signed value.
func signature(salt, secret, value string) string {
	return base64.RawURLEncoding.EncodeToString(saltedHMAC(salt+"signer", secret, value))
}

// Sign is Signer(salt=salt).sign(value): value, a colon and the signature.
func (k Keys) Sign(salt, value string) string {
	return value + ":" + signature(salt, k.Secret, value)
}

// Unsign returns the value of a text that Sign made with the secret or one of the fallbacks.
func (k Keys) Unsign(salt, signed string) (string, bool) {
	colon := strings.LastIndexByte(signed, ':')
	if colon < 0 {
		return "", false
	}
	value, got := signed[:colon], []byte(signed[colon+1:])
	for _, secret := range k.all() {
		if hmac.Equal(got, []byte(signature(salt, secret, value))) {
			return value, true
		}
	}
	return "", false
}

// SignTime is TimestampSigner(salt=salt).sign(value) at the time now.
func (k Keys) SignTime(salt, value string, now time.Time) string {
	return k.Sign(salt, value+":"+base62(now.Unix()))
}

// UnsignTime returns the value of a text that SignTime made at most maxAge ago; a maxAge of 0 sets no limit.
func (k Keys) UnsignTime(salt, signed string, maxAge time.Duration, now time.Time) (string, bool) {
	value, made, ok := k.unsignTime(salt, signed)
	if !ok || maxAge > 0 && now.Sub(made) > maxAge {
		return "", false
	}
	return value, true
}

// unsignTime returns the value of a text that SignTime made, and when it did.
func (k Keys) unsignTime(salt, signed string) (value string, made time.Time, ok bool) {
	stamped, ok := k.Unsign(salt, signed)
	if !ok {
		return "", time.Time{}, false
	}
	colon := strings.LastIndexByte(stamped, ':')
	if colon < 0 {
		return "", time.Time{}, false
	}
	seconds, ok := parseBase62(stamped[colon+1:])
	return stamped[:colon], time.Unix(seconds, 0), ok
}

// Dumps signs JSON as django.core.signing.dumps does; json is the compact, ASCII-only text Python would make.
// Compressed values are marked by a leading dot and need not match zlib's bytes in Python: every inflater reads them.
func (k Keys) Dumps(json []byte, salt string, compress bool, now time.Time) string {
	mark := ""
	if compress {
		if packed := deflate(json); len(packed) < len(json)-1 {
			json, mark = packed, "."
		}
	}
	return k.SignTime(salt, mark+base64.RawURLEncoding.EncodeToString(json), now)
}

// Loads returns the JSON of a text that Dumps made at most maxAge ago; a maxAge of 0 sets no limit.
// A value that inflates beyond 1 MiB is refused.
func (k Keys) Loads(text, salt string, maxAge time.Duration, now time.Time) ([]byte, bool) {
	value, ok := k.UnsignTime(salt, text, maxAge, now)
	if !ok {
		return nil, false
	}
	return unpack(value)
}

// unpack decodes what Dumps signed.
func unpack(value string) ([]byte, bool) {
	value, packed := strings.CutPrefix(value, ".")
	data, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return nil, false
	}
	if packed {
		return inflate(data)
	}
	return data, true
}

// deflate packs data as zlib does at its default level.
func deflate(data []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	w.Write(data) // into memory: cannot fail
	w.Close()
	return out.Bytes()
}

// inflate unpacks zlib data of at most maxInflated bytes.
func inflate(packed []byte) ([]byte, bool) {
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
	return data, err == nil && len(data) <= maxInflated
}

// base62 writes n in Django's base 62.
func base62(n int64) string {
	if n == 0 {
		return "0"
	}
	var digits [12]byte
	i, rest := len(digits), uint64(n)
	if n < 0 {
		rest = -rest
	}
	for ; rest > 0; rest /= 62 {
		i--
		digits[i] = base62Alphabet[rest%62]
	}
	if n < 0 {
		i--
		digits[i] = '-'
	}
	return string(digits[i:])
}

// parseBase62 reads what base62 writes; numbers beyond 62 bits, in seconds far past the end of time, are refused.
func parseBase62(text string) (int64, bool) {
	text, negative := strings.CutPrefix(text, "-")
	if text == "" {
		return 0, false
	}
	var n int64
	for i := range len(text) {
		digit := strings.IndexByte(base62Alphabet, text[i])
		if digit < 0 || n > (1<<62)/62 {
			return 0, false
		}
		n = n*62 + int64(digit)
	}
	if negative {
		n = -n
	}
	return n, true
}
