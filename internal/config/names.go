package config

import (
	"reflect"
	"slices"
	"strings"
)

// The Python classes that settings may name, by what they do here.
var (
	backends = []string{
		"django.contrib.auth.backends.ModelBackend",
		"django.contrib.auth.backends.AllowAllUsersModelBackend",
		"djoser.auth_backends.LoginFieldBackend",
		"allauth.account.auth_backends.AuthenticationBackend",
	}
	permissionClasses = []string{
		"rest_framework.permissions.AllowAny",
		"rest_framework.permissions.IsAuthenticated",
		"rest_framework.permissions.IsAdminUser",
		"rest_framework.permissions.IsAuthenticatedOrReadOnly",
		"djoser.permissions.CurrentUserOrAdmin",
		"djoser.permissions.CurrentUserOrAdminOrReadOnly",
	}
	authenticationClasses = []string{
		"rest_framework_simplejwt.authentication.JWTAuthentication",
		"rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication",
		"rest_framework_simplejwt.authentication.JWTTokenUserAuthentication",
		"rest_framework.authentication.TokenAuthentication",
		"rest_framework.authentication.BasicAuthentication",
		"rest_framework.authentication.SessionAuthentication",
		"dj_rest_auth.jwt_auth.JWTCookieAuthentication",
	}
	parserClasses = []string{
		"rest_framework.parsers.JSONParser",
		"rest_framework.parsers.FormParser",
		"rest_framework.parsers.MultiPartParser",
	}
	jsonRenderer      = "rest_framework.renderers.JSONRenderer"
	browsableRenderer = "rest_framework.renderers.BrowsableAPIRenderer"
	throttleScopes    = map[string]string{ // class: the scope whose rate it goes by
		"rest_framework.throttling.AnonRateThrottle":   "anon",
		"rest_framework.throttling.UserRateThrottle":   "user",
		"rest_framework.throttling.ScopedRateThrottle": "",
	}
	mailBackends = []string{
		"django.core.mail.backends.smtp.EmailBackend",
		"django.core.mail.backends.console.EmailBackend",
		"django.core.mail.backends.filebased.EmailBackend",
		"django.core.mail.backends.locmem.EmailBackend",
		"django.core.mail.backends.dummy.EmailBackend",
	}
	tokenClasses = []string{
		"rest_framework_simplejwt.tokens.AccessToken",
		"rest_framework_simplejwt.tokens.SlidingToken",
		"rest_framework_simplejwt.tokens.RefreshToken",
		"rest_framework_simplejwt.tokens.UntypedToken",
	}
)

// djoserClasses are the classes of djoser's three settings that name some, by setting and entry.
var djoserClasses = map[string]map[string]string{
	"SERIALIZERS": {
		"activation":                    "djoser.serializers.ActivationSerializer",
		"password_reset":                "djoser.serializers.SendEmailResetSerializer",
		"password_reset_confirm":        "djoser.serializers.PasswordResetConfirmSerializer",
		"password_reset_confirm_retype": "djoser.serializers.PasswordResetConfirmRetypeSerializer",
		"set_password":                  "djoser.serializers.SetPasswordSerializer",
		"set_password_retype":           "djoser.serializers.SetPasswordRetypeSerializer",
		"set_username":                  "djoser.serializers.SetUsernameSerializer",
		"set_username_retype":           "djoser.serializers.SetUsernameRetypeSerializer",
		"username_reset":                "djoser.serializers.SendEmailResetSerializer",
		"username_reset_confirm":        "djoser.serializers.UsernameResetConfirmSerializer",
		"username_reset_confirm_retype": "djoser.serializers.UsernameResetConfirmRetypeSerializer",
		"user_create":                   "djoser.serializers.UserCreateSerializer",
		"user_create_password_retype":   "djoser.serializers.UserCreatePasswordRetypeSerializer",
		"user_delete":                   "djoser.serializers.UserDeleteSerializer",
		"user":                          "djoser.serializers.UserSerializer",
		"current_user":                  "djoser.serializers.UserSerializer",
		"token":                         "djoser.serializers.TokenSerializer",
		"token_create":                  "djoser.serializers.TokenCreateSerializer",
		"provider_auth":                 "djoser.social.serializers.ProviderAuthSerializer",
	},
	"EMAIL": {
		"activation":                    "djoser.email.ActivationEmail",
		"confirmation":                  "djoser.email.ConfirmationEmail",
		"password_reset":                "djoser.email.PasswordResetEmail",
		"password_changed_confirmation": "djoser.email.PasswordChangedConfirmationEmail",
		"username_changed_confirmation": "djoser.email.UsernameChangedConfirmationEmail",
		"username_reset":                "djoser.email.UsernameResetEmail",
	},
	"CONSTANTS": {
		"messages": "djoser.constants.Messages",
	},
}

// webauthnDefaults are djoser's WEBAUTHN, which a pasted file may repeat.
var webauthnDefaults = map[string]any{
	"RP_NAME": "localhost", "RP_ID": "localhost", "ORIGIN": "http://localhost:8000",
	"CHALLENGE_LENGTH": int64(32), "UKEY_LENGTH": int64(20),
	"SIGNUP_SERIALIZER": "djoser.webauthn.serializers.WebauthnCreateUserSerializer",
	"LOGIN_SERIALIZER":  "djoser.webauthn.serializers.WebauthnLoginSerializer",
}

// accountNames are allauth's settings that change no answer of these APIs; those that do are fields of account.Config.
var accountNames = prefixed("ACCOUNT_", `
	AUTHENTICATED_LOGIN_REDIRECTS CONFIRM_EMAIL_ON_GET EMAIL_CONFIRMATION_ANONYMOUS_REDIRECT_URL
	EMAIL_CONFIRMATION_AUTHENTICATED_REDIRECT_URL EMAIL_NOTIFICATIONS EMAIL_UNKNOWN_ACCOUNTS EMAIL_VERIFICATION_BY_CODE_FORMAT
	EMAIL_VERIFICATION_BY_CODE_MAX_ATTEMPTS EMAIL_VERIFICATION_BY_CODE_TIMEOUT EMAIL_VERIFICATION_SUPPORTS_CHANGE
	EMAIL_VERIFICATION_SUPPORTS_RESEND FORMS LOGIN_ATTEMPTS_LIMIT LOGIN_ATTEMPTS_TIMEOUT LOGIN_BY_CODE_ENABLED
	LOGIN_BY_CODE_FORMAT LOGIN_BY_CODE_MAX_ATTEMPTS LOGIN_BY_CODE_SUPPORTS_RESEND LOGIN_BY_CODE_TIMEOUT
	LOGIN_BY_CODE_TRUST_ENABLED LOGIN_ON_EMAIL_CONFIRMATION LOGIN_ON_PASSWORD_RESET LOGIN_TIMEOUT LOGOUT_ON_PASSWORD_CHANGE
	LOGOUT_REDIRECT_URL MAX_EMAIL_ADDRESSES PASSWORD_INPUT_RENDER_VALUE PASSWORD_RESET_BY_CODE_CODE_FORMAT
	PASSWORD_RESET_BY_CODE_ENABLED PASSWORD_RESET_BY_CODE_MAX_ATTEMPTS PASSWORD_RESET_BY_CODE_TIMEOUT
	PHONE_VERIFICATION_CODE_FORMAT PHONE_VERIFICATION_ENABLED PHONE_VERIFICATION_MAX_ATTEMPTS PHONE_VERIFICATION_SUPPORTS_CHANGE
	PHONE_VERIFICATION_SUPPORTS_RESEND PHONE_VERIFICATION_TIMEOUT REAUTHENTICATION_REQUIRED REAUTHENTICATION_TIMEOUT
	SESSION_COOKIE_AGE SESSION_REMEMBER SIGNUP_EMAIL_ENTER_TWICE SIGNUP_FORM_CLASS SIGNUP_FORM_HONEYPOT_FIELD
	SIGNUP_PASSWORD_ENTER_TWICE SIGNUP_PASSWORD_VERIFICATION SIGNUP_REDIRECT_URL TEMPLATE_EXTENSION USER_DISPLAY`)

var socialAccountNames = prefixed("SOCIALACCOUNT_", `
	ADAPTER AUTO_SIGNUP EMAIL_AUTHENTICATION EMAIL_AUTHENTICATION_AUTO_CONNECT EMAIL_REQUIRED EMAIL_VERIFICATION FORMS LOGIN_ON_GET
	OPENID_CONNECT_URL_PREFIX PROVIDERS QUERY_EMAIL REQUESTS_TIMEOUT SOCIALACCOUNT_STR STORE_TOKENS`)

func prefixed(prefix, names string) []string {
	list := strings.Fields(names)
	for i := range list {
		list[i] = prefix + list[i]
	}
	return list
}

// familyOf holds the names that a map of settings may have, nil for a map of free names.
func familyOf(key string) []string {
	switch key {
	case "ACCOUNT_*":
		return accountNames
	case "SOCIALACCOUNT_*":
		return socialAccountNames
	}
	return nil
}

// retired tells of settings that people have and that mean nothing here any more, or go by another name here.
var retired = map[string]string{
	"SIMPLE_JWT.AUTH_HEADER_TYPE":                   "SimpleJWT has renamed it: use AUTH_HEADER_TYPES",
	"SIMPLE_JWT.AUTH_TOKEN_CLASS":                   "SimpleJWT has renamed it: use AUTH_TOKEN_CLASSES",
	"SIMPLE_JWT.SECRET_KEY":                         "SimpleJWT has renamed it: use SIGNING_KEY",
	"SIMPLE_JWT.TOKEN_BACKEND_CLASS":                "SimpleJWT has dropped it: remove it, ALGORITHM alone decides",
	"DJOSER.USERNAME_RESET_SHOW_USERNAME_NOT_FOUND": "djoser has no such setting either: use USERNAME_RESET_SHOW_EMAIL_NOT_FOUND",
	"CORS_ORIGIN_ALLOW_ALL":                         "django-cors-headers has renamed it: use CORS_ALLOW_ALL_ORIGINS",
	"CORS_ORIGIN_WHITELIST":                         "django-cors-headers has renamed it: use CORS_ALLOWED_ORIGINS",
	"CORS_ORIGIN_REGEX_WHITELIST":                   "django-cors-headers has renamed it: use CORS_ALLOWED_ORIGIN_REGEXES",
	"CORS_REPLACE_HTTPS_REFERER":                    "django-cors-headers has dropped it: use CSRF_TRUSTED_ORIGINS",
	"DATABASES":                                     "use database, with a URL",
	"DATABASE_URL":                                  "use database",
	"DEBUG":                                         "remove it; development: true is the mode for trying things out",
	"CSRF_USE_SESSIONS":                             "remove it: the CSRF token is kept in its cookie",
	"SESSION_ENGINE":                                "remove it: sessions are kept in the database, as with Django's default engine",
	"SESSION_SERIALIZER":                            "remove it: sessions are written as JSON, as with Django's default serializer",
	"CACHES":                                        "remove it: counters are kept by Latchkey itself",
	"LOGGING":                                       "use log_level and log_format",
	"USE_I18N":                                      "remove it; LANGUAGES: [en] keeps all messages in English",
	"USE_L10N":                                      "remove it: no answer here depends on it",
	"EMAIL_SUBJECT_PREFIX":                          "remove it: Django sets it before mails to administrators only, and none are sent here",
	"SERVER_EMAIL":                                  "remove it: Django sends mails to administrators from it, and none are sent here; the sender is DEFAULT_FROM_EMAIL",
	"EMAIL_USE_LOCALTIME":                           "remove it: the Date of a mail names its zone",
	"APPEND_SLASH":                                  "remove it: every route answers with and without its last slash",
	"REST_USE_JWT":                                  "dj-rest-auth has moved it: use REST_AUTH with USE_JWT",
	"REST_SESSION_LOGIN":                            "dj-rest-auth has moved it: use REST_AUTH with SESSION_LOGIN",
}

// hint says what to do about an unknown key: the name that was meant, the section it belongs to, or to remove it.
func hint(section, name string, fields []field) string {
	if text, ok := retired[join(section, name)]; ok {
		return text
	}
	var known []string
	for _, f := range fields {
		if !strings.HasSuffix(f.name, "*") {
			known = append(known, f.name)
		}
	}
	if home := homeOf(name); home != "" {
		return "it belongs under " + home
	}
	if near := nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	if section == "" && name == strings.ToUpper(name) {
		return "remove it: it has no bearing on the answers given here"
	}
	return "remove it"
}

// familyHint is hint for a name that begins like a family's. Those of the family that have a field of their own are near, too.
func familyHint(section, name string, family []string) string {
	known := slices.Clone(family)
	if section == "" || strings.HasSuffix(section, "*") {
		for _, f := range fieldsOf(reflect.ValueOf(Default()).Elem()) {
			known = append(known, f.name)
		}
	}
	return didYouMean(name, known)
}

// didYouMean is hint for the names of a family.
func didYouMean(name string, family []string) string {
	if near := nearest(name, family); near != "" {
		return "did you mean " + near + "?"
	}
	return "remove it"
}

// homeOf finds the section of a setting that stands in the wrong one; empty if there is none.
func homeOf(name string) string {
	root := reflect.ValueOf(Default()).Elem()
	for _, section := range fieldsOf(root) {
		if section.name == name {
			return "the top of the file"
		}
	}
	for _, section := range fieldsOf(root) {
		if section.value.Kind() != reflect.Struct || section.name != strings.ToUpper(section.name) {
			continue
		}
		for _, f := range fieldsOf(section.value) {
			if f.name == name {
				return section.name
			}
		}
	}
	return ""
}
