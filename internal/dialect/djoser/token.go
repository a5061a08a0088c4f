package djoser

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/message"
)

func (a *API) login(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	password, hasPassword := in.Text("password")
	name, hasName := in.Text(a.loginField())
	if err := in.Err(); err != nil {
		return err
	}
	refused := drf.Invalid(r.NonField(), message.T("Unable to log in with provided credentials."))
	if !hasPassword || !hasName {
		return refused
	}
	login, err := a.Accounts.SignIn(r.Context(), name, password)
	if errors.Is(err, account.ErrBadCredentials) || err == nil && a.Config.TokenModel == nil {
		return refused
	}
	if err != nil {
		return err
	}
	key, err := a.Accounts.Key(r.Context(), login.User)
	if errors.Is(err, account.ErrNotServed) || errors.Is(err, account.ErrBadCredentials) {
		return refused
	}
	if err != nil {
		return err
	}
	if err := a.Accounts.StampLogin(r.Context(), login.User); errors.Is(err, account.ErrBadCredentials) {
		return refused
	} else if err != nil {
		return err
	}
	if err := a.openSession(w, r, login); errors.Is(err, account.ErrBadCredentials) {
		return refused
	} else if err != nil {
		return err
	}
	return r.Reply(w, http.StatusOK, drf.Object{{Key: "auth_token", Value: key}})
}

func (a *API) logout(w http.ResponseWriter, r *drf.Request) error {
	if r.User == nil {
		return r.NotAuthenticated()
	}
	if a.Config.TokenModel != nil {
		if err := a.Accounts.DropKey(r.Context(), r.User); err != nil {
			return err
		}
	}
	if err := a.closeSession(w, r); err != nil {
		return err
	}
	return r.Reply(w, http.StatusNoContent, nil)
}
