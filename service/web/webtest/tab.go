// Package webtest looks at pages in a browser, for tests of packages that make or
// serve them. They are skipped where there is no Chromium, and with -short.
package webtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserNames are how Chromium is called.
var browserNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// A Tab is a page in a browser, with what went wrong there.
type Tab struct {
	context.Context
	server string
	axe    string // source of axe-core; empty: there is none

	mu     sync.Mutex
	faults []string
}

// New starts a browser, whose pages may ask nobody but server, such as
// http://127.0.0.1:1234.
func New(t *testing.T, server string) *Tab {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: a browser takes seconds")
	}
	found := ""
	for _, name := range browserNames {
		if path, err := exec.LookPath(name); err == nil {
			found = path
			break
		}
	}
	if found == "" {
		t.Skip("there is no Chromium: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(found), chromedp.UserDataDir(t.TempDir()))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which refuses to work for root
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 10*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &Tab{Context: ctx, server: server, axe: loadAxe(t)}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	Command(t, b, network.Enable, network.EnableParams{})
	Command(t, b, log.Enable, cdp.Empty{})
	Command(t, b, runtime.Enable, cdp.Empty{})
	return b
}

// listen notes errors, and requests that leave the server.
func (b *Tab) listen(event any) {
	fault := ""
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.server+"/") && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "file://") {
			fault = "a request to " + u
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			fault = fmt.Sprintf("console: %s", e.Args[0].Value)
		}
	case *runtime.EventExceptionThrown:
		fault = fmt.Sprintf("exception: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			fault = fmt.Sprintf("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	}
	if fault != "" {
		b.mu.Lock()
		b.faults = append(b.faults, fault)
		b.mu.Unlock()
	}
}

// Check reports the faults since the last check, but for those that are one of
// allowed.
func (b *Tab) Check(t *testing.T, where string, allowed ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		if !slices.Contains(allowed, f) {
			t.Errorf("%s: %s", where, f)
		}
	}
	b.faults = nil
}

// Run runs actions that have no result.
func (b *Tab) Run(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b, steps...); err != nil {
		t.Fatal(err)
	}
}

// Result runs an action that has one.
func Result[T any](t *testing.T, b *Tab, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(b, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Command gives a command of the protocol.
func Command[P, R any](t *testing.T, b *Tab, c cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(b, c, params); err != nil {
		t.Fatal(err)
	}
}

// patience is how long Wait waits: other tests keep the machine busy.
const patience = 2 * time.Minute

// Wait waits until an expression is true, also over pages that follow each other.
func (b *Tab) Wait(t *testing.T, expression string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		// An error is that of a page on which a part is missing, or that is left just now.
		if is, err := chromedp.Run(b, chromedp.Evaluate[bool]("!!("+expression+")")); err == nil && is {
			return
		}
		if b.Err() != nil || time.Now().After(deadline) {
			text, err := chromedp.Run(b, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 2000)`))
			t.Fatalf("never true: %s; the page is %s, %v", expression, text, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Follow activates a link or button of a page, which nothing may cover, and waits
// for the page that it leads to.
func (b *Tab) Follow(t *testing.T, selector string) {
	t.Helper()
	// In one step, since a page that is live replaces its elements.
	b.Wait(t, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({ block: "center" });
		const at = e.getClientRects()[0];
		if (!e.contains(document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2))) return false;
		window.left = true;
		e.click();
		return true;
	})()`, selector))
	b.Wait(t, `!window.left && document.readyState === "complete" && document.querySelector("h1")`)
}
