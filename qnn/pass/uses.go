package pass

import (
	"slices"

	"qtune/qnn"
)

// uses tells who makes and who reads each tensor.
type uses struct {
	maker  []int // index of the node, -1 for inputs and constants
	count  []int // operands of nodes, and network outputs, that are the tensor
	output []bool
	input  []bool
}

// usesOf looks through g, which holds for as long as g stays as it is.
func usesOf(g *qnn.Graph) uses {
	u := uses{
		maker:  make([]int, len(g.Tensors)),
		count:  make([]int, len(g.Tensors)),
		output: make([]bool, len(g.Tensors)),
		input:  make([]bool, len(g.Tensors)),
	}
	for i := range u.maker {
		u.maker[i] = -1
	}
	for i := range g.Nodes {
		for _, id := range g.Nodes[i].Inputs {
			if id != qnn.NoTensor {
				u.count[id]++
			}
		}
		for _, id := range g.Nodes[i].Outputs {
			u.maker[id] = i
		}
	}
	for _, id := range g.Inputs {
		u.input[id] = true
	}
	for _, id := range g.Outputs {
		u.count[id]++
		u.output[id] = true
	}
	return u
}

// private tells whether one operand of one node is all that reads tensor id.
func (u *uses) private(id qnn.TensorID) bool { return u.count[id] == 1 && !u.output[id] }

// makerOf returns the node that makes tensor id, or nil.
func (u *uses) makerOf(g *qnn.Graph, id qnn.TensorID) *qnn.Node {
	if id == qnn.NoTensor || u.maker[id] < 0 {
		return nil
	}
	return &g.Nodes[u.maker[id]]
}

// quantisedEqually tells whether two tensors have one type and quantisation.
func quantisedEqually(a, b *qnn.Tensor) bool {
	return a.Type == b.Type && equalQuant(a.Quant, b.Quant)
}

func equalQuant(a, b qnn.Quant) bool {
	return slices.Equal(a.Scale, b.Scale) && slices.Equal(a.Zero, b.Zero) && a.Axis == b.Axis
}

// without returns the nodes that are not gone.
func without(nodes []qnn.Node, gone []bool) []qnn.Node {
	i := -1
	return slices.DeleteFunc(nodes, func(qnn.Node) bool { i++; return gone[i] })
}
