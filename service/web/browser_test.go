package web

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "folder into which TestBrowser puts pictures of every page")

// browserNames are how Chromium is called.
var browserNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// axePaths are where axe-core may be, besides $AXE_CORE; .ci/run puts it into the
// first.
var axePaths = []string{"testdata/node_modules/axe-core/axe.min.js"}

// A tab is a page in a browser, with what went wrong there.
type tab struct {
	context.Context
	server string
	mu     sync.Mutex
	faults []string
}

// newTab starts a browser; the test is skipped where there is none.
func newTab(t *testing.T, server string) *tab {
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
	b := &tab{Context: ctx, server: server}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	command(t, b, network.Enable, network.EnableParams{})
	command(t, b, log.Enable, cdp.Empty{})
	command(t, b, runtime.Enable, cdp.Empty{})
	return b
}

// listen notes errors, and requests that leave the server.
func (b *tab) listen(event any) {
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

func (b *tab) run(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b, steps...); err != nil {
		t.Fatal(err)
	}
}

// result runs an action that has one.
func result[T any](t *testing.T, b *tab, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(b, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// command gives a command of the protocol.
func command[P, R any](t *testing.T, b *tab, c cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(b, c, params); err != nil {
		t.Fatal(err)
	}
}

// check reports the faults since the last check.
func (b *tab) check(t *testing.T, where string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		t.Errorf("%s: %s", where, f)
	}
	b.faults = nil
}

// wait waits until an expression is true.
func (b *tab) wait(t *testing.T, expression string) {
	t.Helper()
	b.run(t, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(time.Minute), chromedp.WithPollingInterval(50*time.Millisecond)))
}

// Every page in a browser, in light and dark: it renders, fits a telephone, asks
// nobody else, and axe-core finds no serious fault.
func TestBrowser(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	defer server.Close()
	b := newTab(t, server.URL)
	report := filepath.Join(t.TempDir(), "report.html")
	var text bytes.Buffer
	if err := Report(&text, f.report); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(report, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	k := f.report.Tasks[0]
	axe := loadAxe(t)
	for _, p := range []struct{ name, url string }{
		{"jobs", server.URL + "/"}, {"job", server.URL + "/jobs/" + running}, {"failed", server.URL + "/jobs/" + done},
		{"network", server.URL + "/networks/" + running}, {"task", server.URL + taskURL(k.Workload, k.Target)},
		{"workers", server.URL + "/workers"}, {"log", server.URL + "/log?q=conv2d"}, {"report", "file://" + report},
	} {
		for _, theme := range []string{"light", "dark"} {
			t.Run(p.name+" "+theme, func(t *testing.T) {
				command(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
				b.run(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(p.url), chromedp.WaitVisible(chromedp.CSS("h1")),
					chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d, i) => { d.open = i < 6 })`))
				b.check(t, "wide")
				b.picture(t, p.name+"-"+theme)
				b.audit(t, axe)
				b.run(t, chromedp.EmulateViewport(320, 700))
				if width := result(t, b, chromedp.Evaluate[int]("document.documentElement.scrollWidth")); width > 320 {
					t.Errorf("it is %d pixels wide on a screen of 320", width)
				}
				b.picture(t, p.name+"-"+theme+"-narrow")
			})
		}
	}
}

// loadAxe returns the source of axe-core; empty where it is not there.
func loadAxe(t *testing.T) string {
	for _, path := range append([]string{os.Getenv("AXE_CORE")}, axePaths...) {
		if source, err := os.ReadFile(path); err == nil {
			return string(source)
		}
	}
	t.Log("there is no axe-core: npm install --prefix service/web/testdata axe-core, or AXE_CORE=.../axe.min.js")
	return ""
}

// audit lets axe-core look at the page.
func (b *tab) audit(t *testing.T, axe string) {
	t.Helper()
	if axe == "" {
		return
	}
	var violations []struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	b.run(t, chromedp.Evaluate[chromedp.Void](axe+"; 0"))
	answer := result(t, b, chromedp.Evaluate[string](`axe.run({resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err := json.Unmarshal([]byte(answer), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		if v.Impact == "serious" || v.Impact == "critical" {
			t.Errorf("axe: %s: %s (%d times), first %s: %s", v.ID, v.Help, len(v.Nodes), v.Nodes[0].HTML, v.Nodes[0].FailureSummary)
		}
	}
	b.mu.Lock()
	b.faults = nil // axe's own styles are against the policy
	b.mu.Unlock()
}

func (b *tab) picture(t *testing.T, name string) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	picture := result(t, b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A job's page changes while it is looked at, keeps the focus, and knows the end.
func TestLiveUpdates(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	defer server.Close()
	b := newTab(t, server.URL)
	b.run(t, chromedp.Navigate(server.URL+"/jobs/"+running), chromedp.WaitVisible(chromedp.CSS("#to-network")), chromedp.Focus(chromedp.CSS("#to-network")))
	b.wait(t, `document.activeElement.id === "to-network"`)
	for f.watching() == 0 {
		if b.Err() != nil {
			t.Fatal("the page does not listen")
		}
		time.Sleep(20 * time.Millisecond)
	}
	f.advance(257, false)
	b.wait(t, `document.querySelector("#live").textContent.includes("257 of 400 trials")`)
	b.wait(t, `document.activeElement.id === "to-network"`)
	b.wait(t, `document.querySelector("#status").textContent.includes("257 of 400 trials")`)
	f.advance(400, true)
	b.wait(t, `document.querySelector("[data-over]") !== null`)
	b.check(t, "live")
}

// Without script the page of a running job loads itself again.
func TestWithoutScript(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	defer server.Close()
	b := newTab(t, server.URL)
	command(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.run(t, chromedp.Navigate(server.URL+"/jobs/"+running), chromedp.WaitVisible(chromedp.CSS("h1")))
	f.advance(301, false)
	for !strings.Contains(result(t, b, chromedp.Text(chromedp.CSS("#live"))), "301 of 400") {
		time.Sleep(100 * time.Millisecond)
	}
	b.check(t, "without script")
}
