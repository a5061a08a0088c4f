// Package sessions answers Latchkey's own sessions/, where users see what they have open and end it. It stands beside djoser's and dj-rest-auth's routes.
package sessions

import (
	"errors"
	"net/http"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/message"
)

// An API answers sessions/.
type API struct {
	Accounts *account.Service
	// Zone is TIME_ZONE, in which times are told.
	Zone *time.Location
}

var signedIn = drf.PermissionsNamed([]string{"rest_framework.permissions.IsAuthenticated"})

// session declares what is shown of each.
var session = &drf.Serializer{Name: "Session", Fields: []drf.Field{
	{Name: "id", ReadOnly: true},
	{Name: "kind", ReadOnly: true, Help: message.T("refresh for a refresh token and those that follow from it, session for a session of Django's, token for the token key.")},
	{Name: "created", Kind: drf.DateTime, ReadOnly: true},
	{Name: "last_used", Kind: drf.DateTime, ReadOnly: true},
	{Name: "expires", Kind: drf.DateTime, ReadOnly: true, AllowNull: true},
	{Name: "address", ReadOnly: true, AllowNull: true, Help: message.T("Where it was last used from; null where Django opened it and it was not used here yet.")},
	{Name: "user_agent", ReadOnly: true},
	{Name: "current", Kind: drf.Boolean, ReadOnly: true, Help: message.T("Whether this very request came with it.")},
}}

// Routes are those of sessions/, relative to the mount.
func (a *API) Routes() []drf.Route {
	ended := drf.Answer{Status: http.StatusNoContent}
	return []drf.Route{
		{Path: "sessions/", Name: "Session List", Description: "Shows what the caller has open, and ends all of it.", Otherwise: signedIn, Endpoints: []drf.Endpoint{
			{Method: http.MethodGet, Permissions: signedIn, Summary: message.T("List what the caller has open"),
				Answers: []drf.Answer{{Status: http.StatusOK, Body: session, Many: true}}, Handle: a.list},
			{Method: http.MethodDelete, Permissions: signedIn, Scope: "password", Action: "destroy_all", Summary: message.T("End all that the caller has open"),
				Query: []drf.Field{{Name: "others", Kind: drf.Boolean, Optional: true}}, Answers: []drf.Answer{ended}, Handle: a.endAll},
		}},
		{Path: "sessions/{id}/", Name: "Session Instance", Description: "Ends one of the things that the caller has open.", Otherwise: signedIn, ID: session.Fields[0], Endpoints: []drf.Endpoint{
			{Method: http.MethodDelete, Permissions: signedIn, Scope: "password", Summary: message.T("End one thing that the caller has open"),
				Answers: []drf.Answer{ended, {Status: http.StatusNotFound}}, Handle: a.end},
		}},
	}
}

// proof is what the request was signed in with.
func proof(r *drf.Request) account.Proof {
	return account.Proof{Token: r.Via.Token, Session: r.Via.Session, Key: r.Via.Method == "token"}
}

func (a *API) list(w http.ResponseWriter, r *drf.Request) error {
	devices, err := a.Accounts.DevicesOf(r.Context(), r.User, proof(r))
	if err != nil {
		return err
	}
	list := make(drf.List, len(devices))
	for i := range devices {
		list[i] = a.body(&devices[i])
	}
	w.Header().Set("Cache-Control", "no-store")
	return r.Reply(w, http.StatusOK, list)
}

func (a *API) body(d *account.Device) drf.Object {
	var expires, address any
	if !d.ExpiresAt.IsZero() {
		expires = drf.TimeIn(d.ExpiresAt, a.Zone)
	}
	if d.Address != "" {
		address = d.Address
	}
	return drf.Object{
		{Key: "id", Value: d.ID}, {Key: "kind", Value: d.Kind},
		{Key: "created", Value: drf.TimeIn(d.CreatedAt, a.Zone)}, {Key: "last_used", Value: drf.TimeIn(d.UsedAt, a.Zone)}, {Key: "expires", Value: expires},
		{Key: "address", Value: address}, {Key: "user_agent", Value: d.Agent}, {Key: "current", Value: d.Current},
	}
}

func (a *API) end(w http.ResponseWriter, r *drf.Request) error {
	err := a.Accounts.EndDevice(r.Context(), r.User, r.ID)
	if errors.Is(err, account.ErrNoSession) {
		return drf.NotFound()
	}
	if err != nil {
		return err
	}
	return r.Reply(w, http.StatusNoContent, nil)
}

// endAll ends all that the caller has open, or with ?others=true all but what the request came with.
func (a *API) endAll(w http.ResponseWriter, r *drf.Request) (err error) {
	switch others := r.URL.Query().Get("others"); others {
	case "true":
		err = a.Accounts.EndOtherDevices(r.Context(), r.User, proof(r))
	case "", "false":
		err = a.Accounts.EndDevices(r.Context(), r.User)
	default:
		return drf.Invalid("others", message.T("Must be a valid boolean."))
	}
	if errors.Is(err, account.ErrNoSession) {
		return drf.Detail(http.StatusBadRequest, message.T("It is not known which of your sessions this request belongs to."))
	}
	if err != nil {
		return err
	}
	return r.Reply(w, http.StatusNoContent, nil)
}
