// Package authenticate tells who is calling: one file per way. The view layer asks each configured way in turn.
package authenticate

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/message"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// A Method is one way to be recognised: DRF's authentication class.
type Method interface {
	// Authenticate finds the caller. A nil user without error means that the request carries nothing of this kind, and the next method is asked;
	// a *Refused means that it does and that it is no good.
	Authenticate(ctx context.Context, r *http.Request) (*store.User, Via, error)
	// Challenge is the WWW-Authenticate that goes out when this method is the first one; empty for none, which makes 401s 403s.
	Challenge() string
	// Schemes tell how a client sends what the method reads.
	Schemes() []Scheme
}

// Via is what a caller was recognised by.
type Via struct {
	// Method names the way: "bearer", "cookie", "token", "basic", "session".
	Method string
	// Gone says, without a user, that the session whose cookie was sent is no more.
	Gone bool
	// Session is the key of the session that signed the request in.
	Session string
	// Token is the token that did.
	Token tokens.Token
}

// Refused says that credentials were given and are no good.
type Refused struct {
	Detail   *message.Text
	Code     string
	Messages []Message
	// Forbidden makes the answer a 403 whatever the challenge is.
	Forbidden bool
	// Lenient refuses only where somebody must be signed in: a stale cookie, which a browser sends whether its user wants or not.
	Lenient bool
}

// A Message is what one token class had to say of a token.
type Message struct {
	Class, Type string
	Message     *message.Text
}

func (r *Refused) Error() string { return r.Detail.String() }

// Named builds the method of an authentication class by its dotted name.
func Named(name string, s Settings) (Method, error) {
	switch name {
	case "rest_framework_simplejwt.authentication.JWTAuthentication":
		return newBearer(s, false), nil
	case "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication",
		"rest_framework_simplejwt.authentication.JWTTokenUserAuthentication":
		return newBearer(s, true), nil
	case "rest_framework.authentication.TokenAuthentication":
		return &Token{Accounts: s.Accounts}, nil
	case "rest_framework.authentication.BasicAuthentication":
		return &Basic{Accounts: s.Accounts}, nil
	case "dj_rest_auth.jwt_auth.JWTCookieAuthentication":
		return newJWTCookie(s), nil
	case "rest_framework.authentication.SessionAuthentication":
		return &Session{Accounts: s.Accounts, Cookie: s.SessionCookie, CSRF: s.CSRF}, nil
	}
	return nil, fmt.Errorf("%s is no authentication class that can be served", name)
}

// Settings are what the methods are built from.
type Settings struct {
	Accounts *account.Service
	JWT      tokens.JWTConfig
	// AnyCase takes the scheme word in any case, as HTTP does; the reference compares it letter by letter.
	AnyCase       bool
	SessionCookie string
	CSRF          CSRF
	// JWTCookie is the cookie that holds an access token; without a name there is none.
	JWTCookie CookieRules
}

// header joins all values of a header, as WSGI servers do, and splits them into words.
func header(r *http.Request, name string) []string {
	values := r.Header[name]
	switch len(values) {
	case 0:
		return nil
	case 1:
		return words(values[0])
	}
	return words(strings.Join(values, ","))
}

// words splits at ASCII white space, as Python splits bytes.
func words(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c >= '\t' && c <= '\r' })
}
