package tokens

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

// keyPair is a private and a public key as PEM.
func keyPair(t *testing.T, private, public any) (signing, verifying string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	signing = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if der, err = x509.MarshalPKIXPublicKey(public); err != nil {
		t.Fatal(err)
	}
	return signing, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// What a key set publishes checks the tokens of its signer, and no others; with NameKey the token names the key.
func TestCheckerFromKeySet(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		algorithm       string
		private, public any
	}{{"RS256", rsaKey, &rsaKey.PublicKey}, {"PS512", other, &other.PublicKey}, {"ES256", p256, &p256.PublicKey}, {"ES512", p521, &p521.PublicKey}, {"EdDSA", edKey, edPublic}} {
		cfg := DefaultJWTConfig()
		cfg.Algorithm, cfg.NameKey = test.algorithm, true
		signing, verifying := keyPair(t, test.private, test.public)
		cfg.SigningKey, cfg.VerifyingKey = &signing, verifying
		maker, err := NewJWTs(cfg, Keys{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		refresh := maker.NewRefresh(Claimant{ID: "7"}, now)
		raw, err := maker.Encode(maker.AccessFor(refresh, now))
		if err != nil {
			t.Fatal(err)
		}
		keys, err := ParseKeySet(maker.JWKS())
		if err != nil || len(keys) != 1 {
			t.Fatalf("%s: %v, %v", test.algorithm, keys, err)
		}
		algorithm, id, ok := Peek(raw)
		if !ok || algorithm != test.algorithm || id != keys[0].ID || id == "" || keys[0].Algorithm != algorithm {
			t.Errorf("%s: the token names %s %q, the set %+v", test.algorithm, algorithm, id, keys[0])
		}
		checker, err := NewChecker(DefaultJWTConfig(), test.algorithm, keys[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		token, err := checker.Decode(raw, "access", now, nil)
		if id, _ := checker.UserID(token); err != nil || id != "7" {
			t.Errorf("%s: %q, %v", test.algorithm, id, err)
		}
		if _, err := maker.Decode(raw, "access", now, nil); err != nil {
			t.Errorf("%s: its maker says %v", test.algorithm, err)
		}
		// the text of the public key as an HMAC secret is the classic confusion
		for _, algorithm := range []string{"HS256", "RS384", "ES384"} {
			if checker, err := NewChecker(DefaultJWTConfig(), algorithm, keys[0].Key); err == nil {
				if _, err := checker.Decode(raw, "access", now, nil); err == nil {
					t.Errorf("%s passes for %s", test.algorithm, algorithm)
				}
			}
		}
	}
}

func TestNoChecker(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		algorithm string
		key       any
		want      string
	}{
		{"none", []byte("x"), "there is no algorithm"}, {"HS256", []byte("short"), "needs at least 32 bytes"}, {"HS256", &rsaKey.PublicKey, "takes a secret"},
		{"RS256", []byte(strings.Repeat("x", 64)), "needs an RSA key"}, {"RS256", &rsaKey.PublicKey, "at least 2048 bits"}, {"ES256", nil, "elliptic curve key on P-256"},
		{"HS256", []byte("-----BEGIN PUBLIC KEY-----\n" + strings.Repeat("A", 64)), "not a secret"},
	} {
		if _, err := NewChecker(DefaultJWTConfig(), test.algorithm, test.key); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.algorithm, err, test.want)
		}
	}
}

// Keys that check nothing here are left out; a set that is none is an error.
func TestParseKeySet(t *testing.T) {
	for text, want := range map[string]int{
		`{"keys":[]}`: 0,
		`{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA","kid":"a"}]}`:                                                     0,
		`{"keys":[{"kty":"RSA","n":"","e":"AQAB"},{"kty":"RSA","n":"AQAB","e":"AQ"},{"kty":"RSA","n":"!","e":"AQAB"}]}`:                               0,
		`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","use":"enc"},{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`:                                              1,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"},{"kty":"EC","crv":"P-999","x":"AQ","y":"AQ"},{"kty":"OKP","crv":"Ed25519","x":"AQ"}]}`: 0,
	} {
		if keys, err := ParseKeySet([]byte(text)); err != nil || len(keys) != want {
			t.Errorf("%s: %v, %v", text, keys, err)
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"keys":{}}`, `{"keys":[1]}`, "<html>"} {
		if _, err := ParseKeySet([]byte(text)); err == nil {
			t.Errorf("%q passes for a key set", text)
		}
	}
}

func FuzzKeySet(f *testing.F) {
	f.Add(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"},{"kty":"OKP","crv":"Ed25519","x":"AQ"}]}`)
	f.Add(`{"keys":[{"kty":"EC","crv":"secp256k1","x":"","y":""}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeySet([]byte(text))
		if err != nil {
			return
		}
		for _, key := range keys {
			for algorithm := range methods {
				checker, err := NewChecker(DefaultJWTConfig(), algorithm, key.Key)
				if err == nil {
					_, _ = checker.Decode("e30.e30.e30", "access", time.Time{}, nil)
				}
			}
		}
		if !json.Valid([]byte(text)) {
			t.Errorf("%q passes for a key set", text)
		}
	})
}
