// Package registerloginrefresh speaks the small register, login and refresh API: sign-up that answers with tokens, sign-in by address, refresh.
package registerloginrefresh

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/store"
)

// Config is the register_login_refresh key, Latchkey's own.
type Config struct {
	// Whether `AUTH_PASSWORD_VALIDATORS` run at the register-login-refresh API's `register`. The API itself asks for 8 to 128 characters only.
	PasswordValidators bool `yaml:"password_validators"`
	// Whether its user shows `created` and `updated`, both `date_joined`.
	Timestamps bool `yaml:"timestamps"`
}

// An API answers the three endpoints.
type API struct {
	Config   Config
	Accounts *account.Service
	// Scheme is the word of the WWW-Authenticate of refused logins and refreshes: the first of AUTH_HEADER_TYPES.
	Scheme string
}

// Routes are the API's, relative to its mount. Each answers POST alone, without OPTIONS.
func (a *API) Routes() []drf.Route {
	route := func(path, scope string, noAuth bool, handle drf.Handler) drf.Route {
		return drf.Route{
			Path: path, Bare: true, NoAuth: noAuth, NoOptions: true, Challenge: a.Scheme + ` realm="api"`,
			Endpoints: []drf.Endpoint{{Method: http.MethodPost, Permissions: drf.Anyone, Scope: scope, Handle: handle}},
		}
	}
	return []drf.Route{
		route("register/", "register", false, a.register),
		route("login/", "login", false, a.login),
		route("refresh/", "refresh", true, a.refresh),
	}
}

// The lengths of a registration's values, in characters.
const (
	maxUsername = 150 // the column's width in Django's table
	maxEmail    = 128
	minPassword = 8
	maxPassword = 128
)

func (a *API) register(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	var failed error
	free := func(taken func() (bool, error), message string) string {
		is, err := taken()
		failed = errors.Join(failed, err)
		if is {
			return message
		}
		return ""
	}
	username, _ := in.Char("username", drf.CharOptions{Max: maxUsername, Validate: []func(string) string{func(name string) string {
		return free(func() (bool, error) { return a.Accounts.ColumnTaken(r.Context(), "username", name, false) }, takenMessage("username"))
	}}})
	email, _ := in.Email("email", drf.CharOptions{Max: maxEmail, Validate: []func(string) string{func(email string) string {
		return free(func() (bool, error) { return a.Accounts.EmailTaken(r.Context(), email) }, takenMessage("email"))
	}}})
	password, _ := in.Char("password", drf.CharOptions{Max: maxPassword, Validate: []func(string) string{func(password string) string {
		if drf.Length(password) < minPassword {
			return "Ensure this field has at least 8 characters."
		}
		return ""
	}}})
	if err := errors.Join(failed, in.Err()); err != nil {
		return err
	}
	if a.Config.PasswordValidators {
		var weak *account.WeakPassword
		about := account.About(&store.User{Username: username, Email: email})
		if errors.As(a.Accounts.JudgePassword(password, about), &weak) {
			return drf.Invalid("password", weak.Messages...)
		}
	}
	user, err := a.Accounts.Register(r.Context(), account.Registration{
		Username: username, Email: email, Password: password, NewAddress: true, Verbatim: true,
	})
	var taken *account.Taken
	if errors.As(err, &taken) {
		return drf.Invalid(taken.Column, takenMessage(taken.Column))
	}
	if err != nil {
		return err
	}
	pair, err := a.Accounts.NewPair(r.Context(), user)
	if err != nil {
		return drf.TokenRefused(err)
	}
	// Clients typed from the API's schema read access, those written after its example read token.
	return r.Reply(w, http.StatusCreated, drf.Object{
		{Key: "user", Value: a.userBody(user)}, {Key: "refresh", Value: pair.Refresh},
		{Key: "access", Value: pair.Access}, {Key: "token", Value: pair.Access},
	})
}

func takenMessage(column string) string { return "user with this " + column + " already exists." }

func (a *API) userBody(u *store.User) drf.Object {
	body := drf.Object{
		{Key: "id", Value: drf.Column(u, "id")}, {Key: "username", Value: u.Username},
		{Key: "email", Value: u.Email}, {Key: "is_active", Value: u.IsActive},
	}
	if a.Config.Timestamps {
		joined := drf.Time(u.DateJoined)
		body = append(body, drf.Member{Key: "created", Value: joined}, drf.Member{Key: "updated", Value: joined})
	}
	return body
}

func (a *API) login(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	email, _ := in.Char("email", drf.CharOptions{})
	password, _ := in.Char("password", drf.CharOptions{})
	if err := in.Err(); err != nil {
		return err
	}
	login, err := a.Accounts.SignInByEmail(r.Context(), email, password)
	if err != nil {
		return drf.TokenRefused(err)
	}
	pair, err := a.Accounts.NewPair(r.Context(), login.User)
	if err != nil {
		return drf.TokenRefused(err)
	}
	return r.Reply(w, http.StatusOK, drf.Object{
		{Key: "refresh", Value: pair.Refresh}, {Key: "access", Value: pair.Access}, {Key: "user", Value: a.userBody(login.User)},
	})
}

func (a *API) refresh(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	raw, _ := in.Char("refresh", drf.CharOptions{})
	if err := in.Err(); err != nil {
		return err
	}
	pair, err := a.Accounts.Refresh(r.Context(), raw)
	if err != nil {
		return drf.TokenRefused(err)
	}
	body := drf.Object{{Key: "access", Value: pair.Access}}
	if pair.Refresh != "" {
		body = append(body, drf.Member{Key: "refresh", Value: pair.Refresh})
	}
	return r.Reply(w, http.StatusOK, body)
}
