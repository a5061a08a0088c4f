package djrestauth

import (
	"errors"
	"net/http"
	"slices"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

var (
	listedUsername = message.T("Username can not be used. Please use other username.")
	takenUsername  = message.T("A user with that username already exists.")
	takenEmail     = message.T("User is already registered with this e-mail address.")
)

// userFields are a user's fields behind pk: the name, the address, the two names, as far as the table has them, and those that settings add, each once.
func (a *API) userFields() []string {
	var fields []string
	for _, name := range slices.Concat([]string{a.Model.UsernameField, a.Model.EmailField, "first_name", "last_name"}, a.Model.Shown()) {
		if _, there := a.Model.Field(name); there && !slices.Contains(fields, name) {
			fields = append(fields, name)
		}
	}
	return fields
}

// writable tells whether the user may change a field here: the address may not be changed, nor a name that is the address.
func (a *API) writable(name string) bool {
	return name != a.Model.EmailField && !a.Model.Column(name).ReadOnly
}

func (a *API) userBody(user *store.User) drf.Object {
	body := drf.Object{{Key: "pk", Value: a.Model.Value(user, a.Model.Key.Name)}}
	for _, field := range a.userFields() {
		body = append(body, drf.Member{Key: field, Value: a.Model.Value(user, field)})
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
	for _, field := range a.userFields() {
		var value any
		var present bool
		switch {
		case !a.writable(field):
		case field == a.Model.UsernameField:
			value, present = a.newName(r, in, &failed)
		default:
			value, present = a.Model.Read(r.Context(), in, field, r.User, &failed)
		}
		if present {
			change.Values = append(change.Values, account.Value{Field: field, Value: value})
		}
	}
	if err := errors.Join(failed, in.Err()); err != nil {
		return err
	}
	changed, err := a.Accounts.Update(r.Context(), change)
	var taken *account.Taken
	switch {
	case errors.As(err, &taken):
		return drf.Invalid(taken.Column, a.Model.Taken(taken.Column))
	case errors.Is(err, account.ErrRefused):
		return drf.Invalid(r.NonField(), drf.NotStored)
	case errors.Is(err, account.ErrUserNotFound):
		return r.NotAuthenticated()
	case err != nil:
		return err
	}
	return r.Reply(w, http.StatusOK, a.userBody(changed))
}

// newName reads the caller's new name. In the reference allauth's check finds the caller's own name taken; the safe profile leaves it out.
func (a *API) newName(r *drf.Request, in *drf.Fields, failed *error) (name string, present bool) {
	field := a.Model.UsernameField
	name, present = in.Text(field, func(name string) *message.Text {
		if name == a.Model.Name(r.User) {
			return nil
		}
		taken, err := a.Accounts.ColumnTaken(r.Context(), field, name, false)
		if err != nil {
			*failed = err
		}
		if taken {
			return a.Model.Taken(field)
		}
		return nil
	})
	if !present || !a.Allauth || field != a.Model.NameField {
		return name, present
	}
	own := r.User.ID
	if a.Exact {
		own = store.ID{}
	}
	return name, a.judgeName(r, in, field, name, own, failed)
}

// judgeName holds a name against the blacklist and the other users, and tells whether it passed.
func (a *API) judgeName(r *drf.Request, in *drf.Fields, field, name string, own store.ID, failed *error) bool {
	verdict, err := a.Accounts.JudgeName(r.Context(), name, own)
	switch {
	case err != nil:
		*failed = err
	case verdict == account.NameListed:
		in.Fail(field, listedUsername)
	case verdict == account.NameTaken:
		in.Fail(field, takenUsername)
	default:
		return true
	}
	return false
}
