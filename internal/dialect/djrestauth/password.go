package djrestauth

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

var (
	wrongPassword = message.T("Your old password was entered incorrectly. Please enter it again.")
	mismatch      = message.T("The two password fields didn’t match.")
)

func (a *API) changePassword(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	if a.Config.OldPasswordFieldEnabled {
		if err := a.oldPassword(r, in); err != nil {
			return err
		}
	}
	first, second := newPasswords(in)
	if err := in.Err(); err != nil {
		return err
	}
	if err := a.judge(first, second, r.User); err != nil {
		return err
	}
	err = a.Accounts.ChangePassword(r.Context(), account.PasswordChange{User: r.User, Password: first})
	if errors.Is(err, account.ErrBadPassword) { // somebody changed it in this moment
		return drf.Invalid("old_password", wrongPassword)
	}
	if err != nil {
		return err
	}
	if !a.Config.LogoutOnPasswordChange { // otherwise the session ends by itself, with the password in it
		if err := a.Sessions.Renew(w, r); err != nil {
			return err
		}
	}
	return r.Reply(w, http.StatusOK, detail(message.T("New password has been saved.")))
}

// oldPassword checks the old password as a field, so that its error stands beside those of the others.
func (a *API) oldPassword(r *drf.Request, in *drf.Fields) error {
	password, present := in.Text("old_password")
	if !present {
		return nil
	}
	tries := []string{password}
	if sent := a.asSent(in, "old_password"); sent != "" {
		tries = []string{sent, password}
	}
	right, err := a.Accounts.CheckPassword(r.Context(), r.User, tries...)
	if err == nil && !right {
		in.Fail("old_password", wrongPassword)
	}
	return err
}

func newPasswords(in *drf.Fields) (first, second string) {
	first, _ = in.Text("new_password1")
	second, _ = in.Text("new_password2")
	return first, second
}

// judge applies the rules of Django's form for new passwords, whose errors are all about the second.
func (a *API) judge(first, second string, user *store.User) error {
	if first != second {
		return drf.Invalid("new_password2", mismatch)
	}
	return weak(a.Accounts.JudgePassword(first, account.About(user)), "new_password2")
}

// resetPassword mails a link, and says so whoever asked.
func (a *API) resetPassword(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	email, _ := in.Text("email")
	if err := in.Err(); err != nil {
		return err
	}
	letter := a.letter(r, mail.PasswordResetKey, a.ResetLink)
	if a.Allauth {
		err = a.Accounts.MailReset(r.Context(), account.ResetAsking{Email: email, Letter: letter})
	} else {
		_, err = a.Accounts.MailLink(r.Context(), account.Asking{Email: email, Letter: &letter})
	}
	if err != nil {
		return err
	}
	return r.Reply(w, http.StatusOK, detail(message.T("Password reset e-mail has been sent.")))
}

func (a *API) confirmReset(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	first, second := newPasswords(in)
	link := account.Link{Purpose: mail.PasswordResetKey, Allauth: a.Allauth}
	link.UID, _ = in.Text("uid")
	link.Token, _ = in.Text("token")
	if err := in.Err(); err != nil {
		return err
	}
	user, err := a.Accounts.UserOfLink(r.Context(), link)
	if err == nil {
		if err := a.judge(first, second, user); err != nil {
			return err
		}
		err = a.Accounts.ResetPassword(r.Context(), account.PasswordReset{Link: link, Password: first, KeepLastLogin: true})
	}
	switch {
	case errors.Is(err, account.ErrBadUID):
		return drf.Invalid("uid", message.T("Invalid value"))
	case errors.Is(err, account.ErrBadLink):
		return drf.Invalid("token", message.T("Invalid value"))
	case err != nil:
		return weak(err, "new_password2")
	}
	return r.Reply(w, http.StatusOK, detail(message.T("Password has been reset with the new password.")))
}
