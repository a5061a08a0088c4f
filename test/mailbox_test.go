package test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"latchkey/internal/testenv"
)

// A mail shows in the browser without anybody reloading the page, can be read in each of its forms, and its link leads somewhere.
func TestMailboxInTheBrowser(t *testing.T) {
	p := launch(t, t.TempDir(), freeAddress(t))
	p.ready()
	b := testenv.OpenBrowser(t, p.base)
	text := func(selector string) string { return testenv.Ask(b, chromedp.Text(chromedp.CSS(selector))) }
	b.Run(chromedp.Navigate(p.base + "/dev/mail/"))
	b.Screenshot("mailbox-empty")
	if got := text("#list"); !strings.Contains(got, "No mail yet") {
		t.Fatalf("the list says %s", got)
	}
	p.call("POST", "/auth/users/", "", map[string]string{"username": "ann", "email": "ann@example.com", "password": "correct-horse-7"}, 201)
	b.Run(chromedp.WaitVisible(chromedp.CSS("#list li"))) // nothing is reloaded
	if got := text("#list li"); !strings.Contains(got, "Activate your account") || !strings.Contains(got, "ann@example.com") {
		t.Errorf("the list says %s", got)
	}
	if got := testenv.Ask(b, chromedp.TextContent(chromedp.CSS("#news"))); !strings.HasPrefix(got, "New mail: Activate") {
		t.Errorf("who cannot see is told %q", got)
	}
	b.Run(chromedp.Click(chromedp.CSS("#list li a")), chromedp.WaitVisible(chromedp.CSS("iframe")))
	b.Screenshot("mailbox-html")
	link := testenv.Ask(b, chromedp.AttributeValue(chromedp.CSS("dd a"), "href")).Value
	if !strings.HasPrefix(link, p.base+"/activate/") {
		t.Errorf("the link is %s", link)
	}
	for _, view := range []struct{ name, holds string }{{"text", link}, {"source", "Message-ID: <"}} {
		b.Run(chromedp.Click(chromedp.CSS(`.tabs a[href$="`+view.name+`"]`)), chromedp.WaitVisible(chromedp.CSS("pre")))
		if got := text("pre"); !strings.Contains(got, view.holds) {
			t.Errorf("%s does not show %s: %s", view.name, view.holds, got)
		}
		b.Screenshot("mailbox-" + view.name)
	}
	// The one that is read stays, while more come.
	p.call("POST", "/auth/users/", "", map[string]string{"username": "bob", "email": "bob@example.com", "password": "correct-horse-7"}, 201)
	b.Run(chromedp.WaitVisible(chromedp.CSS("#list li:nth-child(2) a[aria-current]")))
	b.Scheme("dark")
	b.Screenshot("mailbox-dark")
	b.Phone()
	b.Screenshot("mailbox-phone-message")
	b.Run(chromedp.Click(chromedp.CSS(".back")), chromedp.WaitVisible(chromedp.CSS("#list li")))
	b.Scheme("light")
	b.Screenshot("mailbox-phone-list")
	b.Run(chromedp.Click(chromedp.CSS("#list button")), chromedp.WaitVisible(chromedp.CSS("p.empty")))

	// A page that watches does not keep the program from ending.
	start := time.Now()
	p.terminate()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
}
