package drf

import (
	"net/http"

	"latchkey/internal/store"
)

// A Permission is a permission class: may this caller call, and may they touch this row. A nil check agrees.
type Permission struct {
	Name    string
	Request func(r *Request) bool
	Row     func(r *Request, row *store.User) bool
}

// permissions are the classes that settings may name.
var permissions = []Permission{
	{Name: "rest_framework.permissions.AllowAny", Request: anyone},
	{Name: "rest_framework.permissions.IsAuthenticated", Request: signedIn},
	{Name: "rest_framework.permissions.IsAdminUser", Request: staff},
	{Name: "rest_framework.permissions.IsAuthenticatedOrReadOnly", Request: func(r *Request) bool { return safe(r) || signedIn(r) }},
	{Name: "djoser.permissions.CurrentUserOrAdmin", Request: signedIn, Row: func(r *Request, row *store.User) bool {
		return staff(r) || own(r, row)
	}},
	{Name: "djoser.permissions.CurrentUserOrAdminOrReadOnly", Request: signedIn, Row: func(r *Request, row *store.User) bool {
		return own(r, row) || safe(r) || staff(r)
	}},
}

func anyone(*Request) bool     { return true }
func signedIn(r *Request) bool { return r.User != nil }
func staff(r *Request) bool    { return r.User != nil && r.User.IsStaff }

func own(r *Request, row *store.User) bool { return r.User != nil && r.User.ID == row.ID }

func safe(r *Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
}

// Anyone is the permission that refuses nobody.
var Anyone = []Permission{permissions[0]}

// PermissionNamed finds a permission class by its dotted name.
func PermissionNamed(name string) (Permission, bool) {
	for _, p := range permissions {
		if p.Name == name {
			return p, true
		}
	}
	return Permission{}, false
}

// PermissionsNamed finds several. Names that are no permission classes refuse everybody: settings are checked before they come here.
func PermissionsNamed(names []string) []Permission {
	list := make([]Permission, len(names))
	for i, name := range names {
		p, ok := PermissionNamed(name)
		if !ok {
			p = Permission{Name: name, Request: func(*Request) bool { return false }}
		}
		list[i] = p
	}
	return list
}

// Allow asks whether a caller, nil for nobody, may make requests of a method at all.
func Allow(permissions []Permission, method string, user *store.User) bool {
	r := &Request{Request: &http.Request{Method: method}, User: user}
	for _, p := range permissions {
		if !p.Request(r) {
			return false
		}
	}
	return true
}

// AllowOthers asks whether a usual user may make them about the row of another.
func AllowOthers(permissions []Permission, method string) bool {
	r := &Request{Request: &http.Request{Method: method}, User: &store.User{ID: store.IntID(1)}}
	for _, p := range permissions {
		if p.Row != nil && !p.Row(r, &store.User{ID: store.IntID(2)}) {
			return false
		}
	}
	return true
}
