package simplejwt

import "latchkey/internal/drf"

var (
	tokenRefresh   = &drf.Serializer{Name: "TokenRefresh", Fields: []drf.Field{{Name: "refresh"}, {Name: "access", ReadOnly: true}}}
	tokenBlacklist = &drf.Serializer{Name: "TokenBlacklist", Fields: []drf.Field{{Name: "refresh"}}}
	tokenVerify    = &drf.Serializer{Name: "TokenVerify", Fields: []drf.Field{{Name: "token"}}}
)

// credentials declares a sign-in.
func (a *API) credentials(name string) *drf.Serializer {
	return &drf.Serializer{Name: name, Fields: []drf.Field{{Name: a.Model.UsernameField}, {Name: "password"}}}
}

// pair declares the answer to one.
func (a *API) pair() *drf.Serializer {
	s := &drf.Serializer{Name: "TokenObtainPair", Fields: []drf.Field{{Name: "refresh", ReadOnly: true}, {Name: "access", ReadOnly: true}}}
	for _, name := range a.LoginFields {
		s.Fields = append(s.Fields, a.Model.Column(name).Shown())
	}
	return s
}

// refreshed declares the answer to a refresh, with another refresh token where they rotate.
func (a *API) refreshed() *drf.Serializer {
	s := &drf.Serializer{Name: "TokenRefresh", Fields: []drf.Field{{Name: "access", ReadOnly: true}}}
	if a.Accounts.JWT.RotateRefreshTokens {
		s.Fields = append(s.Fields, drf.Field{Name: "refresh", ReadOnly: true})
	}
	return s
}

func slidingToken(name string) *drf.Serializer {
	return &drf.Serializer{Name: name, Fields: []drf.Field{{Name: "token"}}}
}
