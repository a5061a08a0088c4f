package djrestauth

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

var (
	listedUsername = message.T("Username can not be used. Please use other username.")
	takenUsername  = message.T("A user with that username already exists.")
)

// userFields are a user's columns behind pk: the name, the address, the two names.
func (a *API) userFields() []string {
	fields := []string{a.Model.UsernameField}
	if a.Model.EmailField != a.Model.UsernameField {
		fields = append(fields, a.Model.EmailField)
	}
	return append(fields, "first_name", "last_name")
}

func (a *API) userBody(user *store.User) drf.Object {
	body := drf.Object{{Key: "pk", Value: drf.Column(user, "id")}}
	for _, field := range a.userFields() {
		body = append(body, drf.Member{Key: field, Value: drf.Column(user, field)})
	}
	return body
}

func (a *API) user(w http.ResponseWriter, r *drf.Request) error {
	return r.Reply(w, http.StatusOK, a.userBody(r.User))
}

// updateUser writes the names that were sent. The address cannot be written here.
func (a *API) updateUser(w http.ResponseWriter, r *drf.Request) error {
	in, err := r.Fields()
	if err != nil {
		return err
	}
	var failed error
	change := account.Update{ID: r.User.ID}
	write := func(column, value string, present bool) {
		if present {
			change.Values = append(change.Values, account.Value{Field: column, Value: value})
		}
	}
	if a.Model.UsernameField == "username" {
		name, present := a.newName(r, in, &failed)
		write("username", name, present)
	}
	for _, column := range []string{"first_name", "last_name"} {
		value, present := in.Text(column)
		write(column, value, present)
	}
	if err := errors.Join(failed, in.Err()); err != nil {
		return err
	}
	changed, err := a.Accounts.Update(r.Context(), change)
	switch {
	case errors.Is(err, account.ErrTaken):
		return drf.Invalid("username", takenUsername)
	case errors.Is(err, account.ErrUserNotFound):
		return r.NotAuthenticated()
	case err != nil:
		return err
	}
	return r.Reply(w, http.StatusOK, a.userBody(changed))
}

// newName reads the caller's new name. In the reference allauth's check finds the caller's own name taken; the safe profile leaves it out.
func (a *API) newName(r *drf.Request, in *drf.Fields, failed *error) (name string, present bool) {
	name, present = in.Text("username", func(name string) *message.Text {
		if name == r.User.Username {
			return nil
		}
		taken, err := a.Accounts.ColumnTaken(r.Context(), "username", name, false)
		if err != nil {
			*failed = err
		}
		if taken {
			return takenUsername
		}
		return nil
	})
	if !present || !a.Allauth {
		return name, present
	}
	own := r.User.ID
	if a.Exact {
		own = store.ID{}
	}
	return name, a.judgeName(r, in, name, own, failed)
}

// judgeName holds a name against the blacklist and the other users, and tells whether it passed.
func (a *API) judgeName(r *drf.Request, in *drf.Fields, name string, own store.ID, failed *error) bool {
	verdict, err := a.Accounts.JudgeName(r.Context(), name, own)
	switch {
	case err != nil:
		*failed = err
	case verdict == account.NameListed:
		in.Fail("username", listedUsername)
	case verdict == account.NameTaken:
		in.Fail("username", takenUsername)
	default:
		return true
	}
	return false
}
