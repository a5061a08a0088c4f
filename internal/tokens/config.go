package tokens

import "time"

// JWTConfig is the SIMPLE_JWT setting, under SimpleJWT's own names.
type JWTConfig struct {
	// AccessTokenLifetime is how long an access token is good, from the moment its refresh token was made or read.
	AccessTokenLifetime time.Duration `yaml:"ACCESS_TOKEN_LIFETIME"`
	// RefreshTokenLifetime is how long a refresh token is good.
	RefreshTokenLifetime time.Duration `yaml:"REFRESH_TOKEN_LIFETIME"`
	// SlidingTokenLifetime is how long a sliding token signs requests in before it must be refreshed.
	SlidingTokenLifetime time.Duration `yaml:"SLIDING_TOKEN_LIFETIME"`
	// SlidingTokenRefreshLifetime is how long a sliding token can be refreshed.
	SlidingTokenRefreshLifetime time.Duration `yaml:"SLIDING_TOKEN_REFRESH_LIFETIME"`
	// RotateRefreshTokens hands out a new refresh token at every refresh.
	RotateRefreshTokens bool `yaml:"ROTATE_REFRESH_TOKENS"`
	// BlacklistAfterRotation ends the old refresh token when a new one is handed out.
	BlacklistAfterRotation bool `yaml:"BLACKLIST_AFTER_ROTATION"`
	// UpdateLastLogin stamps auth_user.last_login at jwt/create and jwt/sliding.
	UpdateLastLogin bool `yaml:"UPDATE_LAST_LOGIN"`
	// Algorithm signs and checks tokens: HS, RS, ES or PS with 256, 384 or 512, ES256K, ES521, EdDSA.
	Algorithm string `yaml:"ALGORITHM"`
	// SigningKey is the HMAC secret or the PEM private key; the secret key when absent (nil).
	SigningKey *string `yaml:"SIGNING_KEY"`
	// SigningKeyFile names a file with the signing key, instead of SigningKey.
	SigningKeyFile string `yaml:"SIGNING_KEY_FILE"`
	// VerifyingKey is the PEM public key of the asymmetric algorithms.
	VerifyingKey string `yaml:"VERIFYING_KEY"`
	// VerifyingKeyFile names a file with the verifying key, instead of VerifyingKey.
	VerifyingKeyFile string `yaml:"VERIFYING_KEY_FILE"`
	// Audience is the aud claim of new tokens, text or list, and then required of tokens.
	Audience Audience `yaml:"AUDIENCE"`
	// Issuer is the iss claim of new tokens, and then required of tokens.
	Issuer string `yaml:"ISSUER"`
	// JWKURL would fetch verifying keys from elsewhere; it is refused at the start.
	JWKURL *string `yaml:"JWK_URL"`
	// JSONEncoder names a Python class; it is refused at the start.
	JSONEncoder *string `yaml:"JSON_ENCODER"`
	// Leeway is allowed on exp, nbf, iat and refresh_exp.
	Leeway time.Duration `yaml:"LEEWAY"`
	// AuthHeaderTypes are the words accepted before a token, compared with case; the first names the WWW-Authenticate scheme.
	AuthHeaderTypes []string `yaml:"AUTH_HEADER_TYPES"`
	// AuthHeaderName is the request header in WSGI spelling, HTTP_AUTHORIZATION.
	AuthHeaderName string `yaml:"AUTH_HEADER_NAME"`
	// UserIDField is the user column that tokens name their user by.
	UserIDField string `yaml:"USER_ID_FIELD"`
	// UserIDClaim is the claim that holds it.
	UserIDClaim string `yaml:"USER_ID_CLAIM"`
	// UserAuthenticationRule names SimpleJWT's default rule; another one is refused at the start.
	UserAuthenticationRule string `yaml:"USER_AUTHENTICATION_RULE"`
	// CheckUserIsActive refuses tokens of inactive users.
	CheckUserIsActive bool `yaml:"CHECK_USER_IS_ACTIVE"`
	// AuthTokenClasses are the token classes that sign a request in, tried in order.
	AuthTokenClasses []string `yaml:"AUTH_TOKEN_CLASSES"`
	// TokenTypeClaim is the claim that names a token's type; nil as Python's None: the type is not checked.
	TokenTypeClaim *string `yaml:"TOKEN_TYPE_CLAIM"`
	// JTIClaim is the claim that holds a token's own id.
	JTIClaim *string `yaml:"JTI_CLAIM"`
	// TokenUserClass names SimpleJWT's stateless user; another one is refused at the start.
	TokenUserClass string `yaml:"TOKEN_USER_CLASS"`
	// SlidingTokenRefreshExpClaim is the claim that holds how long a sliding token can be refreshed.
	SlidingTokenRefreshExpClaim string `yaml:"SLIDING_TOKEN_REFRESH_EXP_CLAIM"`
	// CheckRevokeToken binds tokens to the password they were made under.
	CheckRevokeToken bool `yaml:"CHECK_REVOKE_TOKEN"`
	// RevokeTokenClaim is the claim that does so.
	RevokeTokenClaim string `yaml:"REVOKE_TOKEN_CLAIM"`
	// The six serializers name Python classes; only SimpleJWT's own are accepted.
	TokenObtainSerializer         string `yaml:"TOKEN_OBTAIN_SERIALIZER"`
	TokenRefreshSerializer        string `yaml:"TOKEN_REFRESH_SERIALIZER"`
	TokenVerifySerializer         string `yaml:"TOKEN_VERIFY_SERIALIZER"`
	TokenBlacklistSerializer      string `yaml:"TOKEN_BLACKLIST_SERIALIZER"`
	SlidingTokenObtainSerializer  string `yaml:"SLIDING_TOKEN_OBTAIN_SERIALIZER"`
	SlidingTokenRefreshSerializer string `yaml:"SLIDING_TOKEN_REFRESH_SERIALIZER"`
	// OnLoginSuccess and OnLoginFailed name Python callables; they are refused at the start.
	OnLoginSuccess *string `yaml:"ON_LOGIN_SUCCESS"`
	OnLoginFailed  *string `yaml:"ON_LOGIN_FAILED"`
	// IntegerUserID writes user_id as a number, as SimpleJWT did before 5.5. It is Latchkey's own key jwt_user_id.
	IntegerUserID bool `yaml:"-"`
	// ShortSecrets takes HMAC secrets shorter than their hash, as SimpleJWT does. The exact profile sets it.
	ShortSecrets bool `yaml:"-"`
}

// An Audience is the AUDIENCE setting: none, one text, or a list that is written as a list.
type Audience struct {
	Values []string
	List   bool
}

// UnmarshalYAML reads a text or a list of texts.
func (a *Audience) UnmarshalYAML(unmarshal func(any) error) error {
	var one *string
	if err := unmarshal(&one); err == nil {
		*a = Audience{}
		if one != nil {
			a.Values = []string{*one}
		}
		return nil
	}
	a.List = true
	return unmarshal(&a.Values)
}

// DefaultJWTConfig holds SimpleJWT's defaults.
func DefaultJWTConfig() JWTConfig {
	tokenType, jti := "token_type", "jti"
	const serializers = "rest_framework_simplejwt.serializers."
	return JWTConfig{
		AccessTokenLifetime:           5 * time.Minute,
		RefreshTokenLifetime:          24 * time.Hour,
		SlidingTokenLifetime:          5 * time.Minute,
		SlidingTokenRefreshLifetime:   24 * time.Hour,
		Algorithm:                     "HS256",
		AuthHeaderTypes:               []string{"Bearer"},
		AuthHeaderName:                "HTTP_AUTHORIZATION",
		UserIDField:                   "id",
		UserIDClaim:                   "user_id",
		UserAuthenticationRule:        "rest_framework_simplejwt.authentication.default_user_authentication_rule",
		CheckUserIsActive:             true,
		AuthTokenClasses:              []string{"rest_framework_simplejwt.tokens.AccessToken"},
		TokenTypeClaim:                &tokenType,
		JTIClaim:                      &jti,
		TokenUserClass:                "rest_framework_simplejwt.models.TokenUser",
		SlidingTokenRefreshExpClaim:   "refresh_exp",
		RevokeTokenClaim:              "hash_password",
		TokenObtainSerializer:         serializers + "TokenObtainPairSerializer",
		TokenRefreshSerializer:        serializers + "TokenRefreshSerializer",
		TokenVerifySerializer:         serializers + "TokenVerifySerializer",
		TokenBlacklistSerializer:      serializers + "TokenBlacklistSerializer",
		SlidingTokenObtainSerializer:  serializers + "TokenObtainSlidingSerializer",
		SlidingTokenRefreshSerializer: serializers + "TokenRefreshSlidingSerializer",
	}
}
