package views

import (
	"cmp"
	"context"
	"math"
	"slices"

	"qtune/internal/chart"
	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure"
	"qtune/qnn"
	"qtune/schedules"
)

// A Machine is what one core of a machine can do, measured.
type Machine struct {
	Peaks  []chart.Peak // the one of the target is Main
	Levels []chart.Level
}

// peak is that of the target's dot step in GMAC/s; 0 = not known.
func (m *Machine) peak() float64 {
	if m == nil {
		return 0
	}
	for _, p := range m.Peaks {
		if p.Main {
			return p.GMACs
		}
	}
	return 0
}

// A Network is a network's layers as the log knows them. Operators without a
// workload (pooling, softmax, ...) are not in it: the log has no times of them.
type Network struct {
	Name    string
	Target  schedules.Target
	Layers  []Layer // one for each distinct workload; those that take most time first
	Skipped []string
	MACs    int64
	// Sum is the time of all Layers as often as they occur, estimates included.
	Sum measure.Nanos
	// Default and Tuned are sums over the layers that have both.
	Default, Tuned measure.Nanos
	Compared       int     // how many layers those are, of Occurrences
	Occurrences    int     // of layers
	GeoMeanGain    float64 // of the distinct workloads that have both; 1 without any
	Grades         []Grade
	PeakGMACs      float64 // of a core, measured; 0 = not known
	Roofline       *chart.Chart
}

// A Layer is a distinct workload of a network, with its place there.
type Layer struct {
	Number  int      // of the task, as "tune tasks" counts
	Tensors []string // first outputs of its occurrences
	schedules.Task
	Choice
	Share  float64 // of Network.Sum
	GMACs  float64 // a second, of Choice.Tuned; 0 = not known
	OfPeak float64 // 0 = not known
}

// A Grade counts the layers whose schedules came from one source.
type Grade struct {
	Source module.Source
	Layers int     // occurrences
	Share  float64 // of Network.Sum
}

// NewNetwork looks up the layers of g. machine may be nil: without it there are no
// parts of the peak and no roofline.
func NewNetwork(ctx context.Context, log *logs.Log, g *qnn.Graph, name string, t schedules.Target, machine *Machine) (*Network, error) {
	legal, tasks, skipped, err := module.Tasks(g, t.ISA)
	if err != nil {
		return nil, err
	}
	n := &Network{Name: name, Target: t, GeoMeanGain: 1, PeakGMACs: machine.peak()}
	for _, s := range skipped {
		n.Skipped = append(n.Skipped, s.String())
	}
	for i, task := range tasks {
		c, err := ChoiceOf(ctx, log, task.Workload, t)
		if err != nil {
			return nil, err
		}
		n.add(Layer{Number: i, Tensors: outputsOf(legal, task), Task: task, Choice: c})
	}
	n.sum()
	slices.SortStableFunc(n.Layers, func(a, b Layer) int { return -cmp.Compare(a.Share, b.Share) })
	if machine != nil {
		n.Roofline = n.roofline(machine)
	}
	return n, nil
}

// add adds a layer, and its speed.
func (n *Network) add(l Layer) {
	if l.Tuned > 0 {
		l.GMACs = float64(l.Workload.MACs()) / float64(l.Tuned)
		if n.PeakGMACs > 0 {
			l.OfPeak = l.GMACs / n.PeakGMACs
		}
	}
	n.Layers = append(n.Layers, l)
}

// sum sums up the layers, and gives each its share.
func (n *Network) sum() {
	logs, gains := 0.0, 0
	for _, l := range n.Layers {
		count := measure.Nanos(l.Count)
		n.MACs += l.MACs
		n.Occurrences += l.Count
		n.Sum += count * l.Estimate
		if l.Gain > 0 {
			n.Default += count * l.Default
			n.Tuned += count * l.Tuned
			n.Compared += l.Count
			logs += math.Log(l.Gain)
			gains++
		}
	}
	if gains > 0 {
		n.GeoMeanGain = math.Exp(logs / float64(gains))
	}
	for s := module.Exact; s <= module.Heuristic; s++ {
		n.Grades = append(n.Grades, Grade{Source: s})
	}
	for i := range n.Layers {
		l := &n.Layers[i]
		if n.Sum > 0 {
			l.Share = float64(measure.Nanos(l.Count) * l.Estimate / n.Sum)
		}
		g := &n.Grades[l.Source-module.Exact]
		g.Layers += l.Count
		g.Share += l.Share
	}
}

// Gain is Default / Tuned; 0 = not known.
func (n *Network) Gain() float64 { return gain(n.Default, n.Tuned) }

// MostGained returns up to limit layers, those first that save the network most
// time; with lost, those that cost it time.
func (n *Network) MostGained(limit int, lost bool) []Layer {
	saved := func(l Layer) float64 {
		s := float64(l.Count) * float64(l.Default-l.Tuned)
		if lost {
			return -s
		}
		return s
	}
	found := slices.DeleteFunc(slices.Clone(n.Layers), func(l Layer) bool { return l.Gain == 0 || saved(l) <= 0 })
	slices.SortStableFunc(found, func(a, b Layer) int { return -cmp.Compare(saved(a), saved(b)) })
	return found[:min(limit, len(found))]
}

// outputsOf names the tensors that the nodes of a task make.
func outputsOf(g *qnn.Graph, t schedules.Task) []string {
	var names []string
	for _, i := range t.Nodes {
		names = append(names, g.Tensors[g.Nodes[i].Outputs[0]].Name)
	}
	return names
}

// operatorMarks are the dots of layers in a roofline.
var operatorMarks = []struct {
	op   schedules.Op
	mark chart.Mark
}{{schedules.Conv2D, chart.Circle}, {schedules.Depthwise, chart.Triangle}, {schedules.Dense, chart.Square}}

// roofline draws the measured layers; nil: there are none. Each byte of weights,
// input and output counts once.
func (n *Network) roofline(m *Machine) *chart.Chart {
	r := chart.Roofline{
		Title: "Roofline of " + n.Name, Peaks: m.Peaks, Levels: m.Levels,
		Desc: "Speed of each layer over its multiply-accumulate steps per byte, below the peaks of the dot steps and the bandwidths of caches and memory. The table of layers holds the same speeds.",
	}
	for i, o := range operatorMarks {
		s := chart.Series{Name: string(o.op), Colour: i, Mark: o.mark}
		for _, l := range n.Layers {
			if w := l.Workload; w.Op == o.op && l.GMACs > 0 {
				bytes := w.WeightBytes() + w.InputBytes() + w.OutputBytes()
				s.Points = append(s.Points, chart.Point{X: float64(w.MACs()) / float64(bytes), Y: l.GMACs})
			}
		}
		if len(s.Points) > 0 {
			r.Series = append(r.Series, s)
		}
	}
	c, err := r.Chart()
	if err != nil { // no layer was measured
		return nil
	}
	return c
}
