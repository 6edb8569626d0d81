package qnn

import (
	"bytes"
	"strings"
	"testing"
)

// fusedGraph is smallGraph with the ADD in the depthwise convolution, and
// explicit padding.
func fusedGraph() *Graph {
	g := smallGraph()
	g.Nodes[0].Op = Conv2D{Explicit, Border{1, 1, 1, 1}, 2, 2, 1, 1, Relu6}
	n := &g.Nodes[1]
	n.Residual = &Residual{Name: "depth", Mid: g.Tensors[6].Quant, Activation: Relu}
	n.Inputs, n.Outputs = append(n.Inputs, 3), []TensorID{7}
	g.Nodes = append(g.Nodes[:2], g.Nodes[3:]...)
	return g
}

func TestValidateFused(t *testing.T) {
	conv := func(b Border) func(*Graph) {
		return func(g *Graph) { g.Nodes[0].Op = Conv2D{Explicit, b, 2, 2, 1, 1, Relu6} }
	}
	residual := func(r Residual) func(*Graph) { return func(g *Graph) { g.Nodes[1].Residual = &r } }
	mid := quantOf(0.5, 3)
	for _, c := range []struct {
		name   string
		change func(g *Graph)
		want   string // of the error; empty: none
	}{
		{"sound", func(*Graph) {}, ""},
		{"border", conv(Border{1, -1, 1, 1}), "width: a border of -1 and 1 cells"},
		{"outside", conv(Border{1, 3, 1, 1}), "lies outside the input"},
		{"border of same", func(g *Graph) { g.Nodes[0].Op = Conv2D{Same, Border{1, 1, 1, 1}, 2, 2, 1, 1, 0} }, "padding same with a border"},
		{"padding", func(g *Graph) { g.Nodes[0].Op = Conv2D{7, Border{}, 2, 2, 1, 1, 0} }, "padding 7?"},
		{"operator", func(g *Graph) { g.Nodes[2].Residual = &Residual{} }, "a residual is not defined here"},
		{"no operand", func(g *Graph) { g.Nodes[1].Inputs = g.Nodes[1].Inputs[:3] }, "3 inputs, want 4 to 4"},
		{"absent operand", func(g *Graph) { g.Nodes[1].Inputs[3] = NoTensor }, "input 3 is tensor -1"},
		{"absent bias", func(g *Graph) { g.Nodes[1].Inputs[2] = NoTensor }, ""},
		{"later operand", func(g *Graph) { g.Nodes[1].Inputs[3] = 7 }, `input 3 is tensor 7 "sum", which no earlier node makes`},
		{"shape", func(g *Graph) { g.Nodes[1].Inputs[3] = 0 }, "the residual is uint8 1x5x6x4, the output uint8 1x3x3x8"},
		{"not quantised", residual(Residual{}), "0 scales and 0 zero points before the residual"},
		{"scale", residual(Residual{Name: "d", Mid: quantOf(-1, 3)}), `tensor "d" has scale -1`},
		{"zero point", residual(Residual{Name: "d", Mid: quantOf(1, 256)}), "zero point 256"},
		{"activation", residual(Residual{Mid: mid, Activation: 9}), "activation 9? of the residual"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := fusedGraph()
			c.change(g)
			err := g.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestResolveFused: the layer's numbers are those before the sum.
func TestResolveFused(t *testing.T) {
	plain, fused := smallGraph(), fusedGraph()
	want, err := ResolveLayer(plain, &plain.Nodes[1])
	if err != nil {
		t.Fatal(err)
	}
	got, err := ResolveLayer(fused, &fused.Nodes[1])
	if err != nil {
		t.Fatal(err)
	}
	if got.Requant.Multiplier(0) != want.Requant.Multiplier(0) || got.Requant.Zero != want.Requant.Zero || got.Requant.Lo != want.Requant.Lo {
		t.Errorf("%+v, want %+v", got.Requant, want.Requant)
	}
	s, ok := ResolveResidual(fused, &fused.Nodes[1])
	if w := (Sum{[3]float32{0.5, 0.5, 1}, [3]int32{3, 3, 3}, 3, 255}); !ok || s != w {
		t.Errorf("%+v, %t, want %+v", s, ok, w)
	}
	if _, ok := ResolveResidual(fused, &fused.Nodes[0]); ok {
		t.Error("a residual of a node without one")
	}
}

func TestDumpFused(t *testing.T) {
	var b bytes.Buffer
	if err := fusedGraph().Dump(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"0 CONV_2D pad=1,1,1,1 stride=2x2",
		`act=relu residual=(scale=0.5 zero=3 act=relu "depth")`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
