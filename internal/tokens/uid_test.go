package tokens

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUIDsAreDjangos(t *testing.T) {
	v := readVectors(t)
	for _, item := range v.UIDs.Encode {
		if got := EncodeUID(item.PK); got != item.UID {
			t.Errorf("EncodeUID(%q) = %q, want %q", item.PK, got, item.UID)
		}
	}
	for _, item := range v.UIDs.Decode {
		got, ok := DecodeUID(item.UID)
		if ok != (item.Error == "") {
			t.Errorf("DecodeUID(%q) = %q, %v; Django: %q", item.UID, got, ok, item.Error)
			continue
		}
		if !ok {
			continue
		}
		if got != *item.Text {
			t.Errorf("DecodeUID(%q) = %q, want %q", item.UID, got, *item.Text)
		}
		want, err := strconv.ParseInt(string(item.Int), 10, 64)
		if n, ok := ParseInt(got); ok != (err == nil) || ok && n != want {
			t.Errorf("ParseInt(%q) = %d, %v; want %s", got, n, ok, item.Int)
		}
	}
}

func TestParseInt(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"007", 7, true}, {"-0", 0, true}, {" +1 ", 1, true}, {"\v\f\t\r\n1", 1, true},
		{"1_000", 1000, true}, {"1_0_0", 100, true},
		{"\u00851", 1, true}, {"\u00a01\u2028", 1, true}, {"\u30001\u3000", 1, true},
		{"１２", 12, true}, {"\u0661\u0662", 12, true}, {"\U0001d7ce\U0001d7d9", 1, true}, {"\U0001e959", 9, true}, {"-\uff11", -1, true},
		{"9223372036854775807", 9223372036854775807, true}, {"-9223372036854775808", -9223372036854775808, true},
		{text: "9223372036854775808"}, {text: ""}, {text: " "}, {text: "-"}, {text: "+ 1"}, {text: "+-1"}, {text: "1.0"}, {text: "1e3"},
		{text: "_1"}, {text: "1_"}, {text: "1__0"}, {text: "-_1"}, {text: "1\x00"}, {text: "\x1c1"}, {text: "1\x1f"}, {text: "\u200b1"},
		{text: "0x10"}, {text: "½"}, {text: "²"}, {text: "\xff"},
	} {
		if got, ok := ParseInt(c.text); ok != c.ok || ok && got != c.want {
			t.Errorf("ParseInt(%q) = %d, %v; want %d, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestPlainInt(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", " +0_7 ": "+07", "-\uff11\u0662": "-12", "9223372036854775808": "9223372036854775808", "-99999999999999999999": "-99999999999999999999",
	} {
		if got, ok := PlainInt(text); !ok || got != want {
			t.Errorf("PlainInt(%q) = %q, %v; want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "+_1", "1_", "1__0", "1.0", "0x1", "²", strings.Repeat("9", 4301)} {
		if got, ok := PlainInt(text); ok {
			t.Errorf("PlainInt(%q) = %q", text, got)
		}
	}
}

func FuzzDecodeUID(f *testing.F) {
	for _, seed := range []string{"MQ", "MQ==", " M Q", "MQ-", "_-8", "é", "====", "A", "AAAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uid string) {
		text, ok := DecodeUID(uid)
		if !ok {
			return
		}
		if !utf8.ValidString(text) {
			t.Errorf("DecodeUID(%q) = %q, no UTF-8", uid, text)
		}
		if again, ok := DecodeUID(EncodeUID(text)); !ok || again != text {
			t.Errorf("%q comes back as %q, %v", text, again, ok)
		}
		if strict, err := base64.RawURLEncoding.Strict().DecodeString(uid); err == nil && string(strict) != text {
			t.Errorf("DecodeUID(%q) = %q, strictly it is %q", uid, text, strict)
		}
	})
}

func FuzzParseInt(f *testing.F) {
	for _, seed := range []string{"1", " -1_0 ", "１", "\x1c1", "99999999999999999999", "0_", "+"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := ParseInt(text)
		if want, err := strconv.ParseInt(text, 10, 64); err == nil && (!ok || n != want) {
			t.Errorf("ParseInt(%q) = %d, %v; want %d", text, n, ok, want)
		}
		if !ok {
			return
		}
		if again, ok := ParseInt(strconv.FormatInt(n, 10)); !ok || again != n {
			t.Errorf("%d comes back as %d, %v", n, again, ok)
		}
	})
}
