package test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"latchkey/internal/testenv"
)

// A visitor uses the front end of examples/front-end in a browser, against the program.
type visitor struct {
	*testenv.Browser
	t       *testing.T
	program *program
	page    string
}

const frontEnd = "../examples/front-end"

// visit serves the example as it is, but for its addresses and for tokens that end soon, and opens it.
func visit(t *testing.T, lifetime string) *visitor {
	t.Helper()
	v := &visitor{t: t}
	listen := freeAddress(t)
	index := strings.ReplaceAll(string(readFile(t, filepath.Join(frontEnd, "index.html"))), documentedAddress, listen)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, index)
			return
		}
		http.FileServer(http.Dir(frontEnd)).ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	v.page = "http://localhost:" + port

	settings := string(readFile(t, filepath.Join(frontEnd, "latchkey.yaml")))
	for _, change := range [][2]string{{"localhost:3000", "localhost:" + port}, {"ACCESS_TOKEN_LIFETIME: 5m", "ACCESS_TOKEN_LIFETIME: " + lifetime}} {
		if !strings.Contains(settings, change[0]) {
			t.Fatalf("latchkey.yaml has no %s", change[0])
		}
		settings = strings.ReplaceAll(settings, change[0], change[1])
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "latchkey.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	v.program = launch(t, folder, listen, "--config", "latchkey.yaml")
	v.program.ready()
	v.Browser = testenv.OpenBrowser(t, v.page, v.program.base)
	v.Run(chromedp.Navigate(v.page))
	return v
}

// at waits for a page of the front end, and looks at it.
func (v *visitor) at(view string) {
	v.t.Helper()
	v.Run(chromedp.WaitVisible(chromedp.CSS(fmt.Sprintf(`[data-view=%q] h1`, view))))
	if unnamed := testenv.Ask(v.Browser, chromedp.Evaluate[string](`[...document.querySelectorAll('input')].filter(i => !i.labels.length && !i.ariaLabel).map(i => i.name).join()`)); unnamed != "" {
		v.t.Errorf("%s: inputs without a label: %s", view, unnamed)
	}
	if wide := testenv.Ask(v.Browser, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); wide > 0 {
		v.t.Errorf("%s is %d wider than the window", view, wide)
	}
}

// looks takes pictures of the page, on a desk and on a phone.
func (v *visitor) looks(name string) {
	v.t.Helper()
	v.Screenshot("front-end-" + name + "-desktop")
	v.Phone()
	v.Scheme("dark")
	if wide := testenv.Ask(v.Browser, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); wide > 0 {
		v.t.Errorf("on a phone, %s is %d too wide", name, wide)
	}
	v.Screenshot("front-end-" + name + "-phone")
	v.Scheme("light")
	v.Desktop()
}

// fill writes into the inputs of a page's form, by name, and sends it off.
func (v *visitor) fill(action string, values map[string]string) {
	v.t.Helper()
	form := fmt.Sprintf(`form[data-do=%q]`, action)
	for name, value := range values {
		v.Run(chromedp.SetValue(chromedp.CSS(fmt.Sprintf(`%s [name=%q]`, form, name)), value))
	}
	v.Run(chromedp.Click(chromedp.CSS(form + ` button`)))
}

// waits for an expression to be true.
func (v *visitor) waits(what, expression string) {
	v.t.Helper()
	if _, err := chromedp.Run(v.Context, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(20*time.Millisecond))); err != nil {
		v.t.Fatalf("%s: %v\n%s", what, err, testenv.Ask(v.Browser, chromedp.Evaluate[string](`document.querySelector('main').innerText`)))
	}
}

// complains waits for a message beside a field, of which assistive programs know too; where no field is named, above them.
func (v *visitor) complains(action, field, message string) {
	v.t.Helper()
	expression := fmt.Sprintf(`document.querySelector('form[data-do=%q] > .error')?.textContent === %q`, action, message)
	if field != "" {
		expression = fmt.Sprintf(`(i => i.ariaInvalid === 'true' && document.getElementById(i.getAttribute('aria-describedby').split(' ')[0])?.textContent === %q)`+
			`(document.querySelector('form[data-do=%q] [name=%q]'))`, message, action, field)
	}
	v.waits(fmt.Sprintf("%s: %s: %s", action, field, message), expression)
}

// says waits for what the page says of a success.
func (v *visitor) says(text string) {
	v.t.Helper()
	v.waits(text, fmt.Sprintf(`document.getElementById('status').textContent === %q`, text))
}

// tokens are those that the browser keeps.
func (v *visitor) tokens() (pair struct{ Access, Refresh string }) {
	v.t.Helper()
	if err := json.Unmarshal([]byte(testenv.Ask(v.Browser, chromedp.Evaluate[string](`localStorage.getItem('tokens')`))), &pair); err != nil {
		v.t.Fatal(err)
	}
	return pair
}

// link is where the newest mail to an address leads.
func (v *visitor) link(to, subject string) string {
	v.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(v.program.base + "/dev/mail/?format=json")
		if err != nil {
			v.t.Fatal(err)
		}
		var mails []struct {
			To, Subject string
			Links       []string
		}
		err = json.NewDecoder(answer.Body).Decode(&mails)
		answer.Body.Close()
		if err != nil {
			v.t.Fatal(err)
		}
		for _, m := range mails {
			if m.To == to && strings.Contains(m.Subject, subject) {
				return m.Links[0]
			}
		}
	}
	v.t.Fatalf("no mail %q to %s came", subject, to)
	return ""
}

func (v *visitor) count(part string) int { return strings.Count(v.program.log.String(), part) }

// reaches waits until the log has a part so often, for the line of a request is written after its answer, and counts it.
func (v *visitor) reaches(part string, times int) int {
	for end := time.Now().Add(10 * time.Second); v.count(part) < times && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	return v.count(part)
}

// TestFrontEnd goes through the front end as a new user does, until logged out.
func TestFrontEnd(t *testing.T) {
	v := visit(t, "1h")
	const first, second = "Nw7!xyzzyQ", "Other-9-horses"

	v.at("login")
	v.looks("login")
	v.Run(chromedp.Click(chromedp.CSS(`a[href="#/sign-up"]`)))
	v.at("sign-up")
	v.fill("signUp", map[string]string{"username": "a b", "email": "nowhere", "password": "12345"})
	v.complains("signUp", "email", "Enter a valid email address.")
	v.complains("signUp", "username", "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.")
	v.looks("sign-up")
	v.fill("signUp", map[string]string{"username": "ann", "email": "ann@example.com"})
	v.complains("signUp", "password", "This password is too short. It must contain at least 8 characters. This password is too common. This password is entirely numeric.")
	v.fill("signUp", map[string]string{"password": first})
	v.at("mailed")
	v.looks("mailed")

	// A look at the link changes nothing.
	link := v.link("ann@example.com", "Activate")
	if !strings.HasPrefix(link, v.page+"/#/activate/") {
		t.Fatalf("the mail leads to %s", link)
	}
	v.Run(chromedp.Navigate(link))
	v.at("activate")
	v.looks("activate")
	v.program.call("POST", "/auth/jwt/create/", "", map[string]string{"username": "ann", "password": first}, 401)
	v.fill("activate", nil)
	v.at("login")
	v.says("Your account is ready. Log in to go on.")

	v.fill("logIn", map[string]string{"username": "ann", "password": second})
	v.complains("logIn", "", "No active account found with the given credentials")
	v.looks("login-refused")
	v.fill("logIn", map[string]string{"password": first})
	v.at("profile")
	v.waits("the profile", `document.querySelector('[name=username][readonly]').value === 'ann'`)
	v.fill("saveProfile", map[string]string{"email": "nowhere", "first_name": "Ann"})
	v.complains("saveProfile", "email", "Enter a valid email address.")
	v.looks("profile")
	v.fill("saveProfile", map[string]string{"email": "ann@example.com"})
	v.says("Saved.")
	v.Run(chromedp.Reload())
	v.at("profile")
	v.waits("the saved name", `document.getElementById('profile-first').value === 'Ann'`)

	before := v.tokens()
	v.fill("changePassword", map[string]string{"current_password": second, "new_password": second})
	v.complains("changePassword", "current_password", "Invalid password.")
	v.fill("changePassword", map[string]string{"current_password": first})
	v.says("Your password is changed. Other devices are logged out.")
	v.program.call("POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": before.Refresh}, 401)

	// Another address has to be activated before the account goes on.
	v.fill("saveProfile", map[string]string{"email": "ann@example.org"})
	v.at("mailed")
	v.Run(chromedp.Navigate(v.link("ann@example.org", "Activate")))
	v.at("activate")
	v.fill("activate", nil)
	v.at("login")
	v.fill("logIn", map[string]string{"username": "ann", "password": second})
	v.at("profile")

	refresh := v.tokens().Refresh
	v.Run(chromedp.Click(chromedp.CSS(`button[data-do=logOut]`)))
	v.at("login")
	v.says("You are logged out.")
	v.program.call("POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": refresh}, 401)

	// A forgotten password.
	v.Run(chromedp.Click(chromedp.CSS(`a[href="#/forgotten"]`)))
	v.at("forgotten")
	v.fill("forgotten", map[string]string{"email": "ann@example.org"})
	v.at("mailed")
	v.Run(chromedp.Navigate(v.link("ann@example.org", "assword")))
	v.at("new-password")
	v.fill("newPassword", map[string]string{"new_password": "12345"})
	v.complains("newPassword", "new_password", "This password is too short. It must contain at least 8 characters. This password is too common. This password is entirely numeric.")
	v.fill("newPassword", map[string]string{"new_password": first})
	v.at("login")
	v.fill("logIn", map[string]string{"username": "ann", "password": first})
	v.at("profile")
}

// TestFrontEndStaysLoggedIn leaves the front end open in two tabs while its access tokens end: they are renewed before that, once for both tabs.
func TestFrontEndStaysLoggedIn(t *testing.T) {
	v := visit(t, "6s")
	v.program.call("POST", "/auth/users/", "", map[string]string{"username": "ann", "email": "ann@example.com", "password": "Nw7!xyzzyQ"}, 201)
	uid, token := v.program.activationLink("ann@example.com")
	v.program.call("POST", "/auth/users/activation/", "", map[string]string{"uid": uid, "token": token}, 204)
	v.fill("logIn", map[string]string{"username": "ann", "password": "Nw7!xyzzyQ"})
	v.at("profile")
	tab, cancel := chromedp.NewContext(v.Context)
	defer cancel()
	if err := chromedp.Do(tab, chromedp.Navigate(v.page), chromedp.WaitVisible(chromedp.CSS(`[data-view=profile] h1`))); err != nil {
		t.Fatal(err)
	}

	first := v.tokens()
	refreshed, since := v.count("method=POST path=/auth/jwt/refresh/ status=200"), time.Now()
	v.waits("a new token", fmt.Sprintf(`JSON.parse(localStorage.getItem('tokens')).access !== %q`, first.Access))
	second := v.tokens()
	v.waits("another new token", fmt.Sprintf(`JSON.parse(localStorage.getItem('tokens')).access !== %q`, second.Access))
	if times := v.reaches("method=POST path=/auth/jwt/refresh/ status=200", refreshed+2) - refreshed; times != 2 {
		t.Errorf("two tabs renewed %d times in %v", times, time.Since(since))
	}
	if n := v.count("status=401"); n > 0 {
		t.Errorf("%d requests were answered 401", n)
	}

	// After a long sleep the token has ended: the first request is answered 401, and sent again with a new one.
	time.Sleep(time.Until(since.Add(7 * time.Second)))
	v.Run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`localStorage.setItem('tokens', JSON.stringify({...JSON.parse(localStorage.getItem('tokens')), access: %q}))`, first.Access)), chromedp.Reload())
	v.at("profile")
	v.waits("the profile", `document.getElementById('profile-email').value === 'ann@example.com'`)
	if v.reaches("path=/auth/users/me/ status=401", 1) != 1 || v.tokens().Access == first.Access {
		t.Error("the ended token was not replaced")
	}

	// One tab logs out, and so does the other.
	v.Run(chromedp.Click(chromedp.CSS(`button[data-do=logOut]`)))
	v.at("login")
	if err := chromedp.Do(tab, chromedp.WaitVisible(chromedp.CSS(`[data-view=login] h1`))); err != nil {
		t.Fatal(err)
	}
}
