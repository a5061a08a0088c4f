package tokens

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var keysBegin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// keyFolder is a folder with a key for each algorithm, an hour apart.
func keyFolder(t *testing.T, algorithms ...string) (folder string, keys []Key) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "keys")
	for i, algorithm := range algorithms {
		if _, err := WriteKey(folder, algorithm, keysBegin.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := ReadKeys(folder)
	if err != nil || len(keys) != len(algorithms) {
		t.Fatal(keys, err)
	}
	return folder, keys
}

// A key signs from the moment in its name until the next one does, and checks for as long as it is there.
func TestKeysSignInTurn(t *testing.T) {
	folder, keys := keyFolder(t, "ES256", "EdDSA", "RS256")
	j := newTestJWTs(t, func(c *JWTConfig) { c.KeyFolder = folder })
	for i, test := range []struct {
		at  time.Time
		key int
	}{{keysBegin.Add(-time.Minute), 0}, {keysBegin, 0}, {keysBegin.Add(time.Hour - 1), 0}, {keysBegin.Add(time.Hour), 1}, {keysBegin.Add(99 * time.Hour), 2}} {
		raw, err := j.Encode(j.NewRefresh(Claimant{ID: "7"}, test.at))
		if err != nil {
			t.Fatal(err)
		}
		if algorithm, kid, _ := Peek(raw); algorithm != keys[test.key].Algorithm() || kid != keys[test.key].ID() {
			t.Errorf("%d: signed by %s %s", i, algorithm, kid)
		}
		if _, err := j.Decode(raw, "refresh", test.at, nil); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if set, err := ParseKeySet(j.JWKS()); err != nil || len(set) != 3 || set[2].ID != keys[2].ID() {
		t.Errorf("published are %v, %v", set, err)
	}
	life := 24 * time.Hour
	if got, want := Ends(keys, 0, life), keysBegin.Add(time.Hour+life+clockError); !got.Equal(want) {
		t.Errorf("the first key ends %v, want %v", got, want)
	}
	if got := Ends(keys, 2, life); !got.IsZero() {
		t.Errorf("the last key ends %v", got)
	}
}

// A key is for its own algorithm and its own id, whatever a token says.
func TestKeysAreNotConfused(t *testing.T) {
	folder, keys := keyFolder(t, "RS256", "PS256", "ES256")
	j := newTestJWTs(t, func(c *JWTConfig) { c.KeyFolder, c.OldUntil = folder, at.Add(time.Hour) })
	const payload = `{"token_type":"access","exp":4102444800,"jti":"1","user_id":"7"}`
	token := func(method jwt.SigningMethod, key any, header string) string {
		t.Helper()
		text := base64url([]byte(header)) + "." + base64url([]byte(payload))
		sig, err := method.Sign(text, key)
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + base64url(sig)
	}
	_, public := keyPair(t, keys[0].signer.signing, keys[0].signer.public)
	der, _ := pem.Decode([]byte(public))
	rs, ps := keys[0].signer, keys[1].signer
	hs := jwt.SigningMethodHS256
	for name, test := range map[string]struct {
		token string
		good  bool
	}{
		"by its key":                    {token(rs.method, rs.signing, `{"alg":"RS256","kid":"`+rs.kid+`"}`), true},
		"without a key's name":          {token(rs.method, rs.signing, `{"alg":"RS256"}`), true},
		"by the secret of before":       {token(hs, []byte(testSecret), `{"alg":"HS256","typ":"JWT"}`), true},
		"under another key's name":      {token(rs.method, rs.signing, `{"alg":"RS256","kid":"`+ps.kid+`"}`), false},
		"under a name that is not ours": {token(rs.method, rs.signing, `{"alg":"RS256","kid":"x"}`), false},
		"another algorithm of the key":  {token(ps.method, rs.signing, `{"alg":"PS256","kid":"`+rs.kid+`"}`), false},
		"and under no name":             {token(ps.method, rs.signing, `{"alg":"PS256"}`), false},
		"RS512":                         {token(jwt.SigningMethodRS512, rs.signing, `{"alg":"RS512","kid":"`+rs.kid+`"}`), false},
		"the public key as a secret":    {token(hs, []byte(public), `{"alg":"HS256","kid":"`+rs.kid+`"}`), false},
		"its bytes as a secret":         {token(hs, der.Bytes, `{"alg":"HS256"}`), false},
		"the secret under a key's name": {token(hs, []byte(testSecret), `{"alg":"RS256","kid":"`+rs.kid+`"}`), false},
		"none":                          {base64url([]byte(`{"alg":"none"}`)) + "." + base64url([]byte(payload)) + ".", false},
	} {
		if _, err := j.Decode(test.token, "access", at, nil); (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	old := token(hs, []byte(testSecret), `{"alg":"HS256","typ":"JWT"}`)
	if _, err := j.Decode(old, "access", at.Add(time.Hour), nil); err == nil {
		t.Error("the secret of before counts for ever")
	}
	j = newTestJWTs(t, func(c *JWTConfig) { c.KeyFolder = folder })
	if _, err := j.Decode(old, "access", at, nil); err == nil {
		t.Error("the secret of before counts unasked")
	}
}

func TestFoldersOfKeysThatAreRefused(t *testing.T) {
	const name = "20260301T120000Z.ES256.pem"
	for want, spoil := range map[string]func(folder string) error{
		"":                       func(string) error { return nil },
		"the name tells no time": func(f string) error { return os.Rename(filepath.Join(f, name), filepath.Join(f, "key.pem")) },
		"is no algorithm": func(f string) error {
			return os.Rename(filepath.Join(f, name), filepath.Join(f, "20260301T120000Z.HS256.pem"))
		},
		"needs an RSA key": func(f string) error {
			return os.Rename(filepath.Join(f, name), filepath.Join(f, "20260301T120000Z.RS256.pem"))
		},
		"has mode 0644, by which other":              func(f string) error { return os.Chmod(filepath.Join(f, name), 0o644) },
		"has mode 0620":                              func(f string) error { return os.Chmod(filepath.Join(f, name), 0o620) },
		"has mode 0777":                              func(f string) error { return os.Chmod(f, 0o777) },
		"no key in PEM":                              func(f string) error { return os.WriteFile(filepath.Join(f, name), []byte("x"), 0o600) },
		"holds no private key; latchkey keys rotate": func(f string) error { return os.Remove(filepath.Join(f, name)) },
		"it holds the key of " + name: func(f string) error {
			return os.Link(filepath.Join(f, name), filepath.Join(f, "20270301T120000Z.ES256.pem"))
		},
	} {
		folder, _ := keyFolder(t, "ES256")
		if err := spoil(folder); err != nil {
			t.Fatal(err)
		}
		cfg := DefaultJWTConfig()
		cfg.KeyFolder = folder
		_, err := NewJWTs(cfg, Keys{Secret: testSecret}, time.UTC)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := WriteKey(filepath.Join(t.TempDir(), "keys"), "HS256", keysBegin); err == nil {
		t.Error("a secret is made for a folder of keys")
	}
}

// A folder that changed is read anew; one that cannot be used leaves the keys as they were.
func TestReload(t *testing.T) {
	folder, _ := keyFolder(t, "ES256")
	j := newTestJWTs(t, func(c *JWTConfig) { c.KeyFolder = folder })
	reload := func(what string, changed, fails bool) {
		t.Helper()
		if got, err := j.Reload(); got != changed || (err != nil) != fails {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	published := func(want int) {
		t.Helper()
		if set, err := ParseKeySet(j.JWKS()); err != nil || len(set) != want {
			t.Errorf("published are %v, %v, want %d", set, err, want)
		}
	}
	reload("as it was", false, false)
	second, err := WriteKey(folder, "ES256", keysBegin.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	reload("a second key", true, false)
	published(2)
	file := filepath.Join(folder, second.File)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	reload("open to all", false, true)
	reload("still", false, false) // and told once
	published(2)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	reload("taken out", true, false)
	published(1)
}

// Whatever stands in a file of keys, it is a key that fits an algorithm and is published as itself, or an error.
func FuzzParseKey(f *testing.F) {
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		private, err := newPrivateKey(algorithm)
		if err != nil {
			f.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("PRIVATE KEY", der)
		if der, err = x509.MarshalPKIXPublicKey(publicOf(private)); err != nil {
			f.Fatal(err)
		}
		f.Add("PUBLIC KEY", der)
	}
	f.Add("EC PARAMETERS", []byte{6, 5})
	f.Add("ENCRYPTED PRIVATE KEY", []byte("x"))
	f.Fuzz(func(t *testing.T, kind string, der []byte) {
		text := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		key, private, err := parseKey(text)
		if err != nil {
			return
		}
		public := key
		if private {
			public = publicOf(key)
		}
		for _, algorithm := range Algorithms() {
			s := signer{name: algorithm, method: methods[algorithm], public: public}
			if IsHMAC(algorithm) || s.fits(public) != nil {
				continue
			}
			set, err := ParseKeySet(keySet([]*signer{&s}))
			if err != nil || len(set) != 1 || !samePublic(set[0].Key, public) {
				t.Errorf("%s: a key is published as %v, %v", algorithm, set, err)
			}
		}
	})
}
