package main

import (
	"fmt"
	"io"
	"strconv"

	"qtune/measure"
	"qtune/measure/roofline"
)

func (rep *rooflineReport) print(w io.Writer) error {
	if err := rep.printMachine(w); err != nil {
		return err
	}
	for i := range rep.Models {
		m := &rep.Models[i]
		for k := range m.Runs {
			if err := m.printRuns(w, rep.Target, &m.Runs[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// printMachine prints what was measured, a column for each number of threads.
func (rep *rooflineReport) printMachine(w io.Writer) error {
	one := rep.Machine[0]
	head := []string{"this machine, measured", "size"}
	for _, m := range rep.Machine {
		head = append(head, ">"+plural(m.Threads, "thread"), "")
	}
	t := newTable(head...)
	for i, p := range one.Peaks {
		cells := []string{"peak of " + p.Step, ""}
		for _, m := range rep.Machine {
			cells = append(cells, fmt.Sprintf("%.1f", m.Peaks[i].GMACs), "GMAC/s")
		}
		t.add(cells...)
	}
	cells := []string{"vector instructions of " + rep.Target, ""}
	for _, m := range rep.Machine {
		cells = append(cells, fmt.Sprintf("%.1f", m.GInstructions), "G/s")
	}
	t.add(cells...)
	for i, l := range one.Levels {
		cells := []string{"reading from " + l.Name, l.size()}
		for _, m := range rep.Machine {
			b := m.Levels[i]
			cells = append(cells, fmt.Sprintf("%.1f", b.MedianGBs), fmt.Sprintf("GB/s (%.1f to %.1f)", b.MinGBs, b.MaxGBs))
		}
		t.add(cells...)
	}
	return t.write(w)
}

// size is that of a cache; memory has none.
func (l *levelReport) size() string {
	switch {
	case l.Bytes == 0:
		return ""
	case l.Assumed:
		return kib(l.Bytes) + ", assumed (hidden)"
	}
	return kib(l.Bytes)
}

// printRuns prints the layers with one number of threads. Times of the table are
// in microseconds.
func (m *rooflineModel) printRuns(w io.Writer, target string, r *rooflineRuns) error {
	fmt.Fprintf(w, "\n%s on %s, %s: constants %s; times in us\n", m.Model, target, plural(r.Threads, "thread"), kib(m.ConstantBytes))
	t := newTable(">node", "operator", ">MMAC", ">compute", ">epilogue", ">weights", "from", ">activations", "from", "bound by", ">limit", ">time", ">limit/time")
	for i := range r.Layers {
		l := &r.Layers[i]
		t.add(strconv.Itoa(l.Node), l.Op, number(float64(l.MACs)/1e6), us(l.ComputeNS), us(l.EpilogueNS), us(l.WeightsNS), l.WeightsFrom,
			us(l.ActivationsNS), l.ActivationsFrom, l.BoundBy, us(l.LimitNS), us(l.TimeNS), percentOrNone(l.OfLimit))
	}
	if err := t.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "sum of limits %s, sum of times %s, limit/time %s\n", measure.Nanos(r.LimitNS), measure.Nanos(r.TimeNS), percent(r.OfLimit, 1))
	if len(r.MostLost) > 0 {
		fmt.Fprintln(w, "most time is lost by")
	}
	for _, i := range r.MostLost {
		r.Layers[i].printLoss(w)
	}
	return nil
}

// printLoss says how much time a layer loses, and against which limit.
func (l *rooflineLayer) printLoss(w io.Writer) {
	fmt.Fprintf(w, "  node %d %s %q: %s of %s", l.Node, l.Op, l.Output, l.result.Lost(), l.result.Time)
	switch from := l.boundFrom(); {
	case l.BoundBy == "":
		fmt.Fprintln(w, ", has nothing to do")
	case from != "":
		fmt.Fprintf(w, ", bound by %s from %s\n", l.BoundBy, from)
	default:
		fmt.Fprintf(w, ", bound by %s\n", l.BoundBy)
	}
}

// boundFrom is the cache or memory whose bandwidth is the limit, if one's is.
func (l *rooflineLayer) boundFrom() string {
	switch l.result.Binding() {
	case roofline.Weights:
		return l.WeightsFrom
	case roofline.Activations:
		return l.ActivationsFrom
	}
	return ""
}

// us prints nanoseconds as microseconds; nothing where there are none.
func us(ns float64) string {
	if ns == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", ns/1e3)
}
