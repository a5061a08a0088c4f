// Package registerloginrefresh speaks the small register, login and refresh API: sign-up that answers with tokens, sign-in by address, refresh.
package registerloginrefresh

import (
	"errors"
	"net/http"
	"slices"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/message"
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
	Model    *drf.Model
	// Scheme is the word of the WWW-Authenticate of refused logins and refreshes: the first of AUTH_HEADER_TYPES.
	Scheme string
}

// Routes are the API's, relative to its mount. Each answers POST alone, without OPTIONS.
func (a *API) Routes() []drf.Route {
	route := func(path, scope string, noAuth bool, endpoint drf.Endpoint) drf.Route {
		endpoint.Method, endpoint.Permissions, endpoint.Scope = http.MethodPost, drf.Anyone, scope
		return drf.Route{
			Path: path, Bare: true, NoAuth: noAuth, NoOptions: true, Challenge: a.Scheme + ` realm="api"`, Endpoints: []drf.Endpoint{endpoint},
		}
	}
	refused := drf.Answer{Status: http.StatusUnauthorized}
	return []drf.Route{
		route("register/", "register", false, drf.Endpoint{
			Summary: message.T("Register a user"), Request: a.registration(), Answers: []drf.Answer{{Status: http.StatusCreated, Body: a.registered()}}, Handle: a.register,
		}),
		route("login/", "login", false, drf.Endpoint{
			Summary: message.T("Log a user in"), Request: emailLogin, Answers: []drf.Answer{{Status: http.StatusOK, Body: a.loggedIn()}, refused}, Handle: a.login,
		}),
		route("refresh/", "refresh", true, drf.Endpoint{
			Summary: message.T("Refresh the access token"), Request: tokenRefresh, Answers: []drf.Answer{{Status: http.StatusOK, Body: a.refreshed()}, refused}, Handle: a.refresh,
		}),
	}
}

func (a *API) register(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	var failed error
	free := func(taken func() (bool, error), column string) *message.Text {
		is, err := taken()
		failed = errors.Join(failed, err)
		if is {
			return takenMessage(column)
		}
		return nil
	}
	reg := account.Registration{NewAddress: true, Verbatim: true}
	if field := a.Model.NameField; field != "" {
		reg.Username, _ = in.Text("username", func(name string) *message.Text {
			return free(func() (bool, error) { return a.Accounts.ColumnTaken(r.Context(), field, name, false) }, "username")
		})
	}
	reg.Email, _ = in.Text("email", func(email string) *message.Text {
		return free(func() (bool, error) { return a.Accounts.EmailTaken(r.Context(), email) }, "email")
	})
	reg.Password, _ = in.Text("password")
	for _, name := range a.moreFields() {
		if a.Model.Asked(name) {
			if value, present := a.Model.Read(r.Context(), in, name, &store.User{}, &failed); present {
				reg.Set(a.Model.Model, name, value)
			}
		}
	}
	if err := errors.Join(failed, in.Err()); err != nil {
		return err
	}
	if a.Config.PasswordValidators {
		var weak *account.WeakPassword
		about := account.About(&store.User{Username: reg.Username, Email: reg.Email})
		if errors.As(a.Accounts.JudgePassword(reg.Password, about), &weak) {
			return drf.Invalid("password", weak.Messages...)
		}
	}
	user, err := a.Accounts.Register(r.Context(), reg)
	if err != nil {
		return a.refused(r, err)
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

// refused says which value of a sign-up is taken, or that one cannot be stored.
func (a *API) refused(r *drf.Request, err error) error {
	var duplicate *account.Taken
	switch {
	case errors.Is(err, account.ErrRefused):
		return drf.Invalid(r.NonField(), drf.NotStored)
	case !errors.As(err, &duplicate):
		return err
	case duplicate.Column == a.Model.NameField:
		return drf.Invalid("username", takenMessage("username"))
	case duplicate.Column == a.Model.EmailField:
		return drf.Invalid("email", takenMessage("email"))
	}
	return drf.Invalid(duplicate.Column, a.Model.Taken(duplicate.Column))
}

func takenMessage(field string) *message.Text {
	if field == "email" {
		return message.T("user with this email already exists.")
	}
	return message.T("user with this username already exists.")
}

func (a *API) userBody(u *store.User) drf.Object {
	body := drf.Object{
		{Key: "id", Value: a.Model.Value(u, a.Model.Key.Name)}, {Key: "username", Value: u.Username},
		{Key: "email", Value: u.Email}, {Key: "is_active", Value: u.IsActive},
	}
	if a.Model.NameField == "" {
		body = slices.Delete(body, 1, 2)
	}
	for _, name := range a.moreFields() {
		body = append(body, drf.Member{Key: name, Value: a.Model.Value(u, name)})
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
	email, _ := in.Text("email")
	password, _ := in.Text("password")
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
	raw, _ := in.Text("refresh")
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
