package config

import (
	"slices"
	"strings"

	"latchkey/internal/cors"
	"latchkey/internal/tokens"
)

// Notes are things to know that are no mistakes: defaults that may surprise, and names that have no effect.
func (c *Config) Notes() []string {
	notes := slices.Clone(c.notes)
	if c.Development {
		notes = append(notes, "Development mode: only this machine is served, and a secret key is kept in "+DevelopmentSecretFile+".")
	}
	if c.Development && c.CrossOrigin() && !c.corsGiven() {
		notes = append(notes, "Pages that another port of this machine serves may call the API; elsewhere, CORS_ALLOWED_ORIGINS names the origins of front ends.")
	}
	if c.TimeZone != "UTC" {
		notes = append(notes, "TIME_ZONE is "+c.TimeZone+": the age of mailed links is counted in its wall-clock time, so a Django on the same database must have the same.")
	} else if !c.IsGiven("TIME_ZONE") && !c.Development {
		notes = append(notes, "TIME_ZONE is not set: it is UTC here, and America/Chicago in a Django that does not set it. A Django on the same database must have the same.")
	}
	if _, ok := c.Spoken().For(c.LanguageCode); !ok {
		notes = append(notes, "LANGUAGE_CODE is "+c.LanguageCode+", of which there is no catalogue among LANGUAGES: messages are in English where the client asks for no other language.")
	}
	if !tokens.IsHMAC(c.SimpleJWT.Algorithm) && !c.JWTKeyID && c.JWTKeys == "" {
		notes = append(notes, "jwt_key_id is off: tokens do not name their key, as SimpleJWT's do not, and a Django that fetches keys by SIMPLE_JWT's JWK_URL refuses them.")
	}
	if c.Mounted(RegisterLoginRefresh) && !c.RegisterLoginRefresh.PasswordValidators && len(c.Passwords.Validators) > 0 {
		notes = append(notes, "AUTH_PASSWORD_VALIDATORS do not run at the register-login-refresh API's register, whose documents promise 8 to 128 characters of any kind; "+
			"register_login_refresh.password_validators runs them.")
	}
	return append(notes, c.restAuthNotes()...)
}

// restAuthNotes are about the defaults of dj-rest-auth and allauth that clients live with and operators should know.
func (c *Config) restAuthNotes() []string {
	if !c.Mounted(DjRestAuth, DjRestAuthRegistration) {
		return nil
	}
	r, a := &c.RestAuth, &c.Account
	var notes []string
	note := func(when bool, text string) {
		if when {
			notes = append(notes, text)
		}
	}
	note(!r.OldPasswordFieldEnabled, "REST_AUTH.OLD_PASSWORD_FIELD_ENABLED is off: whoever holds an access token can set a new password without the old one.")
	cookies := r.JWTAuthCookie != nil || r.JWTAuthRefreshCookie != nil
	note(r.UseJWT && cookies && !r.JWTAuthSecure, "REST_AUTH.JWT_AUTH_SECURE is off: browsers send the tokens' cookies over plain http too.")
	note(r.UseJWT && r.JWTAuthHTTPOnly && r.JWTAuthRefreshCookie == nil,
		"REST_AUTH.JWT_AUTH_HTTPONLY is on and no JWT_AUTH_REFRESH_COOKIE is named: nobody gets the refresh token that a login makes.")
	note(a.LogoutOnGet, "ACCOUNT_LOGOUT_ON_GET is on: any page that shows an image can log its readers out.")
	for _, field := range []string{"email", "username", "password2"} {
		listed := slices.Contains(a.SignupFields, field) || slices.Contains(a.SignupFields, field+"*")
		note(!listed, "ACCOUNT_SIGNUP_FIELDS does not list "+field+", and registration requires it, as dj-rest-auth does.")
	}
	note(a.UsernameRequired != nil && !*a.UsernameRequired, "ACCOUNT_USERNAME_REQUIRED: false has no effect, as in dj-rest-auth: write username without a star in ACCOUNT_SIGNUP_FIELDS.")
	return notes
}

// A risk is something that settings allow and that somebody can turn against the users.
type risk struct {
	taken bool
	text  string
}

// Risks names, a sentence each, what the exact profile keeps of the reference's weaknesses, and which settings open doors in either profile.
func (c *Config) Risks() []string {
	risks := c.settingRisks()
	if c.Profile == Exact {
		risks = append(risks, c.exactRisks()...)
		if c.Mounted(DjRestAuth, DjRestAuthRegistration) {
			risks = append(risks, c.exactRestAuthRisks()...)
		}
	}
	var texts []string
	for _, r := range risks {
		if r.taken {
			texts = append(texts, r.text)
		}
	}
	return texts
}

// settingRisks are those of single settings, whatever the profile.
func (c *Config) settingRisks() []risk {
	d, j, r := &c.Djoser, &c.SimpleJWT, &c.RESTFramework
	unmailable := d.SendActivationEmail && c.UserModel.UsernameField != c.UserModel.EmailField && d.LoginField != c.UserModel.EmailField
	shortHMAC := strings.HasPrefix(j.Algorithm, "HS") && j.SigningKey != nil && len(*j.SigningKey) < minSecret
	weak := []string{"django.contrib.auth.hashers.MD5PasswordHasher", "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher"}
	return []risk{
		{len(c.SecretKey) > 0 && len(c.SecretKey) < minSecret, "secret_key is shorter than 32 bytes: tokens and links signed with it can be forged by whoever guesses it."},
		{strings.HasPrefix(string(c.SecretKey), "django-insecure-"), "secret_key is one that Django's startproject made for trying things out: it may stand in a repository."},
		{shortHMAC, "SIMPLE_JWT.SIGNING_KEY is shorter than 32 bytes: tokens can be forged by whoever guesses it."},
		{unmailable && c.Mounted(Djoser), "DJOSER.SEND_ACTIVATION_EMAIL is on and an address is optional: an account without one can never be activated."},
		{d.PasswordResetShowEmailNotFound || d.UsernameResetShowEmailNotFound, "A SHOW_EMAIL_NOT_FOUND switch of DJOSER is on: anybody can ask which addresses have an account, in all three mail requests."},
		{!d.HideUsers && c.Mounted(Djoser), "DJOSER.HIDE_USERS is off: every signed-in user can read all others."},
		{slices.Contains(d.Permissions.UserList, permissionClasses[0]) || slices.Contains(d.Permissions.User, permissionClasses[0]), "DJOSER.PERMISSIONS lets anybody at users: AllowAny stands where an owner was asked for."},
		{!j.CheckUserIsActive, "SIMPLE_JWT.CHECK_USER_IS_ACTIVE is off: tokens of deactivated users stay good."},
		{slices.Contains(c.AuthenticationBackends, backends[1]), "AUTHENTICATION_BACKENDS lets inactive users sign in."},
		{j.TokenTypeClaim == nil, "SIMPLE_JWT.TOKEN_TYPE_CLAIM is null: a refresh token passes for an access token."},
		{len(c.Passwords.Validators) == 0, "AUTH_PASSWORD_VALIDATORS is empty: any password will do."},
		{len(c.Passwords.Hashers) > 0 && slices.Contains(weak, c.Passwords.Hashers[0]), "PASSWORD_HASHERS begins with a weak algorithm: new passwords are kept with it."},
		{len(r.DefaultThrottleClasses) > 0 && r.NumProxies == nil && c.Profile == Exact, "REST_FRAMEWORK.NUM_PROXIES is not set: a forged X-Forwarded-For gets round the throttles."},
		{c.UseXForwardedHost, "USE_X_FORWARDED_HOST is on: only a proxy that sets the header itself makes that safe."},
		{c.CORS.AllowAllOrigins && c.CORS.AllowCredentials, "CORS_ALLOW_ALL_ORIGINS is on with CORS_ALLOW_CREDENTIALS: any page can do and read what its reader is signed in to."},
		{slices.Contains(c.CORS.AllowedOrigins, "null"), "CORS_ALLOWED_ORIGINS has null, which any page can be that shows itself in a sandboxed frame."},
		{slices.ContainsFunc(c.CORS.AllowedOriginRegexes, func(text string) bool { return cors.TrapsOf(text).Open }), "An entry of CORS_ALLOWED_ORIGIN_REGEXES does not end in $: names that go on behind it are allowed too."},
		{slices.ContainsFunc(c.CORS.AllowedOriginRegexes, func(text string) bool { return cors.TrapsOf(text).Dot }), `An entry of CORS_ALLOWED_ORIGIN_REGEXES has a dot without a backslash, which stands for any letter: write \.`},
		{c.Mail.HostPassword != "" && !c.Mail.UseSSL && !c.Mail.UseTLS, "EMAIL_HOST_PASSWORD crosses the network in clear: neither EMAIL_USE_TLS nor EMAIL_USE_SSL is on."},
	}
}

// exactRisks are the weaknesses of djoser, SimpleJWT and REST framework that the exact profile keeps.
func (c *Config) exactRisks() []risk {
	ends := func(what string) bool { return !slices.Contains(c.EndTokensOn, what) }
	djoser := c.Mounted(Djoser)
	return []risk{
		{djoser, "Hidden and missing users are told apart by the wording and status of the answer (B2)."},
		{djoser, "A mailed link serves activation, password reset and user name reset alike, until it expires or the account changes (C1)."},
		{ends(OnPassword), "A changed or reset password ends no session, token key or refresh token (C2)."},
		{ends(OnEmail), "A changed address ends no session, token key or refresh token (C2)."},
		{ends(OnDeactivation) || ends(OnDeletion), "A deactivated or deleted user's refresh tokens stay as they are (C2)."},
		{!c.SimpleJWT.BlacklistAfterRotation, "Verify calls a blacklisted refresh token good, and a rotated refresh token can be used again (C6)."},
		{c.SimpleJWT.BlacklistAfterRotation, "A refresh token that is used a second time is refused, but its successors live on (C10)."},
		{true, "Refresh tokens stand in the database as they are handed out (C12)."},
		{true, "A refresh token that names no user can be refreshed (C14)."},
		{djoser, "Whoever was deactivated by an administrator can ask for an activation mail and come back (D3, D5)."},
		{djoser, "A new address counts before it is proven, and the old one is told nothing (D2)."},
		{djoser, "User names that look the same can be set (D6)."},
		{djoser, "A reset accepts a password like the user's own name or address (D7)."},
		{len(c.RESTFramework.DefaultThrottleClasses) == 0, "Nothing limits how often sign-in, reset and activation are tried (E11)."},
	}
}

// exactRestAuthRisks are those of dj-rest-auth and allauth.
func (c *Config) exactRestAuthRisks() []risk {
	return []risk{
		{true, "Each logout with an empty token leaves two rows in the database (R4)."},
		{true, "A request to send a verification mail that names no address mails the first one of the table (R6)."},
		{true, "A stale access cookie locks a browser out of login and logout (R7)."},
		{c.RestAuth.UseJWT && c.RestAuth.JWTAuthHTTPOnly, "Registration shows scripts the refresh token that login hides from them (R10)."},
		{!c.RestAuth.SessionLogin, "Registration makes a session even where sessions are off (R11)."},
		{true, "A password change by a token's bearer stores a session of nobody (R12)."},
		{len(c.AllowedHosts) == 0 || slices.Contains(c.AllowedHosts, "*"), "Links in mails follow the request's Host while ALLOWED_HOSTS allows any (R13)."},
		{c.Account.RateLimits == false, "Nothing limits how often confirmation mails are asked for (R18)."},
		{true, "A stranger who registered with somebody's unverified address stays signed in after its owner resets the password (R22)."},
		{true, "Login by e-mail accepts addresses that nobody has proven (R24)."},
	}
}
