package web

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
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
	defer server.Close()
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
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	defer server.Close()
	b := webtest.New(t, server.URL)
	b.Run(t, chromedp.Navigate(server.URL+"/jobs/"+running), chromedp.WaitVisible(chromedp.CSS("#to-network")), chromedp.Focus(chromedp.CSS("#to-network")))
	b.Wait(t, `document.activeElement.id === "to-network"`)
	for f.watching() == 0 {
		if b.Err() != nil {
			t.Fatal("the page does not listen")
		}
		time.Sleep(20 * time.Millisecond)
	}
	f.advance(257, false)
	b.Wait(t, `document.querySelector("#live").textContent.includes("257 of 400 trials")`)
	b.Wait(t, `document.activeElement.id === "to-network"`)
	b.Wait(t, `document.querySelector("#status").textContent.includes("257 of 400 trials")`)
	f.advance(400, true)
	b.Wait(t, `document.querySelector("[data-over]") !== null`)
	b.Check(t, "live")
}

// Without script the page of a running job loads itself again.
func TestWithoutScript(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	defer server.Close()
	b := webtest.New(t, server.URL)
	webtest.Command(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.Run(t, chromedp.Navigate(server.URL+"/jobs/"+running), chromedp.WaitVisible(chromedp.CSS("h1")))
	f.advance(301, false)
	for !strings.Contains(webtest.Result(t, b, chromedp.Text(chromedp.CSS("#live"))), "301 of 400") {
		time.Sleep(100 * time.Millisecond)
	}
	b.Check(t, "without script")
}
