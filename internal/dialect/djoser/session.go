package djoser

import (
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
)

// openSession signs into a session beside the token key, where CREATE_SESSION_ON_LOGIN asks for it.
func (a *API) openSession(w http.ResponseWriter, r *drf.Request, login account.Login) error {
	if !a.Config.CreateSessionOnLogin {
		return nil
	}
	return a.Sessions.Open(w, r, login)
}

// closeSession ends the caller's session and takes its cookie back.
func (a *API) closeSession(w http.ResponseWriter, r *drf.Request) error {
	if !a.Config.CreateSessionOnLogin {
		return nil
	}
	return a.Sessions.Close(w, r)
}

// renewSession keeps the caller's session alive over a change of password.
func (a *API) renewSession(w http.ResponseWriter, r *drf.Request) error {
	if !a.Config.CreateSessionOnLogin {
		return nil
	}
	return a.Sessions.Renew(w, r)
}
