package drf

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/message"
	"latchkey/internal/tokens"
)

// TokenRefused puts account's errors about JWTs and sign-ins into SimpleJWT's words, which every dialect that hands out JWTs speaks.
func TokenRefused(err error) error {
	var invalid *tokens.Invalid
	switch {
	case errors.As(err, &invalid):
		return DetailCode(http.StatusUnauthorized, invalid.Message, "token_not_valid")
	case errors.Is(err, account.ErrBadCredentials):
		return Detail(http.StatusUnauthorized, message.T("No active account found with the given credentials"))
	case errors.Is(err, account.ErrUserNotFound), errors.Is(err, account.ErrInactive), errors.Is(err, account.ErrNoUserClaim):
		return Detail(http.StatusUnauthorized, message.T("No active account found for the given token."))
	case errors.Is(err, account.ErrPasswordChanged):
		return Detail(http.StatusUnauthorized, message.T("The user's password has been changed."))
	}
	return err
}
