package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"qtune/service/web/webtest"
)

// Every page in a browser.
func TestBrowser(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	t.Cleanup(server.Close) // after the browser has gone: it waits for who listens
	b := webtest.New(t, server.URL)
	report := filepath.Join(t.TempDir(), "report.html")
	var text bytes.Buffer
	if err := Report(&text, f.report); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(report, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	k := f.report.Tasks[0]
	for _, p := range []struct{ name, url string }{
		{"jobs", server.URL + "/"}, {"job", server.URL + "/jobs/" + running}, {"failed", server.URL + "/jobs/" + done},
		{"network", server.URL + "/networks/" + running}, {"task", server.URL + taskURL(k.Workload, k.Target)},
		{"workers", server.URL + "/workers"}, {"log", server.URL + "/log?q=conv2d"}, {"report", "file://" + report},
	} {
		b.Run(t, chromedp.Navigate(p.url), chromedp.WaitVisible(chromedp.CSS("h1")))
		b.Inspect(t, p.name)
	}
}

// A job's page changes while it is looked at, keeps the focus, and knows the end.
func TestLiveUpdates(t *testing.T) {
	t.Parallel() // it waits for most of its time
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	t.Cleanup(server.Close)
	b := webtest.New(t, server.URL)
	b.Run(t, chromedp.Navigate(server.URL+"/jobs/"+running), chromedp.WaitVisible(chromedp.CSS("#to-network")), chromedp.Focus(chromedp.CSS("#to-network")))
	b.Wait(t, `document.activeElement.id === "to-network"`)
	listening(t, f, b, 1)
	f.advance(257, false)
	b.Wait(t, `document.querySelector("#live").textContent.includes("257 of 400 trials")`)
	b.Wait(t, `document.activeElement.id === "to-network"`)
	b.Wait(t, `document.querySelector("#status").textContent.includes("257 of 400 trials")`)
	f.advance(400, true)
	b.Wait(t, `document.querySelector("[data-over]") !== null`)
	b.Check(t, "live")
}

// The list of jobs changes while it is looked at, too, and keeps the focus.
func TestLiveList(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	t.Cleanup(server.Close)
	b := webtest.New(t, server.URL)
	link := "#job-" + running
	b.Run(t, chromedp.Navigate(server.URL+"/"), chromedp.WaitVisible(chromedp.CSS(link)), chromedp.Focus(chromedp.CSS(link)))
	f.advance(333, false)
	b.Wait(t, `document.querySelector("#live").textContent.includes("333 of 400")`)
	b.Wait(t, `document.activeElement.id === "job-`+running+`"`)
	b.Check(t, "list")
}

// A job's page goes on after a time in which something before the service, such as a
// proxy, answers that it is away.
func TestServiceAway(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var away atomic.Bool
	pages := newHandler(f)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() && strings.HasPrefix(r.URL.Path, "/jobs/") {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		pages.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	b := webtest.New(t, server.URL)
	b.Run(t, chromedp.Navigate(server.URL+"/jobs/"+running), chromedp.WaitVisible(chromedp.CSS("#to-network")))
	listening(t, f, b, 1)
	b.Run(t, chromedp.Evaluate[chromedp.Void](`window.asked = 0; window.fetch = ((f) => (...a) => { window.asked++; return f(...a); })(window.fetch); 0`))
	away.Store(true)
	server.CloseClientConnections()
	b.Wait(t, `window.asked > 0`)
	away.Store(false)
	listening(t, f, b, 2) // the fake remembers the first
	f.advance(258, false)
	b.Wait(t, `document.querySelector("#live").textContent.includes("258 of 400 trials")`)
	const lost, cut = "the server responded with a status of 503 (Service Unavailable)", "net::ERR_INCOMPLETE_CHUNKED_ENCODING"
	fault := func(what, path string) string {
		return "log: Failed to load resource: " + what + " " + server.URL + "/jobs/" + running + path
	}
	b.Check(t, "away", fault(lost, "/events"), fault(lost, "/live"), fault(cut, "/events"))
}

// listening waits until so many pages have listened to the fake.
func listening(t *testing.T, f *fake, b *webtest.Tab, pages int) {
	t.Helper()
	for f.watching() < pages {
		if b.Err() != nil {
			t.Fatal("the page does not listen")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Without script the page of a running job loads itself again.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	t.Cleanup(server.Close)
	b := webtest.New(t, server.URL)
	webtest.Command(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.Run(t, chromedp.Navigate(server.URL+"/jobs/"+running), chromedp.WaitVisible(chromedp.CSS("h1")))
	f.advance(301, false)
	for {
		// An error is that of the page that is left just now.
		if text, err := chromedp.Run(b, chromedp.Text(chromedp.CSS("#live"))); err == nil && strings.Contains(text, "301 of 400") {
			break
		}
		if b.Err() != nil {
			t.Fatal("the page does not load itself again")
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Check(t, "without script")
}
