package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/drf"
	"latchkey/internal/message"
)

// accountPages are those for signing up, signing in and one's own account, by path.
func (p *Pages) accountPages() map[string]func(*visit) error {
	b := &p.Verbs
	pages := map[string]func(*visit) error{
		"":         signedIn((*visit).overview),
		"sign-in":  (*visit).signIn,
		"sign-out": (*visit).signOut,
	}
	add := func(path string, verb *Verb, page func(*visit) error) {
		if verb != nil {
			pages[path] = page
		}
	}
	// Whoever asks for a mail is told the same, whether or not somebody has the address.
	public := func(path, page string, verb *Verb, done string) {
		add(path, verb, func(v *visit) error {
			return v.ask(asking{page: page, verb: verb, done: func() error { return v.goTo("done/" + done) }})
		})
	}
	own := func(path, page string, verb *Verb, done func(*visit) error) {
		add(path, verb, signedIn(func(v *visit) error {
			a := asking{page: page, verb: verb, done: func() error { return done(v) }}
			if verb == b.Profile {
				a.of = v.user
			}
			return v.ask(a)
		}))
	}
	changed := func(what string) func(*visit) error {
		return func(v *visit) error { return v.changed(what) }
	}
	add("sign-up", b.SignUp, func(v *visit) error { return v.ask(asking{page: "sign_up", verb: b.SignUp, done: v.joined}) })
	public("resend", "resend", b.Resend, "resent")
	public("forgot-password", "ask_password", b.AskPassword, "asked-password")
	public("forgot-username", "ask_username", b.AskUsername, "asked-username")
	own("profile", "profile", b.Profile, changed("profile"))
	own("password", "change_password", b.ChangePassword, changed("password"))
	own("username", "change_username", b.ChangeUsername, changed("username"))
	own("email", "change_email", b.ChangeEmail, changed("email"))
	own("delete", "delete", b.Delete, (*visit).deleted)
	return pages
}

// joined goes on after a sign-up, which may have signed in.
func (v *visit) joined() error {
	for _, cookie := range v.w.Header()["Set-Cookie"] {
		if strings.HasPrefix(cookie, v.p.Sessions.Cookie.Name+"=") && !v.p.SignUpWaits {
			return v.goTo("")
		}
	}
	if v.p.SignUpWaits {
		return v.goTo("done/signed-up")
	}
	return v.goTo("done/ready")
}

// signedIn sends who is not signed in to do so.
func signedIn(page func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		if v.user == nil {
			return v.goTo("sign-in")
		}
		return page(v)
	}
}

// overview shows the account, and the way to all that can be done with it.
func (v *visit) overview() error {
	data := v.data("account")
	data.Form = &Form{Token: v.token()} // to sign out
	data.What = v.r.URL.Query().Get("changed")
	return v.show(http.StatusOK, data)
}

// signIn signs into a session of Django's.
func (v *visit) signIn() error {
	if v.user != nil {
		return v.goTo("")
	}
	name := drf.Field{Name: "username"}
	if slices.Equal(v.p.SignInBy, []string{v.p.Model.EmailField}) {
		name = drf.Field{Name: "email", Kind: drf.Email}
	}
	fields := []drf.Field{name, {Name: "current_password", NoTrim: true}}
	data := v.form("sign_in", fields, func(f drf.Field) string { return v.r.PostForm.Get(f.Name) })
	inputs := data.Form.Inputs
	inputs[0].Autocomplete, inputs[0].Focus = "username", v.r.Method != http.MethodPost
	if len(v.p.SignInBy) > 1 {
		inputs[0].Label = v.say(message.T("Username or e-mail address"))
	}
	inputs[1].Label = v.say(message.T("Password"))
	if v.r.Method != http.MethodPost {
		return v.show(http.StatusOK, data)
	}
	err := v.open(drf.Strip(v.r.PostForm.Get(name.Name)), v.r.PostForm.Get("current_password"))
	if err == nil {
		return v.goTo("")
	}
	switch {
	case errors.Is(err, account.ErrBadCredentials):
		data.Form.Errors = []string{v.say(message.T("The name or the password is wrong."))}
		inputs[1].Focus = true
		return v.show(http.StatusBadRequest, data)
	case errors.Is(err, errNotVerified):
		data.What = "unverified"
		return v.show(http.StatusForbidden, data)
	}
	refused := v.answer(err)
	if refused.Status >= http.StatusInternalServerError {
		return refused
	}
	v.explain(data.Form, refused)
	return v.show(refused.Status, data)
}

// errNotVerified says that the address must be confirmed first.
var errNotVerified = errors.New("the address is not verified")

// open tries a name and a password, and opens a session under a new key.
func (v *visit) open(name, password string) error {
	ctx, request := v.r.Context(), v.request()
	if err := request.Throttle("login"); err != nil {
		return err
	}
	if name == "" || password == "" {
		return account.ErrBadCredentials
	}
	// Fields of the API cut white space off passwords; whatever was set with it elsewhere is tried first.
	login, err := v.p.Accounts.SignInWith(ctx, account.Credentials{Username: name, Password: drf.Strip(password), Untrimmed: password})
	if err != nil {
		return err
	}
	if !login.User.IsActive {
		return account.ErrBadCredentials
	}
	if v.p.VerifiedOnly {
		verified, err := v.p.Accounts.Verified(ctx, login.User)
		if err != nil {
			return err
		}
		if !verified {
			return errNotVerified
		}
	}
	if err := v.p.Accounts.StampLogin(ctx, login.User); err != nil {
		return err
	}
	return v.p.Sessions.Open(v.w, request, login)
}

// signOut ends the session. A link cannot do that.
func (v *visit) signOut() error {
	if v.r.Method != http.MethodPost {
		return v.goTo("")
	}
	if err := v.p.Sessions.Close(v.w, v.request()); err != nil {
		return err
	}
	return v.goTo("done/signed-out")
}

// changed goes back to the overview after a change. The session goes on under a new key where the password is new, and ends where the account now waits for its new
// address to be confirmed.
func (v *visit) changed(what string) error {
	request := v.request()
	if what == "password" {
		if err := v.p.Sessions.Renew(v.w, request); err != nil {
			return err
		}
	}
	user, err := v.p.Accounts.UserBy(v.r.Context(), v.p.Model.Key.Name, v.user.ID.String())
	if err != nil {
		return err
	}
	if !user.IsActive {
		if err := v.p.Sessions.Close(v.w, request); err != nil {
			return err
		}
		return v.goTo("done/address")
	}
	return v.goTo("?changed=" + what)
}

// deleted ends the session of who is no more.
func (v *visit) deleted() error {
	if err := v.p.Sessions.Close(v.w, v.request()); err != nil {
		return err
	}
	return v.goTo("done/deleted")
}

// outcomes are what pages end with, each a page that can be loaded again.
var outcomes = []string{
	"signed-up", "ready", "resent", "activated", "confirmed", "asked-password", "asked-username", "password", "username", "signed-out", "address", "deleted",
}

// done says what was done. It tells nothing of anybody, so whoever comes here sees the same.
func (v *visit) done() error {
	_, what, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(v.r.URL.Path, "/"), v.p.path("")), "/")
	if !slices.Contains(outcomes, what) {
		return drf.NotFound()
	}
	data := v.data("done")
	data.What = what
	return v.show(http.StatusOK, data)
}
