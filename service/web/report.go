package web

import (
	"fmt"
	"html/template"
	"io"

	"qtune/service/views"
)

// A networkPage is a network in a page or a report.
type networkPage struct {
	*views.Network
	Job      string // whose network it is; empty in a report
	Prefix   string // of ids
	inReport bool
}

// Href is where the task of a layer is.
func (p *networkPage) Href(l views.Layer) string {
	if p.inReport {
		return "#" + anchor(l.Number)
	}
	return taskURL(l.Workload, p.Target)
}

func anchor(task int) string { return fmt.Sprintf("task-%d", task) }

// A taskPage is a task in a page or a report.
type taskPage struct {
	*views.Task
	Prefix string // of ids
	Level  int    // of headings
	Form   bool   // another knob can be chosen
	Number int    // in a report
	Anchor string
}

// reportPage is what the template of a report shows.
type reportPage struct {
	*views.Report
	Network *networkPage
	Tasks   []taskPage
	Style   template.CSS
}

// Report writes r as one HTML file that needs nothing else.
func Report(w io.Writer, r *views.Report) error {
	style, err := staticFiles.ReadFile("static/style.css")
	if err != nil {
		return err
	}
	p := reportPage{Report: r, Network: &networkPage{Network: r.Network, Prefix: "network-", inReport: true}, Style: template.CSS(style)}
	for i := range r.Tasks {
		n := r.Layers[i].Number
		p.Tasks = append(p.Tasks, taskPage{Task: &r.Tasks[i], Prefix: anchor(n) + "-", Level: 3, Number: n, Anchor: anchor(n)})
	}
	return templates().ExecuteTemplate(w, "report", p)
}
