package pass

import (
	"slices"

	"qtune/qnn"
)

// dead drops nodes none of whose outputs is used by the network's outputs or
// by a node that stays. Tensors keep their ids, so unused ones stay listed.
func dead(g *qnn.Graph) {
	used := make([]bool, len(g.Tensors))
	for _, id := range g.Outputs {
		used[id] = true
	}
	keep := make([]bool, len(g.Nodes))
	for i, n := range slices.Backward(g.Nodes) {
		keep[i] = slices.ContainsFunc(n.Outputs, func(id qnn.TensorID) bool { return used[id] })
		if !keep[i] {
			continue
		}
		for _, id := range n.Inputs {
			if id != qnn.NoTensor {
				used[id] = true
			}
		}
	}
	i := -1
	g.Nodes = slices.DeleteFunc(g.Nodes, func(qnn.Node) bool { i++; return !keep[i] })
}
