package testenv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A Browser is one tab of a headless Chromium with a profile of its own. No name but this machine's is found, and the test fails in the end if a page asked
// for anything outside the origins it was opened for, lacked a file that it wanted, or wrote an error to the console, as a breach of its policy does.
type Browser struct {
	// Context runs chromedp's actions; Run does so too, and fails the test.
	Context context.Context

	tb      testing.TB
	origins []string

	mu       sync.Mutex
	requests []string
	problems []string
	expected []string
}

// browserPatience is how long all that one test does in the browser may take.
const browserPatience = 3 * time.Minute

// OpenBrowser starts a Chromium for pages of the origins, as http://127.0.0.1:8000; it ends with the test. Where there is no Chromium the test is skipped, but
// fails if CI is set.
func OpenBrowser(tb testing.TB, origins ...string) *Browser {
	tb.Helper()
	program, err := chromium()
	if err != nil {
		const notice = "these tests need Chromium: install the package chromium: %v"
		if os.Getenv("CI") != "" {
			tb.Fatalf(notice, err)
		}
		tb.Skipf(notice, err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("lang", "en-US"),
		chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserPatience)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	b := &Browser{tb: tb, origins: origins}
	b.Context, _ = chromedp.NewContext(ctx, chromedp.WithListener(b.notice))
	tb.Cleanup(func() {
		if err := chromedp.Cancel(b.Context); err != nil { // a Chromium that is killed leaves its files behind
			tb.Logf("closing the browser: %v", err)
		}
		stop()
		cancel()
		b.check()
	})
	// A page that nobody looks at has no focus.
	if _, err := chromedp.Call(b.Context, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		tb.Fatal(err)
	}
	b.Desktop()
	return b
}

// chromium finds the program.
func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no chromium on the PATH")
}

// Run does actions in their order, and fails the test if one cannot be done.
func (b *Browser) Run(actions ...chromedp.Action[chromedp.Void]) {
	b.tb.Helper()
	for i, action := range actions {
		if err := chromedp.Do(b.Context, action); err != nil {
			b.tb.Fatalf("action %d of %d in the browser: %v\n%s", i+1, len(actions), err, strings.Join(b.noticed(), "\n"))
		}
	}
}

// Ask does an action that answers something, and fails the test if it cannot be done.
func Ask[T any](b *Browser, action chromedp.Action[T]) T {
	b.tb.Helper()
	answer, err := chromedp.Run(b.Context, action)
	if err != nil {
		b.tb.Fatalf("in the browser: %v\n%s", err, strings.Join(b.noticed(), "\n"))
	}
	return answer
}

// Desktop makes the window as wide as a desk's, 1280 by 800; the browser starts so.
func (b *Browser) Desktop() {
	b.tb.Helper()
	b.Run(chromedp.EmulateViewport(1280, 800))
}

// Phone makes the window a phone's, 390 by 844.
func (b *Browser) Phone() {
	b.tb.Helper()
	b.Run(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
}

// Scheme prefers light or dark colours.
func (b *Browser) Scheme(name string) {
	b.tb.Helper()
	params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}
	if _, err := chromedp.Call(b.Context, emulation.SetEmulatedMedia, params); err != nil {
		b.tb.Fatal(err)
	}
}

// WithoutScript turns the pages' own scripts off.
func (b *Browser) WithoutScript() {
	b.tb.Helper()
	if _, err := chromedp.Call(b.Context, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.tb.Fatal(err)
	}
}

// Screenshot writes the whole page as name.png to the folder that LATCHKEY_TEST_SCREENSHOTS names, for people to look at; without one it does nothing.
func (b *Browser) Screenshot(name string) {
	b.tb.Helper()
	folder := os.Getenv("LATCHKEY_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	png := Ask(b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600); err != nil {
		b.tb.Fatal(err)
	}
}

// Requests are the addresses asked for so far, in their order.
func (b *Browser) Requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// notice keeps what a page asks for and what goes wrong in it.
func (b *Browser) notice(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, event.Request.URL)
		if !b.own(event.Request.URL) {
			b.problems = append(b.problems, "asked for "+event.Request.URL)
		}
	case *network.EventResponseReceived:
		// A page may be an error, and a script be told so; what belongs to a page must be there.
		part := event.Type != network.ResourceTypeDocument && event.Type != network.ResourceTypeFetch && event.Type != network.ResourceTypeXHR
		if part && event.Response.Status >= 400 {
			b.problems = append(b.problems, fmt.Sprintf("%s answered %d", event.Response.URL, event.Response.Status))
		}
	case *log.EventEntryAdded:
		if event.Entry.Level == log.EntryLevelError && event.Entry.Source != log.EntrySourceNetwork {
			b.problems = append(b.problems, string(event.Entry.Source)+": "+event.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, (&chromedp.ExceptionError{ExceptionDetails: event.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if event.Type == runtime.ConsoleAPICalledTypeError || event.Type == runtime.ConsoleAPICalledTypeAssert {
			text := "console:"
			for _, arg := range event.Args {
				text += " " + cmp.Or(string(arg.Value), arg.Description)
			}
			b.problems = append(b.problems, text)
		}
	}
}

// own tells whether an address is on one of the origins, or none on the network at all.
func (b *Browser) own(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "data", "blob", "about":
		return true
	}
	return slices.Contains(b.origins, u.Scheme+"://"+u.Host)
}

func (b *Browser) noticed() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.problems)
}

// Expect says that something goes wrong whose text has this part; the test fails where nothing does.
func (b *Browser) Expect(part string) { b.expected = append(b.expected, part) }

// check fails the test for what went wrong in its pages, and for what was to go wrong and did not.
func (b *Browser) check() {
	problems := b.noticed()
	for _, part := range b.expected {
		of := func(problem string) bool { return strings.Contains(problem, part) }
		if !slices.ContainsFunc(problems, of) {
			b.tb.Errorf("the page: there was no %q", part)
		}
		problems = slices.DeleteFunc(problems, of)
	}
	for _, problem := range problems {
		b.tb.Errorf("the page: %s", problem)
	}
}
