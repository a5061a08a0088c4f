package account

import (
	"context"
	"errors"
	"strings"

	"latchkey/internal/message"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// A TokenClass is a kind of JWT that may sign requests in.
type TokenClass struct {
	Name string // AccessToken
	Type string // access; "untyped" is any
}

var tokenClasses = []TokenClass{
	{"AccessToken", "access"}, {"RefreshToken", "refresh"}, {"SlidingToken", "sliding"}, {"UntypedToken", "untyped"},
}

// TokenClasses finds SimpleJWT's token classes by their dotted names; unknown ones are left out, config refuses them.
func TokenClasses(names []string) []TokenClass {
	var list []TokenClass
	for _, name := range names {
		short := strings.TrimPrefix(name, "rest_framework_simplejwt.tokens.")
		for _, class := range tokenClasses {
			if class.Name == short {
				list = append(list, class)
			}
		}
	}
	return list
}

// A BadToken is a JWT that no class takes; Messages say why, class by class.
type BadToken struct{ Messages []TokenMessage }

// A TokenMessage is what one class had to say.
type TokenMessage struct {
	Class, Type string
	Message     *message.Text
}

func (*BadToken) Error() string { return "the token is not good for any class" }

// UserOfToken finds the user whom a JWT signs in: *BadToken, ErrNoUserClaim, ErrUserNotFound, ErrInactive, ErrPasswordChanged.
// A stateless user is made of the token's claims and never looked up.
func (s *Service) UserOfToken(ctx context.Context, raw string, classes []TokenClass, stateless bool) (*store.User, tokens.Token, error) {
	user, token, err := s.userOfToken(ctx, raw, classes, stateless)
	if err != nil {
		return nil, token, err
	}
	over, err := s.over(ctx, user, token)
	if err != nil {
		return nil, token, err
	}
	if over {
		bad := &BadToken{}
		for _, class := range classes {
			bad.Messages = append(bad.Messages, TokenMessage{class.Name, class.Type, blacklisted.Message})
		}
		return nil, token, bad
	}
	return user, token, nil
}

func (s *Service) userOfToken(ctx context.Context, raw string, classes []TokenClass, stateless bool) (*store.User, tokens.Token, error) {
	token, err := s.tokenOf(ctx, raw, classes)
	if err != nil {
		return nil, token, err
	}
	if stateless {
		user, err := s.statelessUser(token)
		return user, token, err
	}
	user, err := s.userByClaim(ctx, token)
	if err != nil {
		return nil, token, err
	}
	if s.JWT.CheckUserIsActive && !user.IsActive {
		return nil, token, ErrInactive
	}
	if s.JWT.CheckRevokeToken && !s.JWTs.RevokeMatches(token, user.Password) {
		return nil, token, ErrPasswordChanged
	}
	return user, token, nil
}

func (s *Service) tokenOf(ctx context.Context, raw string, classes []TokenClass) (tokens.Token, error) {
	bad := &BadToken{}
	for _, class := range classes {
		kind, blacklisted := class.Type, s.blacklisted(ctx)
		switch kind {
		case "access":
			blacklisted = nil // an access token is too short-lived to be listed
		case "untyped":
			kind, blacklisted = "", nil
		}
		token, err := s.JWTs.Decode(raw, kind, s.Now(), blacklisted)
		if err == nil {
			return token, nil
		}
		var invalid *tokens.Invalid
		if !errors.As(err, &invalid) {
			return tokens.Token{}, err
		}
		bad.Messages = append(bad.Messages, TokenMessage{class.Name, class.Type, invalid.Message})
	}
	return tokens.Token{}, bad
}

func (s *Service) statelessUser(token tokens.Token) (*store.User, error) {
	text, present := s.JWTs.UserID(token)
	if !present {
		return nil, ErrNoUserClaim
	}
	id, ok := s.Store.ParseID(text)
	if !ok {
		return nil, ErrUserNotFound
	}
	return &store.User{ID: id, IsActive: true}, nil
}

// UserOfKey finds the user of a token key: ErrUserNotFound, ErrInactive.
func (s *Service) UserOfKey(ctx context.Context, key string) (*store.User, error) {
	if !s.Store.Apps().AuthToken {
		return nil, ErrUserNotFound
	}
	user, err := s.Store.UserByTokenKey(ctx, key)
	if err != nil {
		return nil, notFound(err)
	}
	if !user.IsActive {
		return nil, ErrInactive
	}
	return user, nil
}
