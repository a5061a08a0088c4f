package djrestauth

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

func (a *API) login(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	c := account.Credentials{}
	c.Username, _ = in.Text("username")
	c.Email, _ = in.Text("email")
	c.Password, _ = in.Text("password")
	c.Untrimmed = a.asSent(in, "password")
	if err := in.Err(); err != nil {
		return err
	}
	login, err := a.signIn(r, c)
	if err != nil {
		return a.refused(r, err)
	}
	if !login.User.IsActive {
		return drf.Invalid(r.NonField(), message.T("User account is disabled."))
	}
	if a.Registration && a.Accounts.Allauth.EmailVerification == account.MandatoryVerification {
		verified, err := a.Accounts.Verified(r.Context(), login.User)
		if err != nil {
			return err
		}
		if !verified {
			return drf.Invalid(r.NonField(), message.T("E-mail is not verified."))
		}
	}
	body, pair, err := a.credentials(r, login.User)
	if err != nil {
		return a.refused(r, err)
	}
	if a.Config.SessionLogin {
		if err := a.Accounts.StampLogin(r.Context(), login.User); err != nil {
			return a.refused(r, err)
		}
		if err := a.Sessions.Open(w, r, login); err != nil {
			return a.refused(r, err)
		}
	}
	if a.Config.UseJWT {
		a.setCookies(w, pair)
		body = a.pairBody(pair, login.User, a.Config.JWTAuthHTTPOnly, a.Config.JWTAuthReturnExpiration)
	}
	if body == nil {
		return r.Reply(w, http.StatusNoContent, nil)
	}
	return r.Reply(w, http.StatusOK, body)
}

// refused puts the refusal of a sign-in into dj-rest-auth's words.
func (a *API) refused(r *drf.Request, err error) error {
	if errors.Is(err, account.ErrBadCredentials) {
		return drf.Invalid(r.NonField(), message.T("Unable to log in with provided credentials."))
	}
	return err
}

// signIn tries the credentials that ACCOUNT_LOGIN_METHODS asks for: with both methods the address, if one is given, and never both. Without allauth an address
// is that of the account.
func (a *API) signIn(r *drf.Request, c account.Credentials) (account.Login, error) {
	byName, byEmail := a.Accounts.Allauth.LoginBy("username"), a.Accounts.Allauth.LoginBy("email")
	switch {
	case !a.Allauth:
		if c.Email != "" {
			return a.Accounts.SignInByEmail(r.Context(), c.Email, c.Password)
		}
		if c.Username == "" {
			return account.Login{}, account.ErrBadCredentials
		}
	case byName && byEmail:
		if c.Email == "" && c.Username == "" {
			return account.Login{}, drf.Invalid(r.NonField(), message.T(`Must include either "username" or "email" and "password".`))
		}
		if c.Email != "" {
			c.Username = ""
		}
	case byEmail:
		if c.Email == "" {
			return account.Login{}, drf.Invalid(r.NonField(), message.T(`Must include "email" and "password".`))
		}
		c.Username = ""
	default:
		if c.Username == "" {
			return account.Login{}, drf.Invalid(r.NonField(), message.T(`Must include "username" and "password".`))
		}
		c.Email = ""
	}
	return a.Accounts.SignInWith(r.Context(), c)
}

// credentials makes what a user who signed in gets by mode: JWTs, or a body with the key, or nothing, where a session is all.
func (a *API) credentials(r *drf.Request, user *store.User) (drf.Object, account.Pair, error) {
	switch {
	case a.Config.UseJWT:
		pair, err := a.Accounts.NewPairUnstamped(r.Context(), user)
		return nil, pair, err
	case a.Config.TokenModel != nil:
		key, err := a.Accounts.Key(r.Context(), user)
		return drf.Object{{Key: "key", Value: key}}, account.Pair{}, err
	}
	return nil, account.Pair{}, nil
}

// tokenKeys are the names of the two tokens in the answer of a login.
func (a *API) tokenKeys() (access, refresh string) {
	if a.LegacyKeys {
		return "access_token", "refresh_token"
	}
	return "access", "refresh"
}

// pairBody is the answer of JWT mode.
func (a *API) pairBody(pair account.Pair, user *store.User, hideRefresh, expirations bool) drf.Object {
	if hideRefresh {
		pair.Refresh = ""
	}
	access, refresh := a.tokenKeys()
	body := drf.Object{{Key: access, Value: pair.Access}, {Key: refresh, Value: pair.Refresh}, {Key: "user", Value: a.userBody(user)}}
	if expirations {
		now := a.Now()
		body = append(body,
			drf.Member{Key: access + "_expiration", Value: drf.TimeIn(now.Add(a.JWT.AccessTokenLifetime), a.Zone)},
			drf.Member{Key: refresh + "_expiration", Value: drf.TimeIn(now.Add(a.JWT.RefreshTokenLifetime), a.Zone)})
	}
	for _, field := range a.LoginFields {
		body = append(body, drf.Member{Key: field, Value: a.Model.Value(user, field)})
	}
	return body
}
