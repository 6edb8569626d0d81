package qnn

import (
	"math"
	"strings"
	"testing"
)

// residualGraph is smallGraph whose node 1 adds, to what its depthwise
// convolution makes, the operand that both read.
func residualGraph() *Graph {
	g := smallGraph()
	n := &g.Nodes[1]
	n.Inputs = append(n.Inputs, 3)
	n.Outputs[0] = 7
	n.Residual = &Residual{Name: "depth", Mid: g.Tensors[6].Quant, Activation: Relu}
	g.Nodes = append(g.Nodes[:2], g.Nodes[3:]...)
	return g
}

func TestResolveResidual(t *testing.T) {
	g := residualGraph()
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	n := &g.Nodes[1]
	l, err := ResolveLayer(g, n)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := ResolveLayer(smallGraph(), &smallGraph().Nodes[1])
	if err != nil {
		t.Fatal(err)
	}
	if r, p := l.Requant, plain.Requant; r.Zero != p.Zero || r.Lo != p.Lo || r.Hi != p.Hi || r.Mult[0] != p.Mult[0] {
		t.Errorf("requantised with %v, want %v as before the addition", r, p)
	}
	want := AddNumbers{Scales: [3]float32{0.5, 0.5, 1}, Zeros: [3]int32{3, 3, 3}, Lo: 3, Hi: 255}
	if got := ResolveResidual(g, n); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestValidateResidual(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(g *Graph, n *Node)
		want   string // of the error; empty: none
	}{
		{"sound", func(g *Graph, n *Node) {}, ""},
		{"no bias", func(g *Graph, n *Node) { n.Inputs[2] = NoTensor }, ""},
		{"no operand", func(g *Graph, n *Node) { n.Inputs = n.Inputs[:3] }, "3 inputs, with an addition 4"},
		{"absent operand", func(g *Graph, n *Node) { n.Inputs[3] = NoTensor }, "input 3 is tensor -1 of 13"},
		{"operand of another shape", func(g *Graph, n *Node) { n.Inputs[3] = 0 }, "the addition's operand is 1x5x6x4, the output 1x3x3x8"},
		{"operand of another type", func(g *Graph, n *Node) { n.Inputs[3] = 5 }, "not supported: int32 activations"},
		{"operand made later", func(g *Graph, n *Node) { n.Inputs[3] = 9 }, "which no earlier node makes"},
		{"activation", func(g *Graph, n *Node) { n.Residual.Activation = 9 }, "activation 9? of the addition"},
		{"scale", func(g *Graph, n *Node) { n.Residual.Mid.Scale = []float32{float32(math.NaN())} }, `tensor "depth" has scale NaN`},
		{"zero point", func(g *Graph, n *Node) { n.Residual.Mid.Zero = []int32{256} }, `tensor "depth" of type uint8 has zero point 256`},
		{"no zero point", func(g *Graph, n *Node) { n.Residual.Mid.Zero = nil }, "1 scales but 0 zero points"},
		{"per channel", func(g *Graph, n *Node) {
			n.Residual.Mid = Quant{Scale: make([]float32, 8), Zero: make([]int32, 8)}
		}, "quantised per channel"},
		{"wrong operator", func(g *Graph, n *Node) { g.Nodes[2].Residual = n.Residual }, "node 3 MEAN (tensor \"mean\"): an addition cannot be part of it"},
		{"unknown operator", func(g *Graph, n *Node) { n.Op = Unsupported{Name: "X"} }, "an addition cannot be part of it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := residualGraph()
			c.change(g, &g.Nodes[1])
			if err := g.Validate(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
