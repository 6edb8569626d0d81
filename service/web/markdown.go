package web

import (
	"fmt"
	"io"
	"strings"

	"qtune/service/views"
)

// listed is how many layers a comment lists that gained most, and that lost.
const listed = 10

// Markdown writes the tables of r that a comment has room for.
func Markdown(w io.Writer, r *views.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## Tuning of %s\n\n", foreign(r.Name))
	fmt.Fprintf(&b, "On %s, from the log %s: %d trials of %d tasks. Times are sums of the log's records, one thread, each layer alone; operators without a workload are not counted.\n\n",
		foreign(r.Target.String()), foreign(r.Log), r.Trials, len(r.Tasks))
	rows := [][]string{{"default", "tuned", "gain", "mean gain of a task", "layers compared"},
		{known(r.Default), known(r.Tuned), factor(r.Gain()), factor(r.GeoMeanGain), fmt.Sprintf("%d of %d", r.Compared, r.Occurrences)}}
	writeTable(&b, "rrrrr", rows)
	layers(&b, "Layers that gained most", r.MostGained(listed, false))
	layers(&b, "Layers that lost", r.MostGained(listed, true))
	b.WriteString("### Where the schedules came from\n\n")
	rows = [][]string{{"source", "layers", "share of the time"}}
	for _, g := range r.Grades {
		rows = append(rows, []string{g.Source.String(), fmt.Sprint(g.Layers), percent(g.Share)})
	}
	writeTable(&b, "lrr", rows)
	b.WriteString("### Failures\n\n")
	if len(r.Failures) == 0 {
		b.WriteString("No trial failed.\n")
	} else {
		rows = [][]string{{"kind", "trials", "the first says"}}
		for _, f := range r.Failures {
			rows = append(rows, []string{f.Status, fmt.Sprint(f.Count), foreign(f.Message)})
		}
		writeTable(&b, "lrl", rows)
	}
	_, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}

// layers writes a table of layers, if there are any.
func layers(b *strings.Builder, title string, of []views.Layer) {
	if len(of) == 0 {
		return
	}
	fmt.Fprintf(b, "### %s\n\n", title)
	rows := [][]string{{"task", "layer", "times", "default", "tuned", "gain", "share", "from"}}
	for _, l := range of {
		rows = append(rows, []string{fmt.Sprint(l.Number), short(l.Workload), fmt.Sprint(l.Count), known(l.Default), known(l.Tuned),
			factor(l.Gain), percent(l.Share), l.Source.String()})
	}
	writeTable(b, "rlrrrrrl", rows)
}

// writeTable writes rows, of which the first is the head. Align has l or r for
// each column. Cells are Markdown.
func writeTable(b *strings.Builder, align string, rows [][]string) {
	for i, row := range rows {
		for _, cell := range row {
			b.WriteString("| " + cell + " ")
		}
		b.WriteString("|\n")
		if i > 0 {
			continue
		}
		for _, a := range align {
			b.WriteString(map[rune]string{'l': "|---", 'r': "|---:"}[a])
		}
		b.WriteString("|\n")
	}
	b.WriteByte('\n')
}

// longestCell bounds a foreign text in a comment.
const longestCell = 200

// foreign makes a foreign text code, in which nothing is Markdown, HTML, or mentions
// people.
func foreign(text string) string {
	if r := []rune(text); len(r) > longestCell {
		text = string(r[:longestCell]) + "..."
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_[]<>|~!&\"", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return "<code>" + b.String() + "</code>"
}
