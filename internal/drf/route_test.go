package drf

import (
	"net/http"
	"strings"
	"testing"
)

var table = []Route{
	{Path: "", Viewset: true, Closed: true},
	{Path: "users/", Viewset: true, Closed: true, Endpoints: []Endpoint{{Method: http.MethodGet}, {Method: http.MethodPost}}},
	{Path: "users/me/", Viewset: true, Closed: true},
	{Path: "users/{id}/", Viewset: true, Closed: true},
	{Path: "token/login/"},
	{Path: "jwt/create/", Prefix: true},
}

func TestMatch(t *testing.T) {
	for _, test := range []struct{ path, route, id, format, redirect string }{
		{"", "", "", "", ""},
		{"/", "none", "", "", ""},
		{"users/", "users/", "", "", ""},
		{"users", "users/", "", "", "redirect"},
		{"users.json", "users/", "", "json", ""},
		{"users.json/", "users/", "", "json", ""},
		{"users.JSON", "none", "", "", ""},
		{"users/me/", "users/me/", "", "", ""},
		{"users/me.json", "users/me/", "", "json", ""},
		{"users/7/", "users/{id}/", "7", "", ""},
		{"users/7", "users/{id}/", "7", "", "redirect"},
		{"users/7.json", "users/{id}/", "7", "json", ""},
		{"users/a b/", "users/{id}/", "a b", "", ""},
		{"users//", "none", "", "", ""},
		{"users/7/8/", "none", "", "", ""},
		{"users/7//", "none", "", "", ""},
		{"token/login", "token/login/", "", "", ""},
		{"token/login.json", "none", "", "", ""},
		{"token/", "none", "", "", ""},
		{"jwt/create", "jwt/create/", "", "", ""},
		{"jwt/create/and/more", "jwt/create/", "", "", ""},
		{"jwt/created", "jwt/create/", "", "", ""},
		{"jwt/", "none", "", "", ""},
	} {
		for _, redirects := range []bool{true, false} {
			m, ok := NewRoutes(table, redirects).Match(test.path)
			if !ok {
				if test.route != "none" {
					t.Errorf("%q is not found", test.path)
				}
				continue
			}
			if m.Route.Path != test.route || m.ID != test.id || m.Format != test.format || m.Slash != (redirects && test.redirect != "") {
				t.Errorf("%q: got %q id %q format %q slash %v", test.path, m.Route.Path, m.ID, m.Format, m.Slash)
			}
		}
	}
}

// Any path finds a route or none; what it finds is what the path says.
func FuzzRoutes(f *testing.F) {
	for _, seed := range []string{"", "/", "users/", "users/7.json", "users//", "jwt/create/x", ".", "users/.", "users/a.b.c", "\xff/\x00"} {
		f.Add(seed)
	}
	routes := NewRoutes(table, true)
	f.Fuzz(func(t *testing.T, path string) {
		m, ok := routes.Match(path)
		if !ok || m.Route.Prefix {
			return
		}
		again := strings.Replace(m.Route.Path, "{id}", m.ID, 1)
		if m.Format != "" {
			again = strings.TrimSuffix(again, "/") + "." + m.Format + "/"
		}
		if strings.TrimSuffix(again, "/") != strings.TrimSuffix(path, "/") || strings.Contains(m.ID, "/") {
			t.Errorf("%q was taken for %q with the id %q and the format %q", path, m.Route.Path, m.ID, m.Format)
		}
	})
}
