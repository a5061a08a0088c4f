package config

import (
	"slices"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/dialect/djrestauth"
)

func (c *checker) restAuth() {
	r, d := &c.RestAuth, djrestauth.DefaultConfig()
	if r.TokenModel != nil && *r.TokenModel != *d.TokenModel {
		c.bad("REST_AUTH.TOKEN_MODEL", "only the token model of REST framework is known here", "write "+*d.TokenModel+", or null for no token keys")
	}
	if c.Mounted(DjRestAuth, DjRestAuthRegistration) && !r.UseJWT && r.TokenModel == nil && !r.SessionLogin {
		c.bad("REST_AUTH.SESSION_LOGIN", "without JWTs, token keys and sessions a login gives nothing", "turn USE_JWT or SESSION_LOGIN on, or leave TOKEN_MODEL out")
	}
	for _, class := range []struct{ name, value, want string }{
		{"TOKEN_CREATOR", r.TokenCreator, d.TokenCreator},
		{"LOGIN_SERIALIZER", r.LoginSerializer, d.LoginSerializer},
		{"TOKEN_SERIALIZER", r.TokenSerializer, d.TokenSerializer},
		{"JWT_SERIALIZER", r.JWTSerializer, d.JWTSerializer},
		{"JWT_SERIALIZER_WITH_EXPIRATION", r.JWTSerializerWithExpiration, d.JWTSerializerWithExpiration},
		{"JWT_TOKEN_CLAIMS_SERIALIZER", r.JWTTokenClaimsSerializer, d.JWTTokenClaimsSerializer},
		{"USER_DETAILS_SERIALIZER", r.UserDetailsSerializer, d.UserDetailsSerializer},
		{"PASSWORD_RESET_SERIALIZER", r.PasswordResetSerializer, d.PasswordResetSerializer},
		{"PASSWORD_RESET_CONFIRM_SERIALIZER", r.PasswordResetConfirmSerializer, d.PasswordResetConfirmSerializer},
		{"PASSWORD_CHANGE_SERIALIZER", r.PasswordChangeSerializer, d.PasswordChangeSerializer},
		{"REGISTER_SERIALIZER", r.RegisterSerializer, d.RegisterSerializer},
	} {
		if class.value != class.want {
			c.bad("REST_AUTH."+class.name, "Python classes cannot run here", "remove it; login_fields adds columns to a login answer")
		}
	}
	c.eachOf("REST_AUTH.REGISTER_PERMISSION_CLASSES", r.RegisterPermissionClasses, permissionClasses...)
	c.jwtCookies()
}

// jwtCookies checks the two cookies that may hold tokens.
func (c *checker) jwtCookies() {
	r := &c.RestAuth
	domain := ""
	if r.JWTAuthCookieDomain != nil {
		domain = *r.JWTAuthCookieDomain
	}
	for _, cookie := range []struct {
		key  string
		name *string
	}{{"REST_AUTH.JWT_AUTH_COOKIE", r.JWTAuthCookie}, {"REST_AUTH.JWT_AUTH_REFRESH_COOKIE", r.JWTAuthRefreshCookie}} {
		if cookie.name != nil && !cookieName.MatchString(*cookie.name) {
			c.bad(cookie.key, "this is no name for a cookie", "write letters, digits, hyphens and underscores, or null for no cookie")
		}
	}
	if r.JWTAuthCookie != nil && r.JWTAuthRefreshCookie != nil && *r.JWTAuthCookie == *r.JWTAuthRefreshCookie {
		c.bad("REST_AUTH.JWT_AUTH_REFRESH_COOKIE", "it has the name of the access cookie", "give it another")
	}
	if domain != "" && !domainName.MatchString(domain) {
		c.bad("REST_AUTH.JWT_AUTH_COOKIE_DOMAIN", "this is no domain", "write one as in example.com, or leave it out")
	}
	path := r.JWTAuthRefreshCookiePath
	if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == ';' || r > '~' }) {
		c.bad("REST_AUTH.JWT_AUTH_REFRESH_COOKIE_PATH", "this is no path for a cookie", "begin it with /")
	}
	if site := r.JWTAuthSameSite; site != "" {
		c.oneOf("REST_AUTH.JWT_AUTH_SAMESITE", string(site), "Lax", "Strict", "None")
		if site == "None" && !r.JWTAuthSecure {
			c.notes = append(c.notes, "REST_AUTH.JWT_AUTH_SAMESITE is None without JWT_AUTH_SECURE: browsers refuse such cookies.")
		}
	}
}

// allauth checks allauth's settings and refuses those that cannot work with the routes there are, where the reference answers 500.
func (c *checker) allauth() {
	a, d := &c.Account, account.DefaultConfig()
	c.oneOf("ACCOUNT_EMAIL_VERIFICATION", string(a.EmailVerification), "none", "optional", "mandatory")
	c.oneOf("ACCOUNT_PREVENT_ENUMERATION", string(a.PreventEnumeration), "true", "false", "strict")
	c.oneOf("ACCOUNT_DEFAULT_HTTP_PROTOCOL", a.DefaultHTTPProtocol, "http", "https")
	if a.AuthenticationMethod != nil {
		c.oneOf("ACCOUNT_AUTHENTICATION_METHOD", *a.AuthenticationMethod, "username", "email", "username_email")
	}
	if len(a.LoginMethods) == 0 {
		c.bad("ACCOUNT_LOGIN_METHODS", "nobody could log in", "name username, email, or both")
	}
	if !c.IsGiven("ACCOUNT_AUTHENTICATION_METHOD") || c.IsGiven("ACCOUNT_LOGIN_METHODS") {
		c.eachOf("ACCOUNT_LOGIN_METHODS", a.LoginMethods, "username", "email")
	}
	if slices.Contains(a.LoginMethods, "email") && !a.UniqueEmail {
		c.bad("ACCOUNT_UNIQUE_EMAIL", "people log in by e-mail, so an address must be one user's", "turn it on, as allauth itself asks")
	}
	c.eachOf("ACCOUNT_SIGNUP_FIELDS", a.SignupFields, "email", "email*", "email2", "email2*", "username", "username*", "password1", "password1*", "password2", "password2*",
		"first_name", "first_name*", "last_name", "last_name*")
	if _, err := a.Cooldown(); err != nil {
		c.bad("ACCOUNT_RATE_LIMITS", err.Error(), "write false, or {confirm_email: 1/3m/key}")
	}
	for _, number := range []struct {
		key          string
		value, least int
	}{
		{"ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS", a.EmailConfirmationExpireDays, 0}, {"ACCOUNT_USERNAME_MIN_LENGTH", a.UsernameMinLength, 0},
		{"ACCOUNT_PASSWORD_MIN_LENGTH", a.PasswordMinLength, 0}, {"ACCOUNT_EMAIL_MAX_LENGTH", a.EmailMaxLength, 6},
	} {
		if number.value < number.least || number.value > 36500 {
			c.bad(number.key, "this number makes no sense", "leave it out for the default")
		}
	}
	for _, fixed := range []struct{ key, value, want, mend string }{
		{"ACCOUNT_ADAPTER", a.Adapter, d.Adapter, "remove it: Python classes cannot run here"},
		{"ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR", a.PasswordResetTokenGenerator, d.PasswordResetTokenGenerator, "remove it: Python classes cannot run here"},
	} {
		if fixed.value != fixed.want {
			c.bad(fixed.key, "only "+fixed.want+" is known here", fixed.mend)
		}
	}
	for _, column := range []struct {
		key         string
		value, want *string
	}{
		{"ACCOUNT_USER_MODEL_USERNAME_FIELD", a.UserModelUsernameField, d.UserModelUsernameField},
		{"ACCOUNT_USER_MODEL_EMAIL_FIELD", a.UserModelEmailField, d.UserModelEmailField},
	} {
		if !c.ownUserModel() && (column.value == nil || *column.value != *column.want) {
			c.bad(column.key, "only "+*column.want+" is known here", "remove it: the user table has Django's own columns")
		}
	}
	if a.UsernameValidators != nil {
		c.bad("ACCOUNT_USERNAME_VALIDATORS", "Python code cannot run here", "remove it: names are held to Django's own rule")
	}
	for key, on := range map[string]bool{
		"ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED": a.EmailVerificationByCodeEnabled, "ACCOUNT_LOGIN_BY_CODE_REQUIRED": a.LoginByCodeRequired,
	} {
		if on {
			c.bad(key, "codes would be mailed that no path takes", "remove it")
		}
	}
}
