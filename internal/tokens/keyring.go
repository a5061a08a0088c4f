package tokens

import (
	"fmt"
	"time"
)

// A keyring is every key of one moment. It does not change: new keys make a new one.
type keyring struct {
	signers []*signer // those that sign by the time from which they do
	jwks    []byte
}

// newKeyring loads the keys that cfg names: those of the folder and, for as long as they shall count, those from before it; or SimpleJWT's single pair.
func newKeyring(cfg JWTConfig, secret string) (*keyring, error) {
	if cfg.KeyFolder == "" {
		s, err := newSigner(cfg, secret)
		if err != nil {
			return nil, err
		}
		s.header = header(s.name, "")
		if cfg.NameKey {
			s.header = header(s.name, keyID(s.public))
		}
		return ringOf(&s), nil
	}
	keys, err := ReadKeys(cfg.KeyFolder)
	if err != nil {
		return nil, fmt.Errorf("SIMPLE_JWT KeyFolder: %w", err)
	}
	var signers []*signer
	sign := false
	for i := range keys {
		signers = append(signers, &keys[i].signer)
		sign = sign || keys[i].Signs()
	}
	if !sign {
		return nil, fmt.Errorf("SIMPLE_JWT KeyFolder: %s holds no private key; latchkey keys rotate makes one", cfg.KeyFolder)
	}
	if !cfg.OldUntil.IsZero() {
		old, err := newSigner(cfg, secret)
		if err != nil {
			return nil, err
		}
		old.signing, old.until = nil, cfg.OldUntil
		signers = append(signers, &old)
	}
	return ringOf(signers...), nil
}

// ringOf takes signers in the order in which they begin to sign.
func ringOf(signers ...*signer) *keyring {
	for _, s := range signers {
		if s.header == "" {
			s.header = header(s.name, s.kid)
		}
	}
	return &keyring{signers: signers, jwks: keySet(signers)}
}

// header is how the tokens of a key begin.
func header(algorithm, kid string) string {
	if kid != "" {
		kid = `"kid":"` + kid + `",`
	}
	return base64url([]byte(`{"alg":"` + algorithm + `",` + kid + `"typ":"JWT"}`))
}

// signing is the key that signs at a moment: the one that began last. Before all of them it is the first one.
func (k *keyring) signing(at time.Time) *signer {
	var chosen *signer
	for _, s := range k.signers {
		if s.signing != nil && (chosen == nil || !s.from.After(at)) {
			chosen = s
		}
	}
	return chosen
}

// signed tells whether a signature is one of the key's that the header names, or where it names none, of any key's that is for its algorithm.
func (k *keyring) signed(header, text string, sig []byte, now time.Time) bool {
	var algorithm, kid string
	read, readable := false, false
	for _, s := range k.signers {
		if !s.until.IsZero() && !now.Before(s.until) {
			continue
		}
		if header != s.header {
			if !read {
				algorithm, kid, readable = readHeader(header)
				read = true
			}
			if !readable || algorithm != s.name || kid != "" && s.kid != "" && kid != s.kid {
				continue
			}
		}
		if s.method.Verify(text, sig, s.public) == nil {
			return true
		}
	}
	return false
}
