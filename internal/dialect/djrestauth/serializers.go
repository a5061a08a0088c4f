package djrestauth

import (
	"net/http"
	"slices"

	"latchkey/internal/account"
	"latchkey/internal/drf"
)

// maxPassword is what the fields of a new password take.
const maxPassword = 128

// newPassword declares a field of a form of Django's that sets a password.
func newPassword(name string) drf.Field { return drf.Field{Name: name, Max: maxPassword} }

var (
	login = &drf.Serializer{Name: "Login", Fields: []drf.Field{
		{Name: "username", Optional: true, AllowBlank: true},
		{Name: "email", Kind: drf.Email, Optional: true, AllowBlank: true},
		{Name: "password"},
	}}
	passwordReset        = &drf.Serializer{Name: "PasswordReset", Fields: []drf.Field{{Name: "email", Kind: drf.Email}}}
	passwordResetConfirm = &drf.Serializer{Name: "PasswordResetConfirm", Fields: []drf.Field{
		newPassword("new_password1"), newPassword("new_password2"), {Name: "uid"}, {Name: "token"},
	}}
	verifyEmail = &drf.Serializer{Name: "VerifyEmail", Fields: []drf.Field{{Name: "key"}}}
	key         = &drf.Serializer{Name: "Token", Fields: []drf.Field{{Name: "key"}}}
	sentence    = &drf.Serializer{Name: "RestAuthDetail", Fields: []drf.Field{{Name: "detail"}}}
	// told is the answer of one sentence.
	told = []drf.Answer{{Status: http.StatusOK, Body: sentence}}
)

func (a *API) passwordChange() *drf.Serializer {
	s := &drf.Serializer{Name: "PasswordChange", Fields: []drf.Field{newPassword("new_password1"), newPassword("new_password2")}}
	if a.Config.OldPasswordFieldEnabled {
		s.Fields = append([]drf.Field{newPassword("old_password")}, s.Fields...)
	}
	return s
}

// userDetails declares the user, whose address cannot be written here.
func (a *API) userDetails() *drf.Serializer {
	pk := a.Model.Column(a.Model.Key.Name)
	pk.Name = "pk"
	s := &drf.Serializer{Name: "UserDetails", Fields: []drf.Field{pk}}
	for _, name := range a.userFields() {
		f := a.Model.Column(name)
		if !a.writable(name) {
			f = f.Shown()
		}
		s.Fields = append(s.Fields, f)
	}
	return s
}

// signedIn is the answer to who has signed in: JWTs, a key, or nothing where a session is all.
func (a *API) signedIn(status int) drf.Answer {
	switch {
	case a.Config.UseJWT:
		return drf.Answer{Status: status, Body: a.jwt()}
	case a.Config.TokenModel != nil:
		return drf.Answer{Status: status, Body: key}
	}
	return drf.Answer{Status: http.StatusNoContent}
}

// jwt declares the answer of JWT mode. A registration leaves the times of expiry out.
func (a *API) jwt() *drf.Serializer {
	access, refresh := a.tokenKeys()
	s := &drf.Serializer{Name: "JWT", Fields: []drf.Field{{Name: access}, {Name: refresh}, {Name: "user", Kind: drf.Nested, Of: a.userDetails()}}}
	if a.Config.JWTAuthReturnExpiration {
		s.Fields = append(s.Fields, expiration(access), expiration(refresh))
	}
	for _, name := range a.LoginFields {
		s.Fields = append(s.Fields, a.Model.Column(name).Shown())
	}
	return s
}

// logoutAnswers are those of a logout by its mode.
func (a *API) logoutAnswers() []drf.Answer {
	answers := append(a.originAnswers(), told...)
	switch c := a.Config; {
	case c.UseJWT:
		return append(answers, drf.Answer{Status: http.StatusUnauthorized})
	case !c.SessionLogin:
		return append(answers, drf.Answer{Status: http.StatusBadRequest})
	}
	return answers
}

// originAnswers are those of checkOrigin.
func (a *API) originAnswers() []drf.Answer {
	if a.Origin == nil {
		return nil
	}
	return []drf.Answer{{Status: http.StatusForbidden}}
}

func expiration(token string) drf.Field {
	return drf.Field{Name: token + "_expiration", Kind: drf.DateTime, ReadOnly: true, Optional: true}
}

// tokenRefresh declares what a refresh asks for, refreshedFields what it answers.
func (a *API) tokenRefresh() *drf.Serializer {
	return &drf.Serializer{Name: "TokenRefresh", Fields: append(a.refreshFields(), drf.Field{Name: "access", ReadOnly: true})}
}

func (a *API) refreshedFields() *drf.Serializer {
	access, refresh := a.tokenKeys()
	return &drf.Serializer{Name: "TokenRefresh", Fields: []drf.Field{
		{Name: "access", ReadOnly: true}, {Name: "refresh", Optional: true}, expiration(access), expiration(refresh),
	}}
}

// logoutFields declares what a logout may read; its view is no form. Where tokens are kept in cookies, or there are none, it reads nothing.
func (a *API) logoutFields() *drf.Serializer {
	if !a.Config.UseJWT || a.Config.JWTAuthHTTPOnly {
		return nil
	}
	return &drf.Serializer{Name: "Logout", Unlisted: true, Fields: a.refreshFields()}
}

// refreshFields declare a refresh token, which may come in a cookie as well.
func (a *API) refreshFields() []drf.Field {
	fields := []drf.Field{{Name: "refresh", Optional: true}}
	if a.LegacyKeys {
		fields = append(fields, drf.Field{Name: "refresh_token", Optional: true})
	}
	return fields
}

// registerFields declares a registration by allauth's rules. Where an address must be verified before anybody logs in, the safe profile asks for it: the reference
// makes an account that nobody can ever use.
func (a *API) registerFields() *drf.Serializer {
	rules := &a.Accounts.Allauth
	needsEmail := rules.Required("email") || !a.Exact && rules.EmailVerification == account.MandatoryVerification
	password := drf.Field{Max: maxNewPassword, Untold: true}
	if a.Exact {
		password.Max = 0
	}
	first, second := password, password
	first.Name, second.Name = "password1", "password2"
	s := &drf.Serializer{Name: "Register"}
	if a.Model.NameField != "" {
		s.Fields = append(s.Fields, drf.Field{
			Name: "username", Optional: !rules.Required("username"), Min: rules.UsernameMinLength, Max: a.Model.Column(a.Model.NameField).Max,
		})
	}
	if a.Model.EmailField != "" {
		longest := rules.EmailMaxLength
		if width := a.Model.Column(a.Model.EmailField).Max; width > 0 {
			longest = min(longest, width)
		}
		s.Fields = append(s.Fields, drf.Field{Name: "email", Kind: drf.Email, Optional: !needsEmail, Max: longest, Untold: true})
	}
	s.Fields = append(s.Fields, first, second)
	for _, name := range a.askedFields() {
		f := a.Model.Column(name)
		f.WriteOnly = true
		s.Fields = append(s.Fields, f)
	}
	return s
}

// askedFields are those that settings add to a registration.
func (a *API) askedFields() []string {
	return slices.DeleteFunc(a.Model.Shown(), func(name string) bool {
		return name == a.Model.NameField || name == a.Model.EmailField || !a.Model.Asked(name)
	})
}

func (a *API) resendFields() *drf.Serializer {
	return &drf.Serializer{Name: "ResendEmailVerification", Fields: []drf.Field{
		{Name: "email", Kind: drf.Email, Optional: !a.Accounts.Allauth.Required("email")},
	}}
}
