package tokens

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestSaltedHMACIsDjangos(t *testing.T) {
	seen := false
	for _, item := range readVectors(t).SaltedHMAC {
		if item.Algorithm != "sha256" { // the only one that Django's tokens, sessions and signatures use
			continue
		}
		seen = true
		if got := hex.EncodeToString(saltedHMAC(item.KeySalt, item.Secret, item.Value)); got != item.Hex {
			t.Errorf("saltedHMAC(%q, …, %q) = %s, want %s", item.KeySalt, item.Value, got, item.Hex)
		}
	}
	if !seen {
		t.Fatal("no vectors")
	}
}

func TestBase62IsDjangos(t *testing.T) {
	for _, item := range readVectors(t).Base62 {
		if got := base62(item.Int); got != item.Base62 {
			t.Errorf("base62(%d) = %s, want %s", item.Int, got, item.Base62)
		}
		if got, ok := parseBase62(item.Base62); !ok || got != item.Int {
			t.Errorf("parseBase62(%s) = %d, %v, want %d", item.Base62, got, ok, item.Int)
		}
	}
	if got, ok := parseBase62(base62(-62)); !ok || got != -62 {
		t.Errorf("-62 comes back as %d, %v", got, ok)
	}
	for _, bad := range []string{"", "-", "!", "a b", strings.Repeat("z", 30)} {
		if n, ok := parseBase62(bad); ok {
			t.Errorf("parseBase62(%q) = %d", bad, n)
		}
	}
}

func TestSigningIsDjangos(t *testing.T) {
	v := readVectors(t)
	keys := Keys{Secret: v.How.Secret}
	for _, item := range v.Signing.Items {
		salt := v.Signing.Salts[item.Class]
		if item.Salt != nil {
			salt = *item.Salt
		}
		now := time.Unix(item.Time, 0)
		switch item.Class {
		case "Signer":
			if got := keys.Sign(salt, item.Value); got != item.Signed {
				t.Errorf("Sign(%q) = %s, want %s", item.Value, got, item.Signed)
			}
			if got, ok := keys.Unsign(salt, item.Signed); !ok || got != item.Value {
				t.Errorf("Unsign(%s) = %q, %v", item.Signed, got, ok)
			}
		case "TimestampSigner":
			if got := keys.SignTime(salt, item.Value, now); got != item.Signed {
				t.Errorf("SignTime(%q) = %s, want %s", item.Value, got, item.Signed)
			}
		case "dumps":
			text := pythonJSON(t, item.JSON)
			got := keys.Dumps(text, salt, item.Compress, now)
			// Two deflaters pack differently, so packed values are compared unpacked.
			if packed := strings.HasPrefix(item.Signed, "."); packed != strings.HasPrefix(got, ".") || !packed && got != item.Signed {
				t.Errorf("Dumps(%s) = %s, want %s", text, got, item.Signed)
			}
			for _, signed := range []string{item.Signed, got} {
				if data, ok := keys.Loads(signed, salt, time.Second, now); !ok || !bytes.Equal(data, text) {
					t.Errorf("Loads(%s) = %s, %v, want %s", signed, data, ok, text)
				}
			}
		default:
			t.Errorf("unknown class %s", item.Class)
		}
	}
}

// pythonJSON respells the JSON of a vector as Python's compact json.dumps does.
func pythonJSON(t testing.TB, text []byte) []byte {
	t.Helper()
	p := parser{text: string(text)}
	v, ok := p.value()
	if !ok {
		t.Fatalf("bad JSON in the vectors: %s", text)
	}
	return []byte(v)
}

func TestSigningChecksAreDjangos(t *testing.T) {
	v := readVectors(t)
	for _, item := range v.Signing.Checks {
		keys := Keys{Secret: v.How.Secret, Fallbacks: item.Fallbacks}
		now := time.UnixMilli(int64(item.At * 1000))
		var want string
		valid := json.Unmarshal(item.Result, &want) == nil
		got, ok := keys.UnsignTime(v.Signing.Salts["TimestampSigner"], item.Signed, time.Duration(item.MaxAge)*time.Second, now)
		if ok != valid || got != want {
			t.Errorf("%s: UnsignTime = %q, %v; Django: %s", item.Case, got, ok, item.Result)
		}
	}
}

func TestSaltsKeepPurposesApart(t *testing.T) {
	keys := Keys{Secret: "secret"}
	now := time.Unix(1709210096, 0)
	signed := keys.SignTime("one", "value", now)
	if _, ok := keys.UnsignTime("two", signed, 0, now); ok {
		t.Error("a value signed for one purpose passes for another")
	}
	if _, ok := (Keys{Secret: "other"}).UnsignTime("one", signed, 0, now); ok {
		t.Error("a value signed with another secret passes")
	}
	if _, ok := keys.UnsignTime("one", keys.Sign("one", "no timestamp"), 0, now); ok {
		t.Error("a value without a timestamp passes")
	}
	for _, bad := range []string{"!", ".AAAA", ".e30"} {
		if data, ok := keys.Loads(keys.SignTime("s", bad, now), "s", 0, now); ok {
			t.Errorf("Loads takes %q for %s", bad, data)
		}
	}
}

func TestLoadsBoundsWhatItInflates(t *testing.T) {
	keys, now := Keys{Secret: "secret"}, time.Unix(1709210096, 0)
	for size, want := range map[int]bool{maxInflated: true, maxInflated + 1: false} {
		text := keys.Dumps(bytes.Repeat([]byte("1"), size), "s", true, now)
		if _, ok := keys.Loads(text, "s", 0, now); ok != want {
			t.Errorf("Loads of %d bytes: %v, want %v", size, ok, want)
		}
	}
}

func FuzzLoads(f *testing.F) {
	keys, now := Keys{Secret: "secret"}, time.Unix(1709210096, 0)
	f.Add("e30", []byte(`{"a":1}`), true)
	f.Add(".eJwDAAAAAAE", []byte(strings.Repeat(`[1,2]`, 40)), true)
	f.Add(":", []byte("x"), false)
	f.Fuzz(func(t *testing.T, value string, data []byte, compress bool) {
		if _, ok := keys.Loads(value, "s", 0, now); ok {
			t.Errorf("%q passes unsigned", value)
		}
		keys.Loads(keys.SignTime("s", value, now), "s", 0, now) // whatever it holds, no panic
		if got, ok := keys.Loads(keys.Dumps(data, "s", compress, now), "s", time.Second, now); !ok || !bytes.Equal(got, data) {
			t.Errorf("%q comes back as %q, %v", data, got, ok)
		}
	})
}
