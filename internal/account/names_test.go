package account

import (
	"encoding/json"
	"os"
	"testing"
)

// TestNames compares with what Django makes of names and addresses.
func TestNames(t *testing.T) {
	data, err := os.ReadFile("testdata/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Emails    []struct{ Email, Stored string }  `json:"normalize_email"`
		Usernames []struct{ Username, NFKC string } `json:"normalize_username"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Emails) == 0 || len(vectors.Usernames) == 0 {
		t.Fatal("there are no vectors")
	}
	for _, v := range vectors.Emails {
		if got := NormalizeEmail(v.Email); got != v.Stored {
			t.Errorf("%q: got %q, want %q", v.Email, got, v.Stored)
		}
	}
	for _, v := range vectors.Usernames {
		if got := NormalizeUsername(v.Username); got != v.NFKC {
			t.Errorf("%q: got %q, want %q", v.Username, got, v.NFKC)
		}
	}
}
