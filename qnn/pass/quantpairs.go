package pass

import "qtune/qnn"

// quantpairs lets a QUANTIZE that reads the result of a DEQUANTIZE read its
// input instead, where all 256 results are equal: the pair rounds in float32 and
// divides in double precision, the one multiplies in fixed point. The DEQUANTIZE
// stays if something else reads it. Pairs that differ are left for the table
// pass.
func quantpairs(g *qnn.Graph) {
	l := newLinks(g)
	gone := make([]bool, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if _, ok := n.Op.(qnn.Quantize); !ok || l.maker[n.Inputs[0]] < 0 {
			continue
		}
		at := l.maker[n.Inputs[0]]
		first := &g.Nodes[at]
		if _, ok := first.Op.(qnn.Dequantize); !ok || !g.Input(first, 0).Type.Is8Bit() {
			continue
		}
		one := *n
		one.Inputs = []qnn.TensorID{first.Inputs[0]}
		one.FromInt8 = n.FromInt8 || first.FromInt8
		if !equalChains(g, []*qnn.Node{first, n}, []*qnn.Node{&one}, first.Inputs[0]) {
			continue
		}
		float := n.Inputs[0]
		l.uses[float]--
		gone[at] = l.uses[float] == 0
		*n = one
	}
	remove(g, gone)
}

// equalChains tells whether two chains from one tensor map each byte alike.
func equalChains(g *qnn.Graph, a, b []*qnn.Node, from qnn.TensorID) bool {
	ta, errA := tabulate(g, a, from)
	tb, errB := tabulate(g, b, from)
	return errA == nil && errB == nil && ta == tb
}
