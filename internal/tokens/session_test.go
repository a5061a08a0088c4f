package tokens

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestSessionsAreDjangos(t *testing.T) {
	v := readVectors(t)
	keys := Keys{Secret: v.How.Secret}
	for _, item := range v.Sessions.Items {
		s, ok := keys.DecodeSession(item.Data)
		if !ok {
			t.Errorf("DecodeSession(%s) failed", item.Data)
			continue
		}
		again := keys.EncodeSession(s, time.Unix(item.Time, 0))
		if !strings.HasPrefix(item.Data, ".") && again != item.Data { // two deflaters pack differently
			t.Errorf("EncodeSession = %s, want %s", again, item.Data)
		}
		for _, data := range []string{item.Data, again} {
			text, _ := keys.Loads(data, sessionSalt, 0, time.Time{})
			if want := string(pythonJSON(t, item.Dict)); string(text) != want {
				t.Errorf("session data holds %s, want %s", text, want)
			}
		}
	}
}

func TestSessionKeepsWhatItDoesNotKnow(t *testing.T) {
	keys, now := Keys{Secret: "secret"}, time.Unix(1709210096, 0)
	text := `{"zebra":[1,{"b":2,"a":NaN}],"_auth_user_id":"7","_auth_user_backend":"b","_auth_user_hash":"h","apple":"\u00e9\ud83d"}`
	s, ok := keys.DecodeSession(keys.Dumps([]byte(text), sessionSalt, true, now))
	want := Session{UserID: "7", Backend: "b", Hash: "h", Other: Claims{{"zebra", `[1,{"b":2,"a":NaN}]`}, {"apple", `"\u00e9\ud83d"`}}, Written: now}
	if !ok || !reflect.DeepEqual(s, want) {
		t.Fatalf("DecodeSession = %+v, %v; want %+v", s, ok, want)
	}
	if again, ok := keys.DecodeSession(keys.EncodeSession(s, now)); !ok || !reflect.DeepEqual(again, want) {
		t.Errorf("it comes back as %+v, %v", again, ok)
	}
	for _, bad := range []string{"", "e30", keys.Dumps([]byte("[]"), sessionSalt, true, now), keys.Dumps([]byte("{}"), "other", true, now)} {
		if s, ok := keys.DecodeSession(bad); ok {
			t.Errorf("DecodeSession(%q) = %+v", bad, s)
		}
	}
}

func TestSessionHashIsDjangos(t *testing.T) {
	v := readVectors(t)
	keys := Keys{Secret: v.How.Secret, Fallbacks: []string{v.How.OldSecret}}
	for _, item := range v.Sessions.AuthHash {
		if got := keys.SessionHash(item.Password); got != item.Hash {
			t.Errorf("SessionHash(%q) = %s, want %s", item.Password, got, item.Hash)
		}
		if ok, fallback := keys.CheckSessionHash(item.Password, item.Hash); !ok || fallback {
			t.Errorf("CheckSessionHash(%q) = %v, %v", item.Password, ok, fallback)
		}
	}
	for _, item := range v.Sessions.AuthHashOldKey {
		if ok, fallback := keys.CheckSessionHash(item.Password, item.Hash); !ok || !fallback {
			t.Errorf("with a fallback key: CheckSessionHash(%q) = %v, %v", item.Password, ok, fallback)
		}
		if ok, _ := (Keys{Secret: v.How.Secret}).CheckSessionHash(item.Password, item.Hash); ok {
			t.Error("a hash of a key that is no fallback passes")
		}
	}
	if ok, _ := keys.CheckSessionHash("x", ""); ok {
		t.Error("an empty hash passes")
	}
}

func TestRandomKeys(t *testing.T) {
	for name, c := range map[string]struct {
		make  func() string
		shape string
	}{
		"token":   {NewTokenKey, `^[0-9a-f]{40}$`},
		"session": {NewSessionKey, `^[a-z0-9]{32}$`},
		"jti":     {newJTI, `^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`},
	} {
		shape, seen := regexp.MustCompile(c.shape), map[string]bool{}
		for range 100 {
			key := c.make()
			if !shape.MatchString(key) || seen[key] {
				t.Errorf("%s: %s", name, key)
			}
			seen[key] = true
		}
	}
	if got, want := Digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("Digest = %s, want %s", got, want)
	}
}

// The id of an access token tells whoever has the secret key which refresh token it was handed out with, and nobody else.
func TestJTIBeside(t *testing.T) {
	keys, others := Keys{Secret: "secret"}, Keys{Secret: "other"}
	refresh := newJTI()
	form := regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`)
	seen := map[string]bool{}
	for range 100 {
		jti := keys.JTIBeside(refresh)
		if !form.MatchString(jti) || seen[jti] {
			t.Fatalf("%s is no fresh UUID", jti)
		}
		seen[jti] = true
		if !keys.Beside(jti, refresh) || keys.Beside(jti, newJTI()) || others.Beside(jti, refresh) || keys.Beside(newJTI(), refresh) {
			t.Fatalf("%s is not taken for what it is", jti)
		}
	}
	for _, bad := range []string{"", "zz", refresh[:30], refresh + "00", strings.ToUpper(keys.JTIBeside(refresh))} {
		if keys.Beside(bad, refresh) {
			t.Errorf("%q passes", bad)
		}
	}
}

// Session data is read where it is signed with the key, and only there.
func FuzzDecodeSession(f *testing.F) {
	keys, other, now := Keys{Secret: "secret"}, Keys{Secret: "other"}, time.Unix(1709210096, 0)
	f.Add("e30", []byte(`{"_auth_user_id":"1","_auth_user_hash":null,"a":[1]}`))
	f.Add(".eJwDAAAAAAE", []byte(`{"_auth_user_id":1}`))
	f.Fuzz(func(t *testing.T, value string, data []byte) {
		if s, ok := keys.DecodeSession(value); ok {
			t.Errorf("%q passes unsigned as %+v", value, s)
		}
		keys.DecodeSession(keys.SignTime(sessionSalt, value, now)) // whatever it holds, no panic
		signed := keys.Dumps(data, sessionSalt, true, now)
		if _, ok := other.DecodeSession(signed); ok {
			t.Error("another key's passes")
		}
		first, ok := keys.DecodeSession(signed)
		if !ok {
			return
		}
		if again, ok := keys.DecodeSession(keys.EncodeSession(first, now)); !ok || again.UserID != first.UserID || again.UserID != "" && again.Hash != first.Hash {
			t.Errorf("%+v comes back as %+v", first, again)
		}
	})
}
