package server

import (
	"cmp"
	"net/http"

	"latchkey/internal/config"
	"latchkey/internal/openapi"
)

// documents serves the OpenAPI document of what is mounted, and the page that shows it.
func (s *Server) documents(cfg *config.Config, o Options, rt *router) {
	if !cfg.OpenAPI {
		return
	}
	source := &openapi.Source{Title: cmp.Or(cfg.SiteName, "Latchkey"), Version: cmp.Or(o.Version, "devel"), View: rt.view, Routes: rt.documented()}
	if s.Accounts.LoginDelay.Free > 0 {
		source.Delayed = []string{"login", "password"}
	}
	if s.Accounts.MailRate.Count > 0 {
		source.Delayed = append(source.Delayed, "mail")
	}
	if s.Accounts.BeforeLogin != nil {
		source.Hooked = append(source.Hooked, "login")
	}
	if s.Accounts.BeforeRegistration != nil {
		source.Hooked = append(source.Hooked, "register")
	}
	document := openapi.NewHandler(source, cfg.Spoken())
	rt.own["/openapi.json"] = fallible(o, document.JSON)
	rt.own["/openapi.yaml"] = fallible(o, document.YAML)
	s.Served = append(s.Served, Served{"/openapi.json", "OpenAPI document"})
	if cfg.DocsPage {
		rt.docs = openapi.Page(source.Title)
		s.Served = append(s.Served, Served{openapi.PagePath, "documentation"})
	}
}

// fallible is a handler of what reads, whose errors are failures.
func fallible(o Options, handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	failed := failed(o.Log)
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if err := handle(w, r); err != nil {
			failed(w, r, err)
		}
	}
}

// dialectNames tell components apart whose names two dialects have, in the order in which dialects get the plain names: clients of dj-rest-auth rely on theirs.
var dialectNames = []struct{ dialect, name string }{
	{config.DjRestAuth, "RestAuth"},
	{config.DjRestAuthRegistration, "RestAuth"},
	{config.Djoser, "Djoser"},
	{config.SimpleJWT, "SimpleJWT"},
	{config.RegisterLoginRefresh, "Small"},
}

// documented are the routes that are found under the paths they document; another mount may have taken one.
func (rt *router) documented() []openapi.Route {
	var list []openapi.Route
	for _, d := range dialectNames {
		for _, m := range rt.mounts {
			if m.dialect != d.dialect {
				continue
			}
			for _, route := range m.routes.All() {
				path := m.prefix + route.Document()
				if found, ok := rt.match(path); ok && found.Route == route {
					list = append(list, openapi.Route{Route: route, Path: path, Dialect: d.name})
				}
			}
		}
	}
	return list
}
