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
	key, err := a.Accounts.OpenSession(r.Context(), a.Session.Value(r.Request), login)
	if err != nil {
		return err
	}
	r.UsesSession()
	a.Session.Set(w, key, a.Now())
	return nil
}

// closeSession ends the caller's session and takes its cookie back.
func (a *API) closeSession(w http.ResponseWriter, r *drf.Request) error {
	if !a.Config.CreateSessionOnLogin {
		return nil
	}
	r.UsesSession()
	key := a.Session.Value(r.Request)
	if key == "" {
		return nil
	}
	a.Session.Delete(w)
	return a.Accounts.CloseSession(r.Context(), key)
}

// renewSession keeps the caller's session alive over a change of password. The reference makes one even for a caller who came without.
func (a *API) renewSession(w http.ResponseWriter, r *drf.Request) error {
	if !a.Config.CreateSessionOnLogin {
		return nil
	}
	r.UsesSession()
	key, err := a.Accounts.RenewSession(r.Context(), a.Session.Value(r.Request), r.User)
	if err == nil && key == "" && a.Exact {
		key, err = a.Accounts.NewSession(r.Context(), a.Accounts.SessionHash(r.User))
	}
	if err != nil || key == "" {
		return err
	}
	a.Session.Set(w, key, a.Now())
	return nil
}
