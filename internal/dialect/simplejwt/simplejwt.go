// Package simplejwt speaks SimpleJWT's API: sign-in for a pair of tokens, refresh, verify, blacklist, and sliding tokens.
package simplejwt

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// An API answers SimpleJWT's endpoints.
type API struct {
	Accounts *account.Service
	Model    *drf.Model
	// LoginFields are user columns that the sign-in answer carries behind the tokens.
	LoginFields []string
	// Scheme is the word of the WWW-Authenticate of this API's 401s: the first of AUTH_HEADER_TYPES.
	Scheme string
	// OpenEnded makes djoser's three paths match whatever follows them, as its patterns do.
	OpenEnded bool
}

// Routes are SimpleJWT's own, as projects mount them at a path of their choice.
func (a *API) Routes() []drf.Route {
	pair := func(path string) drf.Route {
		return a.route(path, "Token Obtain Pair", describeObtain, "login", drf.Endpoint{
			Summary: message.T("Get an access and a refresh token"), Request: a.credentials("TokenObtainPair"), Answers: answers(a.pair()), Handle: a.createPair,
		})
	}
	return []drf.Route{
		pair(""),
		pair("pair/"),
		a.route("refresh/", "Token Refresh", describeRefresh, "refresh", drf.Endpoint{
			Summary: message.T("Refresh the access token"), Request: tokenRefresh, Answers: answers(a.refreshed()), Handle: a.refresh,
		}),
		a.route("verify/", "Token Verify", describeVerify, "refresh", a.verifyEndpoint()),
		a.route("blacklist/", "Token Blacklist", describeBlacklist, "refresh", drf.Endpoint{
			Summary: message.T("End a refresh token"), Request: tokenBlacklist, Answers: answers(nil), Handle: a.blacklist,
		}),
		a.route("sliding/", "Token Obtain Sliding", describeSliding, "login", drf.Endpoint{
			Summary: message.T("Get a sliding token"), Request: a.credentials("TokenObtainSliding"), Answers: answers(slidingToken("TokenObtainSliding")), Handle: a.createSliding,
		}),
		a.route("sliding/refresh/", "Token Refresh Sliding", describeSlidingRefresh, "refresh", drf.Endpoint{
			Summary: message.T("Refresh a sliding token"), Request: slidingToken("TokenRefreshSliding"), Answers: answers(slidingToken("TokenRefreshSliding")),
			Handle: a.refreshSliding,
		}),
	}
}

// DjoserRoutes are the same views as djoser projects have them under jwt/.
func (a *API) DjoserRoutes() []drf.Route {
	routes := a.Routes()[1:]
	routes[0].Path = "create/"
	for i := range routes {
		open := i < 3
		routes[i].Path = "jwt/" + routes[i].Path
		routes[i].Prefix = open && a.OpenEnded
		routes[i].Closed = !open
	}
	return routes
}

// VerifyRoute is the one of these views that dj-rest-auth serves as it is.
func (a *API) VerifyRoute(path string) drf.Route {
	verify := a.verifyEndpoint()
	verify.Terse = true
	return a.route(path, "Token Verify", describeVerify, "refresh", verify)
}

func (a *API) verifyEndpoint() drf.Endpoint {
	return drf.Endpoint{Summary: message.T("Check a token"), Request: tokenVerify, Answers: answers(nil), Handle: a.verify}
}

// The views' descriptions, which OPTIONS shows.
const (
	describeObtain         = "Exchanges a user's credentials for a refresh and an access token."
	describeRefresh        = "Exchanges a valid refresh token for an access token."
	describeVerify         = "Tells whether a token is valid, of whatever type."
	describeBlacklist      = "Ends a refresh token before its time."
	describeSliding        = "Exchanges a user's credentials for a sliding token."
	describeSlidingRefresh = "Exchanges a sliding token for one with a later expiry."
)

// route is one view, which takes a form by POST.
func (a *API) route(path, name, description, scope string, endpoint drf.Endpoint) drf.Route {
	endpoint.Method, endpoint.Permissions, endpoint.Scope = http.MethodPost, drf.Anyone, scope
	return drf.Route{
		Path: path, Name: name, Description: description,
		NoAuth: true, Challenge: a.Scheme + ` realm="api"`, Endpoints: []drf.Endpoint{endpoint},
	}
}

// answers are those of a view: an object, empty where it is nil, or that the credentials or the token are no good.
func answers(body *drf.Serializer) []drf.Answer {
	return []drf.Answer{{Status: http.StatusOK, Body: body}, {Status: http.StatusUnauthorized}}
}

func (a *API) createPair(w http.ResponseWriter, r *drf.Request) error {
	user, err := a.signIn(r)
	if err != nil {
		return err
	}
	pair, err := a.Accounts.NewPair(r.Context(), user)
	if err != nil {
		return drf.TokenRefused(err)
	}
	body := drf.Object{{Key: "refresh", Value: pair.Refresh}, {Key: "access", Value: pair.Access}}
	for _, field := range a.LoginFields {
		body = append(body, drf.Member{Key: field, Value: a.Model.Value(user, field)})
	}
	return r.Reply(w, http.StatusOK, body)
}

func (a *API) createSliding(w http.ResponseWriter, r *drf.Request) error {
	user, err := a.signIn(r)
	if err != nil {
		return err
	}
	token, err := a.Accounts.NewSliding(r.Context(), user)
	if err != nil {
		return drf.TokenRefused(err)
	}
	return r.Reply(w, http.StatusOK, drf.Object{{Key: "token", Value: token}})
}

func (a *API) signIn(r *drf.Request) (*store.User, error) {
	in, err := r.Fields()
	if err != nil {
		return nil, err
	}
	name, _ := in.Text(a.Model.UsernameField)
	password, _ := in.Text("password")
	if err := in.Err(); err != nil {
		return nil, err
	}
	login, err := a.Accounts.SignIn(r.Context(), name, password)
	return login.User, drf.TokenRefused(err)
}

func (a *API) refresh(w http.ResponseWriter, r *drf.Request) error {
	raw, err := field(r, "refresh")
	if err != nil {
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

func (a *API) verify(w http.ResponseWriter, r *drf.Request) error {
	raw, err := field(r, "token")
	if err != nil {
		return err
	}
	err = a.Accounts.Verify(r.Context(), raw)
	if errors.Is(err, account.ErrBlacklisted) {
		return drf.Invalid(r.NonField(), message.T("Token is blacklisted"))
	}
	if err != nil {
		return drf.TokenRefused(err)
	}
	return r.Reply(w, http.StatusOK, drf.Object{})
}

func (a *API) blacklist(w http.ResponseWriter, r *drf.Request) error {
	raw, err := field(r, "refresh")
	if err != nil {
		return err
	}
	if err := a.Accounts.Blacklist(r.Context(), raw); err != nil {
		return drf.TokenRefused(err)
	}
	return r.Reply(w, http.StatusOK, drf.Object{})
}

func (a *API) refreshSliding(w http.ResponseWriter, r *drf.Request) error {
	raw, err := field(r, "token")
	if err != nil {
		return err
	}
	token, err := a.Accounts.RefreshSliding(r.Context(), raw)
	if err != nil {
		return drf.TokenRefused(err)
	}
	return r.Reply(w, http.StatusOK, drf.Object{{Key: "token", Value: token}})
}

// field reads a body of one required text.
func field(r *drf.Request, name string) (string, error) {
	in, err := r.Fields()
	if err != nil {
		return "", err
	}
	value, _ := in.Text(name)
	return value, in.Err()
}
