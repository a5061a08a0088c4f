package tokens

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/golang-jwt/jwt/v5"
)

// NewChecker is JWTs that can only check tokens of one algorithm, by a secret ([]byte) or a public key, for programs that make none.
func NewChecker(cfg JWTConfig, algorithm string, key any) (*JWTs, error) {
	method, known := methods[algorithm]
	if !known {
		return nil, fmt.Errorf("there is no algorithm %q", algorithm)
	}
	s := signer{name: algorithm, method: method, public: key}
	if hmac, ok := method.(*jwt.SigningMethodHMAC); ok {
		secret, ok := key.([]byte)
		if !ok {
			return nil, fmt.Errorf("%s takes a secret, not a public key", algorithm)
		}
		if err := checkHMACSecret(secret, hmac, false); err != nil {
			return nil, err
		}
	} else if err := s.fits(key); err != nil {
		return nil, err
	}
	return newJWTs(cfg, ringOf(&s)), nil
}

// IsHMAC tells whether an algorithm signs and checks with one secret.
func IsHMAC(algorithm string) bool {
	_, ok := methods[algorithm].(*jwt.SigningMethodHMAC)
	return ok
}

// A PublicKey is one of a key set.
type PublicKey struct {
	// ID and Algorithm are what the set says of it, empty where it does not.
	ID, Algorithm string
	Key           any
}

// ParseKeySet reads a JSON Web Key Set. Keys of kinds that check nothing here are left out, as RFC 7517 (5) has it, and so are secrets: what stands in a
// published set is none.
func ParseKeySet(text []byte) ([]PublicKey, error) {
	var set struct{ Keys []jwk }
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("it is no JSON Web Key Set: %w", err)
	}
	if set.Keys == nil {
		return nil, errors.New("it is no JSON Web Key Set: there are no keys")
	}
	var keys []PublicKey
	for i := range set.Keys {
		k := &set.Keys[i]
		if k.Use != "" && k.Use != "sig" {
			continue
		}
		if public := k.public(); public != nil {
			keys = append(keys, PublicKey{ID: k.Kid, Algorithm: k.Alg, Key: public})
		}
	}
	return keys, nil
}

// public is the key that the members make; nil for none.
func (k *jwk) public() any {
	switch k.Kty {
	case "RSA":
		n, e := unbase64(k.N), new(big.Int).SetBytes(unbase64(k.E))
		if len(n) == 0 || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return nil
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(e.Int64())}
	case "EC":
		return pointOf(k.Crv, unbase64(k.X), unbase64(k.Y))
	case "OKP":
		if x := unbase64(k.X); k.Crv == "Ed25519" && len(x) == ed25519.PublicKeySize {
			return ed25519.PublicKey(x)
		}
	}
	return nil
}

// pointOf is the key of a point on a curve, both coordinates at full length; nil where it is none.
func pointOf(curve string, x, y []byte) any {
	point := append(append([]byte{4}, x...), y...)
	if len(x) != len(y) {
		return nil
	}
	if curve == "secp256k1" {
		if key, err := secp256k1.ParsePubKey(point); err == nil {
			return key
		}
		return nil
	}
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if c.Params().Name == curve {
			if key, err := ecdsa.ParseUncompressedPublicKey(c, point); err == nil {
				return key
			}
		}
	}
	return nil
}

// unbase64 is nothing for what is no base64url.
func unbase64(text string) []byte {
	data, err := strictBase64.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return data
}

// Peek reads which algorithm and key a token says that it was signed with. Nothing of it is proven.
func Peek(raw string) (algorithm, keyID string, ok bool) {
	first := strings.IndexByte(raw, '.')
	if len(raw) > maxRaw || first < 0 {
		return "", "", false
	}
	data, ok := decodeSegment(raw[:first])
	if !ok {
		return "", "", false
	}
	header, ok := ParseClaims(string(data))
	if !ok {
		return "", "", false
	}
	alg, _ := header.Get("alg")
	kid, _ := header.Get("kid")
	algorithm, ok = alg.Text()
	keyID, _ = kid.Text()
	return algorithm, keyID, ok
}
