package main

import (
	"fmt"
	"strings"
)

// tables returns the report as Markdown.
func (r *report) tables() string {
	var b strings.Builder
	fmt.Fprintf(&b, "qtune (`%s`) and ONNX Runtime %s on %s, %s. Medians of %d inferences; 5 %% to 95 %% of them in brackets; all contenders in turns of %d inferences in one run.\n\n    %s\n",
		r.Target, r.Version, r.CPU, r.Date, r.Rounds*r.Turn, r.Turn, r.Command)
	if r.Exact {
		b.WriteString("\nONNX Runtime with `session.x64quantprecision=1`.\n")
	}
	for _, threads := range r.threads() {
		if rows := r.networks(threads); len(rows) > 0 {
			fmt.Fprintf(&b, "\n### %s\n\n", plural(threads, "thread"))
			b.WriteString(engines(rows))
			b.WriteByte('\n')
			b.WriteString(quantisation(rows))
		}
	}
	if len(r.Networks) > 0 {
		b.WriteString("\n### Agreement of the logits\n\n")
		b.WriteString(agreed(r.networks(r.Networks[0].Threads)))
	}
	if len(r.Depthwise) > 0 {
		b.WriteString("\n### Depthwise layers alone\n\n")
		b.WriteString(depthwise(r.Depthwise))
	}
	return b.String()
}

// threads lists the numbers of threads that networks were timed with.
func (r *report) threads() []int {
	var all []int
	for _, n := range r.Networks {
		if len(all) == 0 || all[len(all)-1] != n.Threads {
			all = append(all, n.Threads)
		}
	}
	return all
}

// networks returns the rows with a number of threads.
func (r *report) networks(threads int) []*networkRow {
	var rows []*networkRow
	for _, n := range r.Networks {
		if n.Threads == threads {
			rows = append(rows, n)
		}
	}
	return rows
}

// engines compares the two engines.
func engines(rows []*networkRow) string {
	t := newMarkdown("network", "qtune uint8, ms", "qtune int8 per channel, ms",
		"ONNX Runtime uint8, ms", "the same, weights written as int8, ms", "ONNX Runtime int8 per channel, ms", "ONNX Runtime float32, ms",
		"qtune against the faster uint8", "int8", "float32 (uint8)")
	for _, r := range rows {
		ours8, oursPerChannel := r.timing(oursUint8), r.timing(oursInt8)
		theirs8 := r.timing(ortUint8)
		if signed := r.timing(ortSigned); signed.MedianNS < theirs8.MedianNS {
			theirs8 = signed
		}
		cells := []string{r.Network}
		for _, name := range []string{oursUint8, oursInt8, ortUint8, ortSigned, ortInt8, ortFloat} {
			cells = append(cells, r.timing(name).inMilliseconds())
		}
		t.add(append(cells, theirs8.over(ours8), r.timing(ortInt8).over(oursPerChannel), r.timing(ortFloat).over(ours8))...)
	}
	return t.String()
}

// quantisation compares what the network is computed in.
func quantisation(rows []*networkRow) string {
	t := newMarkdown("network", "float32 (ONNX Runtime), ms", "asymmetric uint8 (qtune), ms", "forced symmetric (qtune; computes something else), ms",
		"quantised against float32", "cost of asymmetric weights")
	for _, r := range rows {
		float, asymmetric, symmetric := r.timing(ortFloat), r.timing(oursUint8), r.timing(oursSymmetric)
		t.add(r.Network, float.inMilliseconds(), asymmetric.inMilliseconds(), symmetric.inMilliseconds(), float.over(asymmetric),
			fmt.Sprintf("%+.1f %%", 100*(ratio(asymmetric.MedianNS, symmetric.MedianNS)-1)))
	}
	return t.String()
}

// agreed tells how near the results are.
func agreed(rows []*networkRow) string {
	t := newMarkdown("network", "ONNX Runtime's form", "mean difference, steps of 255", "largest", "correlation", "same greatest")
	for _, r := range rows {
		for _, a := range r.Agreement {
			t.add(r.Network, strings.TrimPrefix(a.Contender, "ort "), fmt.Sprintf("%.2f", a.MeanSteps), fmt.Sprintf("%.0f", a.MostSteps),
				fmt.Sprintf("%.4f", a.Correlation), fmt.Sprintf("%d of %d", a.SameTop, a.Inputs))
		}
	}
	return t.String()
}

// depthwise compares the engines on single layers.
func depthwise(rows []depthwiseRow) string {
	t := newMarkdown("depthwise layer", "threads", "qtune uint8, us", "qtune int8, us", "ONNX Runtime uint8, us", "the same, weights written as int8, us", "ONNX Runtime int8, us")
	for _, r := range rows {
		cells := []string{"`" + r.Workload + "`", fmt.Sprint(r.Threads)}
		for _, timing := range r.Times {
			cells = append(cells, fmt.Sprintf("%.1f (%.1f-%.1f)", float64(timing.MedianNS)/1e3, float64(timing.LoNS)/1e3, float64(timing.HiNS)/1e3))
		}
		t.add(cells...)
	}
	return t.String()
}

func (t timing) inMilliseconds() string {
	return fmt.Sprintf("%.2f (%.2f-%.2f)", ms(t.MedianNS), ms(t.LoNS), ms(t.HiNS))
}

// over tells how many times longer t took than u.
func (t timing) over(u timing) string { return fmt.Sprintf("%.2fx", ratio(t.MedianNS, u.MedianNS)) }

func ratio(a, b int64) float64 { return float64(a) / float64(b) }

// plural prints a count of things.
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// A markdown is a table; its columns but the first are numbers.
type markdown struct{ strings.Builder }

func newMarkdown(head ...string) *markdown {
	t := &markdown{}
	t.add(head...)
	t.WriteString("|---" + strings.Repeat("|---:", len(head)-1) + "|\n")
	return t
}

func (t *markdown) add(cells ...string) { t.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
