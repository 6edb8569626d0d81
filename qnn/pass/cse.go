package pass

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"qtune/qnn"
)

// cse merges constants with equal values, and nodes that do the same to the
// same tensors: whoever reads a later one reads the first instead. A node that
// makes an output of the network stays, for its name.
func cse(g *qnn.Graph) {
	l := newLinks(g)
	same := mergeConstants(g)
	first := map[string]*qnn.Node{}
	gone := make([]bool, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for k, id := range n.Inputs {
			if id != qnn.NoTensor {
				n.Inputs[k] = same[id]
			}
		}
		if _, ok := n.Op.(qnn.Unsupported); ok { // it may be random
			continue
		}
		key := nodeKey(g, n)
		m := first[key]
		if m == nil {
			first[key] = n
			continue
		}
		gone[i] = true
		for k, id := range n.Outputs {
			same[id] = m.Outputs[k]
			gone[i] = gone[i] && !l.output[id]
		}
	}
	remove(g, gone)
}

// mergeConstants returns for each tensor the one to read in its place.
func mergeConstants(g *qnn.Graph) []qnn.TensorID {
	same := make([]qnn.TensorID, len(g.Tensors))
	first := map[string]qnn.TensorID{}
	for i := range g.Tensors {
		id := qnn.TensorID(i)
		same[i] = id
		if t := &g.Tensors[i]; t.IsConst() {
			key := fmt.Sprintf("%s %x", typeKey(t), sha256.Sum256(t.Data))
			if m, ok := first[key]; ok {
				same[i] = m
			} else {
				first[key] = id
			}
		}
	}
	return same
}

// typeKey is equal for tensors of which equal bytes are equal values.
func typeKey(t *qnn.Tensor) string {
	return fmt.Sprintf("%d %v %v %v %d", t.Type, t.Shape, t.Quant.Scale, t.Quant.Zero, t.Quant.Axis)
}

// nodeKey is equal for nodes that compute the same.
func nodeKey(g *qnn.Graph, n *qnn.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %T%+v %t %v", n.Op.OpName(), n.Op, n.Op, n.FromInt8, n.Inputs)
	if r := n.Residual; r != nil {
		fmt.Fprintf(&b, " %+v %d", r.Mid, r.Activation)
	}
	for i := range n.Outputs {
		fmt.Fprintf(&b, " %s", typeKey(g.Output(n, i)))
	}
	return b.String()
}
