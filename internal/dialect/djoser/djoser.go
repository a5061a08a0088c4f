// Package djoser speaks djoser's API: users, their passwords and names, and token keys. SimpleJWT's views under jwt/ are mounted beside it.
package djoser

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// An API answers djoser's endpoints.
type API struct {
	Config   Config
	Accounts *account.Service
	// Model is the shape of the user table.
	Model *drf.Model
	// Sessions are for CREATE_SESSION_ON_LOGIN.
	Sessions *drf.Sessions
	// Exact keeps djoser's wording of hidden and missing users apart, and a few of its oddities.
	Exact bool

	fields []string // userFields, made once
}

// Routes are djoser's, relative to its mount.
func (a *API) Routes(root []drf.Permission) []drf.Route {
	a.fields = a.userFields()
	c, name, emailReset := a.Config, a.Model.UsernameField, a.emailReset()
	p := c.Permissions
	get, post, put, patch, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
	user, destroy := drf.PermissionsNamed(p.User), drf.PermissionsNamed(p.UserDelete)
	hide := c.HideUsers
	shown, created := a.userSerializer(), a.userCreate()
	ok, gone := drf.Answer{Status: http.StatusOK, Body: shown}, drf.Answer{Status: http.StatusNoContent}
	unseen := drf.Answer{Status: http.StatusNotFound}
	changed, deleted := []drf.Answer{ok, unseen}, []drf.Answer{gone, {Status: http.StatusConflict}}
	describe, describeRow := a.describe(shown), a.describeRow(shown)
	action := func(path, name string, permissions []string, scope string, endpoint drf.Endpoint) drf.Route {
		endpoint.Method, endpoint.Permissions, endpoint.Scope = post, drf.PermissionsNamed(permissions), scope
		if endpoint.Answers == nil {
			endpoint.Answers = []drf.Answer{gone}
		}
		return drf.Route{
			Path: "users/" + path + "/", Name: name, Viewset: true, Closed: true, Otherwise: user, Metadata: describe, Endpoints: []drf.Endpoint{endpoint},
		}
	}
	return []drf.Route{
		{Path: "", Name: "Api Root", Description: "The addresses of this API's collections.", Viewset: true, Closed: true, Otherwise: root, Endpoints: []drf.Endpoint{
			{Method: get, Permissions: root, Summary: message.T("List this API's collections"),
				Answers: []drf.Answer{{Status: http.StatusOK, Body: apiRoot}}, Handle: a.root},
		}},
		{Path: "users/", Name: "User List", Viewset: true, Closed: true, Otherwise: user, Metadata: describe, Endpoints: []drf.Endpoint{
			{Method: get, Permissions: drf.PermissionsNamed(p.UserList), Hide: hide, Summary: message.T("List the users that the caller may see"),
				Answers: []drf.Answer{{Status: http.StatusOK, Body: shown, Many: true}}, Handle: a.list},
			{Method: post, Permissions: drf.PermissionsNamed(p.UserCreate), Scope: "register", Summary: message.T("Register a user"), Request: created,
				Answers: []drf.Answer{{Status: http.StatusCreated, Body: created}, {Status: http.StatusBadRequest, Bare: true}}, Handle: a.create},
		}},
		{Path: "users/me/", Name: "Me", Viewset: true, Closed: true, Otherwise: user, Metadata: describe, Endpoints: []drf.Endpoint{
			{Method: get, Permissions: user, Summary: message.T("Show the caller"), Answers: []drf.Answer{a.ownAnswer(shown)}, Handle: a.me},
			{Method: put, Permissions: user, Summary: message.T("Change the caller"), Request: shown, Answers: changed, Handle: a.updateMe},
			{Method: patch, Permissions: user, Summary: message.T("Change parts of the caller"), Request: shown, Answers: changed, Handle: a.updateMe},
			{Method: del, Permissions: destroy, Scope: "password", Summary: message.T("Delete the caller"), Request: userDelete, Answers: deleted, Handle: a.deleteMe},
		}},
		{Path: "users/{id}/", Name: "User Instance", Viewset: true, Closed: true, Otherwise: user, Metadata: describeRow, ID: a.Model.Column(a.idField()), Endpoints: []drf.Endpoint{
			{Method: get, Permissions: user, Hide: hide, Summary: message.T("Show a user"), Answers: []drf.Answer{ok, unseen}, Handle: a.retrieve},
			{Method: put, Permissions: user, Hide: hide, Summary: message.T("Change a user"), Request: shown, Answers: changed, Handle: a.update},
			{Method: patch, Permissions: user, Hide: hide, Summary: message.T("Change parts of a user"), Request: shown, Answers: changed, Handle: a.update},
			{Method: del, Permissions: destroy, Hide: hide && !a.Exact, Scope: "password", Summary: message.T("Delete a user"), Request: userDelete,
				Answers: append(deleted, unseen), Handle: a.destroy},
		}},
		action("activation", "Activation", p.Activation, "link", drf.Endpoint{
			Summary: message.T("Activate an account by its mailed link"), Request: activation, Handle: a.activate,
			Answers: []drf.Answer{gone, {Status: http.StatusForbidden}},
		}),
		action("resend_activation", "Resend activation", p.PasswordReset, "mail", drf.Endpoint{
			Summary: message.T("Mail the activation link again"), Request: emailReset, Answers: a.mailed(a.Config.SendActivationEmail), Handle: a.resendActivation,
		}),
		action("set_password", "Set password", p.SetPassword, "password", drf.Endpoint{
			Summary: message.T("Change the password"), Request: a.setPasswordFields(), Handle: a.setPassword,
		}),
		action("reset_password", "Reset password", p.PasswordReset, "mail", drf.Endpoint{
			Summary: message.T("Ask for a password reset"), Request: emailReset, Answers: a.mailed(true), Handle: a.resetPassword,
		}),
		action("reset_password_confirm", "Reset password confirm", p.PasswordResetConfirm, "link", drf.Endpoint{
			Summary: message.T("Confirm a password reset"), Request: a.resetPasswordFields(), Handle: a.resetPasswordConfirm,
		}),
		action("set_"+name, "Set username", p.SetUsername, "password", drf.Endpoint{
			Summary: message.T("Change the name to log in by"), Request: a.setUsernameFields(), Handle: a.setUsername,
		}),
		action("reset_"+name, "Reset username", p.UsernameReset, "mail", drf.Endpoint{
			Summary: message.T("Ask for a new name to log in by"), Request: emailReset, Answers: a.mailed(true), Handle: a.resetUsername,
		}),
		action("reset_"+name+"_confirm", "Reset username confirm", p.UsernameResetConfirm, "link", drf.Endpoint{
			Summary: message.T("Confirm a new name to log in by"), Request: a.resetUsernameFields(), Handle: a.resetUsernameConfirm,
		}),
		{Path: "token/login/", Name: "Token Create", Description: "Exchanges a user's credentials for their token key.", Otherwise: drf.PermissionsNamed(p.TokenCreate),
			Endpoints: []drf.Endpoint{{Method: post, Permissions: drf.PermissionsNamed(p.TokenCreate), Scope: "login", Summary: message.T("Get a token key"),
				Request: a.tokenCreate(), Answers: []drf.Answer{{Status: http.StatusOK, Body: tokenKey}}, Handle: a.login}}},
		{Path: "token/logout/", Name: "Token Destroy", Description: "Ends the caller's token key.", Otherwise: drf.PermissionsNamed(p.TokenDestroy),
			Endpoints: []drf.Endpoint{{Method: post, Permissions: drf.PermissionsNamed(p.TokenDestroy), Summary: message.T("End the token key"),
				Answers: []drf.Answer{gone}, Handle: a.logout}}},
	}
}

func (a *API) root(w http.ResponseWriter, r *drf.Request) error {
	path := r.URL.EscapedPath()
	switch {
	case r.Format != "":
		path = strings.TrimSuffix(strings.TrimSuffix(path, "/"), "."+r.Format) + "users." + r.Format
	case path[len(path)-1] != '/':
		path += "/users/"
	default:
		path += "users/"
	}
	if name, format, given := r.FormatQuery(); given {
		path += "?" + url.Values{name: {format}}.Encode()
	}
	return r.Reply(w, http.StatusOK, drf.Object{{Key: "users", Value: r.Absolute(path)}})
}

func (a *API) loginField() string {
	if a.Config.LoginField != "" {
		return a.Config.LoginField
	}
	return a.Model.UsernameField
}

func (a *API) idField() string {
	if a.Config.UserIDField != "" {
		return a.Config.UserIDField
	}
	return a.Model.Key.Name
}

// userFields are the fields of a user object: REQUIRED_FIELDS, the id, the login field, and those that settings add, each once.
func (a *API) userFields() []string {
	return distinct(slices.Concat(a.Model.RequiredFields, []string{a.idField(), a.loginField()}, a.Model.Shown()))
}

// createdFields are those of the sign-up answer, whose id and login field stand the other way round.
func (a *API) createdFields() []string {
	return distinct(slices.Concat(a.Model.RequiredFields, []string{a.loginField(), a.idField()}, a.Model.Shown()))
}

func distinct(names []string) []string {
	var list []string
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

func (a *API) userBody(u *store.User, fields []string) drf.Object {
	body := make(drf.Object, len(fields))
	for i, field := range fields {
		body[i] = drf.Member{Key: field, Value: a.Model.Value(u, field)}
	}
	return body
}

// describe gives the user object for OPTIONS, on whatever route.
func (a *API) describe(user *drf.Serializer) func(*drf.Request) *drf.Serializer {
	permissions := drf.PermissionsNamed(a.Config.Permissions.User)
	return func(r *drf.Request) *drf.Serializer {
		for _, p := range permissions {
			if !p.Request(r) {
				return nil
			}
		}
		return user
	}
}

// describeRow does so only where the row is there and the caller may change it.
func (a *API) describeRow(user *drf.Serializer) func(*drf.Request) *drf.Serializer {
	describe := a.describe(user)
	permissions := drf.PermissionsNamed(a.Config.Permissions.User)
	return func(r *drf.Request) *drf.Serializer {
		if _, err := a.row(r, permissions, false); err != nil {
			return nil
		}
		return describe(r)
	}
}

// letter is a mail with djoser's settings; one whose path is nil carries no link.
func (a *API) letter(r *drf.Request, kind mail.Kind, path *string) account.Letter {
	letter := account.Letter{Kind: kind, Protocol: "http"}
	if r.Secure() {
		letter.Protocol = "https"
	}
	for _, override := range []struct {
		to   *string
		from *string
	}{{&letter.Path, path}, {&letter.Protocol, a.Config.EmailFrontendProtocol}, {&letter.Domain, a.Config.EmailFrontendDomain}, {&letter.SiteName, a.Config.EmailFrontendSiteName}} {
		if override.from != nil {
			*override.to = *override.from
		}
	}
	return letter
}

// note is a mail without link, if the setting wants one.
func (a *API) note(r *drf.Request, wanted bool, kind mail.Kind) *account.Letter {
	if !wanted {
		return nil
	}
	letter := a.letter(r, kind, nil)
	return &letter
}

func (a *API) activationLetter(r *drf.Request) *account.Letter {
	if !a.Config.SendActivationEmail {
		return nil
	}
	letter := a.letter(r, mail.Activation, a.Config.ActivationURL)
	return &letter
}

// inWords puts account's errors into djoser's words. password names the field that a weak password is answered under.
func (a *API) inWords(err error, password string) error {
	var weak *account.WeakPassword
	switch {
	case errors.As(err, &weak):
		return drf.Invalid(password, weak.Messages...)
	case errors.Is(err, account.ErrBadUID):
		return drf.Invalid("uid", message.T("Invalid user id or user doesn't exist."))
	case errors.Is(err, account.ErrBadLink):
		return drf.Invalid("token", message.T("Invalid token for given user."))
	case errors.Is(err, account.ErrStale):
		return drf.Detail(http.StatusForbidden, message.T("Stale token for given user."))
	case errors.Is(err, account.ErrBadPassword):
		return drf.Invalid("current_password", message.T("Invalid password."))
	}
	return err
}
