package registerloginrefresh

import (
	"slices"

	"latchkey/internal/drf"
)

// The lengths of a registration's values, in characters.
const (
	maxEmail    = 128
	minPassword = 8
	maxPassword = 128
)

var (
	emailLogin   = &drf.Serializer{Name: "EmailLogin", Fields: []drf.Field{{Name: "email"}, {Name: "password"}}}
	tokenRefresh = &drf.Serializer{Name: "TokenRefresh", Fields: []drf.Field{{Name: "refresh"}}}
)

// registration declares a sign-up, with the fields that settings add.
func (a *API) registration() *drf.Serializer {
	s := &drf.Serializer{Name: "Registration"}
	if a.Model.NameField != "" {
		s.Fields = append(s.Fields, drf.Field{Name: "username", Max: a.Model.Column(a.Model.NameField).Max})
	}
	s.Fields = append(s.Fields, drf.Field{Name: "email", Kind: drf.Email, Max: maxEmail}, drf.Field{Name: "password", Min: minPassword, Max: maxPassword})
	for _, name := range a.moreFields() {
		if f := a.Model.Column(name); a.Model.Asked(name) {
			f.WriteOnly = true
			s.Fields = append(s.Fields, f)
		}
	}
	return s
}

// moreFields are those that settings add to the API's own.
func (a *API) moreFields() []string {
	own := []string{a.Model.Key.Name, a.Model.NameField, a.Model.EmailField, "is_active"}
	return slices.DeleteFunc(a.Model.Shown(), func(name string) bool { return slices.Contains(own, name) })
}

func (a *API) user() *drf.Serializer {
	id := a.Model.Column(a.Model.Key.Name)
	id.Name = "id"
	s := &drf.Serializer{Name: "Account", Fields: []drf.Field{id}}
	if a.Model.NameField != "" {
		s.Fields = append(s.Fields, drf.Field{Name: "username", Max: a.Model.Column(a.Model.NameField).Max, ReadOnly: true})
	}
	s.Fields = append(s.Fields, drf.Field{Name: "email", Kind: drf.Email, ReadOnly: true}, drf.Field{Name: "is_active", Kind: drf.Boolean, ReadOnly: true})
	for _, name := range a.moreFields() {
		s.Fields = append(s.Fields, a.Model.Column(name).Shown())
	}
	if a.Config.Timestamps {
		s.Fields = append(s.Fields, drf.Field{Name: "created", Kind: drf.DateTime, ReadOnly: true}, drf.Field{Name: "updated", Kind: drf.DateTime, ReadOnly: true})
	}
	return s
}

func (a *API) registered() *drf.Serializer {
	return &drf.Serializer{Name: "Registration", Fields: []drf.Field{{Name: "user", Kind: drf.Nested, Of: a.user()}, {Name: "refresh"}, {Name: "access"}, {Name: "token"}}}
}

func (a *API) loggedIn() *drf.Serializer {
	return &drf.Serializer{Name: "EmailLogin", Fields: []drf.Field{{Name: "refresh"}, {Name: "access"}, {Name: "user", Kind: drf.Nested, Of: a.user()}}}
}

// refreshed declares the answer to a refresh, with another refresh token where they rotate.
func (a *API) refreshed() *drf.Serializer {
	s := &drf.Serializer{Name: "TokenRefresh", Fields: []drf.Field{{Name: "access", ReadOnly: true}}}
	if a.Accounts.JWT.RotateRefreshTokens {
		s.Fields = append(s.Fields, drf.Field{Name: "refresh", ReadOnly: true})
	}
	return s
}
