package test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/internal/testenv"
)

// ask is a page's call, answered as a text: status and body, or what the browser says instead.
const ask = `window.ask = async (url, options = {}) => {
	try {
		const answer = await fetch(url, options)
		return answer.status + ' ' + await answer.text()
	} catch (error) {
		return String(error)
	}
}`

// pages serves an empty page, as a front end, and tells its origin under another name of this machine, if one is given.
func pages(t *testing.T, host string) (origin string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>front end</title><link rel="icon" href="data:,"><script>`+ask+`</script>`)
	}))
	t.Cleanup(server.Close)
	if host == "" {
		return server.URL
	}
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + net.JoinHostPort(host, port)
}

// says evaluates an expression in the page at an origin.
func says(b *testenv.Browser, expression string) string {
	return testenv.Ask(b, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
}

// TestCrossOrigin asks from pages of other origins, in a browser: an allowed one reads answers and errors, with a token and with cookies; another one reads
// nothing, and its requests that need leave are not even made.
func TestCrossOrigin(t *testing.T) {
	allowed, foreign := pages(t, ""), pages(t, "localhost")
	folder := t.TempDir()
	settings := fmt.Sprintf(`
development: true
mounts: [{path: /auth, dialect: djoser}, {path: /api/auth, dialect: dj-rest-auth}]
CORS_ALLOWED_ORIGINS: [%q]
CORS_ALLOW_CREDENTIALS: true
CSRF_TRUSTED_ORIGINS: [%q]
DJOSER: {SEND_ACTIVATION_EMAIL: false}
ACCOUNT_EMAIL_VERIFICATION: none
REST_AUTH: {USE_JWT: true, JWT_AUTH_COOKIE: access, JWT_AUTH_REFRESH_COOKIE: refresh, SESSION_LOGIN: false}
REST_FRAMEWORK: {DEFAULT_AUTHENTICATION_CLASSES: [dj_rest_auth.jwt_auth.JWTCookieAuthentication]}
`, allowed, allowed)
	if err := os.WriteFile(filepath.Join(folder, "latchkey.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, folder, freeAddress(t), "--config", "latchkey.yaml")
	p.ready()
	p.call("POST", "/auth/users/", "", map[string]string{"username": "ann", "email": "ann@example.com", "password": "Nw7!xyzzyQ"}, 201)
	access := fmt.Sprint(p.call("POST", "/auth/jwt/create/", "", map[string]string{"username": "ann", "password": "Nw7!xyzzyQ"}, 200)["access"])

	b := testenv.OpenBrowser(t, allowed, foreign, p.base)
	me := fmt.Sprintf(`ask('%s/auth/users/me/', {headers: {Authorization: 'Bearer %s'}})`, p.base, access)
	login := fmt.Sprintf(`ask('%s/api/auth/login/', {method: 'POST', credentials: 'include', headers: {'Content-Type': 'application/json'}, body: '{"username": "ann", "password": "Nw7!xyzzyQ"}'})`, p.base)
	user := fmt.Sprintf(`ask('%s/api/auth/user/', {credentials: 'include'})`, p.base)
	rename := fmt.Sprintf(`ask('%s/api/auth/user/', {method: 'PATCH', credentials: 'include', headers: {'Content-Type': 'application/json'}, body: '{"first_name": "Ann"}'})`, p.base)

	b.Run(chromedp.Navigate(allowed))
	for _, step := range []struct{ what, expression, want string }{
		{"without a token", fmt.Sprintf(`ask('%s/auth/users/me/')`, p.base), `401 {"detail":"Authentication credentials were not provided."}`},
		{"with one, after a preflight", me, `200 {"email":"ann@example.com","id":1,"username":"ann"}`},
		{"where nothing is", fmt.Sprintf(`ask('%s/nothing/')`, p.base), `404 `},
		{"a login that sets cookies", login, `200 {"access":`},
		{"with the cookies", user, `200 {"pk":1,"username":"ann",`},
		{"a change with the cookies", rename, `200 {"pk":1,"username":"ann","email":"ann@example.com","first_name":"Ann"`},
	} {
		if got := says(b, step.expression); !strings.HasPrefix(got, step.want) {
			t.Errorf("from %s, %s: got %s, want %s", allowed, step.what, got, step.want)
		}
	}

	b.Expect("has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present")
	b.Expect("has been blocked by CORS policy: Response to preflight request doesn't pass access control check")
	b.Run(chromedp.Navigate(foreign))
	before := strings.Count(p.log.String(), "method=PATCH")
	for _, expression := range []string{fmt.Sprintf(`ask('%s/healthz')`, p.base), me, user, rename} {
		if got := says(b, expression); got != "TypeError: Failed to fetch" {
			t.Errorf("from %s: %s got %s", foreign, expression, got)
		}
	}
	if strings.Count(p.log.String(), "method=PATCH") != before {
		t.Error("a request that was not allowed was made")
	}
}

// TestCrossOriginInDevelopment asks from a page that another port of this machine serves, with no setting at all: it works, but never with cookies.
func TestCrossOriginInDevelopment(t *testing.T) {
	p := launch(t, t.TempDir(), freeAddress(t))
	p.ready()
	for _, host := range []string{"localhost", "127.0.0.1"} {
		origin := pages(t, host)
		b := testenv.OpenBrowser(t, origin, p.base)
		b.Run(chromedp.Navigate(origin))
		signUp := fmt.Sprintf(`ask('%s/auth/users/', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"username": "", "password": ""}'})`, p.base)
		if got, want := says(b, signUp), `400 {"username":["This field may not be blank."],"password":["This field may not be blank."]}`; got != want {
			t.Errorf("from %s: got %s, want %s", origin, got, want)
		}
		b.Expect("The value of the 'Access-Control-Allow-Credentials' header in the response is ''")
		if got := says(b, fmt.Sprintf(`ask('%s/healthz', {credentials: 'include'})`, p.base)); got != "TypeError: Failed to fetch" {
			t.Errorf("from %s with cookies: got %s", origin, got)
		}
	}
}
