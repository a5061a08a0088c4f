package tokens

import (
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestKeysAreRefused(t *testing.T) {
	v, p := readVectors(t).JWT.Asymmetric, readPeers(t)
	text := func(s string) *string { return &s }
	byAlg := map[string]int{}
	for i, item := range p.Items {
		byAlg[item.Alg] = i
	}
	ed := p.Items[byAlg["EdDSA"]]
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	for name, c := range map[string]struct {
		secret string
		change func(*JWTConfig)
		want   string // the setting that the error names
		says   string
	}{
		"empty secret key":    {"", func(c *JWTConfig) {}, "SIGNING_KEY (absent, so secret_key)", "empty"},
		"short secret key":    {"short", func(c *JWTConfig) {}, "secret_key", "at least 32 bytes and this has 5"},
		"short for HS512":     {strings.Repeat("x", 63), func(c *JWTConfig) { c.Algorithm = "HS512" }, "secret_key", "at least 64"},
		"empty signing key":   {testSecret, func(c *JWTConfig) { c.SigningKey = text("") }, "SIGNING_KEY", "empty"},
		"short signing key":   {testSecret, func(c *JWTConfig) { c.SigningKey = text("0123456789") }, "SIGNING_KEY", "openssl rand"},
		"public key as HMAC":  {testSecret, func(c *JWTConfig) { c.SigningKey = &v.RSAPublic }, "SIGNING_KEY", "not a secret"},
		"private key as HMAC": {testSecret, func(c *JWTConfig) { c.SigningKey = &v.ECPrivate }, "SIGNING_KEY", "not a secret"},
		"SSH key as HMAC":     {testSecret, func(c *JWTConfig) { c.SigningKey = text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIabcdefghijkl") }, "SIGNING_KEY", "not a secret"},
		"JWK as HMAC": {testSecret, func(c *JWTConfig) {
			c.SigningKey = text(`{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}`)
		}, "SIGNING_KEY", "not a secret"},
		"unknown algorithm": {testSecret, func(c *JWTConfig) { c.Algorithm = "hs256" }, "ALGORITHM", "HS256"},
		"none":              {testSecret, func(c *JWTConfig) { c.Algorithm = "none" }, "ALGORITHM", "HS256"},
		"RS without keys":   {testSecret, func(c *JWTConfig) { c.Algorithm = "RS256" }, "SIGNING_KEY", "private key"},
		"RS without public": {testSecret, func(c *JWTConfig) { c.Algorithm, c.SigningKey = "RS256", &v.RSAPrivate }, "VERIFYING_KEY", "-pubout"},
		"RS with a secret":  {testSecret, func(c *JWTConfig) { c.Algorithm, c.SigningKey, c.VerifyingKey = "RS256", text(testSecret), v.RSAPublic }, "SIGNING_KEY", "PEM"},
		"RS with public":    {testSecret, func(c *JWTConfig) { c.Algorithm, c.SigningKey, c.VerifyingKey = "RS256", &v.RSAPublic, v.RSAPublic }, "SIGNING_KEY", "public key"},
		"RS with EC":        {testSecret, func(c *JWTConfig) { c.Algorithm, c.SigningKey, c.VerifyingKey = "RS256", &v.ECPrivate, v.ECPublic }, "SIGNING_KEY", "needs an RSA key"},
		"PS with Ed25519":   {testSecret, func(c *JWTConfig) { c.Algorithm, c.SigningKey, c.VerifyingKey = "PS256", &ed.Private, ed.Public }, "SIGNING_KEY", "needs an RSA key"},
		"ES with another":   {testSecret, func(c *JWTConfig) { c.Algorithm, c.SigningKey, c.VerifyingKey = "ES384", &v.ECPrivate, v.ECPublic }, "SIGNING_KEY", "P-384"},
		"ES256K with P-256": {testSecret, func(c *JWTConfig) { c.Algorithm, c.SigningKey, c.VerifyingKey = "ES256K", &v.ECPrivate, v.ECPublic }, "SIGNING_KEY", "secp256k1"},
		"EdDSA with RSA":    {testSecret, func(c *JWTConfig) { c.Algorithm, c.SigningKey, c.VerifyingKey = "EdDSA", &v.RSAPrivate, v.RSAPublic }, "SIGNING_KEY", "Ed25519"},
		"Ed448": {testSecret, func(c *JWTConfig) {
			c.Algorithm, c.SigningKey, c.VerifyingKey = "EdDSA", text(p.Refused["ed448"]), ed.Public
		}, "SIGNING_KEY", "Ed448"},
		"small RSA": {testSecret, func(c *JWTConfig) {
			c.Algorithm, c.SigningKey, c.VerifyingKey = "RS256", text(p.Refused["rsa1024"]), v.RSAPublic
		}, "SIGNING_KEY", "2048"},
		"passphrase": {testSecret, func(c *JWTConfig) {
			c.Algorithm, c.SigningKey, c.VerifyingKey = "EdDSA", text(p.Refused["encrypted"]), ed.Public
		}, "SIGNING_KEY", "passphrase"},
		"other public": {testSecret, func(c *JWTConfig) { c.Algorithm, c.SigningKey, c.VerifyingKey = "ES256", &v.ECPrivate, v.RSAPublic }, "VERIFYING_KEY", "P-256"},
		"not its half": {testSecret, func(c *JWTConfig) {
			a, b := p.Items[byAlg["ES256K"]], p.Items[6]
			c.Algorithm, c.SigningKey, c.VerifyingKey = "ES256K", &a.Private, b.Public
		}, "VERIFYING_KEY", "public half"},
		"no such file":   {testSecret, func(c *JWTConfig) { c.SigningKeyFile = missing }, "SIGNING_KEY_FILE", "cannot read"},
		"both":           {testSecret, func(c *JWTConfig) { c.SigningKeyFile, c.SigningKey = missing, text(testSecret) }, "SIGNING_KEY_FILE", "keep one"},
		"no jti":         {testSecret, func(c *JWTConfig) { c.JTIClaim = nil }, "JTI_CLAIM", "name a claim"},
		"no user claim":  {testSecret, func(c *JWTConfig) { c.UserIDClaim = "" }, "USER_ID_CLAIM", "name a claim"},
		"key server":     {testSecret, func(c *JWTConfig) { c.JWKURL = text("https://example.com/jwks") }, "JWK_URL", "VERIFYING_KEY"},
		"no audience":    {testSecret, func(c *JWTConfig) { c.Audience = Audience{List: true} }, "AUDIENCE", "take the setting out"},
		"empty audience": {testSecret, func(c *JWTConfig) { c.Audience = Audience{Values: []string{""}} }, "AUDIENCE", "take the setting out"},
		"encoder":        {testSecret, func(c *JWTConfig) { c.JSONEncoder = text("a.b") }, "JSON_ENCODER", "take it out"},
	} {
		cfg := DefaultJWTConfig()
		c.change(&cfg)
		_, err := NewJWTs(cfg, Keys{Secret: c.secret}, time.UTC)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, "SIMPLE_JWT ") || !strings.Contains(got, c.want) || !strings.Contains(got, c.says) {
			t.Errorf("%s: %s", name, got)
		}
		if cfg.SigningKey != nil && len(*cfg.SigningKey) > 8 && strings.Contains(err.Error(), *cfg.SigningKey) {
			t.Errorf("%s: the error prints the key", name)
		}
	}
}

func TestShortSecretsWhereAsked(t *testing.T) {
	cfg := DefaultJWTConfig()
	cfg.Algorithm = "HS512"
	keys := Keys{Secret: strings.Repeat("k", 50)} // as long as Django's own
	if _, err := NewJWTs(cfg, keys, time.UTC); err == nil {
		t.Error("a secret shorter than the hash is taken")
	}
	cfg.ShortSecrets = true
	if _, err := NewJWTs(cfg, keys, time.UTC); err != nil {
		t.Error(err)
	}
	if _, err := NewJWTs(cfg, Keys{}, time.UTC); err == nil {
		t.Error("no secret at all is taken")
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	cfg := DefaultJWTConfig()
	cfg.JTIClaim, cfg.UserIDClaim = nil, ""
	_, err := NewJWTs(cfg, Keys{}, time.UTC)
	for _, setting := range []string{"JTI_CLAIM", "USER_ID_CLAIM", "SIGNING_KEY"} {
		if err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("%s is not in: %v", setting, err)
		}
	}
}

func TestKeysFromFiles(t *testing.T) {
	v := readVectors(t).JWT.Asymmetric
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	secret := write("secret", testSecret+"\r\n")
	fromFile := newTestJWTs(t, func(c *JWTConfig) { c.SigningKeyFile = secret })
	raw, err := fromFile.Encode(fromFile.NewRefresh(Claimant{ID: "1"}, at))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newTestJWTs(t, nil).Decode(raw, "refresh", at, nil); err != nil {
		t.Errorf("the file's line break became part of the secret: %v", err)
	}
	private, public := write("private.pem", v.RSAPrivate), write("public.pem", v.RSAPublic)
	j := newTestJWTs(t, func(c *JWTConfig) { c.Algorithm, c.SigningKeyFile, c.VerifyingKeyFile = "RS256", private, public })
	if _, err := j.Decode(v.Items[0].Token, "access", at, nil); err != nil {
		t.Error(err)
	}
	// PyJWT takes a private key for VERIFYING_KEY too.
	newTestJWTs(t, func(c *JWTConfig) { c.Algorithm, c.SigningKeyFile, c.VerifyingKeyFile = "RS256", private, private })
}

func TestJWKS(t *testing.T) {
	if got := string(newTestJWTs(t, nil).JWKS()); got != `{"keys":[]}` {
		t.Errorf("HMAC: %s", got)
	}
	v := readVectors(t).JWT.Asymmetric
	items := append(readPeers(t).Items, struct{ Alg, Private, Public, Token string }{"RS256", v.RSAPrivate, v.RSAPublic, v.Items[0].Token})
	kty := map[byte]string{'P': "RSA", 'R': "RSA", 'E': "EC"}
	for _, item := range items {
		j := newTestJWTs(t, func(c *JWTConfig) { c.Algorithm, c.SigningKey, c.VerifyingKey = item.Alg, &item.Private, item.Public })
		var set struct{ Keys []map[string]string }
		if err := json.Unmarshal(j.JWKS(), &set); err != nil || len(set.Keys) != 1 {
			t.Fatalf("%s: %s, %v", item.Alg, j.JWKS(), err)
		}
		key := set.Keys[0]
		want := kty[item.Alg[0]]
		if item.Alg == "EdDSA" {
			want = "OKP"
		}
		if key["alg"] != item.Alg || key["use"] != "sig" || len(key["kid"]) != 43 || key["kty"] != want || key["d"] != "" {
			t.Errorf("%s: %v", item.Alg, key)
		}
		if want == "EC" && len(key["x"]) != len(key["y"]) {
			t.Errorf("%s: coordinates of different lengths: %v", item.Alg, key)
		}
	}
}

// The example key of RFC 7638, 3.1, with its thumbprint.
func TestThumbprintIsTheRFCs(t *testing.T) {
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	modulus, ok := decodeSegment(n)
	if !ok {
		t.Fatal("bad base64")
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537}
	s := &signer{name: "RS256", method: jwt.SigningMethodRS256, public: key}
	want := `{"keys":[{"e":"AQAB","kty":"RSA","n":"` + n + `","alg":"RS256","use":"sig","kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}]}`
	if got := string(keySet([]*signer{s})); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}
