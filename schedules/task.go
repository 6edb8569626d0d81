package schedules

import (
	"fmt"

	"qtune/qnn"
)

// A Task is a workload with the places of a network where it occurs.
type Task struct {
	Workload Workload
	Count    int   // occurrences
	Nodes    []int // their indexes in Graph.Nodes
	MACs     int64 // of all occurrences together
}

// A Skipped is a node that has no Task although it computes a layer, or might.
type Skipped struct {
	Node   int    // index in Graph.Nodes
	Op     string // TensorFlow Lite's name
	Tensor string // of its first output
	Reason string
}

// String is a line for people.
func (s Skipped) String() string {
	return fmt.Sprintf("node %d %s (tensor %s): %s", s.Node, s.Op, quote(s.Tensor), s.Reason)
}

// Extract returns the distinct workloads for isa of a legalised graph, in the order of
// their first appearance. Nodes with an operator that is not supported, and
// layers that have no workload, do not stop it: they are in the second result.
// Operators without knobs (pooling, additions, ...) are in neither. The error
// is that of Graph.Validate.
func Extract(g *qnn.Graph, isa ISA) ([]Task, []Skipped, error) {
	if err := g.Validate(); err != nil {
		return nil, nil, err
	}
	var (
		tasks   []Task
		skipped []Skipped
	)
	at := map[Workload]int{}
	for i := range g.Nodes {
		w, tunable, err := workloadOfNode(g, &g.Nodes[i], isa)
		if err != nil {
			skipped = append(skipped, skip(g, i, err))
		}
		if err != nil || !tunable {
			continue
		}
		t, seen := at[w]
		if !seen {
			t = len(tasks)
			at[w] = t
			tasks = append(tasks, Task{Workload: w})
		}
		tasks[t].Count++
		tasks[t].Nodes = append(tasks[t].Nodes, i)
		tasks[t].MACs += w.MACs()
	}
	return tasks, skipped, nil
}

// workloadOfNode returns the workload of n, and whether its operator has one.
func workloadOfNode(g *qnn.Graph, n *qnn.Node, isa ISA) (Workload, bool, error) {
	switch op := n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
		l, err := qnn.ResolveLayer(g, n)
		if err != nil {
			return Workload{}, true, err
		}
		w, err := WorkloadOf(l.Convolution(), isa) // as modules compute it
		return w, true, err
	case qnn.TransposeConv: // idem
		l, err := qnn.ResolveTransposeConv(g, n)
		if err != nil {
			return Workload{}, true, err
		}
		w, err := WorkloadOf(l.Subpixel().Conv, isa)
		return w, true, err
	case qnn.Unsupported:
		return Workload{}, false, fmt.Errorf("not supported: %s", op.Reason)
	}
	return Workload{}, false, nil
}

func skip(g *qnn.Graph, i int, err error) Skipped {
	n := &g.Nodes[i]
	s := Skipped{Node: i, Op: n.Op.OpName(), Reason: err.Error()}
	if len(n.Outputs) > 0 {
		s.Tensor = g.Output(n, 0).Name
	}
	return s
}
