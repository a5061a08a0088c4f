package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/dialect/djoser"
	"latchkey/internal/throttle"
	"latchkey/internal/tokens"
)

// djoserPlaceholders are those of the link settings. djoser's own also take {user}, whose attributes would put anything of the user's row
// into a mail.
var djoserPlaceholders = []string{"uid", "token", "protocol", "domain", "site_name"}

func (c *checker) djoser() {
	d := &c.Djoser
	if d.UserIDField != "" && !c.ownUserModel() {
		c.oneOf("DJOSER.USER_ID_FIELD", d.UserIDField, idColumns...)
	}
	if d.LoginField != "" && !c.ownUserModel() {
		c.oneOf("DJOSER.LOGIN_FIELD", d.LoginField, nameColumns...)
	}
	c.djoserURLs()
	if d.EmailFrontendDomain != nil && !isDomain(*d.EmailFrontendDomain) {
		c.bad("DJOSER.EMAIL_FRONTEND_DOMAIN", "this is no domain", "write one as in app.example.com, without https://")
	}
	if p := d.EmailFrontendProtocol; p != nil && !regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`).MatchString(*p) {
		c.bad("DJOSER.EMAIL_FRONTEND_PROTOCOL", "this is no protocol", "write https, or null for that of the request")
	}
	model := *djoser.DefaultConfig().TokenModel
	if d.TokenModel != nil && *d.TokenModel != model {
		c.bad("DJOSER.TOKEN_MODEL", "only the token model of REST framework is known here", "write "+model+", or null for no token keys")
	}
	for _, f := range fieldsOf(reflect.ValueOf(&d.Permissions).Elem()) {
		c.eachOf("DJOSER.PERMISSIONS."+f.name, f.value.Interface().([]string), permissionClasses...)
	}
	c.djoserClasses("SERIALIZERS", d.Serializers, "fields beyond Django's own cannot come from a serializer here: login_fields and user_model say what is shown and asked for")
	c.djoserClasses("EMAIL", d.Email, "to word a mail, put a file of its name into mail_templates")
	c.djoserClasses("CONSTANTS", d.Constants, "remove it")
	if s := d.SocialAuthTokenStrategy; s != "" && s != "djoser.social.token.jwt.TokenStrategy" {
		c.bad("DJOSER.SOCIAL_AUTH_TOKEN_STRATEGY", "sign-in by other providers is not served", "remove it")
	}
	if len(d.SocialAuthAllowedRedirectURIs) > 0 {
		c.bad("DJOSER.SOCIAL_AUTH_ALLOWED_REDIRECT_URIS", "sign-in by other providers is not served", "remove it")
	}
	for _, name := range slices.Sorted(maps.Keys(d.WebAuthn)) {
		if want, known := webauthnDefaults[name]; !known || d.WebAuthn[name] != want {
			c.bad("DJOSER.WEBAUTHN", "passkeys are not served", "remove it")
		}
	}
}

// djoserURLs checks the three links of djoser's mails, which the reference only finds wanting when the first mail is due.
func (c *checker) djoserURLs() {
	d := &c.Djoser
	if d.SendActivationEmail && (d.ActivationURL == nil || *d.ActivationURL == "") {
		c.bad("DJOSER.ACTIVATION_URL", "activation mails are on and have no link", "set it, as to "+defaultActivationURL+", or turn SEND_ACTIVATION_EMAIL off")
	}
	for _, u := range []struct {
		name string
		url  *string
	}{
		{"ACTIVATION_URL", d.ActivationURL},
		{"PASSWORD_RESET_CONFIRM_URL", d.PasswordResetConfirmURL},
		{"USERNAME_RESET_CONFIRM_URL", d.UsernameResetConfirmURL},
	} {
		key := "DJOSER." + u.name
		if u.name != "ACTIVATION_URL" && (u.url == nil || *u.url == "") {
			c.bad(key, "its mails would have no link", "leave it out for the default, or write a path with {uid} and {token}")
		}
		if u.url == nil || *u.url == "" {
			continue
		}
		c.template(key, *u.url, djoserPlaceholders)
		if strings.HasPrefix(*u.url, "https://") || strings.HasPrefix(*u.url, "http://") {
			c.bad(key, "it is added to protocol and domain, and must not bring its own", "set EMAIL_FRONTEND_PROTOCOL and EMAIL_FRONTEND_DOMAIN")
		}
		if !strings.Contains(*u.url, "{uid}") || !strings.Contains(*u.url, "{token}") {
			c.notes = append(c.notes, key+" lacks {uid} or {token}: its links cannot be used.")
		}
	}
}

// djoserClasses checks a setting that names Python classes: each must be djoser's own.
func (c *checker) djoserClasses(setting string, classes map[string]string, mend string) {
	known := djoserClasses[setting]
	names := slices.Sorted(maps.Keys(known))
	for _, name := range slices.Sorted(maps.Keys(classes)) {
		key := "DJOSER." + setting + "." + name
		switch want, ok := known[name]; {
		case !ok:
			c.bad(key, "djoser has no such entry", didYouMean(name, names))
		case classes[name] != want:
			c.bad(key, "Python classes cannot run here", mend)
		}
	}
}

func (c *checker) jwt() {
	j, d := &c.SimpleJWT, tokens.DefaultJWTConfig()
	if !c.ownUserModel() {
		c.oneOf("SIMPLE_JWT.USER_ID_FIELD", j.UserIDField, idColumns...)
	}
	c.eachOf("SIMPLE_JWT.AUTH_TOKEN_CLASSES", j.AuthTokenClasses, tokenClasses...)
	if !wsgiHeader.MatchString(j.AuthHeaderName) {
		c.bad("SIMPLE_JWT.AUTH_HEADER_NAME", "headers are named here as WSGI does", "write HTTP_AUTHORIZATION for Authorization")
	}
	if len(j.AuthHeaderTypes) == 0 || slices.ContainsFunc(j.AuthHeaderTypes, func(s string) bool { return s == "" || strings.ContainsAny(s, " \t\r\n\"") }) {
		c.bad("SIMPLE_JWT.AUTH_HEADER_TYPES", "it is a list of single words", "write [Bearer]")
	}
	for _, class := range []struct{ name, value, want string }{
		{"USER_AUTHENTICATION_RULE", j.UserAuthenticationRule, d.UserAuthenticationRule},
		{"TOKEN_USER_CLASS", j.TokenUserClass, d.TokenUserClass},
		{"TOKEN_OBTAIN_SERIALIZER", j.TokenObtainSerializer, d.TokenObtainSerializer},
		{"TOKEN_REFRESH_SERIALIZER", j.TokenRefreshSerializer, d.TokenRefreshSerializer},
		{"TOKEN_VERIFY_SERIALIZER", j.TokenVerifySerializer, d.TokenVerifySerializer},
		{"TOKEN_BLACKLIST_SERIALIZER", j.TokenBlacklistSerializer, d.TokenBlacklistSerializer},
		{"SLIDING_TOKEN_OBTAIN_SERIALIZER", j.SlidingTokenObtainSerializer, d.SlidingTokenObtainSerializer},
		{"SLIDING_TOKEN_REFRESH_SERIALIZER", j.SlidingTokenRefreshSerializer, d.SlidingTokenRefreshSerializer},
	} {
		if class.value != class.want {
			c.bad("SIMPLE_JWT."+class.name, "Python classes cannot run here", "remove it; login_fields adds columns to a login answer")
		}
	}
	for _, callable := range []struct {
		name  string
		value *string
	}{{"JWK_URL", j.JWKURL}, {"JSON_ENCODER", j.JSONEncoder}, {"ON_LOGIN_SUCCESS", j.OnLoginSuccess}, {"ON_LOGIN_FAILED", j.OnLoginFailed}} {
		if callable.value != nil {
			c.bad("SIMPLE_JWT."+callable.name, "Python code cannot run here, nor are keys fetched from elsewhere", "remove it")
		}
	}
	c.jwtClaims()
	c.jwtKeys()
}

// jwtClaims checks that the configurable claims are there and do not get into each other's way.
func (c *checker) jwtClaims() {
	j := &c.SimpleJWT
	if j.JTIClaim == nil {
		return // which tokens.NewJWTs refuses
	}
	taken := map[string]string{"exp": "the time of expiry", "iat": "the time of issue", "aud": "AUDIENCE", "iss": "ISSUER"}
	claims := []struct{ name, claim string }{
		{"USER_ID_CLAIM", j.UserIDClaim}, {"JTI_CLAIM", *j.JTIClaim}, {"SLIDING_TOKEN_REFRESH_EXP_CLAIM", j.SlidingTokenRefreshExpClaim},
		{"REVOKE_TOKEN_CLAIM", j.RevokeTokenClaim},
	}
	if j.TokenTypeClaim != nil {
		claims = append(claims, struct{ name, claim string }{"TOKEN_TYPE_CLAIM", *j.TokenTypeClaim})
	}
	for _, claim := range claims {
		if other, ok := taken[claim.claim]; ok || claim.claim == "" {
			message := "a claim needs a name"
			if ok {
				message = fmt.Sprintf("the claim %q holds %s already", claim.claim, other)
			}
			c.bad("SIMPLE_JWT."+claim.name, message, "leave it out for the default")
		}
		taken[claim.claim] = claim.name
	}
}

// keyFolder checks what goes beyond SimpleJWT's one pair of keys.
func (c *checker) keyFolder() {
	j := &c.SimpleJWT
	if c.JWTKeys == "" && c.JWTKeyID && tokens.IsHMAC(j.Algorithm) {
		c.bad("jwt_key_id", j.Algorithm+" has no public key that a token could name", "remove it, or set SIMPLE_JWT.ALGORITHM to RS256 or its like")
	}
	if c.JWTOldTokensUntil != "" {
		var err error
		if j.OldUntil, err = time.Parse(time.RFC3339, c.JWTOldTokensUntil); err != nil {
			j.OldUntil, err = time.Parse(time.DateOnly, c.JWTOldTokensUntil)
		}
		switch {
		case err != nil:
			c.bad("jwt_old_tokens_until", strconv.Quote(c.JWTOldTokensUntil)+" is no time", "write one as in 2026-03-01 or 2026-03-01T12:00:00Z")
		case c.JWTKeys == "":
			c.bad("jwt_old_tokens_until", "without jwt_keys no tokens are old", "remove it")
		}
		return
	}
	for _, key := range []string{"SIGNING_KEY", "SIGNING_KEY_FILE", "VERIFYING_KEY", "VERIFYING_KEY_FILE"} {
		if key = "SIMPLE_JWT." + key; c.JWTKeys != "" && c.IsGiven(key) {
			c.bad(key, "jwt_keys takes its place", "remove it, or name with jwt_old_tokens_until how long its tokens are still good")
		}
	}
}

// jwtKeys lets tokens.NewJWTs read the keys and judge them. Development has no secret key yet, so one of the right length stands in.
func (c *checker) jwtKeys() {
	j := &c.SimpleJWT
	if j.SigningKey != nil && j.SigningKeyFile != "" {
		c.bad("SIMPLE_JWT.SIGNING_KEY_FILE", "SIGNING_KEY is set too", "keep one of them")
	}
	if j.VerifyingKey != "" && j.VerifyingKeyFile != "" {
		c.bad("SIMPLE_JWT.VERIFYING_KEY_FILE", "VERIFYING_KEY is set too", "keep one of them")
	}
	keys := tokens.Keys{Secret: string(c.SecretKey), Fallbacks: c.SecretKeyFallbacks}
	if keys.Secret == "" {
		keys.Secret = strings.Repeat("x", 64) // enough for HS512, as is DevelopmentSecret
	}
	if c.JWTKeys != "" && c.withoutKeys {
		return
	}
	_, err := tokens.NewJWTs(*j, keys, c.location)
	c.judged("SIMPLE_JWT", err)
}

// rates checks the rates of a mapping by scope.
func (c *checker) rates(key string, rates map[string]*string) {
	for _, scope := range slices.Sorted(maps.Keys(rates)) {
		if rate := rates[scope]; rate != nil && !isRate(*rate) {
			c.bad(key+"."+scope, "this is no rate", "write one as in 100/hour, with s, m, h or d, or null for none")
		}
	}
}

func isRate(text string) bool {
	_, err := throttle.ParseRate(text)
	return err == nil
}

func (c *checker) rest() {
	r := &c.RESTFramework
	c.eachOf("REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES", r.DefaultAuthenticationClasses, authenticationClasses...)
	c.eachOf("REST_FRAMEWORK.DEFAULT_PERMISSION_CLASSES", r.DefaultPermissionClasses, permissionClasses...)
	c.eachOf("REST_FRAMEWORK.DEFAULT_PARSER_CLASSES", r.DefaultParserClasses, parserClasses...)
	c.eachOf("REST_FRAMEWORK.DEFAULT_RENDERER_CLASSES", r.DefaultRendererClasses, jsonRenderer, browsableRenderer)
	c.eachOf("REST_FRAMEWORK.DEFAULT_THROTTLE_CLASSES", r.DefaultThrottleClasses, slices.Sorted(maps.Keys(throttleScopes))...)
	if len(r.DefaultParserClasses) == 0 {
		c.bad("REST_FRAMEWORK.DEFAULT_PARSER_CLASSES", "no request could be read", "name one, as "+parserClasses[0])
	}
	if !slices.Contains(r.DefaultRendererClasses, jsonRenderer) {
		c.bad("REST_FRAMEWORK.DEFAULT_RENDERER_CLASSES", "answers are JSON here", "name "+jsonRenderer)
	}
	if slices.Contains(r.DefaultRendererClasses, browsableRenderer) {
		c.notes = append(c.notes, "REST_FRAMEWORK.DEFAULT_RENDERER_CLASSES names the browsable API, which is not served: answers are JSON.")
	}
	c.rates("REST_FRAMEWORK.DEFAULT_THROTTLE_RATES", r.DefaultThrottleRates)
	for _, class := range r.DefaultThrottleClasses {
		scope := throttleScopes[class]
		if _, ok := r.DefaultThrottleRates[scope]; scope == "" || ok {
			continue
		}
		if len(r.DefaultThrottleRates) > 0 {
			c.bad("REST_FRAMEWORK.DEFAULT_THROTTLE_RATES."+scope, class+" has no rate", "write one as in 100/hour, or null to switch it off")
		} else {
			c.notes = append(c.notes, class+" has no rate in DEFAULT_THROTTLE_RATES: it limits nothing.")
		}
	}
	if r.NumProxies != nil && *r.NumProxies < 0 {
		c.bad("REST_FRAMEWORK.NUM_PROXIES", "a number of proxies cannot be negative", "write 0 for none")
	}
	if r.NonFieldErrorsKey == "" {
		c.bad("REST_FRAMEWORK.NON_FIELD_ERRORS_KEY", "errors need a key to stand under", "the default is non_field_errors")
	}
}
