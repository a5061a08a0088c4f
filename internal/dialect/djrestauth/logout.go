package djrestauth

import (
	"errors"
	"net/http"

	"latchkey/internal/drf"
	"latchkey/internal/message"
	"latchkey/internal/tokens"
)

// logoutByGet is for ACCOUNT_LOGOUT_ON_GET. The method is named in Allow either way.
func (a *API) logoutByGet(w http.ResponseWriter, r *drf.Request) error {
	if !a.Accounts.Allauth.LogoutOnGet {
		return drf.MethodNotAllowed(r)
	}
	return a.logout(w, r)
}

// logout ends what the caller has: the key, the session, the refresh token. What is ended stays ended where the refresh token is then refused.
func (a *API) logout(w http.ResponseWriter, r *drf.Request) error {
	c := a.Config
	if r.User == nil && !c.UseJWT && !c.SessionLogin {
		return drf.Detail(http.StatusBadRequest, message.T("You should be logged in to logout. Check whether the token is passed."))
	}
	refresh, _ := a.refreshCookie()
	if err := a.checkOrigin(r, a.Sessions.Cookie.Name, refresh.Name); err != nil {
		return err
	}
	if r.User != nil {
		if err := a.Accounts.DropKey(r.Context(), r.User); err != nil {
			return err
		}
	}
	if c.SessionLogin {
		if err := a.Sessions.Close(w, r); err != nil {
			return err
		}
	}
	if !c.UseJWT {
		return r.Reply(w, http.StatusOK, detail(message.T("Successfully logged out.")))
	}
	if !a.Accounts.Store.Apps().Blacklist {
		a.dropCookies(w)
		if c.JWTAuthCookie == nil {
			return r.Reply(w, http.StatusOK, detail(message.T("Neither cookies or blacklist are enabled, so the token has not been deleted server side. "+
				"Please make sure the token is deleted client side.")))
		}
		return r.Reply(w, http.StatusOK, detail(message.T("Successfully logged out.")))
	}
	return a.endRefresh(w, r)
}

// endRefresh takes the cookies back, whatever comes then, and blacklists the refresh token of the cookie, if HTTPONLY keeps tokens there, else that of the body,
// and never the other's.
func (a *API) endRefresh(w http.ResponseWriter, r *drf.Request) error {
	a.dropCookies(w)
	var raw any
	present, missing := false, message.T("Refresh token was not included in cookie data.")
	if a.Config.JWTAuthHTTPOnly {
		if cookie, named := a.refreshCookie(); named {
			if sent, err := r.Cookie(cookie.Name); err == nil {
				raw, present = sent.Value, true
			}
		}
	} else {
		in, err := r.Fields()
		if err != nil {
			return err
		}
		missing = message.T("Refresh token was not included in request data.")
		raw, present = a.rawRefresh(in)
	}
	absent := drf.Detail(http.StatusUnauthorized, missing)
	if !present || raw == nil {
		if err := a.Accounts.BlacklistNobody(r.Context()); err != nil {
			return err
		}
		if present && a.Exact { // null passes for a token
			return r.Reply(w, http.StatusOK, detail(message.T("Successfully logged out.")))
		}
		return absent
	}
	token, _ := raw.(string) // anything else is no token, as the empty text is none
	err := a.Accounts.Blacklist(r.Context(), token)
	var invalid *tokens.Invalid
	switch {
	case errors.As(err, &invalid) && invalid.Message.Is("Token has no id"):
		return absent
	case errors.As(err, &invalid):
		return drf.Detail(http.StatusUnauthorized, invalid.Message)
	case err != nil:
		return err
	}
	return r.Reply(w, http.StatusOK, detail(message.T("Successfully logged out.")))
}

// rawRefresh is the refresh token of a body, as the parser gave it.
func (a *API) rawRefresh(in *drf.Fields) (raw any, present bool) {
	raw, present = in.Raw("refresh")
	if !present && a.LegacyKeys {
		raw, present = in.Raw("refresh_token")
	}
	return raw, present
}
