package web

import (
	"bytes"
	"strings"
	"testing"

	"qtune/service/views/viewstest"
)

// A report is one page that needs nothing else, with all tasks.
func TestReport(t *testing.T) {
	f := newFake(t)
	var b bytes.Buffer
	if err := Report(&b, f.report); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	style, err := staticFiles.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	if links := checkPage(t, "report", text, string(style)); len(links) > 0 {
		t.Errorf("it needs %q", links)
	}
	if n := strings.Count(text, `<details class="task">`); n != len(f.report.Tasks) {
		t.Errorf("%d tasks, want %d", n, len(f.report.Tasks))
	}
	if strings.Contains(text, "<script") || !strings.Contains(text, "&lt;script&gt;") {
		t.Error("a hostile name is not escaped")
	}
	for _, want := range []string{"Roofline", "Layers by time", "wrong-answer", "Second best", "vpmaddwd", "reduction"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	f := newFake(t)
	var b bytes.Buffer
	if err := Markdown(&b, f.report); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"## Tuning of <code>&#60;script", "| default | tuned | gain |", "### Layers that gained most", "| heuristic |", "| wrong-answer |"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, viewstest.Hostile) || strings.Contains(text, "Layers that lost") {
		t.Errorf("what must not be there is\n%s", text)
	}
	columns := 0
	for line := range strings.Lines(text) { // every row has as many cells as its head
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(line, "|")
		if columns == 0 {
			columns = n
		}
		if n != columns {
			t.Errorf("%d cells, want %d: %s", n, columns, line)
		}
	}
}

// No text can leave its cell, or become markup.
func FuzzForeign(f *testing.F) {
	for _, s := range []string{viewstest.Hostile, "a|b\nc", "`x` [y](http://z) @all", "\\|", strings.Repeat("é", 500)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		inner := strings.TrimSuffix(strings.TrimPrefix(foreign(s), "<code>"), "</code>")
		if strings.ContainsAny(inner, "|<>`[]\n\r\\\"") {
			t.Errorf("%q became %q", s, inner)
		}
	})
}
