package pages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"qtune/service"
	"qtune/service/api"
	"qtune/service/client"
	"qtune/service/views/viewstest"
	"qtune/service/web/webtest"
)

// A visit is a person with a browser at a service, and with a client beside it.
type visit struct {
	*webtest.Tab
	*place
	client *client.Client
	token  string // to read
	spec   api.Spec
	tasks  int // of the network
}

// TestVisit goes through the pages of a service that measures, with tokens, by links
// and forms only: from the login to the logout, with a restart between.
func TestVisit(t *testing.T) {
	p := newPlace(t)
	v := &visit{Tab: webtest.New(t, "http://"+p.address), place: p, client: p.as(t, "ann", service.Submit)}
	var m api.Model
	m, v.tasks = upload(t, v.client)
	v.spec = api.DefaultSpec()
	v.spec.Model, v.spec.Trials = m.Hash, 30*v.tasks
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"login", v.login}, {"live", v.live}, {"network", v.network}, {"task", v.task}, {"others", v.others},
		{"control", v.control}, {"restart", v.restart}, {"revoke", v.revoke}, {"logout", v.logout},
	} {
		if !t.Run(step.name, step.run) {
			return // the next begins where this one ends
		}
	}
}

// says waits until a part of the page has a text.
func (v *visit) says(t *testing.T, selector, text string) {
	t.Helper()
	v.Wait(t, fmt.Sprintf(`document.querySelector(%q).innerText.includes(%q)`, selector, text))
}

// count returns how many elements there are.
func (v *visit) count(t *testing.T, selector string) int {
	t.Helper()
	return webtest.Result(t, v.Tab, chromedp.Evaluate[int](fmt.Sprintf(`document.querySelectorAll(%q).length`, selector)))
}

// submit begins the job of a number.
func (v *visit) submit(t *testing.T, number int64) {
	t.Helper()
	spec := v.spec
	spec.Trials *= int(number) // or the log had all of them already
	if j, err := v.client.Submit(t.Context(), spec); err != nil || j.ID != number {
		t.Fatalf("job %d, want %d: %v", j.ID, number, err)
	}
}

// enter types a token into the form and sends it.
func (v *visit) enter(t *testing.T, token string) {
	t.Helper()
	v.Run(t, chromedp.SendKeys(chromedp.CSS("#token"), token))
	v.Follow(t, "main button")
}

// login is asked for by every page, and takes the right token only.
func (v *visit) login(t *testing.T) {
	v.newToken(t)
	v.submit(t, 1)
	for _, path := range []string{"/workers", "/log?q=conv2d", "/jobs/1", "/jobs/1/live", "/networks/1", "/task", "/nowhere", "/"} {
		v.Run(t, chromedp.Navigate("http://"+v.address+path))
		v.Wait(t, `location.pathname === "/login"`)
	}
	v.Inspect(t, "login")
	v.enter(t, v.token+"x")
	v.says(t, "[role=alert]", "That token is not valid.")
	v.Check(t, "a wrong token", "log: Failed to load resource: the server responded with a status of 401 (Unauthorized) http://"+v.address+"/login")
	v.Inspect(t, "login-refused")
	v.enter(t, v.token)
	v.says(t, "h1", "Jobs")
	v.says(t, ".user", "eve")
	v.Inspect(t, "jobs")
}

// newToken makes a token that can read.
func (v *visit) newToken(t *testing.T) {
	t.Helper()
	var err error
	if v.token, err = v.AddToken(t.Context(), "eve", service.Read); err != nil {
		t.Fatal(err)
	}
}

// Batches that a job measures while it is looked at: fewer than it has, so that it does
// not end before that is wanted.
const (
	few = 20
	all = 1 << 20
)

// sparks is an expression: the curves of tasks by the id of their link.
const sparks = `Object.fromEntries([...document.querySelectorAll("#live tr:has(.spark)")].map((r) => [r.querySelector("a").id, r.querySelector("polyline").getAttribute("points")]))`

// live shows what a job finds, until its end, on one page.
func (v *visit) live(t *testing.T) {
	v.Follow(t, `a[href="/jobs/1"]`)
	v.says(t, "h1", "Job 1: "+api.CleanName(viewstest.Hostile))
	v.says(t, "#live", "running")
	v.Run(t, chromedp.Evaluate[chromedp.Void](`window.same = true`))
	v.gate.during(pace, few, func() {
		v.Wait(t, `document.querySelectorAll(".spark").length > 1`)
	})
	v.Run(t, chromedp.Evaluate[chromedp.Void](`document.getElementById("to-network").focus(); window.old = `+sparks+`; window.trials = parseInt(document.querySelector("[data-status]").textContent); 0`))
	v.gate.during(pace, few, func() {
		v.Wait(t, `parseInt(document.querySelector("[data-status]").textContent) > window.trials + 8`)
		v.Wait(t, `Object.entries(`+sparks+`).some(([task, points]) => window.old[task] && window.old[task] !== points)`)
		v.Wait(t, `[...document.querySelectorAll("#live h2")].at(-1).nextElementSibling.innerText.includes("wrong-answer")`)
	})
	if !webtest.Result(t, v.Tab, chromedp.Evaluate[bool](`document.activeElement.id === "to-network"`)) {
		t.Error("the focus is lost")
	}
	if n := v.count(t, "#live tbody a[href^='/task']"); n != v.tasks {
		t.Errorf("%d tasks, want %d", n, v.tasks)
	}
	v.Inspect(t, "running")
	v.gate.during(0, all, func() {
		v.Wait(t, `document.querySelector("[data-over]") && window.same`)
	})
	v.says(t, "#live", fmt.Sprintf("done %[1]d of %[1]d trials", v.spec.Trials))
	v.Inspect(t, "done")
}

// network shows the layers by their hostile names.
func (v *visit) network(t *testing.T) {
	v.Follow(t, "#to-network")
	v.says(t, "h1", "Network: "+api.CleanName(viewstest.Hostile))
	v.says(t, "main", viewstest.Hostile)
	if n := v.count(t, "main img, main script"); n != 0 {
		t.Errorf("%d names have become elements", n)
	}
	if n := v.count(t, "th.workload a"); n != v.tasks {
		t.Errorf("%d layers, want %d", n, v.tasks)
	}
	v.Inspect(t, "network")
}

// task shows trials by a knob that one chooses.
func (v *visit) task(t *testing.T) {
	v.Follow(t, "th.workload a")
	v.says(t, "main", "Noise of a trial")
	const scatter = `[...document.querySelectorAll("figure svg")].at(-1).innerHTML`
	before := webtest.Result(t, v.Tab, chromedp.Evaluate[string](scatter))
	other := webtest.Result(t, v.Tab, chromedp.Evaluate[string](`[...document.querySelectorAll("#knob option")].find((o) => !o.selected).value`))
	v.Run(t, chromedp.SendKeys(chromedp.CSS("#knob"), other))
	v.Follow(t, "main form button")
	v.says(t, "main", "Trials by knob "+other)
	if after := webtest.Result(t, v.Tab, chromedp.Evaluate[string](scatter)); after == before {
		t.Error("another knob has the same picture")
	}
	v.Inspect(t, "task")
}

// others are the pages that the navigation leads to.
func (v *visit) others(t *testing.T) {
	v.Follow(t, `nav a[href="/workers"]`)
	v.says(t, "main", "this machine")
	v.Inspect(t, "workers")
	v.Follow(t, `nav a[href="/log"]`)
	v.Run(t, chromedp.SendKeys(chromedp.CSS("#q"), "depthwise s2x2"))
	v.Follow(t, "main form button")
	found := strings.Fields(webtest.Result(t, v.Tab, chromedp.Evaluate[string](`[...document.querySelectorAll("th.workload")].map((e) => e.innerText.split(" ")[0]).join(" ")`)))
	if len(found) == 0 || len(found) != strings.Count(strings.Join(found, " "), "depthwise") {
		t.Errorf("found %q", found)
	}
	v.Inspect(t, "log")
	v.Follow(t, "th.workload a")
	v.says(t, "h1", "depthwise 3x3")
	v.says(t, "h1", "stride 2")
}

// control by others is seen on the page of a job.
func (v *visit) control(t *testing.T) {
	v.submit(t, 2)
	v.Follow(t, `nav a[href="/"]`)
	v.Follow(t, `a[href="/jobs/2"]`)
	v.says(t, "#live", "running")
	v.Run(t, chromedp.Evaluate[chromedp.Void](`window.same = true`))
	for _, c := range []struct{ verb, state string }{{"pause", "paused"}, {"resume", "running"}, {"cancel", "cancelled"}} {
		if _, err := v.client.Change(t.Context(), 2, c.verb); err != nil {
			t.Fatal(err)
		}
		v.says(t, "#live .state", c.state)
	}
	v.Wait(t, `document.querySelector("[data-over]") && window.same`)
	v.Check(t, "control")
}

// restart ends the service while a job's page is open, which goes on by itself.
func (v *visit) restart(t *testing.T) {
	v.submit(t, 3)
	v.Follow(t, `nav a[href="/"]`)
	v.Follow(t, `a[href="/jobs/3"]`)
	v.Run(t, chromedp.Evaluate[chromedp.Void](`window.same = true`))
	v.gate.during(pace, few, func() { v.Wait(t, `parseInt(document.querySelector("[data-status]").textContent) > 0`) })
	v.close()
	v.Run(t, chromedp.Evaluate[chromedp.Void](`window.trials = parseInt(document.querySelector("[data-status]").textContent)`))
	v.open(t)
	v.gate.during(pace, few, func() {
		v.Wait(t, `parseInt(document.querySelector("[data-status]").textContent) > window.trials && window.same`)
	})
	refused := "log: Failed to load resource: net::ERR_CONNECTION_REFUSED http://" + v.address + "/jobs/3/"
	v.Check(t, "restart", refused+"live", refused+"events")
}

// revoke takes the token away: the page that is open leads to the login.
func (v *visit) revoke(t *testing.T) {
	if err := v.Revoke(t.Context(), "eve"); err != nil {
		t.Fatal(err)
	}
	v.gate.during(pace, few, func() { v.Wait(t, `location.pathname === "/login"`) })
	v.Run(t, chromedp.Navigate("http://"+v.address+"/workers"))
	v.Wait(t, `location.pathname === "/login"`)
	v.Check(t, "revoked")
}

// logout forgets the token.
func (v *visit) logout(t *testing.T) {
	v.newToken(t)
	v.enter(t, v.token)
	v.says(t, "h1", "Jobs")
	v.Follow(t, ".user button")
	v.Wait(t, `location.pathname === "/login"`)
	v.Run(t, chromedp.Navigate("http://"+v.address+"/"))
	v.Wait(t, `location.pathname === "/login"`)
	v.Check(t, "logout")
}
