package webtest

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "folder into which tests put pictures of every page")

// Widths of the windows in which pages are looked at, in pixels: of a desk, and of
// the smallest telephone.
const (
	wide   = 1280
	narrow = 320
)

// Inspect looks at the page that is shown, in light and dark, wide and narrow: no
// request leaves the server, nothing is logged as an error, axe-core finds no serious
// fault, and it is not wider than a telephone. name is that of its pictures.
func (b *Tab) Inspect(t *testing.T, name string) {
	t.Helper()
	b.Check(t, name)
	b.Run(t, chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d, i) => { d.open = i < 6 })`))
	for _, theme := range []string{"light", "dark"} {
		Command(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
		b.Run(t, chromedp.EmulateViewport(wide, 900))
		b.picture(t, name+"-"+theme)
		b.audit(t, name+" "+theme)
		b.Run(t, chromedp.EmulateViewport(narrow, 700))
		if width := Result(t, b, chromedp.Evaluate[int]("document.documentElement.scrollWidth")); width > narrow {
			t.Errorf("%s is %d pixels wide on a screen of %d", name, width, narrow)
		}
		b.picture(t, name+"-"+theme+"-narrow")
	}
	b.Run(t, chromedp.EmulateViewport(wide, 900))
	b.Check(t, name)
}

// axePath is where .ci/run puts axe-core, beside this package's folder.
const axePath = "testdata/node_modules/axe-core/axe.min.js"

// loadAxe returns the source of axe-core; empty where it is not there.
func loadAxe(t *testing.T) string {
	paths := []string{os.Getenv("AXE_CORE")}
	if _, here, _, ok := runtime.Caller(0); ok {
		paths = append(paths, filepath.Join(filepath.Dir(here), "..", axePath))
	}
	for _, path := range paths {
		if source, err := os.ReadFile(path); err == nil {
			return string(source)
		}
	}
	t.Log("there is no axe-core: npm install --prefix service/web/testdata axe-core, or AXE_CORE=.../axe.min.js")
	return ""
}

// audit lets axe-core look at the page.
func (b *Tab) audit(t *testing.T, where string) {
	t.Helper()
	if b.axe == "" {
		return
	}
	var violations []struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	if !Result(t, b, chromedp.Evaluate[bool]("!!window.axe")) {
		b.Run(t, chromedp.Evaluate[chromedp.Void](b.axe+"; 0"))
	}
	answer := Result(t, b, chromedp.Evaluate[string](`axe.run({resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err := json.Unmarshal([]byte(answer), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		if v.Impact == "serious" || v.Impact == "critical" {
			t.Errorf("%s: axe: %s: %s (%d times), first %s: %s", where, v.ID, v.Help, len(v.Nodes), v.Nodes[0].HTML, v.Nodes[0].FailureSummary)
		}
	}
}

// picture keeps a picture of the page.
func (b *Tab) picture(t *testing.T, name string) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	picture := Result(t, b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}
