package djoser

// Config is the DJOSER setting, under djoser's own names.
type Config struct {
	// The field shown as id and looked up in `users/{id}/`: `id`, `username` or `email`; the primary key where it is not given.
	UserIDField string `yaml:"USER_ID_FIELD"`
	// The field that `token/login/` asks for: `username` or `email`; the `username_field` where it is not given.
	LoginField string `yaml:"LOGIN_FIELD"`
	// New users are inactive until they open a mailed link; so are users who change their address.
	SendActivationEmail bool `yaml:"SEND_ACTIVATION_EMAIL"`
	// A mail after activation, or after sign-up where activation mails are off.
	SendConfirmationEmail bool `yaml:"SEND_CONFIRMATION_EMAIL"`
	// The activation link after protocol and domain. Required with `SEND_ACTIVATION_EMAIL`.
	ActivationURL *string `yaml:"ACTIVATION_URL"`
	// The link of password resets; `password/reset/confirm/{uid}/{token}` where it is not given.
	PasswordResetConfirmURL *string `yaml:"PASSWORD_RESET_CONFIRM_URL"`
	// The link of user name resets; `username/reset/confirm/{uid}/{token}` where it is not given.
	UsernameResetConfirmURL *string `yaml:"USERNAME_RESET_CONFIRM_URL"`
	// Ask for the new value a second time.
	UserCreatePasswordRetype   bool `yaml:"USER_CREATE_PASSWORD_RETYPE"`
	SetPasswordRetype          bool `yaml:"SET_PASSWORD_RETYPE"`
	PasswordResetConfirmRetype bool `yaml:"PASSWORD_RESET_CONFIRM_RETYPE"`
	SetUsernameRetype          bool `yaml:"SET_USERNAME_RETYPE"`
	UsernameResetConfirmRetype bool `yaml:"USERNAME_RESET_CONFIRM_RETYPE"`
	// Either one makes all three mail requests tell that an address is unknown.
	PasswordResetShowEmailNotFound bool `yaml:"PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND"`
	UsernameResetShowEmailNotFound bool `yaml:"USERNAME_RESET_SHOW_EMAIL_NOT_FOUND"`
	// A mail after a password was changed or reset.
	PasswordChangedEmailConfirmation bool `yaml:"PASSWORD_CHANGED_EMAIL_CONFIRMATION"`
	// A mail after a user name was changed or reset.
	UsernameChangedEmailConfirmation bool `yaml:"USERNAME_CHANGED_EMAIL_CONFIRMATION"`
	// `set_password/` ends the caller's token key and session.
	LogoutOnPasswordChange bool `yaml:"LOGOUT_ON_PASSWORD_CHANGE"`
	// `token/login/` makes a session too.
	CreateSessionOnLogin bool `yaml:"CREATE_SESSION_ON_LOGIN"`
	// This, or `null` for no token keys.
	TokenModel *string `yaml:"TOKEN_MODEL"`
	// Users who are not staff see only themselves.
	HideUsers bool `yaml:"HIDE_USERS"`
	// The domain in mails, before `DOMAIN`.
	EmailFrontendDomain *string `yaml:"EMAIL_FRONTEND_DOMAIN"`
	// The protocol in mails; that of the request where it is not given.
	EmailFrontendProtocol *string `yaml:"EMAIL_FRONTEND_PROTOCOL"`
	// The name in mails, before `SITE_NAME`.
	EmailFrontendSiteName *string `yaml:"EMAIL_FRONTEND_SITE_NAME"`
	// Permissions names, for each action, the permission classes that must all agree.
	Permissions Permissions `yaml:"PERMISSIONS"`
	// Only djoser's own classes: others cannot run here.
	Serializers map[string]string `yaml:"SERIALIZERS"`
	// Only djoser's own classes: `mail_templates` words mails.
	Email map[string]string `yaml:"EMAIL"`
	// Only djoser's own class.
	Constants map[string]string `yaml:"CONSTANTS"`
	// Only djoser's default: sign-in by other providers is not served.
	SocialAuthTokenStrategy string `yaml:"SOCIAL_AUTH_TOKEN_STRATEGY"`
	// Only an empty list.
	SocialAuthAllowedRedirectURIs []string `yaml:"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS"`
	// Only djoser's defaults: passkeys are not served.
	WebAuthn map[string]any `yaml:"WEBAUTHN"`
}

// Permissions are the dotted names of permission classes by djoser's action.
type Permissions struct {
	// `users/activation/`.
	Activation []string `yaml:"activation"`
	// `users/reset_password/` and `users/resend_activation/`.
	PasswordReset []string `yaml:"password_reset"`
	// `users/reset_password_confirm/`.
	PasswordResetConfirm []string `yaml:"password_reset_confirm"`
	// `users/set_password/`.
	SetPassword []string `yaml:"set_password"`
	// `users/reset_username/`.
	UsernameReset []string `yaml:"username_reset"`
	// `users/reset_username_confirm/`.
	UsernameResetConfirm []string `yaml:"username_reset_confirm"`
	// `users/set_username/`.
	SetUsername []string `yaml:"set_username"`
	// POST at `users/`.
	UserCreate []string `yaml:"user_create"`
	// DELETE at `users/me/` and `users/{id}/`.
	UserDelete []string `yaml:"user_delete"`
	// Every other request at `users/`, `users/me/` and `users/{id}/`.
	User []string `yaml:"user"`
	// GET at `users/`.
	UserList []string `yaml:"user_list"`
	// `token/login/`.
	TokenCreate []string `yaml:"token_create"`
	// `token/logout/`.
	TokenDestroy []string `yaml:"token_destroy"`
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
