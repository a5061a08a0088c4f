package djoser

import (
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
)

func (a *API) setPassword(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	fresh, again := newPassword(in, a.Config.SetPasswordRetype)
	if err := a.currentPassword(r, in); err != nil {
		return err
	}
	if err := in.Err(); err != nil {
		return err
	}
	if err := a.Accounts.JudgePassword(fresh, account.About(r.User)); err != nil {
		return a.inWords(err, "new_password")
	}
	if err := retyped(r, a.Config.SetPasswordRetype, fresh, again, passwordsDiffer); err != nil {
		return err
	}
	err = a.Accounts.ChangePassword(r.Context(), account.PasswordChange{
		User: r.User, Password: fresh,
		DropKey: a.Config.LogoutOnPasswordChange && a.Config.TokenModel != nil,
		Letter:  a.note(r, a.Config.PasswordChangedEmailConfirmation, mail.PasswordChanged),
	})
	if err != nil {
		return a.inWords(err, "new_password")
	}
	if a.Config.LogoutOnPasswordChange {
		err = a.closeSession(w, r)
	} else {
		err = a.renewSession(w, r)
	}
	if err != nil {
		return err
	}
	return r.Reply(w, http.StatusNoContent, nil)
}

func newPassword(in *drf.Fields, retype bool) (fresh, again string) {
	fresh, _ = in.Text("new_password")
	if retype {
		again, _ = in.Text("re_new_password")
	}
	return fresh, again
}

func (a *API) resetPassword(w http.ResponseWriter, r *drf.Request) error {
	return a.sendReset(w, r, mail.PasswordReset, a.Config.PasswordResetConfirmURL)
}

func (a *API) resetPasswordConfirm(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	in.Text("uid")
	in.Text("token")
	fresh, again := newPassword(in, a.Config.PasswordResetConfirmRetype)
	if err := in.Err(); err != nil {
		return err
	}
	// The password is judged before the link, and against whoever sends the request: the order is djoser's contract.
	if err := a.Accounts.JudgePassword(fresh, account.About(r.User)); err != nil {
		return a.inWords(err, "new_password")
	}
	if err := retyped(r, a.Config.PasswordResetConfirmRetype, fresh, again, passwordsDiffer); err != nil {
		return err
	}
	err = a.Accounts.ResetPassword(r.Context(), account.PasswordReset{
		Link: link(in, mail.PasswordReset), Password: fresh,
		Letter: a.note(r, a.Config.PasswordChangedEmailConfirmation, mail.PasswordChanged),
	})
	if err != nil {
		return a.inWords(err, "new_password")
	}
	return r.Reply(w, http.StatusNoContent, nil)
}
