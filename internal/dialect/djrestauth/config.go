package djrestauth

import "latchkey/internal/drf"

// Config is the REST_AUTH setting, under dj-rest-auth's own names.
type Config struct {
	// Logins answer JWTs, and there are `token/verify/` and `token/refresh/`.
	UseJWT bool `yaml:"USE_JWT"`
	// Logins make a Django session, and logout ends it.
	SessionLogin bool `yaml:"SESSION_LOGIN"`
	// Without `USE_JWT`: this, whose key a login answers, or `null` for sessions alone.
	TokenModel *string `yaml:"TOKEN_MODEL"`
	// Only this.
	TokenCreator string `yaml:"TOKEN_CREATOR"`
	// The cookie with the access token. `dj_rest_auth.jwt_auth.JWTCookieAuthentication` among `DEFAULT_AUTHENTICATION_CLASSES` reads it.
	JWTAuthCookie *string `yaml:"JWT_AUTH_COOKIE"`
	// The cookie with the refresh token.
	JWTAuthRefreshCookie *string `yaml:"JWT_AUTH_REFRESH_COOKIE"`
	// The path of that cookie.
	JWTAuthRefreshCookiePath string `yaml:"JWT_AUTH_REFRESH_COOKIE_PATH"`
	// Send the two over https only.
	JWTAuthSecure bool `yaml:"JWT_AUTH_SECURE"`
	// Keep them from scripts, and refresh tokens out of bodies, whether a cookie is named or not; logout then reads the cookie alone.
	JWTAuthHTTPOnly bool `yaml:"JWT_AUTH_HTTPONLY"`
	// Their SameSite.
	JWTAuthSameSite drf.SameSite `yaml:"JWT_AUTH_SAMESITE"`
	// Their Domain.
	JWTAuthCookieDomain *string `yaml:"JWT_AUTH_COOKIE_DOMAIN"`
	// A login tells when its tokens expire, in `TIME_ZONE`.
	JWTAuthReturnExpiration bool `yaml:"JWT_AUTH_RETURN_EXPIRATION"`
	// Ask for Django's CSRF token where the cookie signs a request in. The safe profile refuses other sites by `Origin` and `Sec-Fetch-Site` in any case.
	JWTAuthCookieUseCSRF bool `yaml:"JWT_AUTH_COOKIE_USE_CSRF"`
	// Ask for it in every unsafe request without an `Authorization` header.
	JWTAuthCookieEnforceCSRFOnUnauthenticated bool `yaml:"JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED"`
	// `password/change/` asks for the old password.
	OldPasswordFieldEnabled bool `yaml:"OLD_PASSWORD_FIELD_ENABLED"`
	// The caller's session ends with the old password.
	LogoutOnPasswordChange bool `yaml:"LOGOUT_ON_PASSWORD_CHANGE"`
	// Reset mails lead to `DOMAIN`, or the site's, whatever host was asked; in the safe profile only, as the original does nothing.
	PasswordResetUseSitesDomain bool `yaml:"PASSWORD_RESET_USE_SITES_DOMAIN"`
	// Who may register, by the classes listed under `DJOSER.PERMISSIONS`.
	RegisterPermissionClasses []string `yaml:"REGISTER_PERMISSION_CLASSES"`
	// Only this: Python classes cannot run here.
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
