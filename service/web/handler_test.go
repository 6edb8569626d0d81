package web

import (
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"qtune/service/views/viewstest"
)

// get asks a handler for a path.
func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

// Every page that can be reached from the first one is there, and is a page as it
// should be.
func TestEveryPage(t *testing.T) {
	h := newHandler(newFake(t))
	paths := []string{"/"}
	pages := 0
	for i := 0; i < len(paths); i++ {
		w := get(h, "GET", paths[i])
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", paths[i], w.Code)
			continue
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		pages++
		for _, link := range checkPage(t, paths[i], w.Body.String(), "") {
			if !slices.Contains(paths, link) {
				paths = append(paths, link)
			}
		}
	}
	if pages < 10 {
		t.Errorf("%d pages were found: %q", pages, paths)
	}
	for _, want := range []string{"/jobs/" + running, "/jobs/" + running + "/live", "/live/jobs", "/live/workers", "/networks/" + running, "/workers", "/log", "/style.css", "/live.js", "/icon.svg"} {
		if !slices.Contains(paths, want) {
			t.Errorf("nothing leads to %s", want)
		}
	}
	for _, path := range []string{"/log?q=dense", "/log?q=" + url.QueryEscape(viewstest.Hostile)} {
		checkPage(t, path, get(h, "GET", path).Body.String(), "")
	}
}

// checkPage checks the structure of a page, and returns what it links to here.
// style is what its style element may hold.
func checkPage(t *testing.T, path, text, style string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	c := pageCheck{t: t, path: path, style: style, ids: map[string]bool{}, count: map[string]int{}}
	c.walk(root)
	if !strings.Contains(text, "<!doctype html>") { // a part of a page
		return c.links
	}
	for element, want := range map[string]int{"h1": 1, "title": 1, "main": 1} {
		if c.count[element] != want {
			t.Errorf("%s: %d elements %s, want %d", path, c.count[element], element, want)
		}
	}
	if c.lang != "en" {
		t.Errorf("%s: lang=%q", path, c.lang)
	}
	for _, ref := range c.refs {
		if !c.ids[ref] {
			t.Errorf("%s: refers to #%s, which is not there", path, ref)
		}
	}
	return c.links
}

type pageCheck struct {
	t           *testing.T
	path, style string
	lang        string
	ids         map[string]bool
	count       map[string]int
	refs, links []string
}

func (c *pageCheck) walk(n *html.Node) {
	if n.Type == html.ElementNode {
		c.element(n)
	}
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		c.walk(k)
	}
}

func (c *pageCheck) element(n *html.Node) {
	name := n.Data
	if name == "title" && n.Namespace == "svg" {
		name = "svg title"
	}
	c.count[name]++
	attrs := map[string]string{}
	for _, a := range n.Attr {
		attrs[a.Key] = a.Val
		c.attribute(n, a.Key, a.Val)
	}
	switch {
	case n.Data == "html":
		c.lang = attrs["lang"]
	case n.Data == "script" && (attrs["src"] == "" || n.FirstChild != nil):
		c.t.Errorf("%s: a script within the page", c.path)
	case n.Data == "style" && (c.style == "" || n.FirstChild.Data != c.style):
		c.t.Errorf("%s: a style within the page", c.path)
	case n.Data == "th" && attrs["scope"] == "":
		c.t.Errorf("%s: a head of a table without scope", c.path)
	case n.Data == "img":
		c.t.Errorf("%s: a foreign name has become an element", c.path)
	}
}

// attribute checks an attribute, and notes where it leads.
func (c *pageCheck) attribute(n *html.Node, key, value string) {
	switch {
	case key == "style" || strings.HasPrefix(key, "on"):
		c.t.Errorf("%s: <%s> has the attribute %s", c.path, n.Data, key)
	case key == "id" && c.ids[value]:
		c.t.Errorf("%s: the id %s is there twice", c.path, value)
	case key == "id":
		c.ids[value] = true
	case key == "aria-labelledby":
		c.refs = append(c.refs, strings.Fields(value)...)
	case key == "for":
		c.refs = append(c.refs, value)
	case key == "href" || key == "src" || key == "action" || key == "data-fragment":
		switch fragment, internal := strings.CutPrefix(value, "#"); {
		case internal:
			c.refs = append(c.refs, fragment)
		case value == "data:,": // an empty icon
		case !strings.HasPrefix(value, "/") || strings.HasPrefix(value, "//"):
			c.t.Errorf("%s: %s=%q leads elsewhere", c.path, key, value)
		case key != "action":
			c.links = append(c.links, value)
		}
	}
}

// Names are shown as they are, in text and in pictures, and never as markup.
func TestHostileNames(t *testing.T) {
	h := newHandler(newFake(t))
	for _, path := range []string{"/", "/jobs/" + running, "/jobs/" + done, "/networks/" + running, "/workers", "/log?q=" + url.QueryEscape(viewstest.Hostile)} {
		text := get(h, "GET", path).Body.String()
		if strings.Contains(text, "<script>") || strings.Contains(text, "<img") {
			t.Errorf("%s: a name is markup", path)
		}
		if !strings.Contains(html.UnescapeString(text), viewstest.Hostile) {
			t.Errorf("%s does not show the name", path)
		}
	}
	if text := get(h, "GET", "/networks/"+running).Body.String(); !strings.Contains(text, ">Roofline of &lt;script&gt;") {
		t.Error("the picture does not hold the name")
	}
}

func TestHeaders(t *testing.T) {
	h := newHandler(newFake(t))
	for _, path := range []string{"/", "/style.css", "/nowhere", "/jobs/" + running + "/live"} {
		head := get(h, "GET", path).Header()
		for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if head.Get(name) != want {
				t.Errorf("%s: %s: %q", path, name, head.Get(name))
			}
		}
	}
}

func TestErrorPages(t *testing.T) {
	h := newHandler(newFake(t))
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/nowhere", 404}, {"GET", "/jobs/17", 404}, {"GET", "/jobs/17/live", 404}, {"GET", "/jobs/17/events", 404}, {"GET", "/networks/17", 404},
		{"GET", "/jobs/..%2f..%2fetc", 404}, {"GET", "/templates/layout.html", 404},
		{"GET", "/jobs/" + broken, 500}, {"GET", "/jobs/" + broken + "/live", 500},
		{"GET", "/task", 400}, {"GET", "/task?workload=" + url.QueryEscape(viewstest.Hostile), 400},
		{"GET", "/task?target=x&workload=" + url.QueryEscape("dense n1 c64 o32 wz=0 perch=0 round=double sign=0 mult=lt1"), 400},
		{"GET", "/log?q=" + strings.Repeat("x", 1000), 400},
		{"POST", "/", 405}, {"DELETE", "/jobs/" + running, 405},
	} {
		w := get(h, c.method, c.path)
		text := w.Body.String()
		if w.Code != c.want {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, w.Code, c.want)
		}
		if strings.Contains(text, "secret") || strings.Contains(text, "<script>") {
			t.Errorf("%s %s: says too much: %s", c.method, c.path, text)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			checkPage(t, c.path, text, "")
		}
	}
}

// Events tell of changes, and end with the job.
func TestEvents(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(newHandler(f))
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/jobs/"+running+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("content type %q", kind)
	}
	changes := 0
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		switch lines.Text() {
		case ": here":
			f.advance(130, false)
		case "data: changed":
			if changes++; changes == 1 {
				f.advance(140, true)
			}
		}
	}
	if ctx.Err() != nil || changes < 2 {
		t.Errorf("%d changes were told, %v", changes, ctx.Err())
	}
}

// Whatever is asked for: no failure of the handler's own, and nothing of the question
// comes back as markup.
func FuzzHandler(f *testing.F) {
	h := newHandler(newFake(f))
	for _, s := range [][2]string{
		{"/jobs/<script>", ""}, {"/log", "q=<script>"}, {"/log", "q=%00%ff"}, {"/task", "workload=<script>&target=<script>"}, {"/networks/../../etc", ""},
		{"/task", "workload=dense n1 c64 o32 wz=0 perch=0 round=double sign=0 mult=lt1&target=avx2 sim-1-2 cores=1 l1d=32768 l2=0 l3=0&knob=<script>"},
		{"/task", "workload=dense n1 c64 o32 wz=0 perch=0 round=double sign=0 mult=lt1&target=ref sim-1-2 cores=1 l1d=32768 l2=0 l3=0"},
		{"//elsewhere.example/", "%zz;&=="},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		if path == "/jobs/"+broken || strings.HasSuffix(path, "/events") {
			return // it is to fail, or does not end
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.URL = &url.URL{Path: path, RawQuery: query}
		h.ServeHTTP(w, r)
		if w.Code >= 500 || strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("%q?%q: status %d, %s", path, query, w.Code, w.Body)
		}
	})
}

// All who watch a job share what changes of its page, compressed where they take that;
// a new state is shown at once.
func TestFragment(t *testing.T) {
	f := newFake(t)
	h := newHandler(f)
	live := func(encoding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/jobs/"+running+"/live", nil)
		r.Header.Set("Accept-Encoding", encoding)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec
	}
	plain, zipped := live("").Body.String(), live("br, gzip")
	z, err := gzip.NewReader(zipped.Body)
	if err != nil || zipped.Header().Get("Content-Encoding") != "gzip" {
		t.Fatal(err, zipped.Header())
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != plain || !strings.Contains(plain, "120 of 400 trials") {
		t.Errorf("%v: %s, want %s", err, text, plain)
	}
	f.advance(130, false)
	if now := live("").Body.String(); !strings.Contains(now, "130 of 400 trials") {
		t.Errorf("who asks after a change does not see it: %s", now)
	}
	f.advance(399, true)
	if now := live("").Body.String(); !strings.Contains(now, "399 of 400 trials") || !strings.Contains(now, "data-over") {
		t.Errorf("the job's end is not seen: %s", now)
	}
}
