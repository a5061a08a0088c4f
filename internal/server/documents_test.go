package server

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"latchkey/internal/testenv"
)

// described are configurations that mount, ask and answer differently.
var described = map[string]map[string]string{
	"everything": {"mounts": allMounts},
	"tokens in the body": {
		"mounts": allMounts, "REST_AUTH": "{USE_JWT: true, JWT_AUTH_HTTPONLY: false, JWT_AUTH_RETURN_EXPIRATION: true}",
		"SIMPLE_JWT": "{ROTATE_REFRESH_TOKENS: true, AUTH_HEADER_TYPES: [JWT]}", "login_fields": "[email, is_staff]", "ACCOUNT_LOGOUT_ON_GET": "true",
	},
	"tokens in cookies": {
		"mounts": allMounts, "REST_AUTH": "{USE_JWT: true, JWT_AUTH_COOKIE: access, JWT_AUTH_REFRESH_COOKIE: refresh, OLD_PASSWORD_FIELD_ENABLED: true}",
		"REST_FRAMEWORK": "{DEFAULT_AUTHENTICATION_CLASSES: [dj_rest_auth.jwt_auth.JWTCookieAuthentication]}", "jwt_legacy_keys": "true",
	},
	"sessions and passwords": {
		"mounts": allMounts, "REST_FRAMEWORK": "{DEFAULT_AUTHENTICATION_CLASSES: [rest_framework.authentication.SessionAuthentication, " +
			"rest_framework.authentication.BasicAuthentication], DEFAULT_PARSER_CLASSES: [rest_framework.parsers.JSONParser], NON_FIELD_ERRORS_KEY: errors}",
		"REST_AUTH": "{TOKEN_MODEL: null}",
	},
	"djoser with every field twice": {
		"mounts": "[{path: '', dialect: djoser}]",
		"DJOSER": "{USER_CREATE_PASSWORD_RETYPE: true, SET_PASSWORD_RETYPE: true, PASSWORD_RESET_CONFIRM_RETYPE: true, SET_USERNAME_RETYPE: true, " +
			"USERNAME_RESET_CONFIRM_RETYPE: true, ACTIVATION_URL: 'a/{uid}/{token}', SEND_ACTIVATION_EMAIL: true, USER_ID_FIELD: username, HIDE_USERS: false}",
	},
	"djoser by address, twice": {
		"mounts": "[{path: /auth, dialect: djoser}, {path: /api/v1/auth, dialect: djoser}, {path: /signup, dialect: dj-rest-auth.registration}]",
		"DJOSER": "{LOGIN_FIELD: email, PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND: true, PERMISSIONS: {user: [rest_framework.permissions.AllowAny], " +
			"user_list: [rest_framework.permissions.IsAdminUser]}}",
		"AUTHENTICATION_BACKENDS": "[djoser.auth_backends.LoginFieldBackend]",
	},
}

const allMounts = "[{path: /auth, dialect: djoser}, {path: /api/auth, dialect: register-login-refresh}, {path: /api/auth, dialect: dj-rest-auth}, " +
	"{path: /api/token, dialect: simplejwt}]"

// TestDocumentIsWhatIsServed compares the document with the routes both ways, and holds it against the standard.
func TestDocumentIsWhatIsServed(t *testing.T) {
	for name, settings := range described {
		t.Run(name, func(t *testing.T) {
			s := start(t, testenv.SQLite(t), with(unlimited, settings))
			text := []byte(s.wants(http.StatusOK, "GET", "/openapi.json", "", nil).body)
			conforms(t, text)
			conforms(t, []byte(s.wants(http.StatusOK, "GET", "/openapi.json?openapi=3.0", "", nil).body))
			var d struct {
				Paths map[string]map[string]struct{ OperationID string }
			}
			if err := json.Unmarshal(text, &d); err != nil {
				t.Fatal(err)
			}
			var documented []string
			ids := map[string]string{}
			for path, methods := range d.Paths {
				for method, operation := range methods {
					place := strings.ToUpper(method) + " " + path
					documented = append(documented, place)
					if other, taken := ids[operation.OperationID]; taken {
						t.Errorf("%s and %s are both %s", other, place, operation.OperationID)
					}
					ids[operation.OperationID] = place
				}
			}
			served := s.routeTable(t, settings)
			slices.Sort(documented)
			slices.Sort(served)
			if !slices.Equal(documented, served) {
				t.Errorf("documented:\n%s\nserved:\n%s", strings.Join(documented, "\n"), strings.Join(served, "\n"))
			}
			for path, methods := range d.Paths { // and by what the server itself says
				allow := s.call("OPTIONS", strings.ReplaceAll(path, "{id}", "1"), "", nil).header.Get("Allow")
				for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
					_, there := methods[strings.ToLower(method)]
					refused := method == "GET" && strings.HasSuffix(path, "/logout/") && !there // named in Allow as the reference does
					if allowed := slices.Contains(strings.Split(allow, ", "), method); allowed != there && !refused {
						t.Errorf("%s %s: documented %v, allowed %v", method, path, there, allowed)
					}
				}
			}
		})
	}
}

// routeTable lists the methods and paths of the dialects as their tables have them.
func (s *site) routeTable(t *testing.T, settings map[string]string) []string {
	t.Helper()
	cfg := load(t, "sqlite://unused", settings)
	view, err := s.view(cfg, Options{Log: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range cfg.Mounts {
		routes, err := s.dialect(cfg, Options{}, view, m)
		if err != nil {
			t.Fatal(err)
		}
		for i := range routes {
			for _, e := range routes[i].Endpoints {
				if len(e.Answers) > 0 {
					list = append(list, e.Method+" "+m.Path+routes[i].Document())
				}
			}
		}
	}
	return list
}

// conforms holds a document against the schema of its version of OpenAPI.
func conforms(t *testing.T, text []byte) {
	t.Helper()
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, problems := validator.NewValidator(document)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if ok, problems := v.ValidateDocument(); !ok {
		for _, p := range problems {
			t.Errorf("%v", p)
		}
	}
}

// TestNamesOfDialectsApart has dialects that call different things alike: dj-rest-auth's names stay, wherever it stands among the mounts.
func TestNamesOfDialectsApart(t *testing.T) {
	s := start(t, testenv.SQLite(t), map[string]string{"mounts": allMounts, "REST_AUTH": "{USE_JWT: true}"})
	var d struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(s.wants(http.StatusOK, "GET", "/openapi.json", "", nil).body), &d); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/api/auth/login/": "auth_login_create", "/api/auth/login": "auth_login_create_2"} {
		if got := d.Paths[path]["post"].OperationID; got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for component, property := range map[string]string{
		"PasswordResetConfirmRequest": "new_password1", "DjoserPasswordResetConfirmRequest": "new_password",
		"TokenRefresh": "access_expiration", "TokenRefreshRequest": "refresh", "DjoserTokenRefreshRequest": "refresh",
	} {
		if d.Components.Schemas[component].Properties[property] == nil {
			t.Errorf("%s has no property %s: %v", component, property, d.Components.Schemas[component].Properties)
		}
	}
}

// TestDocumentTellsOfRefusals looks for the answers of what stands before a handler by settings alone.
func TestDocumentTellsOfRefusals(t *testing.T) {
	hooked := "{before_login: {url: 'https://hooks.example.com/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}"
	for _, c := range []struct {
		name     string
		settings map[string]string
		want     string // the statuses of a login
	}{
		{"safe", unlimited, "200 400 401 406 413 415 429 503"},
		{"exact", map[string]string{"profile": "exact"}, "200 400 401 406 413 415 503"},
		{"throttled", map[string]string{"profile": "exact", "REST_FRAMEWORK": "{DEFAULT_THROTTLE_CLASSES: [rest_framework.throttling.AnonRateThrottle], " +
			"DEFAULT_THROTTLE_RATES: {anon: 5/min}}"}, "200 400 401 406 413 415 429 503"},
		{"hooked", map[string]string{"profile": "exact", "hooks": hooked}, "200 400 401 403 406 413 415 503"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, testenv.SQLite(t), c.settings)
			var d struct {
				Paths map[string]map[string]struct{ Responses map[string]any }
			}
			if err := json.Unmarshal([]byte(s.wants(http.StatusOK, "GET", "/openapi.json", "", nil).body), &d); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(slices.Sorted(maps.Keys(d.Paths["/auth/token/login/"]["post"].Responses)), " ")
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestDocumentForms(t *testing.T) {
	s := start(t, testenv.SQLite(t), with(unlimited, described["everything"]))
	asJSON := s.wants(http.StatusOK, "GET", "/openapi.json", "", nil)
	asYAML := s.wants(http.StatusOK, "GET", "/openapi.yaml", "", nil)
	converted, err := yaml.YAMLToJSON([]byte(asYAML.body))
	if err != nil {
		t.Fatal(err)
	}
	var one, other any
	if err := json.Unmarshal([]byte(asJSON.body), &one); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(converted, &other); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one, other) {
		t.Error("YAML and JSON say different things")
	}
	if got := asJSON.header.Get("Content-Type") + ", " + asYAML.header.Get("Content-Type"); got != "application/json, application/yaml" {
		t.Errorf("content types %s", got)
	}
	r := s.request("GET", "/openapi.json", "", nil)
	r.Header.Set("If-None-Match", asJSON.header.Get("Etag"))
	if again, err := s.send(r); err != nil || again.status != http.StatusNotModified || len(again.body) > 0 {
		t.Errorf("asked again: %d, %v", again.status, err)
	}
	if posted := s.call("POST", "/openapi.json", "", nil); posted.status != http.StatusMethodNotAllowed {
		t.Errorf("posted: %d", posted.status)
	}
}

// TestDocumentLanguage asks for the Russian document by each of the three ways, and then for the English one.
func TestDocumentLanguage(t *testing.T) {
	summary := func(s *site, path, accept string) (summary, language string) {
		t.Helper()
		r := s.request("GET", path, "", nil)
		r.Header.Set("Accept-Language", accept)
		got, err := s.send(r)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Paths map[string]map[string]struct{ Summary string }
		}
		if err := json.Unmarshal([]byte(got.body), &d); err != nil {
			t.Fatal(err)
		}
		return d.Paths["/auth/users/"]["post"].Summary, got.header.Get("Content-Language")
	}
	const english, russian = "Register a user", "Регистрация пользователя"
	s := start(t, testenv.SQLite(t), nil)
	for _, c := range []struct{ path, accept, want, language string }{
		{"/openapi.json", "", english, "en"},
		{"/openapi.json", "ru", russian, "ru"},
		{"/openapi.json?lang=ru", "en", russian, "ru"},
		{"/openapi.json?lang=en", "ru", english, "en"},
		{"/openapi.json?lang=xx", "", english, "en"},
	} {
		if got, language := summary(s, c.path, c.accept); got != c.want || language != c.language {
			t.Errorf("%s, Accept-Language %q: %q in %q, want %q in %q", c.path, c.accept, got, language, c.want, c.language)
		}
	}
	s = start(t, testenv.SQLite(t), map[string]string{"LANGUAGE_CODE": "ru"})
	if got, _ := summary(s, "/openapi.json", ""); got != russian {
		t.Errorf("LANGUAGE_CODE ru: %q", got)
	}
}

func TestDocumentSwitchedOff(t *testing.T) {
	s := start(t, testenv.SQLite(t), map[string]string{"openapi": "false"})
	for _, path := range []string{"/openapi.json", "/openapi.yaml", "/docs"} {
		s.wants(http.StatusNotFound, "GET", path, "", nil)
	}
	s = start(t, testenv.SQLite(t), nil)
	s.wants(http.StatusOK, "GET", "/openapi.json", "", nil)
	s.wants(http.StatusNotFound, "GET", "/docs", "", nil) // in development, or where it is asked for
	s = start(t, testenv.SQLite(t), map[string]string{"docs_page": "true"})
	s.wants(http.StatusOK, "GET", "/docs", "", nil)
}

// TestClientsOfDjRestAuthKeepTheirShape holds what decides over the names and arguments of generated clients: operation ids, tags, the order of media types and
// of properties, components.
func TestClientsOfDjRestAuthKeepTheirShape(t *testing.T) {
	s := start(t, testenv.SQLite(t), map[string]string{
		"mounts":         "[{path: /api/auth, dialect: dj-rest-auth}]",
		"REST_AUTH":      "{USE_JWT: true}",
		"REST_FRAMEWORK": "{DEFAULT_AUTHENTICATION_CLASSES: [rest_framework_simplejwt.authentication.JWTAuthentication]}",
	})
	document, err := libopenapi.NewDocument([]byte(s.wants(http.StatusOK, "GET", "/openapi.json", "", nil).body))
	if err != nil {
		t.Fatal(err)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		if strings.Contains(path, "/sessions/") { // Latchkey's own
			continue
		}
		for method, operation := range item.GetOperations().FromOldest() {
			got = append(got, outline(method, path, operation))
		}
	}
	want := []string{
		"post /api/auth/login/ [auth] auth_login_create(LoginRequest: username? email? password) JWT: access refresh user; jwtAuth or nobody",
		"post /api/auth/logout/ [auth] auth_logout_create() RestAuthDetail: detail; jwtAuth or nobody",
		"get /api/auth/user/ [auth] auth_user_retrieve() UserDetails: pk username email first_name? last_name?; jwtAuth",
		"put /api/auth/user/ [auth] auth_user_update(UserDetailsRequest: username first_name? last_name?) UserDetails: pk username email first_name? last_name?; jwtAuth",
		"patch /api/auth/user/ [auth] auth_user_partial_update(PatchedUserDetailsRequest: username? first_name? last_name?) " +
			"UserDetails: pk username email first_name? last_name?; jwtAuth",
		"post /api/auth/password/change/ [auth] auth_password_change_create(PasswordChangeRequest: new_password1 new_password2) RestAuthDetail: detail; jwtAuth",
		"post /api/auth/password/reset/ [auth] auth_password_reset_create(PasswordResetRequest: email) RestAuthDetail: detail; jwtAuth or nobody",
		"post /api/auth/password/reset/confirm/ [auth] auth_password_reset_confirm_create(PasswordResetConfirmRequest: new_password1 new_password2 uid token) " +
			"RestAuthDetail: detail; jwtAuth or nobody",
		"post /api/auth/token/refresh/ [auth] auth_token_refresh_create(TokenRefreshRequest: refresh?) " +
			"TokenRefresh: access refresh? access_expiration? refresh_expiration?",
		"post /api/auth/token/verify/ [auth] auth_token_verify_create(TokenVerifyRequest: token) nothing",
		"post /api/auth/registration/ [auth] auth_registration_create(RegisterRequest: username email? password1 password2) JWT: access refresh user; jwtAuth or nobody",
		"post /api/auth/registration/verify-email/ [auth] auth_registration_verify_email_create(VerifyEmailRequest: key) RestAuthDetail: detail; jwtAuth or nobody",
		"post /api/auth/registration/resend-email/ [auth] auth_registration_resend_email_create(ResendEmailVerificationRequest: email?) " +
			"RestAuthDetail: detail; jwtAuth or nobody",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// outline is what a generator of clients makes of an operation.
func outline(method, path string, o *v3.Operation) string {
	component := func(of *base.SchemaProxy) string {
		line := strings.TrimPrefix(of.GetReference(), "#/components/schemas/") + ":"
		required := of.Schema().Required
		for name := range of.Schema().Properties.FromOldest() {
			line += " " + name
			if !slices.Contains(required, name) {
				line += "?"
			}
		}
		return line
	}
	asked := ""
	if o.RequestBody != nil {
		if got := slices.Collect(o.RequestBody.Content.KeysFromOldest()); !slices.Equal(got, []string{
			"multipart/form-data", "application/x-www-form-urlencoded", "application/json",
		}) {
			asked = fmt.Sprint(got)
		}
		asked += component(o.RequestBody.Content.First().Value().Schema)
	}
	answered := "nothing"
	for status, response := range o.Responses.Codes.FromOldest() {
		if status < "300" && response.Content != nil {
			answered = component(response.Content.First().Value().Schema)
		}
	}
	line := fmt.Sprintf("%s %s %v %s(%s) %s", method, path, o.Tags, o.OperationId, asked, answered)
	for i, requirement := range o.Security {
		line += [...]string{"; ", " or "}[min(i, 1)]
		if requirement.ContainsEmptyRequirement {
			line += "nobody"
		}
		for scheme := range requirement.Requirements.FromOldest() {
			line += scheme
		}
	}
	return line
}
