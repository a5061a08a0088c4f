package djoser

import (
	"latchkey/internal/drf"
	"latchkey/internal/mail"

	"latchkey/internal/account"
)

const (
	badUsername   = "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."
	usernameTaken = "A user with that username already exists."
	emailTaken    = "user with this email address already exists."
)

// takenMessage is what is said of a column's value that belongs to somebody.
func takenMessage(column string) string {
	if column == "email" {
		return emailTaken
	}
	return usernameTaken
}

// A column is a user column as a ModelSerializer reads it from the input.
type column struct {
	name, column string // its key in the body, its name in the table
	partial      bool   // may be absent whatever the column's rules are
	own          string // a value that does not count as taken
	folded       bool   // a name whose normal form is taken is taken too
}

// read validates one column. A failure of the database, which a uniqueness check may meet, is in failed.
func (a *API) read(r *drf.Request, in *drf.Fields, c column, failed *error) (value string, present bool) {
	unique := func(message string) func(string) string {
		return func(value string) string {
			if value == c.own {
				return ""
			}
			taken, err := a.Accounts.ColumnTaken(r.Context(), c.column, value, c.folded)
			if err != nil {
				*failed = err
			}
			if taken {
				return message
			}
			return ""
		}
	}
	switch c.column {
	case "username":
		return in.Char(c.name, drf.CharOptions{Optional: c.partial, Max: drf.MaxLength(c.column), Validate: []func(string) string{
			func(name string) string {
				if drf.ValidUsername(name) {
					return ""
				}
				return badUsername
			},
			unique(usernameTaken),
		}})
	case "email":
		if a.Model.UsernameField == "email" {
			return in.Email(c.name, drf.CharOptions{Optional: c.partial, Max: drf.MaxLength(c.column), Validate: []func(string) string{unique(emailTaken)}})
		}
		return in.Email(c.name, drf.CharOptions{Optional: true, AllowBlank: true, Max: drf.MaxLength(c.column)})
	}
	return in.Char(c.name, drf.CharOptions{Optional: true, AllowBlank: true, Max: drf.MaxLength(c.column)})
}

// retyped checks the second of two fields that must be equal.
func retyped(r *drf.Request, wanted bool, first, second, what string) error {
	if wanted && first != second {
		return drf.Invalid(r.NonField(), "The two "+what+" fields didn't match.")
	}
	return nil
}

// currentPassword reads the caller's password and checks it as a field, so that its error stands beside those of the other fields. Where settings let anybody
// in, nobody's password is a 401; what else is wrong with the field is said first, as djoser does.
func (a *API) currentPassword(r *drf.Request, in *drf.Fields) error {
	password, ok := in.Char("current_password", drf.CharOptions{})
	if !ok {
		return nil
	}
	if r.User == nil {
		return r.NotAuthenticated()
	}
	right, err := a.Accounts.CheckPassword(r.Context(), r.User, password)
	if err == nil && !right {
		in.Fail("current_password", "Invalid password.")
	}
	return err
}

// link reads uid and token as they were sent: djoser checks the raw values, so a number is no uid and a blank makes a token bad.
func link(in *drf.Fields, purpose mail.Kind) account.Link {
	uid, _ := in.RawText("uid")
	token, _ := in.RawText("token")
	return account.Link{UID: uid, Token: token, Purpose: purpose}
}
