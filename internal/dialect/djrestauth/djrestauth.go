// Package djrestauth speaks dj-rest-auth's API: login and logout, the user, passwords and JWTs, and registration by allauth's rules.
package djrestauth

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/tokens"
)

// An API answers dj-rest-auth's endpoints.
type API struct {
	Config   Config
	Accounts *account.Service
	// Allauth says that allauth is in use: its rows of addresses, its form of links. Otherwise links have Django's form.
	Allauth bool
	// Registration says that dj_rest_auth.registration is in use.
	Registration bool
	// NoValidators says that there are no password validators, so that ACCOUNT_PASSWORD_MIN_LENGTH counts.
	NoValidators bool
	// Model is the shape of the user table.
	Model    *drf.Model
	JWT      tokens.JWTConfig
	Sessions *drf.Sessions
	// LoginFields are user columns that a login answer carries behind the rest.
	LoginFields []string
	// LegacyKeys names the tokens access_token and refresh_token, as dj-rest-auth before 3.0 did.
	LegacyKeys bool
	// ConfirmLink and ResetLink are where mails lead: a path or a whole URL.
	ConfirmLink, ResetLink string
	// FollowHost lets links lead to the host that was asked, where it is one of those that are named in the settings; the exact profile always follows it.
	FollowHost bool
	// Origin refuses requests of other sites that a cookie came with; nil for no such check.
	Origin func(*http.Request) *message.Text
	// Exact keeps the reference's oddities.
	Exact bool
	Now   func() time.Time
	// Zone is TIME_ZONE, in which a login tells when its tokens expire.
	Zone *time.Location
}

// ThrottleScope is dj-rest-auth's throttle_scope, one for most of its views.
const ThrottleScope = "dj_rest_auth"

// aUser are the permissions of what needs one.
var aUser = drf.PermissionsNamed([]string{"rest_framework.permissions.IsAuthenticated"})

// Routes are dj-rest-auth's own, relative to its mount, without the two of tokens that SimpleJWT answers and without registration's.
func (a *API) Routes() []drf.Route {
	get, put, patch := http.MethodGet, http.MethodPut, http.MethodPatch
	user := a.userDetails()
	shown := []drf.Answer{{Status: http.StatusOK, Body: user}}
	logout := drf.Endpoint{
		Method: http.MethodPost, Permissions: drf.Anyone, Summary: message.T("Log the user out"), Request: a.logoutFields(), Answers: a.logoutAnswers(), Handle: a.logout,
	}
	byGet := logout
	byGet.Method, byGet.Answers, byGet.Handle = get, nil, a.logoutByGet
	if a.Accounts.Allauth.LogoutOnGet {
		byGet.Answers = logout.Answers
	}
	routes := []drf.Route{
		a.form("login/", "Login", "Exchanges a user's credentials for tokens, a key or a session.", drf.Anyone, "login", drf.Endpoint{
			Summary: message.T("Log a user in"), Request: login, Answers: []drf.Answer{a.signedIn(http.StatusOK)}, Handle: a.login,
		}),
		{Path: "logout/", Name: "Logout", Description: "Ends the caller's session, key and refresh token.", Otherwise: drf.Anyone, ThrottleScope: ThrottleScope,
			Endpoints: []drf.Endpoint{byGet, logout}},
		{Path: "user/", Name: "User Details", Description: "Shows and changes the signed-in user.", Otherwise: aUser, Endpoints: []drf.Endpoint{
			{Method: get, Permissions: aUser, Summary: message.T("Show the caller"), Answers: shown, Handle: a.user},
			{Method: put, Permissions: aUser, Summary: message.T("Change the caller"), Request: user, Answers: shown, Handle: a.updateUser},
			{Method: patch, Permissions: aUser, Summary: message.T("Change parts of the caller"), Request: user, Answers: shown, Handle: a.updateUser},
		}},
		a.form("password/change/", "Password Change", "Sets the caller's password.", aUser, "password", drf.Endpoint{
			Summary: message.T("Change the password"), Request: a.passwordChange(), Answers: told, Handle: a.changePassword,
		}),
		a.form("password/reset/", "Password Reset", "Mails a link to a new password.", drf.Anyone, "mail", drf.Endpoint{
			Summary: message.T("Ask for a password reset"), Request: passwordReset, Answers: told, Handle: a.resetPassword,
		}),
		a.form("password/reset/confirm/", "Password Reset Confirm", "Sets the password of whoever holds a mailed link.", drf.Anyone, "link", drf.Endpoint{
			Summary: message.T("Confirm a password reset"), Request: passwordResetConfirm, Answers: told, Handle: a.confirmReset,
		}),
	}
	if a.Config.UseJWT {
		refresh := a.form("token/refresh/", "Refresh View With Cookie Support", "Exchanges a refresh token, from the body or its cookie, for an access token.",
			drf.Anyone, "refresh", drf.Endpoint{
				Summary: message.T("Refresh the access token"), Request: a.tokenRefresh(), Handle: a.refresh,
				Answers: append(a.originAnswers(), drf.Answer{Status: http.StatusOK, Body: a.refreshedFields()}, drf.Answer{Status: http.StatusUnauthorized}),
			})
		refresh.ThrottleScope = ""
		refresh.NoAuth, refresh.Challenge = true, a.JWT.AuthHeaderTypes[0]+` realm="api"`
		routes = append(routes, refresh)
	}
	return routes
}

// RegistrationRoutes are those of dj_rest_auth.registration behind a prefix.
func (a *API) RegistrationRoutes(prefix string) []drf.Route {
	created := a.signedIn(http.StatusCreated)
	if a.Accounts.Allauth.EmailVerification == account.MandatoryVerification {
		created = drf.Answer{Status: http.StatusCreated, Body: sentence}
	}
	register := a.form(prefix, "Register", "Makes an account.", drf.PermissionsNamed(a.Config.RegisterPermissionClasses), "register", drf.Endpoint{
		Summary: message.T("Register a user"), Request: a.registerFields(), Answers: []drf.Answer{created}, Handle: a.register,
	})
	verify := a.form(prefix+"verify-email/", "Verify Email", "Confirms an address by its mailed key.", drf.Anyone, "link", drf.Endpoint{
		Summary: message.T("Confirm an e-mail address"), Request: verifyEmail, Answers: append(told, drf.Answer{Status: http.StatusNotFound}), Handle: a.verifyEmail,
	})
	verify.ThrottleScope, verify.NamesHead = "", true
	resend := a.form(prefix+"resend-email/", "Resend Email Verification", "Mails another key.", drf.Anyone, "mail", drf.Endpoint{
		Summary: message.T("Mail the confirmation of an e-mail address again"), Request: a.resendFields(), Answers: told, Handle: a.resendEmail,
	})
	resend.ThrottleScope = ""
	return []drf.Route{register, verify, resend}
}

// form is a route that takes a form by POST.
func (a *API) form(path, name, description string, permissions []drf.Permission, scope string, endpoint drf.Endpoint) drf.Route {
	endpoint.Method, endpoint.Permissions, endpoint.Scope = http.MethodPost, permissions, scope
	return drf.Route{
		Path: path, Name: name, Description: description, Otherwise: permissions, ThrottleScope: ThrottleScope, Endpoints: []drf.Endpoint{endpoint},
	}
}

// detail is the body of an answer in one sentence.
func detail(text *message.Text) drf.Object { return drf.Object{{Key: "detail", Value: text}} }

// host is a name or an address with or without a port: nothing that could lead a link elsewhere.
var host = regexp.MustCompile(`^([a-z0-9.-]+|\[[a-f0-9:.]+\])(:[0-9]+)?$`)

// letter is a mail whose link leads where the settings say: behind the host that was asked, where it may be followed, else the site's own.
func (a *API) letter(r *drf.Request, kind mail.Kind, link string) account.Letter {
	rules := &a.Accounts.Allauth
	letter := account.Letter{
		Kind: kind, Protocol: "http", Path: strings.TrimPrefix(link, "/"), SubjectPrefix: "[{site_name}] ",
		Nameless: len(rules.LoginMethods) == 1 && rules.LoginBy("email"),
	}
	if r.Secure() || rules.DefaultHTTPProtocol == "https" {
		letter.Protocol = "https"
	}
	if rules.EmailSubjectPrefix != nil {
		letter.SubjectPrefix = *rules.EmailSubjectPrefix
	}
	siteOnly := kind == mail.PasswordResetKey && a.Config.PasswordResetUseSitesDomain && !a.Exact
	if (a.Exact || a.FollowHost) && !siteOnly && host.MatchString(strings.ToLower(r.Host)) {
		letter.Domain = r.Host
	}
	return letter
}

// checkOrigin refuses a request of another site that one of the named cookies came with.
func (a *API) checkOrigin(r *drf.Request, cookies ...string) error {
	if a.Origin == nil || !slices.ContainsFunc(r.Cookies(), func(c *http.Cookie) bool { return slices.Contains(cookies, c.Name) }) {
		return nil
	}
	if reason := a.Origin(r.Request); reason != nil {
		return drf.Detail(http.StatusForbidden, message.T("CSRF Failed: {reason}", "reason", reason))
	}
	return nil
}

// weak puts what the password validators say under a field, and leaves other errors as they are.
func weak(err error, field string) error {
	var weak *account.WeakPassword
	if errors.As(err, &weak) {
		return drf.Invalid(field, weak.Messages...)
	}
	return err
}

// asSent is a password with the white space that its field cut off, which the safe profile tries before: it may have been set elsewhere with it.
func (a *API) asSent(in *drf.Fields, field string) string {
	if a.Exact {
		return ""
	}
	raw, _ := in.RawText(field)
	return raw
}
