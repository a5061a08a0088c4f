package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/internal/testenv"
)

// TestDocsPage does with /docs what somebody does who tries the API: an account, its activation, a pair of tokens, the access token into Authorize, and the list
// of users by Try it out. The browser fails it if the page asks anybody else for anything or breaks its policy.
func TestDocsPage(t *testing.T) {
	p := launch(t, t.TempDir(), freeAddress(t))
	p.ready()
	p.call("POST", "/auth/users/", "", map[string]string{"username": "ann", "email": "ann@example.com", "password": "Nw7!xyzzyQ"}, 201)
	uid, token := p.activationLink("ann@example.com")
	p.call("POST", "/auth/users/activation/", "", map[string]string{"uid": uid, "token": token}, 204)
	access := fmt.Sprint(p.call("POST", "/auth/jwt/create/", "", map[string]string{"username": "ann", "password": "Nw7!xyzzyQ"}, 200)["access"])

	b := testenv.OpenBrowser(t, p.base)
	b.Run(chromedp.Navigate(p.base+"/docs"), chromedp.WaitVisible(chromedp.CSS(`#operations-auth-auth_users_list`)))
	b.Screenshot("docs")

	b.Run(
		chromedp.Click(chromedp.CSS(`.auth-wrapper .authorize`)),
		chromedp.SendKeys(chromedp.CSS(`.auth-container #auth-bearer-value`), access),
		chromedp.Click(chromedp.Search(`//div[@class="auth-container"][.//*[@id="auth-bearer-value"]]//button[text()="Authorize"]`)),
		chromedp.Click(chromedp.CSS(`.modal-btn.btn-done`)),
		chromedp.Click(chromedp.CSS(`#operations-auth-auth_users_list .opblock-summary-control`)),
		chromedp.Click(chromedp.CSS(`#operations-auth-auth_users_list .try-out__btn`)),
		chromedp.Click(chromedp.CSS(`#operations-auth-auth_users_list .execute`)),
		chromedp.WaitVisible(chromedp.CSS(`#operations-auth-auth_users_list .live-responses-table .response-col_status`)),
	)
	b.Screenshot("docs-tried-out")
	answered := testenv.Ask(b, chromedp.Evaluate[string](`document.querySelector('#operations-auth-auth_users_list .live-responses-table tbody').innerText`))
	if !strings.HasPrefix(answered, "200") || !strings.Contains(answered, `"username": "ann"`) {
		t.Errorf("the page shows %q", answered)
	}
	if sent := b.Requests(); !slices.Contains(sent, p.base+"/auth/users/") {
		t.Errorf("the browser asked for %v", sent)
	}
}
