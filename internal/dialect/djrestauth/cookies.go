package djrestauth

import (
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
)

// accessCookie and refreshCookie hold the tokens in JWT mode; false where the settings name none.
func (a *API) accessCookie() (drf.Cookie, bool) {
	cookie := a.cookie(a.Config.JWTAuthCookie, "/")
	cookie.Age = a.JWT.AccessTokenLifetime
	return cookie, cookie.Name != ""
}

func (a *API) refreshCookie() (drf.Cookie, bool) {
	cookie := a.cookie(a.Config.JWTAuthRefreshCookie, a.Config.JWTAuthRefreshCookiePath)
	cookie.Age = a.JWT.RefreshTokenLifetime
	return cookie, cookie.Name != ""
}

func (a *API) cookie(name *string, path string) drf.Cookie {
	c := a.Config
	cookie := drf.Cookie{Path: path, SameSite: string(c.JWTAuthSameSite), Secure: c.JWTAuthSecure, HTTPOnly: c.JWTAuthHTTPOnly}
	if name != nil {
		cookie.Name = *name
	}
	if c.JWTAuthCookieDomain != nil {
		cookie.Domain = *c.JWTAuthCookieDomain
	}
	return cookie
}

// setCookies sends the tokens that there are.
func (a *API) setCookies(w http.ResponseWriter, pair account.Pair) {
	if cookie, named := a.accessCookie(); named && pair.Access != "" {
		cookie.Set(w, pair.Access, a.Now())
	}
	if cookie, named := a.refreshCookie(); named && pair.Refresh != "" {
		cookie.Set(w, pair.Refresh, a.Now())
	}
}

// dropCookies takes both back.
func (a *API) dropCookies(w http.ResponseWriter) {
	if cookie, named := a.accessCookie(); named {
		cookie.Delete(w)
	}
	if cookie, named := a.refreshCookie(); named {
		cookie.Delete(w)
	}
}
