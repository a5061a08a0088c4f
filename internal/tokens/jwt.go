package tokens

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"latchkey/internal/message"
)

// maxRaw is the longest text that is looked at as a token, in bytes.
const maxRaw = 16 << 10

// A Claimant is whom a token is made for.
type Claimant struct {
	ID          string // text of the USER_ID_FIELD column
	IDIsInteger bool
	Password    string // the password column, for CHECK_REVOKE_TOKEN
}

// A Token is a web token that was made here or has been checked.
type Token struct {
	Type   string // "access", "refresh" or "sliding"; what an untyped token calls itself
	Claims Claims

	current  time.Time // when it was made or read
	read     bool      // it came as a text
	jtiClaim string
}

// JTI is the token's own id.
func (t Token) JTI() string {
	v, _ := t.Claims.Get(t.jtiClaim)
	id, _ := v.Text()
	return id
}

// WithJTI is the token under another id.
func (t Token) WithJTI(jti string) Token {
	t.Claims = slices.Clone(t.Claims)
	t.Claims.Set(t.jtiClaim, TextValue(jti))
	return t
}

// ExpiresAt is the exp claim, in UTC.
func (t Token) ExpiresAt() time.Time { return t.moment("exp") }

// IssuedAt is the iat claim, in UTC; the zero time where there is none.
func (t Token) IssuedAt() time.Time { return t.moment("iat") }

func (t Token) moment(claim string) time.Time {
	v, _ := t.Claims.Get(claim)
	at, _ := v.time()
	return at
}

// JWTs makes and checks SimpleJWT's tokens under one SIMPLE_JWT setting.
type JWTs struct {
	cfg       JWTConfig
	ring      atomic.Pointer[keyring]
	typeClaim string
	jtiClaim  string
	secret    string       // as NewJWTs was given it
	seen      atomic.Value // what the key folder looked like when it was last read
}

// NewJWTs reads the keys and refuses a configuration under which tokens could not be made, checked or trusted; the error
// names every setting that is wrong and how to mend it. Token times are UTC whatever TIME_ZONE says, so the location
// does not matter.
func NewJWTs(cfg JWTConfig, keys Keys, _ *time.Location) (*JWTs, error) {
	var wrong []error
	refuse := func(bad bool, message string) {
		if bad {
			wrong = append(wrong, errors.New("SIMPLE_JWT "+message))
		}
	}
	refuse(cfg.JTIClaim == nil, "JTI_CLAIM: null leaves tokens without an id, so that none could be refreshed; name a claim, jti for instance")
	refuse(cfg.JTIClaim != nil && *cfg.JTIClaim == "", "JTI_CLAIM: it is empty; name a claim, jti for instance")
	refuse(cfg.UserIDClaim == "", "USER_ID_CLAIM: it is empty; name a claim, user_id for instance")
	refuse(cfg.JWKURL != nil && *cfg.JWKURL != "", "JWK_URL: keys are not fetched from elsewhere; set VERIFYING_KEY")
	refuse(cfg.JSONEncoder != nil, "JSON_ENCODER: it names Python code, which cannot run here; take it out")
	refuse(cfg.CheckRevokeToken && cfg.RevokeTokenClaim == "", "REVOKE_TOKEN_CLAIM: it is empty; name a claim, hash_password for instance")
	refuse(cfg.Audience.List && len(cfg.Audience.Values) == 0 || slices.Contains(cfg.Audience.Values, ""),
		"AUDIENCE: no token could match an empty one; name an audience, or take the setting out")
	seen := lookOf(cfg.KeyFolder)
	ring, err := newKeyring(cfg, keys.Secret)
	if err != nil {
		wrong = append(wrong, err)
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	j := newJWTs(cfg, ring)
	j.secret = keys.Secret
	j.seen.Store(seen)
	return j, nil
}

// newJWTs takes a checked configuration and its keys.
func newJWTs(cfg JWTConfig, ring *keyring) *JWTs {
	j := &JWTs{cfg: cfg, typeClaim: "null", jtiClaim: *cfg.JTIClaim}
	if cfg.TokenTypeClaim != nil {
		j.typeClaim = *cfg.TokenTypeClaim // None as a key is "null" in JSON
	}
	j.ring.Store(ring)
	return j
}

// JWKS is the JSON Web Key Set with which others can check the tokens: {"keys":[…]}, without any key for the HMAC algorithms.
// The kid of a key is its thumbprint (RFC 7638), which tokens name where the settings say so.
func (j *JWTs) JWKS() []byte { return bytes.Clone(j.ring.Load().jwks) }

// NewRefresh makes a refresh token.
func (j *JWTs) NewRefresh(user Claimant, now time.Time) Token {
	t := j.newToken("refresh", now, j.cfg.RefreshTokenLifetime)
	j.setUser(&t.Claims, user)
	return t
}

// NewRefreshOfNobody makes a refresh token that names no user.
func (j *JWTs) NewRefreshOfNobody(now time.Time) Token {
	return j.newToken("refresh", now, j.cfg.RefreshTokenLifetime)
}

// NewSliding makes a sliding token.
func (j *JWTs) NewSliding(user Claimant, now time.Time) Token {
	t := j.newToken("sliding", now, j.cfg.SlidingTokenLifetime)
	t.Claims.Set(j.cfg.SlidingTokenRefreshExpClaim, seconds(now.Add(j.cfg.SlidingTokenRefreshLifetime)))
	j.setUser(&t.Claims, user)
	return t
}

// AccessFor makes an access token with the claims of a refresh token. Its exp counts from the moment that the refresh token
// was made or read.
func (j *JWTs) AccessFor(refresh Token, now time.Time) Token {
	t := j.newToken("access", now, 0)
	from := refresh.current
	if from.IsZero() {
		from = now
	}
	t.Claims.Set("exp", seconds(from.Add(j.cfg.AccessTokenLifetime)))
	for _, c := range refresh.Claims {
		// SimpleJWT leaves out the claim None, but what it reads back of it is called "null", and that it takes along.
		if j.cfg.TokenTypeClaim == nil && refresh.read && c.Name == j.typeClaim {
			t.Claims.Set(c.Name, c.Value)
		}
		switch c.Name {
		case j.typeClaim, "exp", "iat", "jti", j.jtiClaim: // RefreshToken.no_copy_claims
		default:
			t.Claims.Set(c.Name, c.Value)
		}
	}
	return t
}

// Rotate makes the refresh token that follows another: the same claims with a new id, a new exp and a new iat.
func (j *JWTs) Rotate(refresh Token, now time.Time) Token {
	return j.Successor(refresh, newJTI(), now, now.Add(j.cfg.RefreshTokenLifetime))
}

// Successor is what Rotate made of a refresh token, by what is known of it.
func (j *JWTs) Successor(refresh Token, jti string, issued, expires time.Time) Token {
	claims := slices.Clone(refresh.Claims)
	claims.Set(j.jtiClaim, TextValue(jti))
	claims.Set("exp", seconds(expires))
	claims.Set("iat", seconds(issued))
	return Token{Type: refresh.Type, Claims: claims, current: issued, jtiClaim: j.jtiClaim}
}

// LastsUntil is when a refresh or sliding token cannot be refreshed any more.
func (j *JWTs) LastsUntil(t Token) time.Time {
	if t.Type == "sliding" {
		return t.moment(j.cfg.SlidingTokenRefreshExpClaim)
	}
	return t.ExpiresAt()
}

// RefreshSliding makes the sliding token that follows another, under the same id. The error is *Invalid when the other
// can be refreshed no more.
func (j *JWTs) RefreshSliding(t Token, now time.Time) (Token, error) {
	name := j.cfg.SlidingTokenRefreshExpClaim
	limit, ok := t.Claims.Get(name)
	if !ok {
		return Token{}, &Invalid{message.T("Token has no '{claim}' claim", "claim", name)}
	}
	until, ok := limit.time()
	if !ok {
		return Token{}, errInvalid
	}
	if !until.After(now.Add(-j.cfg.Leeway)) {
		return Token{}, &Invalid{message.T("Token '{claim}' claim has expired", "claim", name)}
	}
	claims := slices.Clone(t.Claims)
	claims.Set("exp", seconds(now.Add(j.cfg.SlidingTokenLifetime)))
	claims.Set("iat", seconds(now))
	return Token{Type: t.Type, Claims: claims, current: now, jtiClaim: j.jtiClaim}, nil
}

// newToken makes a token that names nobody yet.
func (j *JWTs) newToken(kind string, now time.Time, lifetime time.Duration) Token {
	claims := make(Claims, 0, 8)
	claims.Set(j.typeClaim, TextValue(kind))
	claims.Set("exp", seconds(now.Add(lifetime)))
	claims.Set("iat", seconds(now))
	claims.Set(j.jtiClaim, TextValue(newJTI()))
	return Token{Type: kind, Claims: claims, current: now, jtiClaim: j.jtiClaim}
}

// setUser sets the claims that name the user.
func (j *JWTs) setUser(claims *Claims, user Claimant) {
	id := TextValue(user.ID)
	if n, ok := ParseInt(user.ID); ok && j.cfg.IntegerUserID && user.IDIsInteger {
		id = IntValue(n)
	}
	claims.Set(j.cfg.UserIDClaim, id)
	if j.cfg.CheckRevokeToken {
		claims.Set(j.cfg.RevokeTokenClaim, TextValue(revokeHash(user.Password)))
	}
}

// seconds is a time as a claim: whole seconds, the fraction cut off.
func seconds(t time.Time) Value { return IntValue(t.Unix()) }

// Encode signs a token.
func (j *JWTs) Encode(t Token) (string, error) {
	claims := t.Claims
	if len(j.cfg.Audience.Values) > 0 || j.cfg.Issuer != "" {
		claims = slices.Clone(claims)
	}
	switch aud := j.cfg.Audience; {
	case aud.List:
		claims.Set("aud", TextsValue(aud.Values))
	case len(aud.Values) > 0:
		claims.Set("aud", TextValue(aud.Values[0]))
	}
	if j.cfg.Issuer != "" {
		claims.Set("iss", TextValue(j.cfg.Issuer))
	}
	payload := claims.AppendJSON(make([]byte, 0, 512))
	s := j.ring.Load().signing(t.current)
	text := make([]byte, 0, len(s.header)+1+base64.RawURLEncoding.EncodedLen(len(payload)))
	text = append(append(text, s.header...), '.')
	signed := string(base64.RawURLEncoding.AppendEncode(text, payload))
	sig, err := s.method.Sign(signed, s.signing)
	if err != nil {
		return "", fmt.Errorf("signing a token with %s: %w", s.name, err)
	}
	return signed + "." + base64url(sig), nil
}

// UserID is the USER_ID_CLAIM as Django would look it up, and whether the claim is there at all.
// Where USER_ID_FIELD is the primary key (id or pk), whatever int() reads becomes that number's decimal text:
// " 1 ", 1.5 and true are all "1". Any other text, and every text for another column, stays as it is.
// The empty text names nobody: null, lists and objects, and odd numbers become it.
func (j *JWTs) UserID(t Token) (id string, present bool) {
	v, present := t.Claims.Get(j.cfg.UserIDClaim)
	isKey := j.cfg.UserIDField == "id" || j.cfg.UserIDField == "pk"
	if isKey || !v.isText() {
		if n, ok := v.whole(); ok {
			return string(IntValue(n)), present
		}
	}
	id, _ = v.Text()
	return id, present
}

// HasUserClaim reports whether the token names a user by anything that Python takes for true. SimpleJWT's refresh
// looks no user up for a token without the claim, nor for "", 0, null and their like.
func (j *JWTs) HasUserClaim(t Token) bool {
	v, _ := t.Claims.Get(j.cfg.UserIDClaim)
	return v.truthy()
}

// RevokeMatches reports whether the token was made under the password column given, in constant time.
// Without CHECK_REVOKE_TOKEN every token matches.
func (j *JWTs) RevokeMatches(t Token, password string) bool {
	if !j.cfg.CheckRevokeToken {
		return true
	}
	v, _ := t.Claims.Get(j.cfg.RevokeTokenClaim)
	hash, _ := v.Text()
	return hmac.Equal([]byte(hash), []byte(revokeHash(password)))
}

// revokeHash is SimpleJWT's get_md5_hash_password: upper-case hex MD5 of the password column. It guards nothing
// that MD5 is too weak for: the column is a salted hash already, and the token is signed.
func revokeHash(password string) string {
	return strings.ToUpper(fmt.Sprintf("%x", md5.Sum([]byte(password))))
}

// Invalid says in SimpleJWT's words why a token is refused.
type Invalid struct{ Message *message.Text }

func (e *Invalid) Error() string { return e.Message.String() }
