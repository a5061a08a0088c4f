package tokens

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The derived keys are those of RFC 5869, computed apart from this program (Python's hmac, Extract with a salt of zeros and one round of Expand), and every
// purpose has its own.
func TestDerive(t *testing.T) {
	keys := Keys{Secret: "a-secret-key-for-tests-that-is-long-enough-2b7e"}
	want := map[Purpose]string{
		ForAccessIDs: "2887e33c7890ca0fe75c475f37539e4c3ec2d1f861ab859ffe5be15c61f2337b",
		ForNobody:    "040326a889741f5226a23a94e15455519e49d6bf7f68c25f2edef0124aa6159a",
	}
	for purpose, want := range want {
		if got := hex.EncodeToString(keys.Derive(purpose)); got != want {
			t.Errorf("the key for %s is %s, want %s", purpose, got, want)
		}
		if bytes.Equal(keys.Derive(purpose), Keys{Secret: "another"}.Derive(purpose)) {
			t.Errorf("two secrets have one key for %s", purpose)
		}
	}
}

// An id that was made with another purpose's key, or with the secret key itself, is none of an access token; one that was made before the secret was changed
// still is, while the old one is a fallback.
func TestBesideHoldsToItsKey(t *testing.T) {
	keys := Keys{Secret: "secret"}
	refresh := newJTI()
	made := func(key []byte) string {
		half := [8]byte{6: 0x40}
		mac := hmac.New(sha256.New, key)
		mac.Write(append(half[:], refresh...))
		var id [16]byte
		copy(id[:], half[:])
		copy(id[8:], mac.Sum(nil))
		return uuid4(id)
	}
	if !keys.Beside(made(keys.Derive(ForAccessIDs)), refresh) {
		t.Fatal("an id made with the key for ids is refused")
	}
	for what, key := range map[string][]byte{"another purpose's key": keys.Derive(ForNobody), "the secret key": []byte(keys.Secret)} {
		if keys.Beside(made(key), refresh) {
			t.Errorf("an id made with %s passes", what)
		}
	}
	if old := keys.JTIBeside(refresh); !(Keys{Secret: "new", Fallbacks: []string{"older", "secret"}}).Beside(old, refresh) {
		t.Error("an id is forgotten with the change of the secret")
	}
}
