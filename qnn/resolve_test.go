package qnn

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustResolve(t *testing.T, g *Graph, i int) *Layer {
	t.Helper()
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	l, err := ResolveLayer(g, &g.Nodes[i])
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestResolveLayer(t *testing.T) {
	g := smallGraph()
	ones := func(n int) []int32 {
		b := make([]int32, n)
		for i := range b {
			b[i] = 1
		}
		return b
	}
	quarter := []Multiplier{{M: 1 << 30, Exp: -1}}
	for i, want := range map[int]*Layer{
		0: { // 5x6, window 3x3, stride 2: 3x3
			Kind: ConvLayer, N: 1, H: 5, W: 6, C: 4, OH: 3, OW: 3, OC: 8,
			Window: Window{KH: 3, KW: 3, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1,
				PadTop: 1, PadLeft: 0, PadBottom: 1, PadRight: 1},
			InputZero: 128, Weights: g.Tensors[1].Data, WeightZero: 100, Bias: ones(8),
			Requant: Requantise{Mult: quarter, Zero: 3, Lo: 3, Hi: 15},
		},
		1: { // 3x3, window 3x2, dilation 2x1
			Kind: DepthwiseLayer, N: 1, H: 3, W: 3, C: 8, OH: 3, OW: 3, OC: 8, Multiplier: 1,
			Window: Window{KH: 3, KW: 2, StrideH: 1, StrideW: 1, DilationH: 2, DilationW: 1,
				PadTop: 2, PadBottom: 2, PadRight: 1},
			InputZero: 3, Weights: g.Tensors[4].Data, WeightZero: 100, Bias: ones(8),
			Requant: Requantise{Mult: quarter, Zero: 3, Lo: 3, Hi: 255},
		},
		4: { // the rows regroup 1x3x8 to 2x12; no bias
			Kind: DenseLayer, N: 2, H: 1, W: 1, C: 12, OH: 1, OW: 1, OC: 5,
			Window:    Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1},
			InputZero: 3, Weights: g.Tensors[10].Data, WeightZero: 9, Bias: make([]int32, 5),
			Requant: Requantise{Mult: []Multiplier{{M: 1 << 30}}, Zero: 7, Lo: 0, Hi: 255},
		},
	} {
		if d := cmp.Diff(want, mustResolve(t, g, i)); d != "" {
			t.Errorf("node %d:\n%s", i, d)
		}
	}
	if l, err := ResolveLayer(g, &g.Nodes[2]); err == nil {
		t.Errorf("ADD resolves to %+v", l)
	}
}

// int8Graph is the convolution, or the depthwise node, of smallGraph over
// int8, per channel.
func int8Graph(node int) *Graph {
	g := smallGraph()
	for i := range g.Tensors {
		if x := &g.Tensors[i]; x.Type == Uint8 && !x.IsConst() {
			x.Type = Int8
			x.Quant.Zero[0] -= 128
		}
	}
	n := g.Nodes[node]
	w := &g.Tensors[n.Inputs[1]]
	w.Type = Int8
	w.Quant = Quant{Zero: make([]int32, 8), Axis: 3 * node}
	for c := range 8 {
		w.Quant.Scale = append(w.Quant.Scale, 0.1*float32(c+1))
	}
	g.Nodes, g.Inputs, g.Outputs = []Node{n}, []TensorID{n.Inputs[0]}, n.Outputs
	return g
}

// TestResolveInt8: rounding and multipliers of int8, and that legalisation
// moves only zero points and limits, by 128.
func TestResolveInt8(t *testing.T) {
	for node, round := range []Rounding{Single, Double} {
		g := int8Graph(node)
		l := mustResolve(t, g, 0)
		if !l.Signed || !l.WeightSigned || l.WeightZero != 0 || l.Requant.Round != round || len(l.Requant.Mult) != 8 {
			t.Errorf("node %d: %+v", node, l)
		}
		for c, m := range l.Requant.Mult {
			ws := g.Tensors[g.Nodes[0].Inputs[1]].Quant.Scale[c]
			if want := QuantizeMultiplier(0.5 * float64(ws) / 0.5); m != want || l.Requant.Multiplier(c) != want {
				t.Errorf("node %d channel %d: multiplier %+v, want %+v", node, c, m, want)
			}
		}
		for i := range g.Tensors {
			if x := &g.Tensors[i]; x.Type == Int8 && !x.IsConst() {
				x.Type = Uint8
				x.Quant.Zero[0] += 128
			}
		}
		g.Nodes[0].FromInt8 = true
		want := *l
		want.Signed = false
		want.InputZero += 128
		want.Requant.Zero += 128
		want.Requant.Lo += 128
		want.Requant.Hi += 128
		if d := cmp.Diff(&want, mustResolve(t, g, 0)); d != "" {
			t.Errorf("node %d legalised:\n%s", node, d)
		}
	}
}

// TestLayerMultiplier: uint8 rounds the product of the scales to float32,
// int8 does not. These scales tell the two apart.
func TestLayerMultiplier(t *testing.T) {
	const is, ws, os = float32(0.1), float32(0.3), float32(0.7)
	u8, s8 := layerMultiplier(is, ws, os, false), layerMultiplier(is, ws, os, true)
	if want := QuantizeMultiplier(float64(float32(is*ws)) / float64(os)); u8 != want {
		t.Errorf("uint8: %+v, want %+v", u8, want)
	}
	if want := QuantizeMultiplier(float64(is) * float64(ws) / float64(os)); s8 != want {
		t.Errorf("int8: %+v, want %+v", s8, want)
	}
	if u8 == s8 {
		t.Error("these scales do not tell the two apart")
	}
}

func TestActivationRange(t *testing.T) {
	for _, c := range []struct {
		act    Activation
		typ    DType
		scale  float32
		zero   int32
		lo, hi int32
	}{
		{NoActivation, Uint8, 0.1, 5, 0, 255},
		{NoActivation, Int8, 0.1, 5, -128, 127},
		{Relu, Uint8, 0.1, 5, 5, 255},
		{Relu, Int8, 0.1, -128, -128, 127},
		{Relu6, Uint8, 0.1, 5, 5, 65},
		{Relu6, Uint8, 0.023528477, 0, 0, 255},
		{Relu6, Int8, 4, 0, 0, 2}, // 1.5 rounds away from zero
		{ReluN1To1, Int8, 2, 10, 9, 11},
		{ReluN1To1, Uint8, 0.01, 20, 0, 120},
		{Relu6, Uint8, math.SmallestNonzeroFloat32, 255, 255, 255},
		{ReluN1To1, Uint8, math.SmallestNonzeroFloat32, 255, 0, 255},
		{Relu6, Uint8, math.MaxFloat32, 7, 7, 7},
	} {
		y := Tensor{Type: c.typ, Quant: quantOf(c.scale, c.zero)}
		if lo, hi := ActivationRange(c.act, &y); lo != c.lo || hi != c.hi {
			t.Errorf("%s over %s scale %v zero %d: [%d, %d], want [%d, %d]", c.act, c.typ, c.scale, c.zero, lo, hi, c.lo, c.hi)
		}
	}
}

func TestRoundFloat(t *testing.T) {
	for _, c := range []struct {
		f    float32
		want int32
	}{
		{0.5, 1}, {-0.5, -1}, {0.49999997, 0}, {2.5, 3}, {-2.5, -3},
		{3e9, math.MaxInt32}, {-3e9, math.MinInt32},
		{float32(math.Inf(1)), math.MaxInt32}, {float32(math.NaN()), 0},
	} {
		if got := RoundFloat(c.f); got != c.want {
			t.Errorf("%v rounds to %d, want %d", c.f, got, c.want)
		}
	}
}

func TestMACs(t *testing.T) {
	g := smallGraph()
	for i, want := range map[int]int64{0: 9 * 8 * 9 * 4, 1: 9 * 8 * 6, 4: 2 * 5 * 12} {
		if got := mustResolve(t, g, i).MACs(); got != want {
			t.Errorf("node %d: %d, want %d", i, got, want)
		}
	}
}

func TestApply(t *testing.T) {
	r := Requantise{Mult: []Multiplier{{M: 1 << 30}, {M: 1 << 30, Exp: 1}}, Zero: 10, Lo: 10, Hi: 200}
	for _, c := range []struct {
		acc     int32
		channel int
		want    int32
	}{{100, 0, 60}, {100, 1, 110}, {-1, 1, 10}, {1000, 0, 200}} {
		if got := r.Apply(c.acc, c.channel); got != c.want {
			t.Errorf("accumulator %d of channel %d: %d, want %d", c.acc, c.channel, got, c.want)
		}
	}
}
