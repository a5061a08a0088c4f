package testenv

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestBrowser(t *testing.T) {
	// Loopback as any, but not the origin that the browser is for.
	foreign := httptest.NewServer(http.NotFoundHandler())
	defer foreign.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /good", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<!doctype html><title>good</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><form action="/good"><label>Name <input name="name"></label></form>`))
	})
	mux.HandleFunc("GET /bad", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "style-src 'none'")
		_, _ = w.Write([]byte(`<!doctype html><title>bad</title><link rel="icon" href="data:,"><style>p{color:red}</style><img src="/none.png"><img src="` +
			foreign.URL + `/x.png"><img src="http://example.com/y.png"><script>console.error("told", 7); undefined.x</script>`))
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	t.Run("good", func(t *testing.T) {
		t.Setenv("LATCHKEY_TEST_SCREENSHOTS", t.TempDir())
		b := OpenBrowser(t, server.URL)
		b.Phone()
		b.Scheme("dark")
		b.WithoutScript()
		name := chromedp.CSS("input")
		b.Run(chromedp.Navigate(server.URL+"/good"), chromedp.SendKeys(name, "ann"), chromedp.Submit(name), chromedp.WaitReady(name))
		if width := Ask(b, chromedp.Evaluate[int](`innerWidth`)); width != 390 {
			t.Errorf("%d wide", width)
		}
		if !Ask(b, chromedp.Evaluate[bool](`matchMedia("(prefers-color-scheme: dark)").matches`)) {
			t.Error("not dark")
		}
		b.Screenshot("good")
		if _, err := os.Stat(filepath.Join(os.Getenv("LATCHKEY_TEST_SCREENSHOTS"), "good.png")); err != nil {
			t.Error(err)
		}
		if got, want := strings.Join(b.Requests(), " "), server.URL+"/good "+server.URL+"/good?name=ann"; strings.ReplaceAll(got, " data:,", "") != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
	})
	t.Run("bad", func(t *testing.T) {
		b := OpenBrowser(t, server.URL)
		b.Run(chromedp.Navigate(server.URL+"/bad"), chromedp.WaitReady(chromedp.CSS("img")))
		got := strings.Join(b.noticed(), "\n")
		for _, want := range []string{"asked for " + foreign.URL + "/x.png", "asked for http://example.com/y.png", "/none.png answered 404", "security: ", `console: "told" 7`, "TypeError"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q was not noticed in\n%s", want, got)
			}
			b.Expect(want)
		}
	})
}
