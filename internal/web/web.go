// Package web holds the pages that people see: those that mailed links lead to, and those for signing up, signing in and one's own account. They need no script.
//
// A page knows no rules. Its form is what an endpoint of a mounted dialect declares, and is submitted to that endpoint, whose errors stand beside the inputs; so
// pages and APIs cannot come apart. Signing in and out, for which no API has what a page needs, are the account's own verbs. Opening a page changes nothing,
// for mail scanners open links too; the button does.
package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/authenticate"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// Pages answer what no dialect does. The fields are set before Prepare.
type Pages struct {
	Config   Config
	Accounts *account.Service
	Model    *drf.Model
	// View is what the dialects share, with the session alone for who is calling, and forms alone for bodies.
	View     *drf.View
	Sessions *drf.Sessions
	CSRF     authenticate.CSRF
	Verbs    Verbs
	Links    Links
	// Account serves the pages for signing up, signing in and one's own account; without it only those of Links are.
	Account bool
	// SignUpWaits says that a new account waits for its mailed link to be opened.
	SignUpWaits bool
	// SignInBy are the fields that a name at sign-in is looked for in.
	SignInBy []string
	// VerifiedOnly lets in only who verified their address.
	VerifiedOnly bool
	// Explain is the answer to an error that is none itself.
	Explain func(*http.Request, error) *drf.Error

	look  *look
	pages map[string]func(*visit) error // by what stands behind the path
	paths map[string]string             // their addresses, by the same name; the overview's is account
}

// Verbs are what the pages do, each nil where no mounted dialect does it.
type Verbs struct {
	SignUp, Resend                                               *Verb
	Activate, ConfirmEmail                                       *Verb
	AskPassword, ResetPassword, ResetPasswordKey                 *Verb
	AskUsername, ResetUsername                                   *Verb
	Profile, ChangePassword, ChangeUsername, ChangeEmail, Delete *Verb
}

// Links are where the mails lead.
type Links struct {
	Activation, PasswordReset, UsernameReset, EmailConfirmation, PasswordResetKey Link
}

// Prepare reads the templates and settles which pages there are. What is wrong with a template is told with its file and line.
func (p *Pages) Prepare() error {
	for _, l := range []*Link{&p.Links.Activation, &p.Links.PasswordReset, &p.Links.UsernameReset, &p.Links.EmailConfirmation, &p.Links.PasswordResetKey} {
		l.prepare()
	}
	p.pages = map[string]func(*visit) error{"done/": (*visit).done}
	if p.Account {
		for path, page := range p.accountPages() {
			p.pages[path] = page
		}
	}
	p.paths = map[string]string{}
	for name := range p.pages {
		p.paths[cmp.Or(name, "account")] = p.path(name)
	}
	var err error
	p.look, err = newLook(p)
	return err
}

// path is the address of an account page.
func (p *Pages) path(page string) string { return strings.TrimSuffix(p.Config.Path, "/") + "/" + page }

// Handler is what answers a request, nil where there is no page.
func (p *Pages) Handler(r *http.Request) http.Handler {
	if p == nil {
		return nil // they are switched off
	}
	// with its closing slash and without
	if rest, ok := strings.CutPrefix(strings.TrimSuffix(r.URL.Path, "/")+"/", p.path("")); ok {
		rest = strings.TrimSuffix(rest, "/")
		if file := p.look.files[rest]; file != nil {
			return file
		}
		name, _, nested := strings.Cut(rest, "/")
		if nested {
			name += "/"
		}
		if page := p.pages[name]; page != nil {
			return p.serve(page)
		}
	}
	return p.linkHandler(r)
}

// linkHandler finds the page of a mailed link. A password may be reset by either of two, which can stand at the same path: the first one that is good counts.
func (p *Pages) linkHandler(r *http.Request) http.Handler {
	var found []opened
	for _, l := range []struct {
		link    *Link
		verb    *Verb
		purpose mail.Kind
		page    func(*visit, []opened) error
	}{
		{&p.Links.Activation, p.Verbs.Activate, mail.Activation, (*visit).activate},
		{&p.Links.PasswordReset, p.Verbs.ResetPassword, mail.PasswordReset, (*visit).resetPassword},
		{&p.Links.PasswordResetKey, p.Verbs.ResetPasswordKey, mail.PasswordResetKey, (*visit).resetPassword},
		{&p.Links.UsernameReset, p.Verbs.ResetUsername, mail.UsernameReset, (*visit).resetUsername},
		{&p.Links.EmailConfirmation, p.Verbs.ConfirmEmail, mail.EmailConfirmation, (*visit).confirmEmail},
	} {
		if l.verb == nil {
			continue
		}
		if secrets, ok := l.link.match(r.URL); ok {
			found = append(found, opened{l.link, l.verb, l.purpose, secrets, l.page})
		}
	}
	if len(found) == 0 {
		return nil
	}
	here := found[:0]
	for _, o := range found {
		leads, err := p.leadsHere(r, o.link)
		if err != nil {
			return p.serve(func(*visit) error { return err })
		}
		if leads {
			here = append(here, o)
		}
	}
	if len(here) == 0 {
		return nil
	}
	return p.serve(func(v *visit) error { return here[0].page(v, here) })
}

// An opened link is one that somebody followed to its page.
type opened struct {
	link    *Link
	verb    *Verb
	purpose mail.Kind
	secrets url.Values
	page    func(*visit, []opened) error
}

// A visit is a request for a page on its way.
type visit struct {
	p    *Pages
	w    http.ResponseWriter
	r    *http.Request
	user *store.User // nil when nobody is signed in
	// email is the address that the page is about.
	email string
}

// policy lets a page use its own style sheet and images, and send its forms to this server. Nothing else is loaded, run or framed.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm is how long a form may be.
const maxForm = 1 << 18

// serve answers with a page: who is calling, may the form have come from here, then the page itself.
func (p *Pages) serve(page func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		// The address of a link is a secret: nobody is told more than the host, which browsers need to name the origin of a form.
		h.Set("Referrer-Policy", "strict-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		v := &visit{p: p, w: w, r: r}
		if err := v.serve(page); err != nil {
			v.fail(err)
		}
	})
}

func (v *visit) serve(page func(*visit) error) error {
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
		if reason := v.p.CSRF.Check(v.r); reason != nil {
			return drf.Detail(http.StatusForbidden, message.T("This form is too old, or did not come from this site. Go back, load the page again and send it once more. Your browser must accept cookies."))
		}
		if err := v.r.ParseForm(); err != nil {
			return drf.Detail(http.StatusBadRequest, message.T("The request body could not be read."))
		}
	default:
		v.w.Header().Set("Allow", "GET, HEAD, POST")
		return drf.Detail(http.StatusMethodNotAllowed, message.T(`Method "{method}" not allowed.`, "method", v.r.Method))
	}
	if err := v.recognise(); err != nil {
		return err
	}
	return page(v)
}

// recognise finds who is signed in.
func (v *visit) recognise() error {
	key := v.p.Sessions.Cookie.Value(v.r)
	if key == "" {
		return nil
	}
	user, err := v.p.Accounts.UserOfSession(v.r.Context(), key)
	switch {
	case errors.Is(err, account.ErrNoSession):
		v.p.Sessions.Cookie.Delete(v.w)
		return nil
	case errors.Is(err, account.ErrUserNotFound):
		return nil
	}
	v.user = user
	return err
}

// request is the request as the dialects see one.
func (v *visit) request() *drf.Request { return v.p.View.Request(v.w, v.r, v.user) }

// token is the CSRF token for a form of this visit.
func (v *visit) token() string {
	token, fresh := v.p.CSRF.Token(v.r)
	if fresh != "" {
		v.p.Sessions.CSRF.Set(v.w, fresh, v.p.Sessions.Now())
	}
	return token
}

// goTo sends the browser on, with GET: to load the page again sends no form twice.
func (v *visit) goTo(page string) error {
	v.w.Header().Set("Location", v.p.path(page))
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// answer is the answer to an error, whose page also says when to try again.
func (v *visit) answer(err error) *drf.Error {
	answer, ok := drf.AnswerTo(err)
	if !ok {
		answer = v.p.Explain(v.r, err)
	}
	if wait := answer.Header.Get("Retry-After"); wait != "" {
		v.w.Header().Set("Retry-After", wait)
	}
	return answer
}

// fail shows an error as a page.
func (v *visit) fail(err error) {
	answer := v.answer(err)
	data := v.data("error")
	form := &Form{}
	v.explain(form, answer)
	data.Errors = form.Errors
	_ = v.show(answer.Status, data) // its template was tried at the start; a client that is gone is nobody's error
}
