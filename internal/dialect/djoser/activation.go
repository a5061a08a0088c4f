package djoser

import (
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
)

func (a *API) activate(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	in.Text("uid")
	in.Text("token")
	if err := in.Err(); err != nil {
		return err
	}
	err = a.Accounts.Activate(r.Context(), link(in, mail.Activation), a.note(r, a.Config.SendConfirmationEmail, mail.Confirmation))
	if err != nil {
		return a.inWords(err, "")
	}
	return r.Reply(w, http.StatusNoContent, nil)
}

func (a *API) resendActivation(w http.ResponseWriter, r *drf.Request) error {
	found, err := a.mailLink(r, account.Asking{Inactive: true, Letter: a.activationLetter(r)})
	if err != nil {
		return err
	}
	if !found && a.tellsUnknown() {
		return unknownEmail()
	}
	if !a.Config.SendActivationEmail {
		return r.Reply(w, http.StatusBadRequest, nil)
	}
	return r.Reply(w, http.StatusNoContent, nil)
}

// mailLink reads the address and mails what is asked for to whoever has it.
func (a *API) mailLink(r *drf.Request, ask account.Asking) (found bool, err error) {
	in, err := r.Fields()
	if err != nil {
		return false, err
	}
	ask.Email, _ = in.Text(a.emailField())
	if err := in.Err(); err != nil {
		return false, err
	}
	return a.Accounts.MailLink(r.Context(), ask)
}

// tellsUnknown says whether unknown addresses are answered as such: either of the two settings does it for all three requests.
func (a *API) tellsUnknown() bool {
	return a.Config.PasswordResetShowEmailNotFound || a.Config.UsernameResetShowEmailNotFound
}

func unknownEmail() error { return drf.Bare(message.T("User with given email does not exist.")) }

// sendReset answers a request for a reset link.
func (a *API) sendReset(w http.ResponseWriter, r *drf.Request, kind mail.Kind, path *string) error {
	letter := a.letter(r, kind, path)
	found, err := a.mailLink(r, account.Asking{Letter: &letter})
	if err != nil {
		return err
	}
	if !found && a.tellsUnknown() {
		return unknownEmail()
	}
	return r.Reply(w, http.StatusNoContent, nil)
}
