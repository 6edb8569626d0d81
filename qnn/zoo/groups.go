package zoo

import "qtune/qnn"

// groups says which tensors share one quantisation: those that are input and
// output of an operator that only moves values.
type groups []int // for each tensor another of its group, itself at the root

func groupsOf(g *qnn.Graph) groups {
	gr := make(groups, len(g.Tensors))
	for i := range gr {
		gr[i] = i
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		inputs := n.Inputs
		switch n.Op.(type) {
		case qnn.MaxPool, qnn.AveragePool, qnn.Concat:
		case qnn.Reshape, qnn.Pad: // input 1 is the new shape, or the paddings
			inputs = inputs[:1]
		default:
			continue
		}
		for _, x := range inputs {
			gr[gr.root(x)] = gr.root(n.Outputs[0])
		}
	}
	return gr
}

func (gr groups) root(x qnn.TensorID) int {
	i := int(x)
	for gr[i] != i {
		i = gr[i]
	}
	return i
}
