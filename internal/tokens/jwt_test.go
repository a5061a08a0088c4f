package tokens

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// at is a time at which the tokens of the vectors are neither too young nor too old.
var at = time.Date(2026, 11, 22, 17, 0, 0, 500_000_000, time.UTC)

const testSecret = "a secret that is long enough for every HMAC algorithm, be it HS512"

// newTestJWTs changes SimpleJWT's defaults and takes testSecret for SECRET_KEY.
func newTestJWTs(t testing.TB, change func(*JWTConfig)) *JWTs {
	t.Helper()
	cfg := DefaultJWTConfig()
	if change != nil {
		change(&cfg)
	}
	j, err := NewJWTs(cfg, Keys{Secret: testSecret}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// hmacJWTs takes secrets of any length, as the reference does.
func hmacJWTs(alg, secret string) *JWTs {
	return newJWTs(DefaultJWTConfig(), ringOf(&signer{name: alg, method: methods[alg], signing: []byte(secret), public: []byte(secret)}))
}

// sign makes a token of any header and payload with the key of j.
func sign(t testing.TB, j *JWTs, header, payload string) string {
	t.Helper()
	text := base64url([]byte(header)) + "." + base64url([]byte(payload))
	signer := j.ring.Load().signers[0]
	sig, err := signer.method.Sign(text, signer.signing)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64url(sig)
}

// fault is the message of an *Invalid, "" for no error.
func fault(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var invalid *Invalid
	if !errors.As(err, &invalid) {
		t.Fatalf("unexpected error: %v", err)
	}
	return invalid.Error()
}

func TestTokensAreSimpleJWTs(t *testing.T) {
	items := readVectors(t).JWT.Items
	if len(items) == 0 {
		t.Fatal("no vectors")
	}
	for _, item := range items {
		j := hmacJWTs(item.Alg, item.Key)
		claims, ok := ParseClaims(item.Payload)
		if !ok {
			t.Fatalf("cannot read %s", item.Payload)
		}
		got, err := j.Encode(Token{Claims: claims})
		if err != nil || got != item.Token {
			t.Errorf("%s of %s = %s, %v; want %s", item.Alg, item.Payload, got, err, item.Token)
		}
		token, err := j.Decode(item.Token, "", at, nil)
		if err != nil || string(token.Claims.AppendJSON(nil)) != item.Payload {
			t.Errorf("Decode(%s) = %s, %v", item.Token, token.Claims.AppendJSON(nil), err)
		}
	}
}

func TestAccessTokenChecksAreSimpleJWTs(t *testing.T) {
	v := readVectors(t)
	j := hmacJWTs("HS256", v.How.Secret)
	if len(v.JWT.Checks.Items) != 53 {
		t.Fatalf("%d vectors", len(v.JWT.Checks.Items))
	}
	for _, item := range v.JWT.Checks.Items {
		want := item.Message
		if item.Raises != "" { // a 500 there
			want = "Token is invalid"
		}
		token, err := j.Decode(item.Token, "access", at, nil)
		if got := fault(t, err); got != want || (err == nil) != item.Valid {
			t.Errorf("%s: %q, want %q", item.Case, got, want)
			continue
		}
		if !item.Valid || item.Case == "NaN in the payload" { // encoding/json knows no NaN
			continue
		}
		var got, payload any
		if err := json.Unmarshal(token.Claims.AppendJSON(nil), &got); err != nil {
			t.Errorf("%s: %v", item.Case, err)
		}
		if json.Unmarshal(item.Payload, &payload); !reflect.DeepEqual(got, payload) {
			t.Errorf("%s: payload %v, want %v", item.Case, got, payload)
		}
	}
}

func TestAsymmetricTokensAreSimpleJWTs(t *testing.T) {
	v := readVectors(t).JWT.Asymmetric
	for _, item := range v.Items {
		private, public := v.RSAPrivate, v.RSAPublic
		if strings.HasPrefix(item.Alg, "ES") {
			private, public = v.ECPrivate, v.ECPublic
		}
		j := newTestJWTs(t, func(cfg *JWTConfig) { cfg.Algorithm, cfg.SigningKey, cfg.VerifyingKey = item.Alg, &private, public })
		token, err := j.Decode(item.Token, "access", at, nil)
		if err != nil {
			t.Errorf("%s: %v", item.Alg, err)
			continue
		}
		again, err := j.Encode(token)
		if err != nil || item.Deterministic && again != item.Token {
			t.Errorf("%s: Encode = %s, %v, want %s", item.Alg, again, err, item.Token)
		}
		if _, err := j.Decode(again, "access", at, nil); err != nil {
			t.Errorf("%s refuses its own token: %v", item.Alg, err)
		}
	}
	for _, item := range readPeers(t).Items {
		j := newTestJWTs(t, func(cfg *JWTConfig) {
			cfg.Algorithm, cfg.SigningKey, cfg.VerifyingKey = item.Alg, &item.Private, item.Public
		})
		token, err := j.Decode(item.Token, "access", at, nil)
		if err != nil {
			t.Errorf("%s: PyJWT's token: %v", item.Alg, err)
			continue
		}
		own, err := j.Encode(token)
		if err != nil {
			t.Errorf("%s: %v", item.Alg, err)
		}
		if own[:strings.LastIndexByte(own, '.')] != item.Token[:strings.LastIndexByte(item.Token, '.')] {
			t.Errorf("%s: %s does not begin as PyJWT's %s", item.Alg, own, item.Token)
		}
		if _, err := j.Decode(own, "access", at, nil); err != nil {
			t.Errorf("%s refuses its own token: %v", item.Alg, err)
		}
		flip := strings.LastIndexByte(own, '.') + 10
		other := byte('A')
		if own[flip] == other {
			other = 'B'
		}
		if _, err := j.Decode(own[:flip]+string(other)+own[flip+1:], "access", at, nil); fault(t, err) != "Token is invalid" {
			t.Errorf("%s takes another signature", item.Alg)
		}
	}
}

// What the header says about the algorithm must not matter: neither none nor the public key as an HMAC secret.
func TestAlgorithmCannotBeChosenByTheToken(t *testing.T) {
	v := readVectors(t).JWT.Asymmetric
	j := newTestJWTs(t, func(cfg *JWTConfig) {
		cfg.Algorithm, cfg.SigningKey, cfg.VerifyingKey = "RS256", &v.RSAPrivate, v.RSAPublic
	})
	payload := `{"token_type":"access","exp":4102444800,"jti":"a","user_id":"1"}`
	confused := hmacJWTs("HS256", v.RSAPublic)
	none := base64url([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64url([]byte(payload)) + "."
	bare := base64url([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64url([]byte(payload)) + "."
	for name, raw := range map[string]string{
		"the public key as secret":        sign(t, confused, `{"alg":"HS256","typ":"JWT"}`, payload),
		"the same under the right header": sign(t, confused, `{"alg":"RS256","typ":"JWT"}`, payload),
		"none":                            none,
		"no signature":                    bare,
		"RS384 by the right key": sign(t, newTestJWTs(t, func(cfg *JWTConfig) {
			cfg.Algorithm, cfg.SigningKey, cfg.VerifyingKey = "RS384", &v.RSAPrivate, v.RSAPublic
		}), `{"alg":"RS384","typ":"JWT"}`, payload),
	} {
		if _, err := j.Decode(raw, "access", at, nil); fault(t, err) != "Token is invalid" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := j.Decode(sign(t, j, `{"typ":"JWT","alg":"RS256"}`, payload), "access", at, nil); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func TestPairHasSimpleJWTsClaims(t *testing.T) {
	j := newTestJWTs(t, func(cfg *JWTConfig) {
		cfg.CheckRevokeToken = true
		cfg.Audience, cfg.Issuer = Audience{Values: []string{"app", "web"}, List: true}, "https://issuer.example"
	})
	user := Claimant{ID: "7", IDIsInteger: true, Password: "é"}
	refresh := j.NewRefresh(user, at)
	wantClaims(t, refresh, `{"token_type":"refresh","exp":1795453200,"iat":1795366800,"jti":"JTI","user_id":"7","hash_password":"66DDCD97CFDEABB2F6FB8A999B4BC76F"}`)
	raw, err := j.Encode(refresh)
	if err != nil {
		t.Fatal(err)
	}
	read, err := j.Decode(raw, "refresh", at.Add(time.Second), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantClaims(t, read, `{"token_type":"refresh","exp":1795453200,"iat":1795366800,"jti":"JTI","user_id":"7","hash_password":"66DDCD97CFDEABB2F6FB8A999B4BC76F","aud":["app","web"],"iss":"https://issuer.example"}`)
	read.Claims.Set("own", `{"a":1}`)

	// exp counts from the moment the refresh token was read, iat from now.
	access := j.AccessFor(read, at.Add(2*time.Second))
	wantClaims(t, access, `{"token_type":"access","exp":1795367101,"iat":1795366802,"jti":"JTI","user_id":"7","hash_password":"66DDCD97CFDEABB2F6FB8A999B4BC76F","aud":["app","web"],"iss":"https://issuer.example","own":{"a":1}}`)
	next := j.Rotate(read, at.Add(3*time.Second))
	wantClaims(t, next, `{"token_type":"refresh","exp":1795453203,"iat":1795366803,"jti":"JTI","user_id":"7","hash_password":"66DDCD97CFDEABB2F6FB8A999B4BC76F","aud":["app","web"],"iss":"https://issuer.example","own":{"a":1}}`)
	if next.JTI() == read.JTI() || access.JTI() == read.JTI() || read.JTI() != refresh.JTI() {
		t.Errorf("ids: made %s, read %s, access %s, rotated %s", refresh.JTI(), read.JTI(), access.JTI(), next.JTI())
	}
	if got := next.ExpiresAt(); !got.Equal(time.Unix(1795453203, 0)) {
		t.Errorf("ExpiresAt = %v", got)
	}
	if got := next.IssuedAt(); !got.Equal(time.Unix(1795366803, 0)) {
		t.Errorf("IssuedAt = %v", got)
	}
	for _, token := range []Token{access, next} {
		raw, err := j.Encode(token)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Decode(raw, token.Type, at.Add(4*time.Second), nil); err != nil {
			t.Errorf("%s: %v", token.Type, err)
		}
	}
}

// wantClaims compares a token's payload with want, in which JTI stands for its id.
func wantClaims(t *testing.T, token Token, want string) {
	t.Helper()
	if got := strings.Replace(string(token.Claims.AppendJSON(nil)), token.JTI(), "JTI", 1); got != want {
		t.Errorf("%s token holds\n%s, want\n%s", token.Type, got, want)
	}
}

func TestSlidingTokens(t *testing.T) {
	j := newTestJWTs(t, func(cfg *JWTConfig) { cfg.IntegerUserID = true })
	token := j.NewSliding(Claimant{ID: "7", IDIsInteger: true}, at)
	wantClaims(t, token, `{"token_type":"sliding","exp":1795367100,"iat":1795366800,"jti":"JTI","refresh_exp":1795453200,"user_id":7}`)
	next, err := j.RefreshSliding(token, at.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	wantClaims(t, next, `{"token_type":"sliding","exp":1795367160,"iat":1795366860,"jti":"JTI","refresh_exp":1795453200,"user_id":7}`)
	if next.JTI() != token.JTI() {
		t.Error("the id changed")
	}
	for value, want := range map[Value]string{
		"1795366800":     "Token 'refresh_exp' claim has expired",
		"1795366800.5":   "Token 'refresh_exp' claim has expired",
		"1795366800.75":  "",
		"1795366801":     "",
		`"1795453200"`:   "Token is invalid",
		"1e300":          "Token is invalid",
		"null":           "Token is invalid",
		"NaN":            "Token is invalid",
		"-1":             "Token 'refresh_exp' claim has expired",
		"-99999999999":   "Token is invalid", // before the year 1
		"99999999999999": "Token is invalid",
	} {
		token.Claims.Set("refresh_exp", value)
		if _, err := j.RefreshSliding(token, at); fault(t, err) != want {
			t.Errorf("refresh_exp %s: %v, want %q", value, err, want)
		}
	}
	if _, err := j.RefreshSliding(j.NewRefresh(Claimant{ID: "7"}, at), at); fault(t, err) != "Token has no 'refresh_exp' claim" {
		t.Errorf("without refresh_exp: %v", err)
	}
}

func TestOrderOfChecks(t *testing.T) {
	j := newTestJWTs(t, func(cfg *JWTConfig) { cfg.Audience, cfg.Issuer = Audience{Values: []string{"app"}}, "me" })
	listed := func(Token) (bool, error) { return true, nil }
	for _, c := range []struct{ kind, payload, want string }{
		{"access", `{"exp":1,"iat":4102444800}`, "Token is invalid"},
		{"access", `{"exp":1,"nbf":4102444800}`, "Token is invalid"},
		{"access", `{"exp":1,"iss":1,"aud":1,"sub":1,"jti":1}`, "Token is expired"},
		{"access", `{"exp":"1"}`, "Token is expired"},
		{"access", `{"exp":1795366800,"iss":"me","aud":"app"}`, "Token is expired"},
		{"access", `{"exp":1795366801,"jti":"a","token_type":"access","iss":"me","aud":"app"}`, ""},
		{"access", `{"exp":4102444800,"jti":"a","token_type":"access","iss":"me","aud":["x","app"]}`, ""},
		{"access", `{"exp":4102444800,"jti":"a","token_type":"access","iss":"me","aud":["app",1]}`, "Token is invalid"},
		{"access", `{"exp":4102444800,"jti":"a","token_type":"access","iss":"me","aud":[]}`, "Token is invalid"},
		{"access", `{"exp":4102444800,"jti":"a","token_type":"access","iss":"me","aud":"other"}`, "Token is invalid"},
		{"access", `{"exp":4102444800,"jti":"a","token_type":"access","iss":"me"}`, "Token is invalid"},
		{"access", `{"exp":4102444800,"jti":"a","token_type":"access","iss":"other","aud":"app"}`, "Token is invalid"},
		{"access", `{"exp":4102444800,"jti":"a","token_type":"access","aud":"app"}`, "Token is invalid"},
		{"refresh", `{"exp":1,"jti":"a","iss":"me","aud":"app"}`, "Token is expired"},
		{"refresh", `{"jti":"a","iss":"me","aud":"app"}`, "Token is blacklisted"},
		{"sliding", `{"exp":4102444800,"jti":"a","token_type":"refresh","iss":"me","aud":"app"}`, "Token is blacklisted"},
		{"refresh", `{"exp":4102444800,"token_type":"refresh","iss":"me","aud":"app"}`, "Token has no id"},
		{"access", `{"exp":4102444800,"jti":"a","token_type":"refresh","iss":"me","aud":"app"}`, "Token has wrong type"},
		{"access", `{"exp":4102444800,"jti":"a","token_type":["access"],"iss":"me","aud":"app"}`, "Token has wrong type"},
		{"access", `{"iss":"me","aud":"app"}`, "Token has no 'exp' claim"},
		{"access", `{"exp":4102444800,"iss":"me","aud":"app"}`, "Token has no id"},
		{"access", `{"exp":4102444800,"jti":"a","iss":"me","aud":"app"}`, "Token has no type"},
		{"", `{"exp":4102444800,"jti":"a","token_type":1,"iss":"me","aud":"app"}`, "Token is blacklisted"},
		{"", `{"jti":"a","iss":"me","aud":"app"}`, "Token has no 'exp' claim"},
		{"", `{"exp":4102444800,"iss":"me","aud":"app"}`, "Token has no id"},
		{"refresh", `{"exp":4102444800,"jti":"a\u0000","token_type":"refresh","iss":"me","aud":"app"}`, "Token is invalid"},
		{"refresh", `{"exp":4102444800,"jti":"` + strings.Repeat("x", 256) + `","token_type":"refresh","iss":"me","aud":"app"}`, "Token is invalid"},
		{"access", `{"exp":253402300799.5,"jti":"a","token_type":"access","iss":"me","aud":"app"}`, ""},
		{"access", `{"exp":253402300800,"jti":"a","token_type":"access","iss":"me","aud":"app"}`, "Token is invalid"},
	} {
		_, err := j.Decode(sign(t, j, `{"alg":"HS256","typ":"JWT"}`, c.payload), c.kind, at, listed)
		if got := fault(t, err); got != c.want {
			t.Errorf("%s token %s: %q, want %q", c.kind, c.payload, got, c.want)
		}
	}
	broken := errors.New("no database")
	raw, _ := j.Encode(j.NewRefresh(Claimant{ID: "1"}, at))
	if _, err := j.Decode(raw, "refresh", at, func(Token) (bool, error) { return false, broken }); err != broken {
		t.Errorf("the blacklist's own error comes back as %v", err)
	}
	if token, err := j.Decode(raw, "", at, func(Token) (bool, error) { return false, nil }); err != nil || token.Type != "refresh" {
		t.Errorf("untyped: %q, %v", token.Type, err)
	}
}

func TestLeeway(t *testing.T) {
	j := newTestJWTs(t, func(cfg *JWTConfig) { cfg.Leeway = 10 * time.Second })
	for payload, want := range map[string]string{
		`{"exp":1795366791,"jti":"a","token_type":"access"}`:                  "",
		`{"exp":1795366790,"jti":"a","token_type":"access"}`:                  "Token is expired",
		`{"exp":4102444800,"iat":1795366810,"jti":"a","token_type":"access"}`: "",
		`{"exp":4102444800,"iat":1795366811,"jti":"a","token_type":"access"}`: "Token is invalid",
		`{"exp":4102444800,"nbf":1795366810,"jti":"a","token_type":"access"}`: "",
		`{"exp":4102444800,"nbf":1795366811,"jti":"a","token_type":"access"}`: "Token is invalid",
	} {
		if _, err := j.Decode(sign(t, j, `{"alg":"HS256","typ":"JWT"}`, payload), "access", at, nil); fault(t, err) != want {
			t.Errorf("%s: %v, want %q", payload, err, want)
		}
	}
}

func TestClaimNamesAreConfigurable(t *testing.T) {
	id := "tid"
	j := newTestJWTs(t, func(cfg *JWTConfig) { cfg.TokenTypeClaim, cfg.JTIClaim = nil, &id })
	refresh := j.NewRefresh(Claimant{ID: "7"}, at)
	wantClaims(t, refresh, `{"null":"refresh","exp":1795453200,"iat":1795366800,"tid":"JTI","user_id":"7"}`)
	wantClaims(t, j.AccessFor(refresh, at), `{"null":"access","exp":1795367100,"iat":1795366800,"tid":"JTI","user_id":"7"}`)
	raw, _ := j.Encode(refresh)
	if _, err := j.Decode(raw, "access", at, nil); err != nil {
		t.Errorf("the type is checked: %v", err)
	}
	if _, err := j.Decode(sign(t, j, `{"alg":"HS256"}`, `{"exp":4102444800,"jti":"a"}`), "access", at, nil); fault(t, err) != "Token has no id" {
		t.Errorf("without the id: %v", err)
	}
}

// A type claim of None is called "null" once it has been read, and then is no claim that a refresh leaves out.
func TestTypeClaimNoneIsCopiedOnceRead(t *testing.T) {
	j := newTestJWTs(t, func(cfg *JWTConfig) { cfg.TokenTypeClaim = nil })
	made := j.NewRefresh(Claimant{ID: "1"}, time.Now())
	raw, err := j.Encode(made)
	if err != nil {
		t.Fatal(err)
	}
	read, err := j.Decode(raw, "refresh", time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		refresh Token
		want    Value
	}{{made, `"access"`}, {read, `"refresh"`}} {
		if got, _ := j.AccessFor(c.refresh, time.Now()).Claims.Get("null"); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestUserID(t *testing.T) {
	byKey := newTestJWTs(t, nil)
	byName := newTestJWTs(t, func(cfg *JWTConfig) { cfg.UserIDField = "username" })
	for _, c := range []struct {
		value     Value
		key, name string
		truthy    bool
	}{
		{`"1"`, "1", "1", true}, {`1`, "1", "1", true}, {`" 1 "`, "1", " 1 ", true}, {`1.5`, "1", "1", true}, {`true`, "1", "1", true},
		{`"007"`, "7", "007", true}, {`"abc"`, "abc", "abc", true}, {`"1.0"`, "1.0", "1.0", true}, {`"\u00e9"`, "é", "é", true},
		{`""`, "", "", false}, {`0`, "0", "0", false}, {`0.0`, "0", "0", false}, {`"0"`, "0", "0", true}, {`false`, "0", "0", false},
		{`null`, "", "", false}, {`[]`, "", "", false}, {`[1]`, "", "", true}, {`{"a":1}`, "", "", true}, {`NaN`, "", "", true},
		{`"0b7e8f5c-1d2a-4c3b-9e8d-7f6a5b4c3d2e"`, "0b7e8f5c-1d2a-4c3b-9e8d-7f6a5b4c3d2e", "0b7e8f5c-1d2a-4c3b-9e8d-7f6a5b4c3d2e", true},
	} {
		token := Token{Claims: Claims{{"user_id", c.value}}}
		if id, present := byKey.UserID(token); id != c.key || !present {
			t.Errorf("UserID of %s = %q, %v; want %q", c.value, id, present, c.key)
		}
		if id, present := byName.UserID(token); id != c.name || !present {
			t.Errorf("by name: UserID of %s = %q, %v; want %q", c.value, id, present, c.name)
		}
		if got := byKey.HasUserClaim(token); got != c.truthy {
			t.Errorf("HasUserClaim of %s = %v", c.value, got)
		}
	}
	if id, present := byKey.UserID(Token{}); id != "" || present || byKey.HasUserClaim(Token{}) {
		t.Errorf("without the claim: %q, %v", id, present)
	}
}

func TestRevokeMatches(t *testing.T) {
	on := newTestJWTs(t, func(cfg *JWTConfig) { cfg.CheckRevokeToken = true })
	for _, item := range readVectors(t).Revoke {
		token := on.NewRefresh(Claimant{ID: "1", Password: item.Password}, at)
		if got, _ := token.Claims.Get("hash_password"); got != TextValue(item.Hash) {
			t.Errorf("hash_password of %q = %s, want %s", item.Password, got, item.Hash)
		}
		if !on.RevokeMatches(token, item.Password) || on.RevokeMatches(token, item.Password+"x") {
			t.Errorf("%q: a match is told from none wrongly", item.Password)
		}
	}
	if on.RevokeMatches(Token{}, "") {
		t.Error("a token without the claim matches")
	}
	if off := newTestJWTs(t, nil); !off.RevokeMatches(Token{}, "") {
		t.Error("the claim is asked for although CHECK_REVOKE_TOKEN is off")
	}
}

func TestDecodeBoundsItsInput(t *testing.T) {
	j := newTestJWTs(t, nil)
	payload := func(filler string) string {
		return sign(t, j, `{"alg":"HS256","typ":"JWT"}`, `{"token_type":"access","exp":4102444800,"jti":"a","x":`+filler+`}`)
	}
	for name, c := range map[string]struct {
		raw, want string
	}{
		"long":         {payload(`"` + strings.Repeat("x", 11_000) + `"`), ""},
		"too long":     {payload(`"` + strings.Repeat("x", 13_000) + `"`), "Token is invalid"},
		"nested":       {payload(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)), ""},
		"nested more":  {payload(strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)), "Token is invalid"},
		"digits":       {payload(strings.Repeat("1", maxDigits)), ""},
		"more digits":  {payload(strings.Repeat("1", maxDigits+1)), "Token is invalid"},
		"empty":        {"", "Token is invalid"},
		"one dot":      {"a.b", "Token is invalid"},
		"stray bits":   {payload("1")[:len(payload("1"))-1] + string(payload("1")[len(payload("1"))-1]+1), "Token is invalid"},
		"line break":   {payload("1") + "\n", "Token is invalid"},
		"three pads":   {payload("1") + "===", "Token is invalid"},
		"pads too few": {payload("12") + "==", "Token is invalid"},
	} {
		if _, err := j.Decode(c.raw, "access", at, nil); fault(t, err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A header other than ours is read with care for time: thousands of names must not cost their square.
func TestHeaderWithManyNames(t *testing.T) {
	j := newTestJWTs(t, nil)
	var header strings.Builder
	header.WriteString(`{"alg":"none"`)
	for i := range 1100 {
		header.WriteString(`,"` + string(IntValue(int64(i))) + `":0`)
	}
	header.WriteString(`,"alg":"HS256"}`)
	raw := sign(t, j, header.String(), `{"token_type":"access","exp":4102444800,"jti":"a"}`)
	if _, err := j.Decode(raw, "access", at, nil); err != nil {
		t.Errorf("%d bytes: %v", len(raw), err)
	}
}

func FuzzDecode(f *testing.F) {
	j := hmacJWTs("HS256", testSecret)
	for _, item := range readVectors(f).JWT.Checks.Items {
		parts := strings.SplitN(item.Token, ".", 3)
		header, _ := decodeSegment(parts[0])
		payload, ok := decodeSegment(parts[min(1, len(parts)-1)])
		if ok {
			f.Add(item.Token, string(header), string(payload))
		}
	}
	f.Fuzz(func(t *testing.T, raw, header, payload string) {
		if _, err := j.Decode(raw, "access", at, nil); err == nil {
			parts := strings.Split(raw, ".")
			signer := j.ring.Load().signers[0]
			want, _ := signer.method.Sign(parts[0]+"."+parts[1], signer.signing)
			if got, _ := decodeSegment(parts[2]); !bytes.Equal(got, want) {
				t.Fatalf("an unsigned token passes: %s", raw)
			}
		}
		token, err := j.Decode(sign(t, j, header, payload), "", at, nil)
		if err != nil {
			return
		}
		// What is read is written as it was read, and stays so.
		text := token.Claims.AppendJSON(nil)
		again, ok := ParseClaims(string(text))
		if !ok || !bytes.Equal(again.AppendJSON(nil), text) {
			t.Errorf("%q becomes %s, then %s", payload, text, again.AppendJSON(nil))
		}
		j.UserID(token)
		j.RefreshSliding(token, at)
		if raw, err := j.Encode(j.AccessFor(token, at)); err != nil {
			t.Error(err)
		} else if _, err := j.Decode(raw, "access", at, nil); err != nil && len(raw) <= maxRaw {
			t.Errorf("an access token for %s: %v", text, err)
		}
	})
}

func benchJWTs(b *testing.B, alg string) *JWTs {
	v := readVectors(b).JWT.Asymmetric
	return newTestJWTs(b, func(cfg *JWTConfig) {
		if cfg.Algorithm = alg; alg == "RS256" {
			cfg.SigningKey, cfg.VerifyingKey = &v.RSAPrivate, v.RSAPublic
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			j := benchJWTs(b, alg)
			token := j.AccessFor(j.NewRefresh(Claimant{ID: "12345"}, at), at)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := j.Encode(token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			j := benchJWTs(b, alg)
			raw, err := j.Encode(j.AccessFor(j.NewRefresh(Claimant{ID: "12345"}, at), at))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := j.Decode(raw, "access", at, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewPair(b *testing.B) {
	j := newTestJWTs(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		j.AccessFor(j.NewRefresh(Claimant{ID: "12345"}, at), at)
	}
}

func TestMethodsAreTheOnesNamed(t *testing.T) {
	for name, method := range methods {
		want := name
		if name == "ES521" {
			want = "ES512"
		}
		if method.Alg() != want {
			t.Errorf("%s is %s", name, method.Alg())
		}
	}
}
