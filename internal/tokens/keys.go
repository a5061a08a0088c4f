package tokens

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/golang-jwt/jwt/v5"
)

// A signer is an algorithm with a key of its own: no token can choose another algorithm for a key.
type signer struct {
	name    string // what the header says
	method  jwt.SigningMethod
	signing any    // []byte for HMAC, else the private key; nil for a key that only checks
	public  any    // []byte for HMAC, else the public key
	header  string // encoded, as the tokens that it signs begin
	kid     string // what a token must name, if it names a key; empty where it may name any, as in SimpleJWT

	from  time.Time // when it begins to sign
	until time.Time // when it ceases to check; zero for never
}

// methods are the algorithms that SimpleJWT takes. ES521 is PyJWT's other name of ES512.
var methods = map[string]jwt.SigningMethod{
	"HS256": jwt.SigningMethodHS256, "HS384": jwt.SigningMethodHS384, "HS512": jwt.SigningMethodHS512,
	"RS256": jwt.SigningMethodRS256, "RS384": jwt.SigningMethodRS384, "RS512": jwt.SigningMethodRS512,
	"PS256": jwt.SigningMethodPS256, "PS384": jwt.SigningMethodPS384, "PS512": jwt.SigningMethodPS512,
	"ES256": jwt.SigningMethodES256, "ES384": jwt.SigningMethodES384, "ES512": jwt.SigningMethodES512, "ES521": jwt.SigningMethodES512,
	"ES256K": es256k{}, "EdDSA": jwt.SigningMethodEdDSA,
}

// Algorithms are their names.
func Algorithms() []string { return slices.Sorted(maps.Keys(methods)) }

// minRSABits is what RFC 7518 (3.3) asks of RSA keys.
const minRSABits = 2048

// newSigner loads the keys that cfg names. Every error says which setting is wrong and what to do.
func newSigner(cfg JWTConfig, secret string) (signer, error) {
	method, known := methods[cfg.Algorithm]
	if !known {
		return signer{}, fmt.Errorf("SIMPLE_JWT ALGORITHM: there is no %q; use one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K, EdDSA", cfg.Algorithm)
	}
	s := signer{name: cfg.Algorithm, method: method}
	signingKey, err := settingOrFile("SIGNING_KEY", cfg.SigningKey, cfg.SigningKeyFile)
	if err != nil {
		return signer{}, err
	}
	if hmac, ok := method.(*jwt.SigningMethodHMAC); ok {
		name := "SIMPLE_JWT SIGNING_KEY"
		if signingKey == nil {
			signingKey, name = &secret, "SIMPLE_JWT SIGNING_KEY (absent, so secret_key)"
		}
		if err := checkHMACSecret([]byte(*signingKey), hmac, cfg.ShortSecrets); err != nil {
			return signer{}, fmt.Errorf("%s: %w", name, err)
		}
		s.signing = []byte(*signingKey)
		s.public = s.signing
		return s, nil
	}
	if signingKey == nil {
		return signer{}, fmt.Errorf("SIMPLE_JWT SIGNING_KEY: %s needs a private key in PEM; set SIGNING_KEY or SIGNING_KEY_FILE", s.name)
	}
	verifyingKey := &cfg.VerifyingKey
	if cfg.VerifyingKey == "" {
		verifyingKey = nil
	}
	if verifyingKey, err = settingOrFile("VERIFYING_KEY", verifyingKey, cfg.VerifyingKeyFile); err != nil {
		return signer{}, err
	}
	if verifyingKey == nil {
		return signer{}, fmt.Errorf("SIMPLE_JWT VERIFYING_KEY: %s needs the public key in PEM; set VERIFYING_KEY or VERIFYING_KEY_FILE (openssl pkey -in private.pem -pubout prints it)", s.name)
	}
	return s, s.loadPair(*signingKey, *verifyingKey)
}

// settingOrFile is the value of a key setting or of the file that its _FILE twin names, nil for neither.
// A file's last line break is not part of the key.
func settingOrFile(name string, value *string, file string) (*string, error) {
	if file == "" {
		return value, nil
	}
	if value != nil {
		return nil, fmt.Errorf("SIMPLE_JWT %s_FILE: %[1]s is set too; keep one of them", name)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("SIMPLE_JWT %s_FILE: cannot read the key: %w", name, err)
	}
	text := strings.TrimRight(string(data), "\r\n")
	return &text, nil
}

// checkHMACSecret refuses what is no secret: nothing, less than the hash gives out (RFC 7518, 3.2) unless short ones are
// taken, or a key of another kind, which is likely public (as PyJWT's HMACAlgorithm does).
func checkHMACSecret(secret []byte, method *jwt.SigningMethodHMAC, short bool) error {
	switch {
	case len(secret) == 0:
		return errors.New("it is empty; make one with: openssl rand -base64 48")
	case looksAsymmetric(secret):
		return fmt.Errorf("it is a public or private key, not a secret for %s; set ALGORITHM to the key's, or make a secret with: openssl rand -base64 48", method.Alg())
	case len(secret) < method.Hash.Size() && !short:
		return fmt.Errorf("%s needs at least %d bytes and this has %d; make one with: openssl rand -base64 48 (tokens signed with the old one end)", method.Alg(), method.Hash.Size(), len(secret))
	}
	return nil
}

// looksAsymmetric reports whether an HMAC secret is really a PEM, SSH, DER or JWK key.
func looksAsymmetric(key []byte) bool {
	if bytes.Contains(key, []byte("-----BEGIN ")) || isSSHKey(string(key)) {
		return true
	}
	if bytes.Contains(key, []byte(`"kty"`)) && json.Valid(key) {
		return true
	}
	if _, err := x509.ParsePKIXPublicKey(key); err == nil {
		return true
	}
	_, err := x509.ParseCertificate(key)
	return err == nil
}

// isSSHKey reports whether key is in the one-line form of OpenSSH.
func isSSHKey(key string) bool {
	return strings.HasPrefix(key, "ssh-") || strings.HasPrefix(key, "ecdsa-sha2-")
}

// loadPair reads and matches the two PEM keys of an asymmetric algorithm.
func (s *signer) loadPair(signingKey, verifyingKey string) error {
	key, private, err := parseKey(signingKey)
	if err == nil && !private {
		err = errors.New("it is a public key; the private one is needed to sign")
	}
	if err == nil {
		err = s.fits(publicOf(key))
	}
	if err != nil {
		return fmt.Errorf("SIMPLE_JWT SIGNING_KEY: %w", err)
	}
	s.signing = key

	key, private, err = parseKey(verifyingKey)
	if err == nil && private {
		key = publicOf(key) // PyJWT takes its public half as well
	}
	if err == nil {
		err = s.fits(key)
	}
	if err == nil && !samePublic(key, publicOf(s.signing)) {
		err = errors.New("it is not the public half of SIGNING_KEY, so no token would be valid; openssl pkey -in private.pem -pubout prints the right one")
	}
	if err != nil {
		return fmt.Errorf("SIMPLE_JWT VERIFYING_KEY: %w", err)
	}
	s.public = key
	return nil
}

// parseKey reads the first key in a PEM text and says whether it is a private one.
func parseKey(text string) (key any, private bool, err error) {
	if isSSHKey(text) {
		return nil, false, errors.New("it is in OpenSSH's form; ssh-keygen -e -m PKCS8 -f key.pub prints it as PEM")
	}
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, false, errors.New("it holds no key in PEM (-----BEGIN … KEY-----)")
		}
		if block.Headers["DEK-Info"] != "" || block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, false, errors.New("it is protected by a passphrase; openssl pkey -in key.pem -out plain.pem takes that away")
		}
		switch block.Type {
		case "EC PARAMETERS": // openssl ecparam writes it in front of the key
			continue
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
			if k, other := parseSecp256k1PKCS8(block.Bytes); other == nil {
				key, err = k, nil
			}
			private = true
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
			private = true
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
			if k, other := parseSecp256k1SEC1(block.Bytes, false); other == nil {
				key, err = k, nil
			}
			private = true
		case "PUBLIC KEY":
			key, err = x509.ParsePKIXPublicKey(block.Bytes)
			if k, other := parseSecp256k1Public(block.Bytes); other == nil {
				key, err = k, nil
			}
		case "RSA PUBLIC KEY":
			key, err = x509.ParsePKCS1PublicKey(block.Bytes)
		case "CERTIFICATE":
			err = errors.New("it is a certificate; openssl x509 -in cert.pem -pubkey -noout prints its key")
		default:
			err = fmt.Errorf("a PEM block of type %q is no key that can be used; openssl pkey converts most", block.Type)
		}
		if err != nil && bytes.Contains(block.Bytes, ed448OID) {
			err = errors.New("it is an Ed448 key, which Go's libraries lack; use Ed25519 (openssl genpkey -algorithm ed25519)")
		}
		return key, private, err
	}
}

// ed448OID is 1.3.101.113 in DER.
var ed448OID = []byte{6, 3, 43, 101, 113}

// publicOf is the public half of a private key, nil for anything else.
func publicOf(key any) any {
	switch key := key.(type) {
	case *secp256k1.PrivateKey:
		return key.PubKey()
	case crypto.Signer:
		return key.Public()
	}
	return nil
}

// samePublic reports whether two public keys are one and the same.
func samePublic(a, b any) bool {
	switch a := a.(type) {
	case *secp256k1.PublicKey:
		other, ok := b.(*secp256k1.PublicKey)
		return ok && a.IsEqual(other)
	case *rsa.PublicKey:
		return a.Equal(b)
	case *ecdsa.PublicKey:
		return a.Equal(b)
	case ed25519.PublicKey:
		return a.Equal(b)
	}
	return false
}

// fits reports why a public key is none for the algorithm, if it is not.
func (s *signer) fits(public any) error {
	switch method := s.method.(type) {
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS:
		key, ok := public.(*rsa.PublicKey)
		if !ok {
			return s.wrongKind("an RSA key", "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:3072")
		}
		if bits := key.N.BitLen(); bits < minRSABits {
			return fmt.Errorf("%s needs an RSA key of at least %d bits and this has %d; openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:3072 makes one", s.name, minRSABits, bits)
		}
	case *jwt.SigningMethodECDSA:
		curve := map[int]elliptic.Curve{256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521()}[method.CurveBits]
		if key, ok := public.(*ecdsa.PublicKey); !ok || key.Curve != curve {
			name := curve.Params().Name
			return s.wrongKind("an elliptic curve key on "+name, "openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:"+name)
		}
	case es256k:
		if _, ok := public.(*secp256k1.PublicKey); !ok {
			return s.wrongKind("an elliptic curve key on secp256k1", "openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:secp256k1")
		}
	case *jwt.SigningMethodEd25519:
		if _, ok := public.(ed25519.PublicKey); !ok {
			return s.wrongKind("an Ed25519 key", "openssl genpkey -algorithm ed25519")
		}
	}
	return nil
}

// wrongKind says what kind of key the algorithm needs and how to make one.
func (s *signer) wrongKind(kind, command string) error {
	return fmt.Errorf("%s needs %s; %s makes one", s.name, kind, command)
}
