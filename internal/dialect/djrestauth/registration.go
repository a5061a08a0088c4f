package djrestauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// maxNewPassword bounds a password at registration in the safe profile; the reference hashes megabytes.
const maxNewPassword = 4096

func (a *API) register(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	var failed error
	up := account.SignUp{Letter: a.letter(r, mail.EmailConfirmation, a.ConfirmLink)}
	if a.Model.NameField != "" {
		up.Username = a.registeredName(r, in, &failed)
	}
	if a.Model.EmailField != "" {
		up.Email = a.registeredEmail(r, in, &failed)
	}
	again := ""
	up.Password, again = a.registeredPassword(in, &failed)
	for _, name := range a.askedFields() {
		if value, present := a.Model.Read(r.Context(), in, name, &store.User{}, &failed); present {
			if up.Extra == nil {
				up.Extra = map[string]any{}
			}
			up.Extra[name] = value
		}
	}
	if err := errors.Join(failed, in.Err()); err != nil {
		return err
	}
	if up.Password != again {
		return drf.Invalid(r.NonField(), message.T("The two password fields didn't match."))
	}
	about := passwords.Attributes{Username: up.Username, Email: strings.ToLower(up.Email)}
	if up.Username == "" {
		about.Username, _, _ = strings.Cut(about.Email, "@") // of which the name will be made
	}
	if err := weak(a.Accounts.JudgePassword(up.Password, about), r.NonField()); err != nil {
		return err
	}
	user, err := a.Accounts.SignUp(r.Context(), up)
	if err != nil {
		return a.signUpRefused(r, err)
	}
	if a.Accounts.Allauth.EmailVerification == account.MandatoryVerification {
		if err := a.notePending(w, r, user); err != nil {
			return err
		}
		return r.Reply(w, http.StatusCreated, detail(message.T("Verification e-mail sent.")))
	}
	return a.welcome(w, r, user)
}

// signUpRefused says which value of a registration is taken, or that one cannot be stored.
func (a *API) signUpRefused(r *drf.Request, err error) error {
	var taken *account.Taken
	switch {
	case errors.Is(err, account.ErrRefused):
		return drf.Invalid(r.NonField(), drf.NotStored)
	case !errors.As(err, &taken):
		return err
	case taken.Column == a.Model.NameField:
		return drf.Invalid("username", takenUsername)
	case taken.Column == a.Model.EmailField:
		return drf.Invalid("email", takenEmail)
	}
	return drf.Invalid(taken.Column, a.Model.Taken(taken.Column))
}

func (a *API) registeredName(r *drf.Request, in *drf.Fields, failed *error) string {
	name, present := in.Text("username")
	if !present {
		return ""
	}
	if a.Model.AbstractUser && !drf.ValidUsername(name) {
		in.Fail("username", drf.BadUsername)
		return ""
	}
	a.judgeName(r, in, "username", name, store.ID{}, failed)
	return name
}

func (a *API) registeredEmail(r *drf.Request, in *drf.Fields, failed *error) string {
	email, present := in.Text("email")
	if !present || !a.Accounts.Allauth.UniqueEmail {
		return email
	}
	taken, err := a.Accounts.AddressVerified(r.Context(), email)
	if err != nil {
		*failed = err
	}
	if taken {
		in.Fail("email", takenEmail)
	}
	return email
}

// registeredPassword reads the password twice and judges it as far as that needs no user.
func (a *API) registeredPassword(in *drf.Fields, failed *error) (password, again string) {
	password, present := in.Text("password1")
	least := a.Accounts.Allauth.PasswordMinLength
	switch {
	case !present:
	case a.NoValidators && drf.Length(password) < least:
		in.Fail("password1", passwords.TooShort(least))
	default:
		var weak *account.WeakPassword
		err := a.Accounts.JudgePassword(password, passwords.Attributes{})
		if errors.As(err, &weak) {
			in.Fail("password1", weak.Messages...)
		} else if err != nil {
			*failed = err
		}
	}
	again, _ = in.Text("password2")
	return password, again
}

// welcome logs a new user in and answers by mode. The reference makes a session even where they are off, keeps the tokens out of cookies and shows scripts the
// refresh token; the safe profile does as a login does.
func (a *API) welcome(w http.ResponseWriter, r *drf.Request, user *store.User) error {
	body, pair, err := a.credentials(r, user)
	if err != nil {
		return a.refused(r, err)
	}
	if a.makesSession() {
		if err := a.Accounts.StampLogin(r.Context(), user); err != nil {
			return a.refused(r, err)
		}
		login := account.Login{User: user, Backend: a.backend()}
		if err := a.Sessions.Open(w, r, login, tokens.Claim{Name: "account_verified_email", Value: tokens.Null}); err != nil {
			return a.refused(r, err)
		}
	}
	if a.Config.UseJWT {
		hide := false
		if !a.Exact {
			a.setCookies(w, pair)
			_, named := a.refreshCookie()
			hide = named && a.Config.JWTAuthHTTPOnly
		}
		body = a.pairBody(pair, user, hide, false)
	}
	if body == nil {
		return r.Reply(w, http.StatusNoContent, nil)
	}
	return r.Reply(w, http.StatusCreated, body)
}

// makesSession tells whether a registration opens a session.
func (a *API) makesSession() bool {
	return a.Accounts.Store.Apps().Sessions && (a.Exact || a.Config.SessionLogin)
}

// backend is the one that allauth signs a new user in by: its own, or else the first.
func (a *API) backend() string {
	if slices.Contains(a.Accounts.Backends, account.AllauthBackend) {
		return account.AllauthBackend
	}
	return a.Accounts.Backends[0]
}

// notePending keeps in a session who waits for a confirmation, where Django's own pages look for it.
func (a *API) notePending(w http.ResponseWriter, r *drf.Request, user *store.User) error {
	if !a.makesSession() {
		return nil
	}
	started := fmt.Sprintf("%.6f", float64(a.Now().UnixMicro())/float64(time.Second/time.Microsecond))
	pending := tokens.Claims{
		{Name: "user_pk", Value: tokens.TextValue(account.AllauthUID(user.ID))},
		{Name: "email_verification", Value: tokens.TextValue(string(account.MandatoryVerification))},
		{Name: "signup", Value: "true"},
		{Name: "redirect_url", Value: tokens.Null},
		{Name: "email", Value: tokens.Null},
		{Name: "phone", Value: tokens.Null},
		{Name: "signal_kwargs", Value: "{}"},
		{Name: "state", Value: `{"stages":{"current":"verify_email"}}`},
		{Name: "initiated_at", Value: tokens.Value(started)},
	}
	return a.Sessions.Note(w, r,
		tokens.Claim{Name: "account_verified_email", Value: tokens.Null},
		tokens.Claim{Name: "account_login", Value: tokens.Value(pending.AppendJSON(nil))})
}
