// Package web writes views as pages: served by a Handler, or as a report, one file
// to mail, or in Markdown. Pages are rendered here, from templates and one style
// sheet that are part of the program: they need no other host, and work without
// script. Everything foreign is escaped by html/template, and by package chart in
// pictures.
//
//	Handler   handler.go   pages over a Source, which the service is
//	Report    report.go    the same views of a finished log
//	Markdown  markdown.go  their tables, for a comment
package web

import (
	"embed"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"qtune/internal/chart"
	"qtune/kernels/module"
	"qtune/measure"
	"qtune/schedules"
	"qtune/service/views"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// templates are parsed when the first page is made: most commands make none.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(functions).ParseFS(templateFiles, "templates/*.html"))
})

var functions = template.FuncMap{
	"time": known, "nanoseconds": func(ns float64) string { return known(measure.Nanos(ns)) },
	"factor": factor, "percent": percent, "signed": signed, "hundred": hundred, "millions": millions,
	"when": when, "duration": func(d time.Duration) string { return d.Round(time.Second).String() },
	"short": short, "tensors": tensors, "meaning": meaning, "stateClass": stateClass,
	"every": func() int64 { return listEvery.Milliseconds() }, "jobURL": jobURL, "taskURL": taskURL, "figure": newFigure, "spark": newSpark, "heading": newHeading,
}

// known prints a time, "-" where it is not known.
func known(n measure.Nanos) string {
	if n == 0 {
		return "-"
	}
	return n.String()
}

// factor prints a gain, "-" where it is not known.
func factor(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2fx", v)
}

func percent(part float64) string { return fmt.Sprintf("%.1f%%", 100*part) }

func signed(part float64) string { return fmt.Sprintf("%+.1f%%", 100*part) }

// hundred is a part as the length of a bar.
func hundred(part float64) string { return fmt.Sprintf("%.1f", 100*min(max(part, 0), 1)) }

func millions(n int64) float64 { return float64(n) / 1e6 }

// when prints a point in time, "-" for none.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// short describes a workload for people: what is computed, not how it is quantised.
func short(w schedules.Workload) string {
	if w.Op == schedules.Dense {
		return fmt.Sprintf("dense %d to %d", w.C, w.O)
	}
	channels := fmt.Sprintf("%d to %d", w.C, w.O)
	if w.Op == schedules.Depthwise {
		channels = fmt.Sprint(w.C)
	}
	s := fmt.Sprintf("%s %dx%d, %s, of %dx%d", w.Op, w.KH, w.KW, channels, w.H, w.W)
	if w.StrideH != 1 || w.StrideW != 1 {
		s += fmt.Sprintf(", stride %d", w.StrideH)
		if w.StrideW != w.StrideH {
			s += fmt.Sprintf("x%d", w.StrideW)
		}
	}
	return s
}

// tensors names the first of some tensors.
func tensors(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
}

// meaning explains a source.
func meaning(s module.Source) string {
	switch s {
	case module.Exact:
		return "measured on this kind of machine"
	case module.Stale:
		return "measured on this kind of machine, with other code or in another way"
	case module.OtherCPU:
		return "measured on another CPU of this instruction set"
	case module.Nearest:
		return "measured for a similar workload"
	}
	return "not measured: the default schedule"
}

// stateClass groups the states of jobs, tasks and workers by colour. The text says
// the same.
func stateClass(state string) string {
	switch {
	case slices.Contains([]string{"failed", "lost", "cancelled"}, state):
		return "bad"
	case slices.Contains([]string{"queued", "paused", "put aside", "interrupted"}, state):
		return "wait"
	}
	return "good"
}

func jobURL(id string) string { return "/jobs/" + url.PathEscape(id) }

func taskURL(w schedules.Workload, t schedules.Target) string {
	return "/task?" + url.Values{"workload": {w.String()}, "target": {t.String()}}.Encode()
}

// A figure is a chart with its key.
type figure struct {
	Title string
	SVG   template.HTML
	Key   []chart.KeyEntry
}

// newFigure draws a chart, whose id is unique by prefix and name; nil for none.
func newFigure(prefix, name string, c *chart.Chart) (*figure, error) {
	if c == nil {
		return nil, nil
	}
	svg, err := c.Inline(prefix + name)
	if err != nil {
		return nil, err
	}
	return &figure{c.Title, template.HTML(svg), c.Key()}, nil // package chart has escaped it
}

// A heading of a part that stands below others or not.
type heading struct {
	Level int
	Text  string
}

func newHeading(level int, text string) heading { return heading{level, text} }

// A spark is a small picture of a best time so far.
type spark struct {
	Label, Points, Default string
}

// Size of a spark, and how many points it has at most.
const (
	sparkWidth, sparkHeight = 100, 22
	sparkPoints             = 60
)

// newSpark draws the curve of a task from the fastest to the slowest time; nil
// while there is none.
func newSpark(t views.JobTask) *spark {
	first := slices.IndexFunc(t.Curve, func(n measure.Nanos) bool { return n > 0 })
	if first < 0 {
		return nil
	}
	curve := t.Curve[first:]
	lo, hi := curve[len(curve)-1], max(curve[0], t.Default)
	height := func(n measure.Nanos) string {
		if hi == lo {
			return fmt.Sprint(sparkHeight / 2)
		}
		return fmt.Sprintf("%.1f", 1+sparkHeight*float64((hi-n)/(hi-lo)))
	}
	s := &spark{Label: fmt.Sprintf("best %v after %d trials", lo, len(t.Curve))}
	if t.Default > 0 {
		s.Label += fmt.Sprintf(", default %v", t.Default)
		s.Default = height(t.Default)
	}
	var points []string
	for i := range sparkPoints {
		at := i * (len(curve) - 1) / (sparkPoints - 1)
		points = append(points, fmt.Sprintf("%.1f,%s", float64(i)*sparkWidth/(sparkPoints-1), height(curve[at])))
	}
	s.Points = strings.Join(points, " ")
	return s
}
