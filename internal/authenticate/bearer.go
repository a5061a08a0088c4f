package authenticate

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// Bearer is SimpleJWT's JWTAuthentication: an access token in a header.
type Bearer struct {
	Accounts *account.Service
	// Header is the canonical name of the header, Types are the words before the token.
	Header string
	Types  []string
	// AnyCase compares the word without case.
	AnyCase bool
	// Classes are the kinds of token that sign a request in, tried in order.
	Classes []account.TokenClass
	// Stateless makes the user of the token's claims instead of asking the database.
	Stateless bool
}

func newBearer(s Settings, stateless bool) *Bearer {
	name := strings.ReplaceAll(strings.TrimPrefix(s.JWT.AuthHeaderName, "HTTP_"), "_", "-")
	return &Bearer{
		Accounts:  s.Accounts,
		Header:    http.CanonicalHeaderKey(name),
		Types:     s.JWT.AuthHeaderTypes,
		AnyCase:   s.AnyCase,
		Classes:   account.TokenClasses(s.JWT.AuthTokenClasses),
		Stateless: stateless,
	}
}

// Challenge names the first header type.
func (b *Bearer) Challenge() string { return b.Types[0] + ` realm="api"` }

// Authenticate reads the token and finds its user.
func (b *Bearer) Authenticate(ctx context.Context, r *http.Request) (*store.User, Via, error) {
	parts := header(r, b.Header)
	if len(parts) == 0 || !b.recognises(parts[0]) {
		return nil, Via{}, nil
	}
	if len(parts) != 2 {
		return nil, Via{}, &Refused{Detail: message.T("Authorization header must contain two space-delimited values"), Code: "bad_authorization_header"}
	}
	user, token, err := b.Accounts.UserOfToken(ctx, parts[1], b.Classes, b.Stateless)
	if err != nil {
		return nil, Via{}, inWords(err)
	}
	return user, Via{Method: "bearer", Token: token}, nil
}

func (b *Bearer) recognises(word string) bool {
	if b.AnyCase {
		return slices.ContainsFunc(b.Types, func(t string) bool { return strings.EqualFold(t, word) })
	}
	return slices.Contains(b.Types, word)
}

// inWords puts account's errors into SimpleJWT's words.
func inWords(err error) error {
	var bad *account.BadToken
	switch {
	case errors.As(err, &bad):
		refused := &Refused{Detail: message.T("Given token not valid for any token type"), Code: "token_not_valid"}
		for _, m := range bad.Messages {
			refused.Messages = append(refused.Messages, Message(m))
		}
		return refused
	case errors.Is(err, account.ErrNoUserClaim):
		return &Refused{Detail: message.T("Token contained no recognizable user identification"), Code: "token_not_valid"}
	case errors.Is(err, account.ErrUserNotFound):
		return &Refused{Detail: message.T("User not found"), Code: "user_not_found"}
	case errors.Is(err, account.ErrInactive):
		return &Refused{Detail: message.T("User is inactive"), Code: "user_inactive"}
	case errors.Is(err, account.ErrPasswordChanged):
		return &Refused{Detail: message.T("The user's password has been changed."), Code: "password_changed"}
	}
	return err
}
