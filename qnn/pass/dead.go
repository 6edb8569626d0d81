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
	gone := make([]bool, len(g.Nodes))
	for i, n := range slices.Backward(g.Nodes) {
		gone[i] = !slices.ContainsFunc(n.Outputs, func(id qnn.TensorID) bool { return used[id] })
		if gone[i] {
			continue
		}
		for _, id := range n.Inputs {
			if id != qnn.NoTensor {
				used[id] = true
			}
		}
	}
	g.Nodes = without(g.Nodes, gone)
}
