package tokens

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/internal/message"
)

// maxJTI is what the jti column of the outstanding tokens holds, in characters.
const maxJTI = 255

var (
	errInvalid     = &Invalid{message.T("Token is invalid")}
	errExpired     = &Invalid{message.T("Token is expired")}
	errBlacklisted = &Invalid{message.T("Token is blacklisted")}
	errNoExp       = &Invalid{message.T("Token has no '{claim}' claim", "claim", "exp")}
	errNoID        = &Invalid{message.T("Token has no id")}
	errNoType      = &Invalid{message.T("Token has no type")}
	errWrongType   = &Invalid{message.T("Token has wrong type")}
)

// strictBase64 refuses stray bits in the last letter, as PyJWT does.
var strictBase64 = base64.RawURLEncoding.Strict()

// Decode checks raw in the order of SimpleJWT and the PyJWT below it, and says what is wrong with it by an *Invalid.
// kind is "access", "refresh" or "sliding", or "" for a token of any type. blacklisted is nil where there is no
// blacklist; it is asked before anything else of a refresh or sliding token that is genuine and not expired, never of an
// access token, and at the very end of one of any type. Its error is returned as it is.
func (j *JWTs) Decode(raw, kind string, now time.Time, blacklisted func(Token) (bool, error)) (Token, error) {
	claims, ok := j.open(raw, now)
	if !ok {
		return Token{}, errInvalid
	}
	if err := j.checkClaims(claims, now); err != nil {
		return Token{}, err
	}
	t := Token{Type: kind, Claims: claims, current: now, read: true, jtiClaim: j.jtiClaim}
	id, hasID := claims.Get(j.jtiClaim)
	if hasID && !id.isText() {
		return Token{}, errInvalid // PyJWT holds only the name jti to that; ours are all texts
	}
	listed := kind == "refresh" || kind == "sliding"
	if listed && hasID {
		// The database has no room for such an id, so neither could it ever be blacklisted.
		if jti := t.JTI(); utf8.RuneCountInString(jti) > maxJTI || strings.IndexByte(jti, 0) >= 0 {
			return Token{}, errInvalid
		}
		if err := ask(blacklisted, t); err != nil {
			return Token{}, err
		}
	}
	exp, hasExp := claims.Get("exp")
	if !hasExp {
		return Token{}, errNoExp
	}
	if _, ok := exp.time(); !ok { // PyJWT reads texts and the years past 9999, SimpleJWT fails on them
		return Token{}, errInvalid
	}
	if !hasID {
		return Token{}, errNoID
	}
	name, hasType := claims.Get(j.typeClaim)
	if kind == "" {
		if err := ask(blacklisted, t); err != nil {
			return Token{}, err
		}
		t.Type, _ = name.Text()
		return t, nil
	}
	if j.cfg.TokenTypeClaim != nil {
		if !hasType {
			return Token{}, errNoType
		}
		if is, _ := name.Text(); is != kind {
			return Token{}, errWrongType
		}
	}
	return t, nil
}

// ask asks the blacklist, if there is one.
func ask(blacklisted func(Token) (bool, error), t Token) error {
	if blacklisted == nil {
		return nil
	}
	found, err := blacklisted(t)
	if err != nil {
		return err
	}
	if found {
		return errBlacklisted
	}
	return nil
}

// open checks form and signature and returns the payload.
func (j *JWTs) open(raw string, now time.Time) (Claims, bool) {
	first, last := strings.IndexByte(raw, '.'), strings.LastIndexByte(raw, '.')
	if len(raw) > maxRaw || first == last || strings.ContainsAny(raw, "\r\n") { // encoding/base64 skips line breaks
		return nil, false
	}
	sig, ok := decodeSegment(raw[last+1:])
	if !ok || !j.ring.Load().signed(raw[:first], raw[:last], sig, now) {
		return nil, false
	}
	payload, ok := decodeSegment(raw[first+1 : last])
	if !ok {
		return nil, false
	}
	return ParseClaims(string(payload))
}

// decodeSegment decodes one part of a token. Padding is tolerated where it completes the last group.
func decodeSegment(segment string) ([]byte, bool) {
	bare := strings.TrimRight(segment, "=")
	if pads := len(segment) - len(bare); pads > 2 || pads > 0 && len(segment)%4 != 0 {
		return nil, false
	}
	data, err := strictBase64.DecodeString(bare)
	return data, err == nil
}

// readHeader reads algorithm and key of a header that is not spelled like ours, as PyJWT's _load, _validate_headers and _verify_signature do.
func readHeader(segment string) (algorithm, kid string, ok bool) {
	data, ok := decodeSegment(segment)
	if !ok {
		return "", "", false
	}
	header, ok := ParseClaims(string(data))
	if !ok {
		return "", "", false
	}
	alg, _ := header.Get("alg")
	algorithm, _ = alg.Text()
	id, has := header.Get("kid")
	if has && !id.isText() {
		return "", "", false
	}
	kid, _ = id.Text()
	b64, hasB64 := header.Get("b64")
	if b64 == "false" {
		return "", "", false // a payload that comes by another way
	}
	if crit, has := header.Get("crit"); has {
		names, ok := crit.texts()
		if !ok || len(names) == 0 || !hasB64 || slices.ContainsFunc(names, func(s string) bool { return s != "b64" }) {
			return "", "", false
		}
	}
	return algorithm, kid, true
}

// checkClaims checks what PyJWT checks of a payload, in its order: an iat or nbf in the future hides an exp in the past,
// which in turn hides the rest. Absent claims pass.
func (j *JWTs) checkClaims(claims Claims, now time.Time) error {
	for _, name := range [...]string{"iat", "nbf"} {
		if v, ok := claims.Get(name); ok {
			// A whole number of seconds is past a moment if it is past that moment's own second.
			if n, ok := v.whole(); !ok || n > now.Add(j.cfg.Leeway).Unix() {
				return errInvalid
			}
		}
	}
	if v, ok := claims.Get("exp"); ok {
		n, ok := v.whole()
		if !ok {
			return errInvalid
		}
		if n <= now.Add(-j.cfg.Leeway).Unix() {
			return errExpired
		}
	}
	if j.cfg.Issuer != "" {
		v, _ := claims.Get("iss")
		if iss, ok := v.Text(); !ok || iss != j.cfg.Issuer {
			return errInvalid
		}
	}
	if len(j.cfg.Audience.Values) > 0 && !j.audienceFits(claims) {
		return errInvalid
	}
	for _, name := range [...]string{"sub", "jti"} {
		if v, ok := claims.Get(name); ok && !v.isText() {
			return errInvalid
		}
	}
	return nil
}

// audienceFits reports whether one of the token's audiences is one of ours.
func (j *JWTs) audienceFits(claims Claims) bool {
	v, _ := claims.Get("aud")
	audiences, ok := v.texts()
	if one, is := v.Text(); is {
		audiences, ok = []string{one}, true
	}
	return ok && slices.ContainsFunc(audiences, func(s string) bool { return slices.Contains(j.cfg.Audience.Values, s) })
}
