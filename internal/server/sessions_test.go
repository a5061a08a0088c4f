package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// shown is one entry of sessions/.
type shown struct {
	ID, Kind         string
	Created, Expires *time.Time
	LastUsed         *time.Time `json:"last_used"`
	Address          *string
	Agent            string `json:"user_agent"`
	Current          bool
}

// openSessions lists what whoever has the authorization has open, the last used first.
func (s *site) openSessions(path, authorization string) []shown {
	s.t.Helper()
	a := s.wants(200, "GET", path, authorization, nil)
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		s.t.Errorf("Cache-Control is %q", got)
	}
	var list []shown
	if err := json.Unmarshal([]byte(a.body), &list); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// as sends a request in the name of a user agent.
func (s *site) as(agent, method, path string, body any) reply {
	s.t.Helper()
	r := s.request(method, path, "", body)
	r.Header.Set("User-Agent", agent)
	a, err := s.send(r)
	if err != nil || a.status != 200 {
		s.t.Fatalf("%s %s: %v %d %s", method, path, err, a.status, a.body)
	}
	return a
}

var rotating = map[string]string{
	"mounts":                              "[{path: /auth, dialect: djoser}, {path: /rest, dialect: dj-rest-auth}]",
	"SIMPLE_JWT.ROTATE_REFRESH_TOKENS":    "true",
	"SIMPLE_JWT.BLACKLIST_AFTER_ROTATION": "true",
	"REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES": "[rest_framework_simplejwt.authentication.JWTAuthentication, " +
		"rest_framework.authentication.TokenAuthentication, rest_framework.authentication.SessionAuthentication]",
	"REST_AUTH.USE_JWT": "true", "REST_AUTH.JWT_AUTH_HTTPONLY": "false",
}

// Users see what they have open, wherever it was opened, and sign it out, one by one, all the others, or all.
func TestSessionsEndpoint(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, with(unlimited, rotating))
		s.register("ann")
		s.register("bob")
		_, bobs := s.pair("bob")
		phone := s.as("phone", "POST", "/auth/jwt/create/", credentials("ann"))
		key := "Token " + s.as("script", "POST", "/auth/token/login/", credentials("ann")).field(t, "auth_token")
		browser := s.as("browser", "POST", "/rest/login/", credentials("ann")) // a pair and a session
		access, refresh := "Bearer "+phone.field(t, "access"), phone.field(t, "refresh")

		list := s.openSessions("/auth/sessions/", access)
		kinds := map[string]int{}
		for _, d := range list {
			kinds[d.Kind]++
			if d.Address == nil || *d.Address != "127.0.0.1" || d.Created == nil || d.LastUsed == nil || d.Current != (d.Agent == "phone") || (d.Expires == nil) != (d.Kind == "token") {
				t.Errorf("got %+v", d)
			}
			for _, secret := range []string{refresh, strings.TrimPrefix(key, "Token ")} {
				if strings.Contains(d.ID, secret) || strings.Contains(secret, d.ID) {
					t.Error("an id tells a secret")
				}
			}
		}
		if len(list) != 4 || kinds["refresh"] != 2 || kinds["token"] != 1 || kinds["session"] != 1 {
			t.Fatalf("got %+v", list)
		}
		if same := s.openSessions("/rest/sessions/", key); len(same) != 4 {
			t.Errorf("by the other API: %+v", same)
		}
		for _, d := range s.openSessions("/auth/sessions", key) {
			if d.Current != (d.Kind == "token") {
				t.Errorf("by the key: %+v", d)
			}
		}

		rotated := s.as("phone 2", "POST", "/auth/jwt/refresh/", fields{"refresh": refresh})
		access, refresh = "Bearer "+rotated.field(t, "access"), rotated.field(t, "refresh")
		current := s.openSessions("/auth/sessions/", access)[0]
		if !current.Current || current.Agent != "phone 2" {
			t.Errorf("after a refresh: %+v", current)
		}

		s.wants(400, "DELETE", "/auth/sessions/?others=perhaps", access, nil)
		if a := s.wants(204, "DELETE", "/auth/sessions/?others=true", access, nil); a.body != "" {
			t.Errorf("got %s", a.body)
		}
		if list := s.openSessions("/auth/sessions/", access); len(list) != 1 || !list[0].Current {
			t.Errorf("after the others: %+v", list)
		}
		s.wants(401, "GET", "/auth/users/me/", key, nil)
		s.wants(401, "POST", "/auth/jwt/refresh/", "", fields{"refresh": browser.field(t, "refresh")})
		cookie := s.request("GET", "/auth/users/me/", "", nil)
		for _, c := range (&http.Response{Header: browser.header}).Cookies() {
			cookie.AddCookie(c)
		}
		if a, err := s.send(cookie); err != nil || a.status != 401 {
			t.Errorf("the session that ended: %v %d %s", err, a.status, a.body)
		}

		other := s.openSessions("/auth/sessions/", "Bearer "+s.wants(200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": bobs}).field(t, "access"))[0]
		for _, id := range []string{other.ID, "nothing", "token-2"} {
			s.wants(404, "DELETE", "/auth/sessions/"+id+"/", access, nil)
		}
		s.wants(204, "DELETE", "/auth/sessions/"+current.ID+"/", access, nil)
		s.wants(404, "DELETE", "/auth/sessions/"+current.ID+"/", access, nil)
		s.wants(401, "POST", "/auth/jwt/refresh/", "", fields{"refresh": refresh})
		_, next := s.pair("ann")
		s.wants(204, "DELETE", "/auth/sessions/", access, nil)
		s.wants(401, "POST", "/auth/jwt/refresh/", "", fields{"refresh": next})
		s.wants(400, "DELETE", "/auth/sessions/?others=true", access, nil) // it belongs to none any more
		s.wants(401, "GET", "/auth/sessions/", "", nil)
		s.wants(401, "DELETE", "/auth/sessions/", "", nil)
		s.wants(405, "POST", "/auth/sessions/", access, fields{})
	})
}

// In the exact profile nothing is served that the reference does not serve, unless it is asked for.
func TestSessionsEndpointWhereItIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		given  map[string]string
		status int
	}{
		{map[string]string{"profile": "exact"}, 404},
		{map[string]string{"profile": "exact", "sessions_endpoint": "true"}, 200},
		{map[string]string{"sessions_endpoint": "false"}, 404},
	} {
		s := start(t, testenv.SQLite(t), with(unlimited, test.given))
		s.register("ann")
		access, _ := s.pair("ann")
		if a := s.wants(test.status, "GET", "/auth/sessions/", "Bearer "+access, nil); test.status == 200 && !strings.Contains(a.body, `"current":true`) {
			t.Errorf("got %s", a.body)
		}
	}
}
