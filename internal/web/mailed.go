package web

import (
	"errors"
	"net/http"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/store"
)

// activate asks whether the account shall be activated.
func (v *visit) activate(links []opened) error {
	good, user, err := v.firstGood(links)
	if err != nil || good == nil {
		return v.badLink("activation", err)
	}
	if user.IsActive {
		return v.badLink("active", nil)
	}
	return v.ask(asking{
		page: "activate", verb: good.verb, given: good.secrets,
		done: func() error { return v.goTo("done/activated") },
		refused: func(e *drf.Error) error {
			if e.Status == http.StatusForbidden { // in this moment
				return v.badLink("active", nil)
			}
			return v.refusedLink("activation", e)
		},
	})
}

// resetPassword asks for a new password.
func (v *visit) resetPassword(links []opened) error {
	good, _, err := v.firstGood(links)
	if err != nil || good == nil {
		return v.badLink("password", err)
	}
	return v.ask(asking{
		page: "reset_password", verb: good.verb, given: good.secrets,
		done:    func() error { return v.goTo("done/password") },
		refused: func(e *drf.Error) error { return v.refusedLink("password", e) },
	})
}

// resetUsername asks for a new name, or a new address where that is the name.
func (v *visit) resetUsername(links []opened) error {
	good, _, err := v.firstGood(links)
	if err != nil || good == nil {
		return v.badLink("username", err)
	}
	return v.ask(asking{
		page: "reset_username", verb: good.verb, given: good.secrets,
		done:    func() error { return v.goTo("done/username") },
		refused: func(e *drf.Error) error { return v.refusedLink("username", e) },
	})
}

// confirmEmail asks whether the address shall be confirmed.
func (v *visit) confirmEmail(links []opened) error {
	good := links[0]
	email, err := v.p.Accounts.LookAtKey(v.r.Context(), good.secrets.Get("key"))
	if errors.Is(err, account.ErrBadKey) {
		return v.badLink("confirmation", nil)
	}
	if err != nil {
		return err
	}
	v.email = email
	return v.ask(asking{
		page: "confirm_email", verb: good.verb, given: good.secrets,
		done: func() error { return v.goTo("done/confirmed") },
		refused: func(e *drf.Error) error {
			if e.Status == http.StatusNotFound {
				return v.badLink("confirmation", nil)
			}
			return e
		},
	})
}

// firstGood is the first link that is good, and its user; nil where none is.
func (v *visit) firstGood(links []opened) (*opened, *store.User, error) {
	for i := range links {
		o := &links[i]
		user, err := v.p.Accounts.UserOfLink(v.r.Context(), account.Link{
			UID: o.secrets.Get("uid"), Token: o.secrets.Get("token"), Purpose: o.purpose, Allauth: o.link.Allauth, Look: true,
		})
		if err == nil {
			return o, user, nil
		}
		if !errors.Is(err, account.ErrBadUID) && !errors.Is(err, account.ErrBadLink) {
			return nil, nil, err
		}
	}
	return nil, nil, nil
}

// refusedLink answers where the endpoint finds a link bad that was good a moment ago; other refusals are left to the form.
func (v *visit) refusedLink(what string, e *drf.Error) error {
	if body, ok := e.Body.(drf.Object); ok {
		for _, secret := range []string{"uid", "token"} {
			if _, named := body.Get(secret); named {
				return v.badLink(what, nil)
			}
		}
	}
	return e
}

// badLink says that a link is good no more, and how to get another.
func (v *visit) badLink(what string, err error) error {
	if err != nil {
		return err
	}
	data := v.data("bad_link")
	data.What = what
	return v.show(http.StatusNotFound, data)
}
