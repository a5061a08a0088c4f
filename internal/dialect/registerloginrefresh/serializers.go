package registerloginrefresh

import "latchkey/internal/drf"

// The lengths of a registration's values, in characters.
const (
	maxUsername = 150 // the column's width in Django's table
	maxEmail    = 128
	minPassword = 8
	maxPassword = 128
)

var (
	registration = &drf.Serializer{Name: "Registration", Fields: []drf.Field{
		{Name: "username", Max: maxUsername},
		{Name: "email", Kind: drf.Email, Max: maxEmail},
		{Name: "password", Min: minPassword, Max: maxPassword},
	}}
	emailLogin   = &drf.Serializer{Name: "EmailLogin", Fields: []drf.Field{{Name: "email"}, {Name: "password"}}}
	tokenRefresh = &drf.Serializer{Name: "TokenRefresh", Fields: []drf.Field{{Name: "refresh"}}}
)

func (a *API) user() *drf.Serializer {
	s := &drf.Serializer{Name: "Account"}
	for _, name := range []string{"id", "username", "email", "is_active"} {
		s.Fields = append(s.Fields, drf.ColumnField(name).Shown())
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
