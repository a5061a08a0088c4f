package authenticate

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"latchkey/internal/account"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// Token is DRF's TokenAuthentication: a key of authtoken_token in the Authorization header.
type Token struct {
	Accounts *account.Service
}

// Challenge is the scheme alone.
func (*Token) Challenge() string { return "Token" }

// Authenticate reads the key and finds its user.
func (t *Token) Authenticate(ctx context.Context, r *http.Request) (*store.User, Via, error) {
	parts := header(r, "Authorization")
	if len(parts) == 0 || !strings.EqualFold(parts[0], "Token") {
		return nil, Via{}, nil
	}
	switch {
	case len(parts) == 1:
		return nil, Via{}, &Refused{Detail: message.T("Invalid token header. No credentials provided.")}
	case len(parts) > 2:
		return nil, Via{}, &Refused{Detail: message.T("Invalid token header. Token string should not contain spaces.")}
	case !utf8.ValidString(parts[1]):
		return nil, Via{}, &Refused{Detail: message.T("Invalid token header. Token string should not contain invalid characters.")}
	}
	user, err := t.Accounts.UserOfKey(ctx, parts[1])
	switch {
	case errors.Is(err, account.ErrUserNotFound):
		return nil, Via{}, &Refused{Detail: message.T("Invalid token.")}
	case errors.Is(err, account.ErrInactive):
		return nil, Via{}, &Refused{Detail: message.T("User inactive or deleted.")}
	case err != nil:
		return nil, Via{}, err
	}
	return user, Via{Method: "token"}, nil
}
