package tokens

import (
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/golang-jwt/jwt/v5"
)

// es256k is ECDSA on secp256k1 with SHA-256 (RFC 8812), which neither the standard library nor golang-jwt has.
type es256k struct{}

func (es256k) Alg() string { return "ES256K" }

func (es256k) Sign(text string, key any) ([]byte, error) {
	private, ok := key.(*secp256k1.PrivateKey)
	if !ok {
		return nil, jwt.ErrInvalidKeyType
	}
	digest := sha256.Sum256([]byte(text))
	made := ecdsa.Sign(private, digest[:])
	r, s := made.R(), made.S()
	rBytes, sBytes := r.Bytes(), s.Bytes()
	return append(rBytes[:], sBytes[:]...), nil
}

func (es256k) Verify(text string, sig []byte, key any) error {
	public, ok := key.(*secp256k1.PublicKey)
	if !ok {
		return jwt.ErrInvalidKeyType
	}
	var r, s secp256k1.ModNScalar
	if len(sig) != 64 || r.SetByteSlice(sig[:32]) || s.SetByteSlice(sig[32:]) {
		return jwt.ErrSignatureInvalid
	}
	digest := sha256.Sum256([]byte(text))
	if !ecdsa.NewSignature(&r, &s).Verify(digest[:], public) {
		return jwt.ErrSignatureInvalid
	}
	return nil
}

var (
	oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidSecp256k1   = asn1.ObjectIdentifier{1, 3, 132, 0, 10}

	errNotSecp256k1 = errors.New("not a secp256k1 key")
)

// onSecp256k1 reports whether an algorithm identifier names an elliptic curve key on secp256k1.
func onSecp256k1(id pkix.AlgorithmIdentifier) bool {
	var curve asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(id.Parameters.FullBytes, &curve)
	return err == nil && len(rest) == 0 && id.Algorithm.Equal(oidECPublicKey) && curve.Equal(oidSecp256k1)
}

// parseSecp256k1Public reads a SubjectPublicKeyInfo.
func parseSecp256k1Public(der []byte) (*secp256k1.PublicKey, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 || !onSecp256k1(info.Algorithm) {
		return nil, errNotSecp256k1
	}
	return secp256k1.ParsePubKey(info.Key.RightAlign())
}

// parseSecp256k1PKCS8 reads a PKCS #8 private key.
func parseSecp256k1PKCS8(der []byte) (*secp256k1.PrivateKey, error) {
	var info struct {
		Version    int
		Algorithm  pkix.AlgorithmIdentifier
		PrivateKey []byte
		Attributes asn1.RawValue `asn1:"optional,tag:0"`
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 || !onSecp256k1(info.Algorithm) {
		return nil, errNotSecp256k1
	}
	return parseSecp256k1SEC1(info.PrivateKey, true)
}

// parseSecp256k1SEC1 reads an EC PRIVATE KEY; curveKnown says that something round it has named the curve.
func parseSecp256k1SEC1(der []byte, curveKnown bool) (*secp256k1.PrivateKey, error) {
	var info struct {
		Version    int
		PrivateKey []byte
		Curve      asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
		PublicKey  asn1.BitString        `asn1:"optional,explicit,tag:1"`
	}
	rest, err := asn1.Unmarshal(der, &info)
	if err != nil || len(rest) > 0 || info.Version != 1 {
		return nil, errNotSecp256k1
	}
	if !info.Curve.Equal(oidSecp256k1) && !(curveKnown && info.Curve == nil) {
		return nil, errNotSecp256k1
	}
	var scalar secp256k1.ModNScalar
	if len(info.PrivateKey) != 32 || scalar.SetByteSlice(info.PrivateKey) || scalar.IsZero() {
		return nil, errNotSecp256k1
	}
	return secp256k1.NewPrivateKey(&scalar), nil
}
