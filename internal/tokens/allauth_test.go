package tokens

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// allauthVectors are what allauth made, with fixed times.
type allauthVectors struct {
	Secret           string `json:"secret_key"`
	ConfirmationKeys []struct {
		ID   int64
		Time int64
		Salt string
		Key  string
	} `json:"confirmation_keys"`
	ResetTokens []struct {
		PK        json.Number
		UID       string
		Password  string
		LastLogin *time.Time `json:"last_login"`
		Email     string
		Addresses []string `json:"account_emailaddress"`
		Seconds   int64
		Token     string
	} `json:"reset_tokens"`
}

func readAllauthVectors(t testing.TB) allauthVectors {
	t.Helper()
	data, err := os.ReadFile("testdata/allauth.json")
	if err != nil {
		t.Fatal(err)
	}
	var v allauthVectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.ConfirmationKeys) == 0 || len(v.ResetTokens) == 0 {
		t.Fatal("there are no vectors")
	}
	return v
}

func TestConfirmationKeysAreAllauths(t *testing.T) {
	v := readAllauthVectors(t)
	keys, old := Keys{Secret: v.Secret}, Keys{Secret: "another", Fallbacks: []string{v.Secret}}
	for _, c := range v.ConfirmationKeys {
		made := time.Unix(c.Time, 0)
		if got := keys.ConfirmationKey(c.Salt, c.ID, made); got != c.Key {
			t.Errorf("the key of %d = %s, want %s", c.ID, got, c.Key)
		}
		for _, open := range []struct {
			keys Keys
			salt string
			age  time.Duration
			ok   bool
		}{{keys, c.Salt, 0, true}, {keys, c.Salt, time.Hour, true}, {keys, c.Salt, time.Hour + 1, false}, {old, c.Salt, 0, true}, {keys, "a" + c.Salt, 0, false}, {keys, c.Salt, -time.Hour, true}} {
			if id, ok := open.keys.OpenConfirmationKey(open.salt, c.Key, time.Hour, made.Add(open.age)); ok != open.ok || ok && id != c.ID {
				t.Errorf("%s after %v: %d, %v", c.Key, open.age, id, ok)
			}
		}
		if _, ok := keys.OpenConfirmationKey(c.Salt, c.Key, 0, made.Add(time.Millisecond)); ok {
			t.Errorf("%s lives on where keys expire at once", c.Key)
		}
		for i := range c.Key {
			changed := []byte(c.Key)
			changed[i] ^= 1
			if _, ok := keys.OpenConfirmationKey(c.Salt, string(changed), time.Hour, made); ok {
				t.Errorf("%s passes for %s", changed, c.Key)
			}
		}
	}
	now := time.Unix(1e9, 0)
	for value, want := range map[string]int64{`"1"`: 1, "1": 1, "0": 0, "-1": 0, "1.5": 0, "null": 0, "[1]": 0, "99999999999999999999": 0, "": 0} {
		id, ok := keys.OpenConfirmationKey("account", keys.Dumps([]byte(value), "account", false, now), time.Hour, now)
		if ok != (want > 0) || ok && id != want {
			t.Errorf("a key for %s: %d, %v", value, id, ok)
		}
	}
}

func TestAllauthResetTokens(t *testing.T) {
	v := readAllauthVectors(t)
	r := Resets{Keys: Keys{Secret: v.Secret}, Timeout: time.Hour}
	for _, item := range v.ResetTokens {
		s := Subject{ID: item.PK.String(), Password: item.Password, Email: item.Email}
		if item.LastLogin != nil {
			s.LastLogin = *item.LastLogin
		}
		now := time.Unix(year2001+item.Seconds, 0)
		if got := r.MakeAllauth(s, item.Addresses, now); got != item.Token {
			t.Errorf("token of %s = %s, want %s", item.PK, got, item.Token)
		}
		if !r.CheckAllauth(s, item.Addresses, item.Token, now) || r.CheckAllauth(s, item.Addresses, item.Token, now.Add(time.Hour+time.Second)) {
			t.Errorf("%s is not good for its hour", item.Token)
		}
		if r.CheckAllauth(s, append(item.Addresses, "new@example.com"), item.Token, now) {
			t.Errorf("%s outlives a new address", item.Token)
		}
		// Only a user without any address has the same token in Django's form.
		if django := r.Check(s, item.Token, now); django != (s.Email == "" && len(item.Addresses) == 0) {
			t.Errorf("%s in Django's form: %v", item.Token, django)
		}
		id, err := item.PK.Int64()
		if err != nil {
			t.Fatal(err)
		}
		if got := EncodeUID36(id); got != item.UID {
			t.Errorf("uid of %d = %s, want %s", id, got, item.UID)
		}
	}
}

func TestUID36(t *testing.T) {
	for uid, want := range map[string]int64{"1": 1, "AB": 371, "ab": 371, "0000000000001": 1, "zz": 1295, "1y2p0ij32e8e7": 1<<63 - 1} {
		if got, ok := DecodeUID36(uid); !ok || got != want {
			t.Errorf("%s: %d, %v", uid, got, ok)
		}
	}
	for _, uid := range []string{"", "00000000000001", "1y2p0ij32e8e8", "zzzzzzzzzzzzz", "+1", "-1", "1_0", "１", " 1", "1.5", "!!", "MQ=="} {
		if got, ok := DecodeUID36(uid); ok {
			t.Errorf("%q: %d", uid, got)
		}
	}
}

func FuzzUID36(f *testing.F) {
	f.Add("1")
	f.Add("ZZ")
	f.Add("１_0")
	f.Fuzz(func(t *testing.T, uid string) {
		id, ok := DecodeUID36(uid)
		if !ok {
			return
		}
		if again := EncodeUID36(id); id < 0 || strings.TrimLeft(again, "0") != strings.TrimLeft(strings.ToLower(uid), "0") {
			t.Errorf("%q is %d, which is %q", uid, id, again)
		}
	})
}

func FuzzConfirmationKey(f *testing.F) {
	v := readAllauthVectors(f)
	keys, now := Keys{Secret: v.Secret}, time.Unix(v.ConfirmationKeys[0].Time, 0)
	good := map[string]int64{}
	for _, c := range v.ConfirmationKeys {
		f.Add(c.Key)
		if c.Salt == "account" {
			good[c.Key] = c.ID
		}
	}
	f.Add("::")
	f.Add(".eJw:1rffcm:x")
	f.Fuzz(func(t *testing.T, key string) {
		id, ok := keys.OpenConfirmationKey("account", key, 1<<62, now)
		if ok != (good[key] != 0) || id != good[key] {
			t.Errorf("%q opens as %d, %v", key, id, ok)
		}
	})
}

func FuzzAllauthResetToken(f *testing.F) {
	v := readAllauthVectors(f)
	item := v.ResetTokens[0]
	r := Resets{Keys: Keys{Secret: v.Secret}, Timeout: time.Hour}
	s := Subject{ID: item.PK.String(), Password: item.Password, Email: item.Email}
	now := time.Unix(year2001+item.Seconds, 0)
	f.Add(item.Token)
	f.Add("0-")
	f.Add(strings.ToUpper(item.Token))
	f.Fuzz(func(t *testing.T, token string) {
		if r.CheckAllauth(s, item.Addresses, token, now) != (token == item.Token) {
			t.Errorf("%q", token)
		}
	})
}
