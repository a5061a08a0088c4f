package djoser

import (
	"cmp"
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

func (a *API) create(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	var failed error
	reg := account.Registration{Inactive: a.Config.SendActivationEmail}
	ask := func(name string) {
		if a.isName(name) {
			if text, present := a.read(r, in, column{name: name, column: name}, &failed); present {
				reg.Set(a.Model.Model, name, text)
			}
		} else if value, present := a.Model.Read(r.Context(), in, name, &store.User{}, &failed); present {
			reg.Set(a.Model.Model, name, value)
		}
	}
	for _, name := range a.createdFields() {
		if f := a.Model.Column(name); !f.ReadOnly && a.Model.Asked(name) {
			ask(name)
		}
	}
	password, _ := in.Text("password")
	again := ""
	if a.Config.UserCreatePasswordRetype {
		again, _ = in.Text("re_password")
	}
	if err := errors.Join(failed, in.Err()); err != nil {
		return err
	}
	about := passwords.Attributes{Username: reg.Username, Email: reg.Email, FirstName: reg.FirstName, LastName: reg.LastName}
	if err := a.Accounts.JudgePassword(password, about); err != nil {
		return a.inWords(err, "password")
	}
	if err := retyped(r, a.Config.UserCreatePasswordRetype, password, again, passwordsDiffer); err != nil {
		return err
	}
	for _, name := range a.unaskedFields() {
		ask(name)
	}
	if err := errors.Join(failed, in.Err()); err != nil {
		return err
	}
	reg.Password, reg.Letter = password, a.activationLetter(r)
	if reg.Letter == nil {
		reg.Letter = a.note(r, a.Config.SendConfirmationEmail, mail.Confirmation)
	}
	user, err := a.Accounts.Register(r.Context(), reg)
	if errors.Is(err, account.ErrTaken) || errors.Is(err, account.ErrRefused) {
		return drf.Bare(message.T("Unable to create account."))
	}
	if err != nil {
		return err
	}
	return r.Reply(w, http.StatusCreated, a.userBody(user, a.createdFields()))
}

func (a *API) list(w http.ResponseWriter, r *drf.Request) error {
	list := drf.List{}
	fields := a.fields
	if a.Config.HideUsers && (r.User == nil || !r.User.IsStaff) {
		if r.User != nil {
			list = append(list, a.userBody(r.User, fields))
		}
		return r.Reply(w, http.StatusOK, list)
	}
	users, err := a.Accounts.Users(r.Context())
	if err != nil {
		return err
	}
	for i := range users {
		list = append(list, a.userBody(&users[i], fields))
	}
	return r.Reply(w, http.StatusOK, list)
}

func (a *API) me(w http.ResponseWriter, r *drf.Request) error {
	if r.User == nil { // settings let anybody in: Django's AnonymousUser has a name, which is empty, and no id
		body := drf.Object{}
		for _, field := range a.fields {
			switch field {
			case "id":
				body = append(body, drf.Member{Key: field, Value: nil})
			case "username":
				body = append(body, drf.Member{Key: field, Value: ""})
			}
		}
		return r.Reply(w, http.StatusOK, body)
	}
	return r.Reply(w, http.StatusOK, a.userBody(r.User, a.fields))
}

func (a *API) updateMe(w http.ResponseWriter, r *drf.Request) error {
	return a.write(w, r, cmp.Or(r.User, &store.User{})) // settings may let anybody in
}

func (a *API) deleteMe(w http.ResponseWriter, r *drf.Request) error {
	return a.remove(w, r, r.User)
}

func (a *API) retrieve(w http.ResponseWriter, r *drf.Request) error {
	user, err := a.row(r, drf.PermissionsNamed(a.Config.Permissions.User), a.Config.HideUsers)
	if err != nil {
		return err
	}
	return r.Reply(w, http.StatusOK, a.userBody(user, a.fields))
}

func (a *API) update(w http.ResponseWriter, r *drf.Request) error {
	user, err := a.row(r, drf.PermissionsNamed(a.Config.Permissions.User), a.Config.HideUsers)
	if err != nil {
		return err
	}
	return a.write(w, r, user)
}

func (a *API) destroy(w http.ResponseWriter, r *drf.Request) error {
	user, err := a.row(r, drf.PermissionsNamed(a.Config.Permissions.UserDelete), a.Config.HideUsers && !a.Exact)
	if err != nil {
		return err
	}
	return a.remove(w, r, user)
}

// row finds the user that the path names and asks whether the caller may touch it.
func (a *API) row(r *drf.Request, permissions []drf.Permission, hide bool) (*store.User, error) {
	value := r.ID
	if a.idField() == a.Model.Key.Name {
		ok := false
		if a.Model.Key.Kind == store.UUID {
			_, ok = store.ParseUUID(value)
		} else {
			value, ok = tokens.PlainInt(value)
		}
		if !ok {
			return nil, drf.NotFound()
		}
	}
	user, err := a.Accounts.UserBy(r.Context(), a.idField(), value)
	if errors.Is(err, account.ErrUserNotFound) {
		if a.Config.HideUsers && !a.Exact {
			return nil, drf.NotFound()
		}
		return nil, drf.Detail(http.StatusNotFound, message.T("No {model} matches the given query.", "model", a.Model.Class))
	}
	if err != nil {
		return nil, err
	}
	return user, r.Allowed(permissions, user, hide)
}

// write updates a user's writable fields: all that are shown but for the key and the login field.
func (a *API) write(w http.ResponseWriter, r *drf.Request, user *store.User) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	var failed error
	change := account.Update{ID: user.ID, Activation: a.activationLetter(r), Note: a.letter(r, mail.EmailChanged, nil)}
	for _, name := range a.fields {
		if f := a.Model.Column(name); f.ReadOnly || name == a.loginField() {
			continue
		}
		var value any
		var present bool
		if a.isName(name) {
			own, _ := user.Field(name)
			text, _ := own.(string)
			value, present = a.read(r, in, column{name: name, column: name, own: text, folded: name == a.Model.NameField}, &failed)
		} else {
			value, present = a.Model.Read(r.Context(), in, name, user, &failed)
		}
		if present {
			change.Values = append(change.Values, account.Value{Field: name, Value: value})
		}
	}
	if err := errors.Join(failed, in.Err()); err != nil {
		return err
	}
	if user.ID.IsZero() {
		return r.NotAuthenticated()
	}
	changed, err := a.Accounts.Update(r.Context(), change)
	var taken *account.Taken
	switch {
	case errors.As(err, &taken):
		return drf.Invalid(taken.Column, a.Model.Taken(taken.Column))
	case errors.Is(err, account.ErrRefused):
		return drf.Invalid(r.NonField(), drf.NotStored)
	case errors.Is(err, account.ErrUserNotFound):
		return drf.NotFound()
	case err != nil:
		return err
	}
	return r.Reply(w, http.StatusOK, a.userBody(changed, a.fields))
}

// remove deletes a user after the caller, whoever that is, gave their own password.
func (a *API) remove(w http.ResponseWriter, r *drf.Request, user *store.User) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	if err := a.currentPassword(r, in); err != nil {
		return err
	}
	if err := in.Err(); err != nil {
		return err
	}
	if err := a.Accounts.Delete(r.Context(), user.ID); err != nil && !errors.Is(err, account.ErrUserNotFound) { // gone is what was asked for
		return err
	}
	if user.ID == r.User.ID {
		if err := a.closeSession(w, r); err != nil {
			return err
		}
	}
	return r.Reply(w, http.StatusNoContent, nil)
}
