package djoser

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
)

func (a *API) setUsername(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	if err := a.currentPassword(r, in); err != nil {
		return err
	}
	name, err := a.newUsername(r, in, a.Config.SetUsernameRetype)
	if err != nil {
		return err
	}
	err = a.Accounts.ChangeUsername(r.Context(), r.User.ID, name, a.nameLetters(r))
	return a.renamed(w, r, err)
}

func (a *API) resetUsername(w http.ResponseWriter, r *drf.Request) error {
	return a.sendReset(w, r, mail.UsernameReset, a.Config.UsernameResetConfirmURL)
}

func (a *API) resetUsernameConfirm(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	name, err := a.newUsername(r, in, a.Config.UsernameResetConfirmRetype)
	if err != nil {
		return err
	}
	err = a.Accounts.ResetUsername(r.Context(), link(in, mail.UsernameReset), name, a.nameLetters(r))
	return a.renamed(w, r, err)
}

func (a *API) nameLetters(r *drf.Request) account.Letters {
	return account.Letters{
		Changed: a.note(r, a.Config.UsernameChangedEmailConfirmation, mail.UsernameChanged),
		Note:    a.letter(r, mail.EmailChanged, nil),
	}
}

// newUsername reads the new name and its repetition, and answers for all fields read so far.
func (a *API) newUsername(r *drf.Request, in *drf.Fields, retype bool) (string, error) {
	var failed error
	field := "new_" + a.Model.UsernameField
	name, _ := a.read(r, in, column{name: field, column: a.Model.UsernameField, folded: true}, &failed)
	again := ""
	if retype {
		again, _ = in.Text("re_" + field)
	}
	if err := errors.Join(failed, in.Err()); err != nil {
		return "", err
	}
	return name, retyped(r, retype, name, again, message.T("The two {field} fields didn't match.", "field", a.Model.UsernameField))
}

func (a *API) renamed(w http.ResponseWriter, r *drf.Request, err error) error {
	switch {
	case errors.Is(err, account.ErrTaken):
		return drf.Invalid("new_"+a.Model.UsernameField, a.Model.Taken(a.Model.UsernameField))
	case errors.Is(err, account.ErrUserNotFound):
		return r.NotAuthenticated()
	case err != nil:
		return a.inWords(err, "")
	}
	return r.Reply(w, http.StatusNoContent, nil)
}
