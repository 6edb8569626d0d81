package graphgen

import (
	"slices"
	"testing"

	"qtune/qnn"
)

// has tells whether g has a node of which cond holds.
func has(g *qnn.Graph, cond func(n *qnn.Node) bool) bool {
	for i := range g.Nodes {
		if cond(&g.Nodes[i]) {
			return true
		}
	}
	return false
}

// Shrinking leaves what a failure needs and nothing else.
func TestShrinkFindsTheCause(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails func(g *qnn.Graph, n *qnn.Node) bool
		nodes int
		elems int // of all tensors, at most
	}{
		{"an operator", func(_ *qnn.Graph, n *qnn.Node) bool { return n.Op.OpName() == "CONV_2D" }, 1, 3},
		{"an option", func(_ *qnn.Graph, n *qnn.Node) bool {
			op, ok := n.Op.(qnn.Depthwise)
			return ok && op.StrideH == 2 && op.Activation == qnn.Relu
		}, 1, 4},
		{"an extent", func(g *qnn.Graph, n *qnn.Node) bool {
			return n.Op.OpName() == "FULLY_CONNECTED" && g.Output(n, 0).Shape[len(g.Output(n, 0).Shape)-1] >= 5
		}, 1, 16},
		{"two readers", func(g *qnn.Graph, n *qnn.Node) bool {
			return n.Op.OpName() == "CONV_2D" && has(g, func(m *qnn.Node) bool {
				return m.Op.OpName() == "ADD" && slices.Contains(m.Inputs, n.Inputs[0])
			})
		}, 2, 5},
		{"a zero point", func(g *qnn.Graph, n *qnn.Node) bool {
			x := g.Input(n, 0)
			return n.Op.OpName() == "MAX_POOL_2D" && x.Quant.Zero[0] == 255
		}, 1, 2},
		{"a chain", func(g *qnn.Graph, n *qnn.Node) bool {
			return n.Op.OpName() == "MEAN" && has(g, func(m *qnn.Node) bool {
				return m.Op.OpName() == "CONV_2D" && m.Outputs[0] == n.Inputs[0]
			})
		}, 2, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			fails := func(g *qnn.Graph) bool { return has(g, func(n *qnn.Node) bool { return c.fails(g, n) }) }
			found := 0
			for seed := uint64(0); found < 5; seed++ {
				g := Random(seed, Options{})
				if !fails(g) {
					continue
				}
				found++
				before := dump(t, g)
				s := Shrink(g, fails)
				if err := s.Validate(); err != nil || !fails(s) {
					t.Fatalf("seed %d: %v, fails: %t\n%s", seed, err, fails(s), dump(t, s))
				}
				elems := 0
				for i := range s.Tensors {
					elems += s.Tensors[i].Shape.Elems()
				}
				if len(s.Nodes) != c.nodes || elems > c.elems || len(s.Outputs) > c.nodes {
					t.Errorf("seed %d: %d elements, want %d nodes and %d elements\n%s", seed, elems, c.nodes, c.elems, dump(t, s))
				}
				if dump(t, g) != before {
					t.Fatalf("seed %d: the network was changed", seed)
				}
			}
		})
	}
}
