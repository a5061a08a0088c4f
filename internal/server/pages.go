package server

import (
	"net/http"
	"slices"

	"latchkey/internal/account"
	"latchkey/internal/config"
	"latchkey/internal/dialect/djrestauth"
	"latchkey/internal/drf"
	"latchkey/internal/web"
)

// pages builds the pages for people on what is mounted; nil where they are switched off.
func (s *Server) pages(cfg *config.Config, o Options, view *drf.View, mounts []mounted) (*web.Pages, error) {
	enabled := cfg.Pages.Enabled
	if enabled != nil && !*enabled {
		return nil, nil
	}
	own := *view
	own.Parsers, own.FormatParam = []drf.Parser{drf.FormParser}, ""
	own.Guard = s.guard // in either profile: the reference has no such pages
	sessions := s.sessions(cfg, o)
	sessions.CSRF, sessions.Exact = csrfCookie(cfg), false
	rest := s.restAuth(cfg, o)
	p := &web.Pages{
		Config:   cfg.Pages,
		Accounts: s.Accounts,
		Model:    s.model(cfg),
		View:     &own,
		Sessions: sessions,
		CSRF:     csrf(cfg),
		Links:    links(cfg, rest),
		Account:  s.Store.Apps().Sessions && (cfg.Development || enabled != nil),
		SignInBy: signInBy(cfg),
		VerifiedOnly: cfg.Mounted(config.DjRestAuth, config.DjRestAuthRegistration) && rest.Registration &&
			cfg.Account.EmailVerification == account.MandatoryVerification,
		Explain: explain(o.Log),
	}
	for _, m := range mounts {
		takeVerbs(cfg, p, m)
	}
	if err := p.Prepare(); err != nil {
		return nil, err
	}
	switch {
	case p.Account:
		s.Served = append(s.Served, Served{cfg.Pages.Path + "/", "pages of accounts"})
	case enabled != nil:
		s.Served = append(s.Served, Served{cfg.Pages.Path + "/", "pages of mailed links (those of accounts are not served: the database has no table of sessions)"})
	}
	return p, nil
}

// takeVerbs lets the pages do what a dialect does and none before it did.
func takeVerbs(cfg *config.Config, p *web.Pages, m mounted) {
	find := func(method, path string) *web.Verb {
		match, ok := m.routes.Match(path)
		if !ok || match.ID != "" || len(match.Route.Asks(method)) == 0 {
			return nil
		}
		return &web.Verb{Route: match.Route, Method: method}
	}
	put := func(to **web.Verb, verb *web.Verb) {
		if *to == nil {
			*to = verb
		}
	}
	nobody := p.View.Request(nil, &http.Request{Method: http.MethodPost}, nil)
	signUp := func(verb *web.Verb, waits bool, address string) {
		if p.Verbs.SignUp == nil && verb != nil && verb.Route.OpenTo(nobody, verb.Method) {
			p.Verbs.SignUp, p.SignUpWaits = verb, waits
			if waits {
				verb.Needs = address // the link has to go somewhere
			}
		}
	}
	post, patch, b := http.MethodPost, http.MethodPatch, &p.Verbs
	name, email := p.Model.UsernameField, p.Model.EmailField
	waits := cfg.Djoser.SendActivationEmail && p.Model.HasActive()
	switch m.dialect {
	case config.Djoser:
		signUp(find(post, "users/"), waits, email)
		if waits {
			put(&b.Resend, find(post, "users/resend_activation/"))
		}
		put(&b.Activate, find(post, "users/activation/"))
		put(&b.AskPassword, find(post, "users/reset_password/"))
		put(&b.ResetPassword, find(post, "users/reset_password_confirm/"))
		put(&b.ChangePassword, find(post, "users/set_password/"))
		put(&b.ResetUsername, find(post, "users/reset_"+name+"_confirm/"))
		me := find(patch, "users/me/")
		if name == email {
			put(&b.ChangeEmail, find(post, "users/set_"+name+"/"))
		} else {
			put(&b.AskUsername, find(post, "users/reset_"+name+"/"))
			put(&b.ChangeUsername, find(post, "users/set_"+name+"/"))
			put(&b.ChangeEmail, me.For(func(field string) bool { return field == email }).Confirmed())
		}
		put(&b.Profile, me.For(func(field string) bool { return field != email && field != name }))
		put(&b.Delete, find(http.MethodDelete, "users/me/"))
	case config.DjRestAuth, config.DjRestAuthRegistration:
		prefix := ""
		if m.dialect == config.DjRestAuth {
			prefix = "registration/"
			put(&b.AskPassword, find(post, "password/reset/"))
			put(&b.ResetPasswordKey, find(post, "password/reset/confirm/"))
			change := find(post, "password/change/")
			if !cfg.RestAuth.OldPasswordFieldEnabled {
				change = change.Confirmed()
			}
			put(&b.ChangePassword, change)
			renamed := b.ChangeUsername != nil
			put(&b.Profile, find(patch, "user/").For(func(field string) bool { return field != email && !(renamed && field == name) }))
		}
		signUp(find(post, prefix), cfg.Account.EmailVerification == account.MandatoryVerification, "email")
		put(&b.Resend, find(post, prefix+"resend-email/"))
		put(&b.ConfirmEmail, find(post, prefix+"verify-email/"))
	case config.RegisterLoginRefresh:
		signUp(find(post, "register/"), false, "email")
	}
}

// links are where the mails lead.
func links(cfg *config.Config, rest *djrestauth.API) web.Links {
	domain := ""
	if d := cfg.Djoser.EmailFrontendDomain; d != nil {
		domain = *d
	}
	djoser := func(template *string) web.Link {
		if template == nil {
			return web.Link{}
		}
		return web.Link{Template: *template, Domain: domain}
	}
	followed := rest.Exact || rest.FollowHost
	return web.Links{
		Activation:        djoser(cfg.Djoser.ActivationURL),
		PasswordReset:     djoser(cfg.Djoser.PasswordResetConfirmURL),
		UsernameReset:     djoser(cfg.Djoser.UsernameResetConfirmURL),
		EmailConfirmation: web.Link{Template: cfg.Links.AccountConfirmEmail, AnyHost: followed},
		PasswordResetKey:  web.Link{Template: cfg.Links.PasswordResetConfirm, AnyHost: followed, Allauth: rest.Allauth},
	}
}

// signInBy are the columns that the backends look a name up in.
func signInBy(cfg *config.Config) []string {
	var columns []string
	for _, backend := range cfg.AuthenticationBackends {
		switch backend {
		case account.AllauthBackend:
			columns = append(columns, cfg.Account.LoginMethods...)
		case account.LoginFieldBackend:
			columns = append(columns, loginField(cfg))
		default:
			columns = append(columns, cfg.UserModel.UsernameField)
		}
	}
	slices.Sort(columns)
	return slices.Compact(columns)
}
