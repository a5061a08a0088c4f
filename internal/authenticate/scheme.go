package authenticate

import (
	"slices"
	"strings"
)

// A Scheme is how a client sends what a method recognises, in the terms of OpenAPI and under drf-spectacular's names.
type Scheme struct {
	Name string
	// HTTP is the scheme of the Authorization header, "bearer" or "basic". Where it is empty, the credentials are in a header or a cookie: In, named Param, behind
	// the word Prefix if there is one.
	HTTP, Format      string
	In, Param, Prefix string
}

// InCookie tells whether a browser sends the credentials by itself, so that requests of other sites are refused.
func (s Scheme) InCookie() bool { return s.In == "cookie" }

// Schemes are those of a bearer token, which has the standard's form where the settings let it.
func (b *Bearer) Schemes() []Scheme {
	if b.Header == "Authorization" && slices.ContainsFunc(b.Types, func(t string) bool { return t == "Bearer" || b.AnyCase && strings.EqualFold(t, "Bearer") }) {
		return []Scheme{{Name: "jwtAuth", HTTP: "bearer", Format: "JWT"}}
	}
	return []Scheme{{Name: "jwtAuth", In: "header", Param: b.Header, Prefix: b.Types[0]}}
}

// Schemes are the bearer's and the cookie.
func (j *JWTCookie) Schemes() []Scheme {
	schemes := j.Bearer.Schemes()
	if j.Rules.Name != "" {
		schemes = append(schemes, Scheme{Name: "jwtCookieAuth", In: "cookie", Param: j.Rules.Name})
	}
	return schemes
}

// Schemes is the header with the key.
func (*Token) Schemes() []Scheme {
	return []Scheme{{Name: "tokenAuth", In: "header", Param: "Authorization", Prefix: "Token"}}
}

// Schemes is the one of HTTP.
func (*Basic) Schemes() []Scheme { return []Scheme{{Name: "basicAuth", HTTP: "basic"}} }

// Schemes is the cookie.
func (s *Session) Schemes() []Scheme {
	return []Scheme{{Name: "cookieAuth", In: "cookie", Param: s.Cookie}}
}
