package djrestauth

import (
	"net/http"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/message"
)

// refresh exchanges the refresh token of the body, or where it holds none that of the cookie.
func (a *API) refresh(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	in.Text("refresh")
	if err := in.Err(); err != nil {
		return err
	}
	raw, _ := a.rawRefresh(in)
	if raw == nil || raw == "" {
		cookie, named := a.refreshCookie()
		if err := a.checkOrigin(r, cookie.Name); err != nil {
			return err
		}
		sent, err := r.Cookie(cookie.Name)
		if !named || err != nil {
			return drf.DetailCode(http.StatusUnauthorized, message.T("No valid refresh token found."), "token_not_valid")
		}
		raw = sent.Value
	}
	token, _ := raw.(string) // a number is no token
	pair, err := a.Accounts.Refresh(r.Context(), token)
	if err != nil {
		return drf.TokenRefused(err)
	}
	a.setCookies(w, pair)
	return r.Reply(w, http.StatusOK, a.refreshed(pair))
}

// refreshed is the answer of a refresh, whose times are always there and always in UTC.
func (a *API) refreshed(pair account.Pair) drf.Object {
	access, refresh := a.tokenKeys() // before 3.0 only the login called tokens otherwise, but the times had the longer names
	now := a.Now()
	body := drf.Object{{Key: "access", Value: pair.Access}}
	rotated := pair.Refresh != "" && !a.Config.JWTAuthHTTPOnly
	if rotated {
		body = append(body, drf.Member{Key: "refresh", Value: pair.Refresh})
	}
	body = append(body, drf.Member{Key: access + "_expiration", Value: drf.TimeIn(now.Add(a.JWT.AccessTokenLifetime), time.UTC)})
	if rotated {
		body = append(body, drf.Member{Key: refresh + "_expiration", Value: drf.TimeIn(now.Add(a.JWT.RefreshTokenLifetime), time.UTC)})
	}
	return body
}
