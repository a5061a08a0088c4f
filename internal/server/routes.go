package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sort"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/authenticate"
	"latchkey/internal/config"
	"latchkey/internal/cors"
	"latchkey/internal/dialect/djoser"
	"latchkey/internal/dialect/djrestauth"
	"latchkey/internal/dialect/registerloginrefresh"
	"latchkey/internal/dialect/sessions"
	"latchkey/internal/dialect/simplejwt"
	"latchkey/internal/drf"
	"latchkey/internal/message"
	"latchkey/internal/openapi"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/web"
	"latchkey/internal/webhook"
)

// A mounted dialect: its prefix, without a slash at the end, and its routes.
type mounted struct {
	prefix  string
	dialect string
	routes  *drf.Routes
}

// A router finds the dialect and the route of a request. It is no http.ServeMux, which would redirect and refuse in words of its own.
type router struct {
	view   *drf.View
	mounts []mounted               // longest prefix first
	own    map[string]http.Handler // by path: what is the server's own
	mail   http.Handler            // the development mailbox, nil where there is none
	docs   http.Handler            // the page of the OpenAPI document, nil where there is none
	pages  *web.Pages              // nil where there are none
}

// ServeHTTP answers a request, with a redirect where the reference insists on a closing slash, or an HTML 404 as Django does where nothing is served.
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if match, ok := rt.match(path); ok {
		if match.Slash {
			redirectToSlash(w, r)
			return
		}
		setRoute(w, match.Route.Pattern)
		rt.view.ServeHTTP(w, r, match)
		return
	}
	switch own := rt.own[path]; {
	case own != nil:
		setRoute(w, path)
		own.ServeHTTP(w, r)
	case rt.mail != nil && (path == "/dev/mail" || strings.HasPrefix(path, "/dev/mail/")):
		rt.mail.ServeHTTP(w, r)
	case rt.docs != nil && (path == openapi.PagePath || strings.HasPrefix(path, openapi.PagePath+"/")):
		rt.docs.ServeHTTP(w, r)
	default:
		if page := rt.pages.Handler(r); page != nil {
			page.ServeHTTP(w, r)
			return
		}
		notFound(w, r)
	}
}

// setRoute tells the metrics which route answers.
func setRoute(w http.ResponseWriter, pattern string) {
	if rec, ok := w.(*recorder); ok {
		rec.route = pattern
	}
}

// match finds the route of a path. Where several dialects at one prefix claim it, the one that documents the path in this form has it, else the first.
func (rt *router) match(path string) (found drf.Match, ok bool) {
	for i, m := range rt.mounts {
		if ok && m.prefix != rt.mounts[i-1].prefix {
			return found, true
		}
		rest, inside := strings.CutPrefix(path, m.prefix)
		if !inside || rest != "" && rest[0] != '/' || strings.HasPrefix(rest, "//") {
			continue
		}
		match, matched := m.routes.Match(strings.TrimPrefix(rest, "/"))
		if !matched {
			continue
		}
		// Registration alone is answered in place in either profile: the redirect would lose its body.
		if rest == "" && m.prefix != "" && m.routes.Redirect && m.dialect != config.DjRestAuthRegistration {
			match.Slash = true
		}
		if match.Documented {
			return match, true
		}
		if !ok {
			found, ok = match, true
		}
	}
	return found, ok
}

// redirectToSlash answers as Django's APPEND_SLASH: the same path with a slash, the query kept. It loses a POST's body in most clients, so that only the exact
// profile does it.
func redirectToSlash(w http.ResponseWriter, r *http.Request) {
	to := escapePath(r.URL.Path) + "/"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusMovedPermanently)
}

// escapePath writes a decoded path as Django does (escape_uri_path): its own choice of letters stays, whatever the client escaped.
func escapePath(path string) string {
	const plain = "/:@&+$,-_.!~*'()"
	var b strings.Builder
	for _, c := range []byte(path) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// entrances are the paths that stand for the dialects which answer nothing at their mount itself.
var entrances = map[string]string{config.DjRestAuth: "login/", config.RegisterLoginRefresh: "login"}

// mount builds the handler: the view that all dialects share, the dialects, and what the server answers itself.
func (s *Server) mount(cfg *config.Config, o Options) error {
	view, err := s.view(cfg, o)
	if err != nil {
		return err
	}
	rt := &router{view: view, own: map[string]http.Handler{
		"/healthz":               http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") }),
		"/readyz":                http.HandlerFunc(s.ready),
		"/.well-known/jwks.json": s.jwks(),
	}}
	if s.box != nil {
		rt.mail = http.StripPrefix("/dev/mail", s.box.Handler())
	}
	for _, m := range cfg.Mounts {
		routes, err := s.dialect(cfg, o, view, m)
		if err != nil {
			return err
		}
		if routes == nil {
			s.Served = append(s.Served, Served{m.Path + "/", m.Dialect + " (not served: the database has no table of what a login gives)"})
			continue
		}
		s.Served = append(s.Served, Served{m.Path + "/" + entrances[m.Dialect], m.Dialect})
		for i := range routes {
			routes[i].Pattern = m.Path + "/" + routes[i].Path
		}
		rt.mounts = append(rt.mounts, mounted{m.Path, m.Dialect, drf.NewRoutes(routes, cfg.Profile == config.Exact)})
	}
	if rt.pages, err = s.pages(cfg, o, view, rt.mounts); err != nil {
		return err
	}
	if s.box != nil {
		s.Served = append(s.Served, Served{"/dev/mail/", "mailbox"})
	}
	sort.SliceStable(rt.mounts, func(i, j int) bool { return len(rt.mounts[i].prefix) > len(rt.mounts[j].prefix) })
	s.documents(cfg, o, rt)
	if cfg.CrossOrigin() {
		if s.origins, err = cors.New(cfg.CORS); err != nil {
			return err
		}
	}
	s.handler = s.middleware(cfg, o, rt)
	return nil
}

// dialect builds the routes of one mount.
func (s *Server) dialect(cfg *config.Config, o Options, view *drf.View, m config.Mount) ([]drf.Route, error) {
	exact, model := cfg.Profile == config.Exact, s.model(cfg)
	jwt := &simplejwt.API{
		Accounts:    s.Accounts,
		Model:       model,
		LoginFields: cfg.LoginFields,
		Scheme:      cfg.SimpleJWT.AuthHeaderTypes[0],
		OpenEnded:   exact,
	}
	switch m.Dialect {
	case config.Djoser:
		users := &djoser.API{
			Config:   cfg.Djoser,
			Accounts: s.Accounts,
			Model:    model,
			Sessions: s.sessions(cfg, o),
			Exact:    exact,
		}
		if !model.HasActive() { // nobody waits for an activation; checkModel has refused what was asked for
			users.Config.SendActivationEmail = false
		}
		return slices.Concat(users.Routes(view.DefaultPermissions), jwt.DjoserRoutes(), s.sessionRoutes(cfg)), nil
	case config.DjRestAuth:
		rest := s.restAuth(cfg, o)
		if c := rest.Config; !c.UseJWT && c.TokenModel == nil && !c.SessionLogin {
			return nil, nil
		}
		routes := rest.Routes()
		if cfg.RestAuth.UseJWT {
			routes = append(routes, jwt.VerifyRoute("token/verify/"))
		}
		if rest.Registration {
			routes = append(routes, rest.RegistrationRoutes("registration/")...)
		}
		return append(routes, s.sessionRoutes(cfg)...), nil
	case config.DjRestAuthRegistration:
		return s.restAuth(cfg, o).RegistrationRoutes(""), nil
	case config.SimpleJWT:
		return jwt.Routes(), nil
	case config.RegisterLoginRefresh:
		small := &registerloginrefresh.API{Config: cfg.RegisterLoginRefresh, Accounts: s.Accounts, Model: model, Scheme: cfg.SimpleJWT.AuthHeaderTypes[0]}
		return small.Routes(), nil
	}
	return nil, nil
}

// sessionRoutes are Latchkey's own beside a dialect's.
func (s *Server) sessionRoutes(cfg *config.Config) []drf.Route {
	if !cfg.SessionsEndpoint {
		return nil
	}
	return (&sessions.API{Accounts: s.Accounts, Zone: cfg.Location()}).Routes()
}

// model is the user table as the dialects show it.
func (s *Server) model(cfg *config.Config) *drf.Model {
	return &drf.Model{Model: s.Store.Model(), Accounts: s.Accounts, Zone: cfg.Location()}
}

// restAuth builds dj-rest-auth's API.
func (s *Server) restAuth(cfg *config.Config, o Options) *djrestauth.API {
	exact := cfg.Profile == config.Exact
	allauth := s.Store.Apps().Allauth
	api := &djrestauth.API{
		Config:       cfg.RestAuth,
		Accounts:     s.Accounts,
		Allauth:      allauth,
		Registration: allauth && (cfg.InstalledApps == nil || slices.Contains(cfg.InstalledApps, "dj_rest_auth.registration")),
		NoValidators: len(cfg.Passwords.Validators) == 0,
		Model:        s.model(cfg),
		JWT:          cfg.SimpleJWT,
		Sessions:     s.sessions(cfg, o),
		LoginFields:  cfg.LoginFields,
		LegacyKeys:   cfg.JWTLegacyKeys,
		ConfirmLink:  cfg.Links.AccountConfirmEmail,
		ResetLink:    cfg.Links.PasswordResetConfirm,
		FollowHost:   cfg.Development || len(cfg.AllowedHosts) > 0 && !slices.Contains(cfg.AllowedHosts, "*"),
		Exact:        exact,
		Now:          o.Now,
		Zone:         cfg.Location(),
	}
	if !exact {
		api.Origin = csrf(cfg).Origin
	}
	// What is on by default alone is off where its table is not there; checkApps has refused what was asked for.
	if !s.Store.Apps().Sessions {
		api.Config.SessionLogin = false
	}
	if !s.Store.Apps().AuthToken {
		api.Config.TokenModel = nil
	}
	return api
}

// csrf is how Django's cross-site request protection is set up.
func csrf(cfg *config.Config) authenticate.CSRF {
	return authenticate.CSRF{
		Cookie: cfg.CSRFCookieName, Header: headerOf(cfg.CSRFHeaderName), TrustedOrigins: cfg.CSRFTrustedOrigins, Secure: secureBy(cfg.SecureProxySSLHeader),
	}
}

// sessions opens and ends sessions for the dialects.
func (s *Server) sessions(cfg *config.Config, o Options) *drf.Sessions {
	sessions := &drf.Sessions{Accounts: s.Accounts, Cookie: sessionCookie(cfg), Exact: cfg.Profile == config.Exact, Now: o.Now}
	if cfg.HasMiddleware("django.middleware.csrf.CsrfViewMiddleware") {
		sessions.CSRF = csrfCookie(cfg)
	}
	return sessions
}

func csrfCookie(cfg *config.Config) *drf.Cookie {
	return &drf.Cookie{
		Name: cfg.CSRFCookieName, Domain: cfg.CSRFCookieDomain, Path: cfg.CSRFCookiePath, SameSite: string(cfg.CSRFCookieSameSite),
		Secure: cfg.CSRFCookieSecure, HTTPOnly: cfg.CSRFCookieHTTPOnly, Age: cfg.CSRFCookieAge,
	}
}

func sessionCookie(cfg *config.Config) drf.Cookie {
	age := cfg.SessionCookieAge
	if cfg.SessionExpireAtBrowserClose {
		age = 0
	}
	return drf.Cookie{
		Name: cfg.SessionCookieName, Domain: cfg.SessionCookieDomain, Path: cfg.SessionCookiePath, SameSite: string(cfg.SessionCookieSameSite),
		Secure: cfg.SessionCookieSecure, HTTPOnly: cfg.SessionCookieHTTPOnly, Age: age,
	}
}

// view builds what all dialects share, from REST_FRAMEWORK and Django's own settings.
func (s *Server) view(cfg *config.Config, o Options) (*drf.View, error) {
	rest := cfg.RESTFramework
	secure := secureBy(cfg.SecureProxySSLHeader)
	settings := authenticate.Settings{
		Accounts:      s.Accounts,
		JWT:           cfg.SimpleJWT,
		AnyCase:       cfg.Profile == config.Safe,
		SessionCookie: cfg.SessionCookieName,
		CSRF:          csrf(cfg),
		JWTCookie: authenticate.CookieRules{
			UseCSRF: cfg.RestAuth.JWTAuthCookieUseCSRF, AlwaysCSRF: cfg.RestAuth.JWTAuthCookieEnforceCSRFOnUnauthenticated, Safe: cfg.Profile == config.Safe,
		},
	}
	if name := cfg.RestAuth.JWTAuthCookie; name != nil {
		settings.JWTCookie.Name = *name
	}
	view := &drf.View{
		Limits:             limits(cfg),
		NonField:           rest.NonFieldErrorsKey,
		Style:              drf.Style{ASCII: !rest.UnicodeJSON, Spaced: !rest.CompactJSON},
		DefaultPermissions: drf.PermissionsNamed(rest.DefaultPermissionClasses),
		SessionCookie:      sessionCookie(cfg),
		Secure:             secure,
		Failed:             failed(o.Log),
	}
	if rest.URLFormatOverride != nil {
		view.FormatParam = *rest.URLFormatOverride
	}
	for _, name := range rest.DefaultAuthenticationClasses {
		method, err := authenticate.Named(name, settings)
		if err != nil {
			return nil, fmt.Errorf("REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES: %w", err)
		}
		view.Authentication = append(view.Authentication, method)
	}
	for _, name := range rest.DefaultParserClasses {
		parser, ok := drf.ParserNamed(name)
		if !ok {
			return nil, fmt.Errorf("REST_FRAMEWORK.DEFAULT_PARSER_CLASSES: %s is no parser that can be served", name)
		}
		view.Parsers = append(view.Parsers, parser)
	}
	return view, s.throttles(cfg, o, view)
}

func limits(cfg *config.Config) drf.Limits {
	l := drf.DefaultLimits()
	l.Body = int64(cfg.MaxBody)
	if cfg.DataUploadMaxMemorySize != nil {
		l.Body = min(l.Body, int64(*cfg.DataUploadMaxMemorySize))
	}
	if cfg.DataUploadMaxNumberFields != nil {
		l.Fields = *cfg.DataUploadMaxNumberFields
	}
	if cfg.DataUploadMaxNumberFiles != nil {
		l.Files = *cfg.DataUploadMaxNumberFiles
	}
	return l
}

// jwks answers the public keys that check Latchkey's tokens; none for HMAC, whose keys are secret.
func (s *Server) jwks() http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(s.Accounts.JWTs.JWKS())
	}
}

// ready answers 200 while the database does and the server stays.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.leaving.Load() {
		answer(w, http.StatusServiceUnavailable, "the server stops\n")
		return
	}
	if err := s.Store.Ping(r.Context()); err != nil {
		answer(w, http.StatusServiceUnavailable, "the database does not answer\n")
		return
	}
	answer(w, http.StatusOK, "ready\n")
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// notFound is the answer for paths that nobody serves: clients look at the status alone.
func notFound(w http.ResponseWriter, r *http.Request) {
	page(w, r, http.StatusNotFound, message.T("Not Found"), message.T("Nothing is served at this address."))
}

// page answers what comes before any API, as a page in HTML like Django's.
func page(w http.ResponseWriter, r *http.Request, status int, title, text *message.Text) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		l := message.From(r.Context())
		_, _ = fmt.Fprintf(w, "<!doctype html>\n<html lang=\"%s\"><title>%s</title><h1>%[2]s</h1><p>%s</p></html>\n", l.Code(), title.In(l), text.In(l))
	}
}

// failed answers what is no answer.
func failed(log *slog.Logger) func(http.ResponseWriter, *http.Request, error) {
	explain := explain(log)
	return func(w http.ResponseWriter, r *http.Request, err error) { writeError(w, r, explain(r, err)) }
}

// explain finds the answer to what is none: 503 where waiting helps, else 500, with the cause in the log and nowhere else.
func explain(log *slog.Logger) func(*http.Request, error) *drf.Error {
	return func(r *http.Request, err error) *drf.Error {
		var referenced *store.Referenced
		var refusal *webhook.Refusal
		switch {
		case errors.Is(r.Context().Err(), context.Canceled):
			// Nobody waits for the answer any more.
			return unavailable(1)
		case errors.Is(err, passwords.ErrBusy), errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, store.ErrUnavailable):
			return unavailable(1) // the hasher has too much to do
		case errors.Is(err, store.ErrUnavailable):
			log.WarnContext(r.Context(), "the database is not available", "error", err)
			return unavailable(2)
		case errors.Is(err, store.ErrInvalidText):
			return drf.Detail(http.StatusBadRequest, message.T("The database cannot hold this text."))
		case errors.As(err, &referenced):
			log.WarnContext(r.Context(), "a user could not be deleted", "error", err)
			return drf.Detail(http.StatusConflict, message.T("The user is still referred to by other records."))
		case errors.As(err, &refusal):
			return refused(refusal)
		case errors.Is(err, account.ErrHookFailed):
			return unavailable(2) // account has logged why
		case errors.Is(err, account.ErrNotServed):
			return drf.NotFound()
		}
		log.ErrorContext(r.Context(), "a request failed", "error", err)
		return drf.Detail(http.StatusInternalServerError, message.T("A server error occurred."))
	}
}

func unavailable(seconds int) *drf.Error {
	e := drf.Detail(http.StatusServiceUnavailable, message.T("Service temporarily unavailable, try again later."))
	e.Header = http.Header{"Retry-After": {fmt.Sprint(seconds)}}
	return e
}

func writeError(w http.ResponseWriter, r *http.Request, e *drf.Error) {
	for key, values := range e.Header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	_, _ = w.Write(drf.Style{Language: message.From(r.Context())}.Append(nil, e.Body))
}
