package tokens

import "time"

// JWTConfig is the SIMPLE_JWT setting, under SimpleJWT's own names.
type JWTConfig struct {
	// How long access tokens are good.
	AccessTokenLifetime time.Duration `yaml:"ACCESS_TOKEN_LIFETIME"`
	// How long refresh tokens are good.
	RefreshTokenLifetime time.Duration `yaml:"REFRESH_TOKEN_LIFETIME"`
	// How long a sliding token signs in before it must be refreshed.
	SlidingTokenLifetime time.Duration `yaml:"SLIDING_TOKEN_LIFETIME"`
	// How long it can be refreshed.
	SlidingTokenRefreshLifetime time.Duration `yaml:"SLIDING_TOKEN_REFRESH_LIFETIME"`
	// Each refresh answers a new refresh token too.
	RotateRefreshTokens bool `yaml:"ROTATE_REFRESH_TOKENS"`
	// With rotation: the old refresh token ends with that.
	BlacklistAfterRotation bool `yaml:"BLACKLIST_AFTER_ROTATION"`
	// Signing in writes `last_login`.
	UpdateLastLogin bool `yaml:"UPDATE_LAST_LOGIN"`
	// `HS`, `RS`, `ES` or `PS` with `256`, `384` or `512`, `ES256K`, `ES521`, `EdDSA`.
	Algorithm string `yaml:"ALGORITHM"`
	// The secret or the private key as PEM; `secret_key` where it is not given. A secret must be as long as its hash, 64 bytes for HS512, except in the exact
	// profile.
	SigningKey *string `yaml:"SIGNING_KEY"`
	// A file that holds it. Latchkey's own.
	SigningKeyFile string `yaml:"SIGNING_KEY_FILE"`
	// The public key as PEM. Required for all but `HS`.
	VerifyingKey string `yaml:"VERIFYING_KEY"`
	// A file that holds it. Latchkey's own.
	VerifyingKeyFile string `yaml:"VERIFYING_KEY_FILE"`
	// The `aud` of new tokens, required of tokens.
	Audience Audience `yaml:"AUDIENCE"`
	// The `iss` of new tokens, required of tokens.
	Issuer string `yaml:"ISSUER"`
	// Refused: keys are not fetched.
	JWKURL *string `yaml:"JWK_URL"`
	// Refused: a Python class.
	JSONEncoder *string `yaml:"JSON_ENCODER"`
	// Allowed on `exp`, `nbf`, `iat` and `refresh_exp`.
	Leeway time.Duration `yaml:"LEEWAY"`
	// The words before a token, the first being told in `WWW-Authenticate`. One text is a list of one.
	AuthHeaderTypes []string `yaml:"AUTH_HEADER_TYPES"`
	// The header that holds it, in WSGI spelling.
	AuthHeaderName string `yaml:"AUTH_HEADER_NAME"`
	// The user column that tokens name their user by: `id`, `username` or `email`.
	UserIDField string `yaml:"USER_ID_FIELD"`
	// The claim that holds it.
	UserIDClaim string `yaml:"USER_ID_CLAIM"`
	// Only this.
	UserAuthenticationRule string `yaml:"USER_AUTHENTICATION_RULE"`
	// Refuse tokens of inactive users.
	CheckUserIsActive bool `yaml:"CHECK_USER_IS_ACTIVE"`
	// Tokens that sign a request in: also `…SlidingToken`, `…RefreshToken`, `…UntypedToken`.
	AuthTokenClasses []string `yaml:"AUTH_TOKEN_CLASSES"`
	// The claim with a token's type; `null` checks no type.
	TokenTypeClaim *string `yaml:"TOKEN_TYPE_CLAIM"`
	// The claim with its id; never `null`.
	JTIClaim *string `yaml:"JTI_CLAIM"`
	// Only this.
	TokenUserClass string `yaml:"TOKEN_USER_CLASS"`
	// The claim with the end of a sliding token.
	SlidingTokenRefreshExpClaim string `yaml:"SLIDING_TOKEN_REFRESH_EXP_CLAIM"`
	// Tokens end with the password they were made under.
	CheckRevokeToken bool `yaml:"CHECK_REVOKE_TOKEN"`
	// The claim that tells.
	RevokeTokenClaim string `yaml:"REVOKE_TOKEN_CLAIM"`
	// Only this.
	TokenObtainSerializer         string `yaml:"TOKEN_OBTAIN_SERIALIZER"`
	TokenRefreshSerializer        string `yaml:"TOKEN_REFRESH_SERIALIZER"`
	TokenVerifySerializer         string `yaml:"TOKEN_VERIFY_SERIALIZER"`
	TokenBlacklistSerializer      string `yaml:"TOKEN_BLACKLIST_SERIALIZER"`
	SlidingTokenObtainSerializer  string `yaml:"SLIDING_TOKEN_OBTAIN_SERIALIZER"`
	SlidingTokenRefreshSerializer string `yaml:"SLIDING_TOKEN_REFRESH_SERIALIZER"`
	// Refused: Python functions.
	OnLoginSuccess *string `yaml:"ON_LOGIN_SUCCESS"`
	OnLoginFailed  *string `yaml:"ON_LOGIN_FAILED"`
	// IntegerUserID writes user_id as a number, as SimpleJWT did before 5.5. It is Latchkey's own key jwt_user_id.
	IntegerUserID bool `yaml:"-"`
	// NameKey puts the public key's id into new tokens' headers, which SimpleJWT does not. It is Latchkey's own key jwt_key_id.
	NameKey bool `yaml:"-"`
	// KeyFolder holds the keys, in place of those above. It is Latchkey's own key jwt_keys.
	KeyFolder string `yaml:"-"`
	// OldUntil is until when tokens of those above are good all the same; zero for never. It is Latchkey's own key jwt_old_tokens_until.
	OldUntil time.Time `yaml:"-"`
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
