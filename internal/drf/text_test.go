package drf

import (
	"strconv"
	"testing"
)

func TestStrip(t *testing.T) {
	ranges := readVectors(t).Unicode.Stripped
	stripped := func(r rune) bool {
		for _, bounds := range ranges {
			low, _ := strconv.ParseInt(bounds[0], 16, 32)
			high, _ := strconv.ParseInt(bounds[1], 16, 32)
			if int64(r) >= low && int64(r) <= high {
				return true
			}
		}
		return false
	}
	for r := rune(0); r <= 0x10FFFF; r++ {
		c := string(appendRune(nil, r))
		want := c + "x" + c
		if stripped(r) {
			want = "x"
		}
		if got := Strip(c + "x" + c); got != want {
			t.Fatalf("U+%04X: got %q, want %q", r, got, want)
		}
	}
}

func TestLength(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "é": 1, "日本": 2, "😀": 1, "\xed\xa0\x80x": 2} {
		if got := Length(s); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
}

func TestSurrogates(t *testing.T) {
	for r := rune(0xD7FF); r <= 0xE000; r++ {
		s := string(appendRune([]byte("x\ud55c"), r)) + "y"
		if got, size := decodeRune(s[len("x\ud55c"):]); got != r || size != 3 {
			t.Fatalf("U+%04X: got U+%04X of %d bytes", r, got, size)
		}
		if got, ok := firstSurrogate(s); ok != isSurrogate(r) || ok && got != r {
			t.Errorf("U+%04X: found U+%04X, %v", r, got, ok)
		}
	}
	if _, ok := firstSurrogate("\xed\xa0"); ok {
		t.Error("a piece of a surrogate is one")
	}
}
