package djrestauth

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
)

func (a *API) verifyEmail(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	key, _ := in.Text("key")
	if err := in.Err(); err != nil {
		return err
	}
	err = a.Accounts.ConfirmEmail(r.Context(), key)
	if errors.Is(err, account.ErrBadKey) {
		return drf.NotFound()
	}
	if err != nil {
		return err
	}
	return r.Reply(w, http.StatusOK, detail(message.T("ok")))
}

// resendEmail mails another key, and says so whoever asked.
func (a *API) resendEmail(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	email, _ := in.Text("email")
	if err := in.Err(); err != nil {
		return err
	}
	if err := a.Accounts.ResendConfirmation(r.Context(), email, a.letter(r, mail.EmailConfirmation, a.ConfirmLink)); err != nil {
		return err
	}
	return r.Reply(w, http.StatusOK, detail(message.T("ok")))
}
