package djoser

// Config is the DJOSER setting, under djoser's own names.
type Config struct {
	// UserIDField is shown as the id and looked up by users/{id}/; the primary key when empty.
	UserIDField string `yaml:"USER_ID_FIELD"`
	// LoginField is the field that token/login asks for; the user model's USERNAME_FIELD when empty.
	LoginField string `yaml:"LOGIN_FIELD"`
	// SendActivationEmail makes new users inactive until they open the mailed link.
	SendActivationEmail bool `yaml:"SEND_ACTIVATION_EMAIL"`
	// SendConfirmationEmail sends a note after activation, or after sign-up where activation mails are off.
	SendConfirmationEmail bool `yaml:"SEND_CONFIRMATION_EMAIL"`
	// ActivationURL is the path of the activation link, with {uid} and {token}.
	ActivationURL *string `yaml:"ACTIVATION_URL"`
	// PasswordResetConfirmURL is the path of the password reset link, with {uid} and {token}.
	PasswordResetConfirmURL *string `yaml:"PASSWORD_RESET_CONFIRM_URL"`
	// UsernameResetConfirmURL is the path of the username reset link, with {uid} and {token}.
	UsernameResetConfirmURL *string `yaml:"USERNAME_RESET_CONFIRM_URL"`
	// The five RETYPE switches ask for the value a second time.
	UserCreatePasswordRetype   bool `yaml:"USER_CREATE_PASSWORD_RETYPE"`
	SetPasswordRetype          bool `yaml:"SET_PASSWORD_RETYPE"`
	PasswordResetConfirmRetype bool `yaml:"PASSWORD_RESET_CONFIRM_RETYPE"`
	SetUsernameRetype          bool `yaml:"SET_USERNAME_RETYPE"`
	UsernameResetConfirmRetype bool `yaml:"USERNAME_RESET_CONFIRM_RETYPE"`
	// Either of the two SHOW switches makes all three mail requests say that an address is unknown.
	PasswordResetShowEmailNotFound bool `yaml:"PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND"`
	UsernameResetShowEmailNotFound bool `yaml:"USERNAME_RESET_SHOW_EMAIL_NOT_FOUND"`
	// PasswordChangedEmailConfirmation sends a note after a password was changed or reset.
	PasswordChangedEmailConfirmation bool `yaml:"PASSWORD_CHANGED_EMAIL_CONFIRMATION"`
	// UsernameChangedEmailConfirmation sends a note after a username was changed or reset.
	UsernameChangedEmailConfirmation bool `yaml:"USERNAME_CHANGED_EMAIL_CONFIRMATION"`
	// LogoutOnPasswordChange ends the caller's token key and session at set_password.
	LogoutOnPasswordChange bool `yaml:"LOGOUT_ON_PASSWORD_CHANGE"`
	// CreateSessionOnLogin makes token/login sign into a Django session too.
	CreateSessionOnLogin bool `yaml:"CREATE_SESSION_ON_LOGIN"`
	// TokenModel is DRF's token model, or nil (None): no token keys.
	TokenModel *string `yaml:"TOKEN_MODEL"`
	// HideUsers shows users who are not staff only themselves.
	HideUsers bool `yaml:"HIDE_USERS"`
	// The three EMAIL_FRONTEND settings override protocol, domain and site name in mails; nil where not given.
	EmailFrontendDomain   *string `yaml:"EMAIL_FRONTEND_DOMAIN"`
	EmailFrontendProtocol *string `yaml:"EMAIL_FRONTEND_PROTOCOL"`
	EmailFrontendSiteName *string `yaml:"EMAIL_FRONTEND_SITE_NAME"`
	// Permissions names, for each action, the permission classes that must all agree.
	Permissions Permissions `yaml:"PERMISSIONS"`
	// Serializers, Email and Constants name Python classes: only djoser's own are accepted, so each value is compared with DefaultClasses.
	Serializers map[string]string `yaml:"SERIALIZERS"`
	Email       map[string]string `yaml:"EMAIL"`
	Constants   map[string]string `yaml:"CONSTANTS"`
	// SocialAuthTokenStrategy and SocialAuthAllowedRedirectURIs belong to sign-in through other providers, which is not served.
	SocialAuthTokenStrategy       string   `yaml:"SOCIAL_AUTH_TOKEN_STRATEGY"`
	SocialAuthAllowedRedirectURIs []string `yaml:"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS"`
	// WebAuthn is not served.
	WebAuthn map[string]any `yaml:"WEBAUTHN"`
}

// Permissions are the dotted names of permission classes by djoser's action.
type Permissions struct {
	Activation           []string `yaml:"activation"`
	PasswordReset        []string `yaml:"password_reset"`
	PasswordResetConfirm []string `yaml:"password_reset_confirm"`
	SetPassword          []string `yaml:"set_password"`
	UsernameReset        []string `yaml:"username_reset"`
	UsernameResetConfirm []string `yaml:"username_reset_confirm"`
	SetUsername          []string `yaml:"set_username"`
	UserCreate           []string `yaml:"user_create"`
	UserDelete           []string `yaml:"user_delete"`
	User                 []string `yaml:"user"`
	UserList             []string `yaml:"user_list"`
	TokenCreate          []string `yaml:"token_create"`
	TokenDestroy         []string `yaml:"token_destroy"`
}

// DefaultConfig holds djoser's defaults.
func DefaultConfig() Config {
	model := "rest_framework.authtoken.models.Token"
	anyone := []string{"rest_framework.permissions.AllowAny"}
	self := []string{"djoser.permissions.CurrentUserOrAdmin"}
	return Config{
		TokenModel: &model,
		HideUsers:  true,
		Permissions: Permissions{
			Activation:           anyone,
			PasswordReset:        anyone,
			PasswordResetConfirm: anyone,
			SetPassword:          self,
			UsernameReset:        anyone,
			UsernameResetConfirm: anyone,
			SetUsername:          self,
			UserCreate:           anyone,
			UserDelete:           self,
			User:                 self,
			UserList:             self,
			TokenCreate:          anyone,
			TokenDestroy:         []string{"rest_framework.permissions.IsAuthenticated"},
		},
	}
}
