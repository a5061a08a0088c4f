package tokens

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// A jwk is a public key as RFC 7517 writes it. N and E are an RSA key's, Crv, X and Y an elliptic one's.
// The members that a thumbprint covers (RFC 7638) stand first and in its order, which is that of their names.
type jwk struct {
	Crv string `json:"crv,omitempty"`
	E   string `json:"e,omitempty"`
	Kty string `json:"kty"`
	N   string `json:"n,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	Alg string `json:"alg,omitempty"`
	Use string `json:"use,omitempty"`
	Kid string `json:"kid,omitempty"`
}

// keySet is the JSON Web Key Set of signers: their public keys, and no HMAC secret.
func keySet(signers []*signer) []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, s := range signers {
		if key, ok := publicJWK(s.public); ok {
			key.Alg, key.Use, key.Kid = s.name, "sig", key.thumbprint()
			set.Keys = append(set.Keys, key)
		}
	}
	text, _ := json.Marshal(set)
	return text
}

// keyID is the kid of a public key; empty for a secret.
func keyID(public any) string {
	if key, ok := publicJWK(public); ok {
		return key.thumbprint()
	}
	return ""
}

// thumbprint is that of RFC 7638, of a key with no members but those that it covers.
func (k *jwk) thumbprint() string {
	bare, _ := json.Marshal(k) // texts only: cannot fail
	sum := sha256.Sum256(bare)
	return base64url(sum[:])
}

// publicJWK holds the members of a public key that a thumbprint covers.
func publicJWK(public any) (jwk, bool) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return jwk{Kty: "RSA", N: base64url(key.N.Bytes()), E: base64url(big.NewInt(int64(key.E)).Bytes())}, true
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return jwk{}, false
		}
		return pointJWK(key.Curve.Params().Name, point), true
	case *secp256k1.PublicKey:
		return pointJWK("secp256k1", key.SerializeUncompressed()), true
	case ed25519.PublicKey:
		return jwk{Kty: "OKP", Crv: "Ed25519", X: base64url(key)}, true
	}
	return jwk{}, false
}

// pointJWK takes an uncompressed point: a 4, then both coordinates at full length.
func pointJWK(curve string, point []byte) jwk {
	half := len(point) / 2
	return jwk{Kty: "EC", Crv: curve, X: base64url(point[1 : 1+half]), Y: base64url(point[1+half:])}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
