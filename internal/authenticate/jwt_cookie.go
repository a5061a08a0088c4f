package authenticate

import (
	"context"
	"errors"
	"net/http"

	"latchkey/internal/message"
	"latchkey/internal/store"
)

// CookieRules are those of REST_AUTH for the cookie with the access token.
type CookieRules struct {
	// Name is JWT_AUTH_COOKIE.
	Name string
	// UseCSRF asks for Django's CSRF token where the cookie is used, AlwaysCSRF of every unsafe request without the header.
	UseCSRF, AlwaysCSRF bool
	// Safe refuses requests of other sites, and takes a stale cookie for none where nobody needs to be signed in.
	Safe bool
}

// JWTCookie is dj-rest-auth's JWTCookieAuthentication: an access token in the header, or else in a cookie.
type JWTCookie struct {
	*Bearer
	Rules CookieRules
	CSRF  CSRF
}

func newJWTCookie(s Settings) *JWTCookie {
	return &JWTCookie{Bearer: newBearer(s, false), Rules: s.JWTCookie, CSRF: s.CSRF}
}

// Authenticate reads the token and finds its user. A header of any kind, even an empty one, hides the cookie.
func (j *JWTCookie) Authenticate(ctx context.Context, r *http.Request) (*store.User, Via, error) {
	if _, sent := r.Header[j.Header]; sent || j.Rules.Name == "" {
		return j.Bearer.Authenticate(ctx, r)
	}
	cookie, err := r.Cookie(j.Rules.Name)
	if j.Rules.AlwaysCSRF || err == nil && j.Rules.UseCSRF {
		if reason := j.CSRF.Check(r); reason != nil {
			return nil, Via{}, &Refused{Detail: message.T("CSRF Failed: {reason}", "reason", reason), Forbidden: true}
		}
	}
	if err != nil {
		return nil, Via{}, nil
	}
	user, token, err := j.Accounts.UserOfToken(ctx, cookie.Value, j.Classes, false)
	if err != nil {
		err = inWords(err)
		var refused *Refused
		if errors.As(err, &refused) {
			refused.Lenient = j.Rules.Safe
		}
		return nil, Via{}, err
	}
	if j.Rules.Safe {
		if reason := j.CSRF.Origin(r); reason != nil {
			return nil, Via{}, &Refused{Detail: message.T("CSRF Failed: {reason}", "reason", reason), Forbidden: true}
		}
	}
	return user, Via{Method: "cookie", Token: token}, nil
}
