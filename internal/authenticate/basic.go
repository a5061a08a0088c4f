package authenticate

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"latchkey/internal/account"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// Basic is DRF's BasicAuthentication: name and password with every request. Each one costs a password hash.
type Basic struct {
	Accounts *account.Service
}

// Challenge names the realm.
func (*Basic) Challenge() string { return `Basic realm="api"` }

// Authenticate reads name and password and checks them.
func (b *Basic) Authenticate(ctx context.Context, r *http.Request) (*store.User, Via, error) {
	parts := header(r, "Authorization")
	if len(parts) == 0 || !strings.EqualFold(parts[0], "Basic") {
		return nil, Via{}, nil
	}
	switch {
	case len(parts) == 1:
		return nil, Via{}, &Refused{Detail: message.T("Invalid basic header. No credentials provided.")}
	case len(parts) > 2:
		return nil, Via{}, &Refused{Detail: message.T("Invalid basic header. Credentials string should not contain spaces.")}
	}
	name, password, ok := credentials(parts[1])
	if !ok {
		return nil, Via{}, &Refused{Detail: message.T("Invalid basic header. Credentials not correctly base64 encoded.")}
	}
	login, err := b.Accounts.SignIn(ctx, name, password)
	if errors.Is(err, account.ErrBadCredentials) {
		return nil, Via{}, &Refused{Detail: message.T("Invalid username/password.")}
	}
	if err != nil {
		return nil, Via{}, err
	}
	return login.User, Via{Method: "basic"}, nil
}

// credentials decodes as Python's b64decode does, which skips letters foreign to base64; text that is not UTF-8 is read as Latin-1.
func credentials(encoded string) (name, password string, ok bool) {
	encoded = strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' {
			return c
		}
		return -1
	}, encoded)
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	text := string(raw)
	if !utf8.ValidString(text) {
		if text, err = charmap.ISO8859_1.NewDecoder().String(text); err != nil {
			return "", "", false
		}
	}
	return strings.Cut(text, ":")
}
