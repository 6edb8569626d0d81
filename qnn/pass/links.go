package pass

import (
	"slices"

	"qtune/qnn"
)

// links tells who makes and who reads each tensor of a graph. A pass that
// changes nodes keeps up what it asks for later.
type links struct {
	maker  []int  // the node that makes the tensor, or -1
	uses   []int  // how many inputs of nodes, and outputs of the network, it is
	output []bool // it is an output of the network
}

func newLinks(g *qnn.Graph) *links {
	l := &links{
		maker:  slices.Repeat([]int{-1}, len(g.Tensors)),
		uses:   make([]int, len(g.Tensors)),
		output: make([]bool, len(g.Tensors)),
	}
	for i := range g.Nodes {
		for _, id := range g.Nodes[i].Inputs {
			if id != qnn.NoTensor {
				l.uses[id]++
			}
		}
		for _, id := range g.Nodes[i].Outputs {
			l.maker[id] = i
		}
	}
	for _, id := range g.Outputs {
		l.uses[id]++
		l.output[id] = true
	}
	return l
}

// inner tells whether id is made by a node, and read by one input of one only.
func (l *links) inner(id qnn.TensorID) bool {
	return l.maker[id] >= 0 && l.uses[id] == 1 && !l.output[id]
}

// remove drops the nodes for which gone is true.
func remove(g *qnn.Graph, gone []bool) {
	i := -1
	g.Nodes = slices.DeleteFunc(g.Nodes, func(qnn.Node) bool { i++; return gone[i] })
}

// alike tells whether equal bytes mean equal values in x and y.
func alike(x, y *qnn.Tensor) bool { return x.Type == y.Type && sameQuant(x.Quant, y.Quant) }

func sameQuant(a, b qnn.Quant) bool {
	return slices.Equal(a.Scale, b.Scale) && slices.Equal(a.Zero, b.Zero) && (a.Axis == b.Axis || !a.PerChannel())
}
