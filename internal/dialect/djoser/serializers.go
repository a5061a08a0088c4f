package djoser

import (
	"cmp"
	"net/http"
	"slices"

	"latchkey/internal/drf"
)

// userSerializer declares a user object. A USER_ID_FIELD that is not the key can be written, the login field cannot.
func (a *API) userSerializer() *drf.Serializer {
	s := &drf.Serializer{Name: "User"}
	for _, name := range a.fields {
		f := a.Model.Column(name)
		if name == a.loginField() {
			f = f.Shown()
		}
		s.Fields = append(s.Fields, f)
	}
	return s
}

// ownAnswer is the user object that users/me/ shows. Where settings let anybody in, nobody has no key, and of the other fields a name at most.
func (a *API) ownAnswer(user *drf.Serializer) drf.Answer {
	if !drf.Allow(drf.PermissionsNamed(a.Config.Permissions.User), http.MethodGet, nil) {
		return drf.Answer{Status: http.StatusOK, Body: user}
	}
	own := &drf.Serializer{Name: "UserOrNobody"}
	for _, f := range user.Fields {
		f.Optional, f.AllowNull = true, f.Name == "id"
		own.Fields = append(own.Fields, f)
	}
	return drf.Answer{Status: http.StatusOK, Body: own}
}

// userCreate declares a sign-up: what its answer shows, and passwords. What every row needs and the settings ask for nowhere is asked for in the end.
func (a *API) userCreate() *drf.Serializer {
	s := &drf.Serializer{Name: "UserCreate"}
	for _, name := range a.createdFields() {
		f := a.Model.Column(name)
		if !a.Model.Asked(name) {
			f = f.Shown()
		}
		s.Fields = append(s.Fields, f)
	}
	s.Fields = append(s.Fields, drf.Field{Name: "password", WriteOnly: true})
	if a.Config.UserCreatePasswordRetype {
		s.Name += "PasswordRetype"
		s.Fields = append(s.Fields, drf.Field{Name: "re_password", WriteOnly: true})
	}
	for _, name := range a.unaskedFields() {
		f := a.Model.Column(name)
		f.WriteOnly = true
		s.Fields = append(s.Fields, f)
	}
	return s
}

// unaskedFields are the columns without which no row can be made, as far as a sign-up does not ask for them by its settings.
func (a *API) unaskedFields() []string {
	asked := a.createdFields()
	return slices.DeleteFunc(distinct([]string{a.Model.UsernameField, a.Model.NameField}), func(name string) bool { return name == "" || slices.Contains(asked, name) })
}

var (
	uid             = drf.Field{Name: "uid"}
	token           = drf.Field{Name: "token"}
	currentPassword = drf.Field{Name: "current_password"}

	activation = &drf.Serializer{Name: "Activation", Fields: []drf.Field{uid, token}}
	userDelete = &drf.Serializer{Name: "UserDelete", Fields: []drf.Field{currentPassword}}
	tokenKey   = &drf.Serializer{Name: "Token", Fields: []drf.Field{{Name: "auth_token"}}}
	apiRoot    = &drf.Serializer{Name: "ApiRoot", Fields: []drf.Field{{Name: "users", Kind: drf.URL}}}
)

// emailReset asks for an address by the name of its column.
func (a *API) emailReset() *drf.Serializer {
	return &drf.Serializer{Name: "SendEmailReset", Fields: []drf.Field{{Name: a.emailField(), Kind: drf.Email}}}
}

func (a *API) emailField() string { return cmp.Or(a.Model.EmailField, "email") }

func (a *API) setPasswordFields() *drf.Serializer {
	s := &drf.Serializer{Name: "SetPassword"}
	s.Fields = append(a.twice(s, drf.Field{Name: "new_password"}, a.Config.SetPasswordRetype), currentPassword)
	return s
}

func (a *API) resetPasswordFields() *drf.Serializer {
	s := &drf.Serializer{Name: "PasswordResetConfirm"}
	s.Fields = append([]drf.Field{uid, token}, a.twice(s, drf.Field{Name: "new_password"}, a.Config.PasswordResetConfirmRetype)...)
	return s
}

func (a *API) setUsernameFields() *drf.Serializer {
	s := &drf.Serializer{Name: "SetUsername"}
	s.Fields = append([]drf.Field{currentPassword}, a.twice(s, a.newName(), a.Config.SetUsernameRetype)...)
	return s
}

func (a *API) resetUsernameFields() *drf.Serializer {
	s := &drf.Serializer{Name: "UsernameResetConfirm"}
	s.Fields = append([]drf.Field{uid, token}, a.twice(s, a.newName(), a.Config.UsernameResetConfirmRetype)...)
	return s
}

// newName declares the field of a new name.
func (a *API) newName() drf.Field {
	f := a.Model.Column(a.Model.UsernameField)
	f.Name, f.Label = "new_"+f.Name, nil
	return f
}

// twice declares a field and, where it is wanted, its repetition, which djoser then names the serializer for.
func (a *API) twice(s *drf.Serializer, f drf.Field, wanted bool) []drf.Field {
	if !wanted {
		return []drf.Field{f}
	}
	s.Name += "Retype"
	return []drf.Field{f, {Name: "re_" + f.Name}}
}

// tokenCreate declares a login for a token key, whose absent fields are refused credentials like wrong ones.
func (a *API) tokenCreate() *drf.Serializer {
	return &drf.Serializer{Name: "TokenCreate", Fields: []drf.Field{{Name: "password", Optional: true}, {Name: a.loginField(), Optional: true}}}
}

// mailed are the answers to a request for a mail, which may be one that is never sent.
func (a *API) mailed(sent bool) []drf.Answer {
	answers := []drf.Answer{{Status: http.StatusBadRequest, Bare: a.tellsUnknown()}}
	if sent {
		answers = append(answers, drf.Answer{Status: http.StatusNoContent})
	}
	return answers
}
