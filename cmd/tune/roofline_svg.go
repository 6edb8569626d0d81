package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"qtune/internal/chart"
	"qtune/schedules"
)

// operatorMarks are the dots of layers.
var operatorMarks = []struct {
	op   schedules.Op
	mark chart.Mark
}{
	{schedules.Conv2D, chart.Circle},
	{schedules.Depthwise, chart.Triangle},
	{schedules.Dense, chart.Square},
}

// svg draws the roofs of one thread, and a dot for each layer with
// multiply-accumulate steps: a colour for each network, a mark for each operator.
func (rep *rooflineReport) svg() ([]byte, error) {
	r := chart.Roofline{Title: fmt.Sprintf("Roofline of %s on %s, 1 thread\n%s", rep.subject(), rep.Target, schedules.HostMachine().Brand)}
	r.Peaks, r.Levels = rep.Machine[0].roofs(rep.Target)
	for i := range rep.Models {
		for _, o := range operatorMarks {
			dots := rep.Models[i].Runs[0].dots(o.op)
			if len(dots) == 0 {
				continue
			}
			name := string(o.op)
			if len(rep.Models) > 1 {
				name = filepath.Base(rep.Models[i].Model) + ", " + name
			}
			r.Series = append(r.Series, chart.Series{Name: name, Colour: i, Mark: o.mark, Points: dots})
		}
	}
	c, err := r.Chart()
	if errors.Is(err, chart.ErrEmpty) {
		return nil, errors.New("no layer has multiply-accumulate steps that could be drawn")
	}
	if err != nil {
		return nil, err
	}
	return c.File()
}

// roofs are what layers of a target cannot exceed.
func (m *machineReport) roofs(target string) (peaks []chart.Peak, levels []chart.Level) {
	for _, p := range m.Peaks {
		peaks = append(peaks, chart.Peak{Step: p.Step, GMACs: p.GMACs, Main: p.Target == target})
	}
	for _, l := range m.Levels {
		levels = append(levels, chart.Level{Name: l.Name, GBs: l.MedianGBs})
	}
	return peaks, levels
}

// subject names what is drawn.
func (rep *rooflineReport) subject() string {
	if len(rep.Models) == 1 {
		return rep.Models[0].Model
	}
	return plural(len(rep.Models), "network")
}

// dots are the layers of an operator.
func (r *rooflineRuns) dots(op schedules.Op) []chart.Point {
	var dots []chart.Point
	for i := range r.Layers {
		if l := &r.Layers[i]; l.MACs > 0 && l.op == op {
			dots = append(dots, chart.Point{X: l.intensity(), Y: l.speed()})
		}
	}
	return dots
}
