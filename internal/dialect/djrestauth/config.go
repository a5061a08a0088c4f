package djrestauth

import "latchkey/internal/drf"

// Config is the REST_AUTH setting, under dj-rest-auth's own names.
type Config struct {
	// UseJWT answers logins with JWTs, and serves token/verify/ and token/refresh/.
	UseJWT bool `yaml:"USE_JWT"`
	// SessionLogin makes a Django session at login and ends it at logout.
	SessionLogin bool `yaml:"SESSION_LOGIN"`
	// TokenModel is DRF's token model, or nil (None): no token keys.
	TokenModel *string `yaml:"TOKEN_MODEL"`
	// TokenCreator names dj-rest-auth's own way to get a key; another one is refused at the start.
	TokenCreator string `yaml:"TOKEN_CREATOR"`
	// JWTAuthCookie and JWTAuthRefreshCookie name the cookies that hold the tokens; nil for none.
	JWTAuthCookie        *string `yaml:"JWT_AUTH_COOKIE"`
	JWTAuthRefreshCookie *string `yaml:"JWT_AUTH_REFRESH_COOKIE"`
	// JWTAuthRefreshCookiePath is the path of the second.
	JWTAuthRefreshCookiePath string `yaml:"JWT_AUTH_REFRESH_COOKIE_PATH"`
	// JWTAuthSecure, JWTAuthHTTPOnly, JWTAuthSameSite and JWTAuthCookieDomain are their attributes. HTTPOnly also keeps refresh tokens out of bodies.
	JWTAuthSecure       bool         `yaml:"JWT_AUTH_SECURE"`
	JWTAuthHTTPOnly     bool         `yaml:"JWT_AUTH_HTTPONLY"`
	JWTAuthSameSite     drf.SameSite `yaml:"JWT_AUTH_SAMESITE"`
	JWTAuthCookieDomain *string      `yaml:"JWT_AUTH_COOKIE_DOMAIN"`
	// JWTAuthReturnExpiration adds the times of expiry to the answer of a login.
	JWTAuthReturnExpiration bool `yaml:"JWT_AUTH_RETURN_EXPIRATION"`
	// JWTAuthCookieUseCSRF asks for Django's CSRF token where the access cookie signs a request in.
	JWTAuthCookieUseCSRF bool `yaml:"JWT_AUTH_COOKIE_USE_CSRF"`
	// JWTAuthCookieEnforceCSRFOnUnauthenticated asks for it in every unsafe request without Authorization header.
	JWTAuthCookieEnforceCSRFOnUnauthenticated bool `yaml:"JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED"`
	// OldPasswordFieldEnabled asks for the old password where a new one is set.
	OldPasswordFieldEnabled bool `yaml:"OLD_PASSWORD_FIELD_ENABLED"`
	// LogoutOnPasswordChange lets the caller's session end with the old password.
	LogoutOnPasswordChange bool `yaml:"LOGOUT_ON_PASSWORD_CHANGE"`
	// PasswordResetUseSitesDomain leads the links of reset mails to the site's domain, in the safe profile; in the reference it does nothing.
	PasswordResetUseSitesDomain bool `yaml:"PASSWORD_RESET_USE_SITES_DOMAIN"`
	// RegisterPermissionClasses say who may register.
	RegisterPermissionClasses []string `yaml:"REGISTER_PERMISSION_CLASSES"`
	// The serializers name Python classes; only the default ones are accepted.
	LoginSerializer                string `yaml:"LOGIN_SERIALIZER"`
	TokenSerializer                string `yaml:"TOKEN_SERIALIZER"`
	JWTSerializer                  string `yaml:"JWT_SERIALIZER"`
	JWTSerializerWithExpiration    string `yaml:"JWT_SERIALIZER_WITH_EXPIRATION"`
	JWTTokenClaimsSerializer       string `yaml:"JWT_TOKEN_CLAIMS_SERIALIZER"`
	UserDetailsSerializer          string `yaml:"USER_DETAILS_SERIALIZER"`
	PasswordResetSerializer        string `yaml:"PASSWORD_RESET_SERIALIZER"`
	PasswordResetConfirmSerializer string `yaml:"PASSWORD_RESET_CONFIRM_SERIALIZER"`
	PasswordChangeSerializer       string `yaml:"PASSWORD_CHANGE_SERIALIZER"`
	RegisterSerializer             string `yaml:"REGISTER_SERIALIZER"`
}

// DefaultConfig holds dj-rest-auth's defaults.
func DefaultConfig() Config {
	model := "rest_framework.authtoken.models.Token"
	const serializers = "dj_rest_auth.serializers."
	return Config{
		SessionLogin:                   true,
		TokenModel:                     &model,
		TokenCreator:                   "dj_rest_auth.utils.default_create_token",
		JWTAuthRefreshCookiePath:       "/",
		JWTAuthHTTPOnly:                true,
		JWTAuthSameSite:                "Lax",
		RegisterPermissionClasses:      []string{"rest_framework.permissions.AllowAny"},
		LoginSerializer:                serializers + "LoginSerializer",
		TokenSerializer:                serializers + "TokenSerializer",
		JWTSerializer:                  serializers + "JWTSerializer",
		JWTSerializerWithExpiration:    serializers + "JWTSerializerWithExpiration",
		JWTTokenClaimsSerializer:       "rest_framework_simplejwt.serializers.TokenObtainPairSerializer",
		UserDetailsSerializer:          serializers + "UserDetailsSerializer",
		PasswordResetSerializer:        serializers + "PasswordResetSerializer",
		PasswordResetConfirmSerializer: serializers + "PasswordResetConfirmSerializer",
		PasswordChangeSerializer:       serializers + "PasswordChangeSerializer",
		RegisterSerializer:             "dj_rest_auth.registration.serializers.RegisterSerializer",
	}
}
