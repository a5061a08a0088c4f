package test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"latchkey/internal/testenv"
)

// A person looks at the pages in a browser that runs no script.
type person struct {
	t *testing.T
	p *program
	b *testenv.Browser
}

// meet starts a program in development mode on a database, and somebody in front of it.
func meet(t *testing.T, database string, more map[string]any) *person {
	t.Helper()
	settings := map[string]any{"development": true, "database": database}
	for key, value := range more {
		settings[key] = value
	}
	text, err := json.Marshal(settings) // YAML takes JSON
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "latchkey.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, folder, freeAddress(t), "--config", file)
	p.ready()
	b := testenv.OpenBrowser(t, p.base)
	b.WithoutScript()
	return &person{t, p, b}
}

func (x *person) open(address string) {
	x.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = x.p.base + address
	}
	x.b.Run(chromedp.Navigate(address))
}

// settles waits for the focus, which browsers set a moment after the page is there.
func (x *person) settles() {
	x.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if testenv.Ask(x.b, chromedp.Evaluate[bool](`!document.querySelector("[autofocus]") || document.activeElement.autofocus`)) {
			return
		}
	}
	x.t.Error("what shall have the focus does not get it")
}

// sees tells a page by its heading, and looks at it on a desk and on a phone, by day and by night.
func (x *person) sees(heading, name string) {
	x.t.Helper()
	if got := x.text("h1"); got != heading {
		x.t.Fatalf("the page is %q, want %q:\n%s", got, heading, x.text("body"))
	}
	x.looksRight(name)
}

func (x *person) text(selector string) string {
	x.t.Helper()
	return testenv.Ask(x.b, chromedp.Text(chromedp.CSS(selector)))
}

// says tells whether a part of the page holds some words.
func (x *person) says(selector, words string) {
	x.t.Helper()
	if got := x.text(selector); !strings.Contains(got, words) {
		x.t.Errorf("%s says %q, and not %q", selector, got, words)
	}
}

//go:embed audit.js
var audit string

// looksRight measures the page on a desk and on a phone, by day and by night, and keeps pictures of it.
func (x *person) looksRight(name string) {
	x.t.Helper()
	x.settles()
	for _, size := range []struct {
		name string
		set  func()
	}{{"phone", x.b.Phone}, {"desktop", x.b.Desktop}} {
		size.set()
		for _, scheme := range []string{"dark", "light"} {
			x.b.Scheme(scheme)
			for _, wrong := range testenv.Ask(x.b, chromedp.Evaluate[[]string](audit)) {
				x.t.Errorf("%s, %s, %s: %s", name, size.name, scheme, wrong)
			}
			x.b.Screenshot(name + "-" + size.name + "-" + scheme)
		}
	}
	tree, err := chromedp.Call(x.b.Context, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		x.t.Fatal(err)
	}
	for _, node := range tree.Nodes {
		if node.Role == nil || node.Ignored {
			continue
		}
		switch role := string(node.Role.Value); role {
		case `"textbox"`, `"button"`, `"link"`, `"checkbox"`, `"heading"`, `"RootWebArea"`:
			if node.Name == nil || string(node.Name.Value) == `""` {
				x.t.Errorf("%s: a %s has no name", name, role)
			}
		}
	}
}

// sends fills in a form from the keyboard, the first input having the focus or being the first that Tab reaches, and sends it with Enter.
func (x *person) sends(values ...string) {
	x.t.Helper()
	ids := testenv.Ask(x.b, chromedp.Evaluate[[]string](`[...document.querySelectorAll("main .field input")].map((i) => i.id)`))
	if len(ids) != len(values) {
		x.t.Fatalf("the form asks for %v, not for %d values", ids, len(values))
	}
	for i, value := range values {
		input := chromedp.CSS("#" + ids[i])
		x.b.Run(chromedp.Focus(input), chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent(kb.Backspace), chromedp.SendKeys(input, value))
	}
	x.goes(chromedp.KeyEvent("\r"))
}

// presses presses the only button of a page that asks nothing else.
func (x *person) presses() {
	x.t.Helper()
	x.goes(chromedp.Click(chromedp.CSS("main button")))
}

// goes does what leads to another page, and waits for that.
func (x *person) goes(action chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	if _, err := chromedp.RunResponse(x.b.Context, action); err != nil {
		x.t.Fatal(err)
	}
}

var anAddress = regexp.MustCompile(`https?://\S+`)

// link waits for a mail with a link of some kind, the newest one.
func (x *person) link(to, path string) string {
	x.t.Helper()
	return anAddress.FindString(x.p.mailTo(to, path))
}

// get asks for an address as a mail scanner does, which follows no redirect.
func (x *person) get(method, address string) int {
	x.t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		x.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func (x *person) signsIn(name, password string) {
	x.t.Helper()
	x.open("/account/sign-in")
	x.sees("Sign in", "sign-in")
	x.sends(name, password)
}

// All that somebody does with an account, from the keyboard and without a script.
func TestPages(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		x := meet(t, url, nil)
		x.open("/account/")
		x.sees("Sign in", "sign-in")

		x.open("/account/sign-up")
		x.sees("Create an account", "sign-up")
		x.sends("not-an-address", "", "123")
		x.sees("Create an account", "sign-up-errors")
		x.says("#email-error", "Enter a valid email address.")
		x.says("#username-error", "This field may not be blank.")
		x.sends("ann@example.com", "ann", "123")
		x.sees("Create an account", "sign-up-weak")
		x.says("#password-error", "This password is too short.")
		x.sends("ann@example.com", "ann", "correct-horse-7")
		x.sees("Look into your mail", "done-signed-up")
		link := x.link("ann@example.com", "/activate/")
		for _, method := range []string{"GET", "HEAD", "GET"} {
			if status := x.get(method, link); status != 200 {
				t.Errorf("%s of the link: %d", method, status)
			}
		}
		x.signsIn("ann", "correct-horse-7")
		x.sees("Sign in", "sign-in-refused")
		x.says("[role=alert]", "The name or the password is wrong.")
		x.open(link)
		x.sees("Activate your account", "activate")
		x.presses()
		x.sees("Your account is active", "done-activated")
		x.open(link)
		x.sees("Your account is active", "link-used")
		x.open(link[:len(link)-3])
		x.sees("This link no longer works", "link-bad")

		x.signsIn("ann", "correct-horse-7")
		x.sees("Your account", "account")
		x.says("dl", "ann@example.com")
		x.open("/account/profile")
		x.sees("Change profile", "profile")
		x.sends("Ann", "Example")
		x.sees("Your account", "account-changed")
		x.says("[role=status]", "Your profile is saved")
		x.open("/account/profile")
		x.sees("Change profile", "profile-filled")
		if got := testenv.Ask(x.b, chromedp.Value(chromedp.CSS("#last_name"))); got != "Example" {
			t.Errorf("the last name is %q", got)
		}

		x.open("/account/username")
		x.sees("Change username", "change-username")
		x.sends("wrong-horse-7", "anna")
		x.sees("Change username", "change-username-refused")
		x.says("#current_password-error", "Invalid password.")
		x.sends("correct-horse-7", "anna")
		x.sees("Your account", "account")
		x.says("dl", "anna")

		x.open("/account/password")
		x.sees("Change password", "change-password")
		x.sends("new-horse-8", "correct-horse-7")
		x.sees("Your account", "account") // the session goes on
		x.says("[role=status]", "Your new password is set")

		x.open("/account/email")
		x.sees("Change e-mail address", "change-email")
		x.sends("anna@example.com", "correct-horse-7")
		x.sees("Change e-mail address", "change-email-refused")
		x.sends("anna@example.com", "new-horse-8")
		x.sees("Look into your mail", "done-address")
		x.open("/account/")
		x.sees("Sign in", "sign-in")
		x.open(x.link("anna@example.com", "/activate/"))
		x.presses()
		x.sees("Your account is active", "done-activated")

		for _, address := range []string{"nobody@example.com", "anna@example.com"} {
			x.open("/account/forgot-password")
			x.sees("Forgot your password?", "ask-password")
			x.sends(address)
			x.sees("Look into your mail", "done-asked-password")
		}
		link = x.link("anna@example.com", "/password/reset/confirm/")
		x.open(link)
		x.sees("Choose a new password", "reset-password")
		x.sends("anna@example.com")
		x.sees("Choose a new password", "reset-password-weak")
		x.says("#new_password-error", "too similar to the email address")
		x.sends("third-horse-9")
		x.sees("Your new password is set", "done-password")
		x.open(link)
		x.sees("This link no longer works", "link-spent")

		x.open("/account/forgot-username")
		x.sees("Forgot your username?", "ask-username")
		x.sends("anna@example.com")
		x.sees("Look into your mail", "done-asked-username")
		x.open(x.link("anna@example.com", "/username/reset/confirm/"))
		x.sees("Choose a new name to sign in with", "reset-username")
		x.sends("annie")
		x.sees("Your new name is set", "done-username")

		x.signsIn("annie", "third-horse-9")
		x.sees("Your account", "account")
		x.presses()
		x.sees("You are signed out", "done-signed-out")
		x.open("/account/")
		x.sees("Sign in", "sign-in")

		x.signsIn("annie", "third-horse-9")
		x.sees("Your account", "account")
		x.open("/account/delete")
		x.sees("Delete account", "delete")
		x.sends("third-horse-9")
		x.sees("Your account is deleted", "done-deleted")
		x.signsIn("annie", "third-horse-9")
		x.sees("Sign in", "sign-in-refused")
	})
}

// With Tab and Enter alone: the focus begins where something is asked, goes through everything in order, and can be seen. And no request says which link it
// came from.
func TestPagesByKeyboard(t *testing.T) {
	x := meet(t, testenv.SQLite(t), nil)
	var mu sync.Mutex
	var referers []string
	err := chromedp.Listen(x.b.Context, func(event any) {
		if sent, ok := event.(*network.EventRequestWillBeSentExtraInfo); ok {
			mu.Lock()
			defer mu.Unlock()
			for name, value := range sent.Headers {
				if strings.EqualFold(name, "Referer") {
					referers = append(referers, fmt.Sprint(value))
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	types := func(text string) { x.b.Run(chromedp.KeyEvent(text)) }
	// tabs goes on to the next element, which must show that it has the focus.
	tabs := func(want string) {
		t.Helper()
		x.b.Run(chromedp.KeyEvent("\t"))
		got := testenv.Ask(x.b, chromedp.Evaluate[string](`document.activeElement.name || document.activeElement.textContent`))
		seen := testenv.Ask(x.b, chromedp.Evaluate[string](`getComputedStyle(document.activeElement).outlineStyle`))
		if got != want || seen != "solid" {
			t.Fatalf("Tab leads to %q, whose outline is %s; want %q", got, seen, want)
		}
	}
	enter := func(heading string) {
		t.Helper()
		x.goes(chromedp.KeyEvent("\r"))
		if got := x.text("h1"); got != heading {
			t.Fatalf("Enter leads to %q, want %q\n%s", got, heading, x.text("main"))
		}
	}
	x.open("/account/sign-in")
	x.settles()
	for _, next := range []string{"current_password", "Sign in", "Create an account"} {
		tabs(next)
	}
	enter("Create an account")
	for i, next := range []string{"Latchkey", "email", "username", "password", "Create account"} {
		tabs(next)
		if i > 0 && i < 4 {
			types([]string{"ann@example.com", "ann", "correct-horse-7"}[i-1])
		}
	}
	enter("Look into your mail")
	x.open(x.link("ann@example.com", "/activate/"))
	for _, next := range []string{"Latchkey", "Activate account"} {
		tabs(next)
	}
	enter("Your account is active")
	for _, next := range []string{"Latchkey", "Sign in"} {
		tabs(next)
	}
	enter("Sign in")
	x.settles()
	types("ann")
	tabs("current_password")
	types("correct-horse-7")
	enter("Your account")
	x.b.Screenshot("account-keyboard")
	for _, next := range []string{"Latchkey", "Change profile", "Change username"} {
		tabs(next)
	}
	x.b.Screenshot("account-focus")
	enter("Change username")

	mu.Lock()
	defer mu.Unlock()
	if len(referers) == 0 {
		t.Error("no request names where it came from, so that nothing was tried")
	}
	for _, referer := range referers {
		if referer != x.p.base+"/" {
			t.Errorf("a request says that it came from %s", referer)
		}
	}
}

// Words of other languages are longer, and still fit.
func TestPagesInOtherLanguages(t *testing.T) {
	x := meet(t, testenv.SQLite(t), nil)
	for language, heading := range map[string]string{"ru": "Создание учётной записи", "de": "Ein Konto anlegen", "zh-hans": "注册账户"} {
		headers := network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}}
		if _, err := chromedp.Call(x.b.Context, network.SetExtraHTTPHeaders, headers); err != nil {
			t.Fatal(err)
		}
		x.open("/account/sign-up")
		x.sees(heading, "sign-up-"+language)
		x.sends("not-an-address", "", "123")
		x.sees(heading, "sign-up-errors-"+language)
		for _, page := range []string{"sign-in", "forgot-password", "done/signed-up", "done/address", "resend"} {
			x.open("/account/" + page)
			x.looksRight(strings.ReplaceAll(page, "/", "-") + "-" + language)
		}
		x.open("/activate/MQ/x")
		x.looksRight("link-bad-" + language)
	}
}
