package djoser

import (
	"latchkey/internal/drf"
	"latchkey/internal/mail"

	"latchkey/internal/account"
	"latchkey/internal/message"
)

// A column is a user column as a ModelSerializer reads it from the input.
type column struct {
	name, column string // its key in the body, its field in the table
	own          string // a value that does not count as taken
	folded       bool   // a name whose normal form is taken is taken too
}

// read validates a name. A failure of the database, which a uniqueness check may meet, is in failed.
func (a *API) read(r *drf.Request, in *drf.Fields, c column, failed *error) (value string, present bool) {
	return in.Text(c.name, func(value string) *message.Text {
		if value == c.own {
			return nil
		}
		taken, err := a.Accounts.ColumnTaken(r.Context(), c.column, value, c.folded)
		if err != nil {
			*failed = err
		}
		if taken {
			return a.Model.Taken(c.column)
		}
		return nil
	})
}

// isName tells the fields that read reads.
func (a *API) isName(field string) bool {
	return field == a.Model.NameField || field == a.Model.UsernameField
}

var passwordsDiffer = message.T("The two password fields didn't match.")

// retyped checks the second of two fields that must be equal.
func retyped(r *drf.Request, wanted bool, first, second string, differ *message.Text) error {
	if wanted && first != second {
		return drf.Invalid(r.NonField(), differ)
	}
	return nil
}

// currentPassword reads the caller's password and checks it as a field, so that its error stands beside those of the other fields. Where settings let anybody
// in, nobody's password is a 401; what else is wrong with the field is said first, as djoser does.
func (a *API) currentPassword(r *drf.Request, in *drf.Fields) error {
	password, ok := in.Text("current_password")
	if !ok {
		return nil
	}
	if r.User == nil {
		return r.NotAuthenticated()
	}
	right, err := a.Accounts.CheckPassword(r.Context(), r.User, password)
	if err == nil && !right {
		in.Fail("current_password", message.T("Invalid password."))
	}
	return err
}

// link reads uid and token as they were sent: djoser checks the raw values, so a number is no uid and a blank makes a token bad.
func link(in *drf.Fields, purpose mail.Kind) account.Link {
	uid, _ := in.RawText("uid")
	token, _ := in.RawText("token")
	return account.Link{UID: uid, Token: token, Purpose: purpose}
}
