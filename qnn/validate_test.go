package qnn

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files in testdata")

func quantOf(scale float32, zero int32) Quant {
	return Quant{Scale: []float32{scale}, Zero: []int32{zero}}
}

// smallGraph is conv -> depthwise -> add -> mean -> dense -> softmax.
func smallGraph() *Graph {
	u8 := func(name string, scale float32, zero int32, shape ...int) Tensor {
		return Tensor{Name: name, Type: Uint8, Shape: shape, Quant: quantOf(scale, zero)}
	}
	withData := func(t Tensor) Tensor {
		t.Data = bytes.Repeat([]byte{1, 0, 0, 0}, t.Bytes()/4+1)[:t.Bytes()]
		return t
	}
	i32 := func(name string, shape ...int) Tensor {
		return withData(Tensor{Name: name, Type: Int32, Shape: shape})
	}
	return &Graph{
		Name: "small",
		Tensors: []Tensor{
			u8("x", 0.5, 128, 1, 5, 6, 4),
			withData(u8("cw", 0.25, 100, 8, 3, 3, 4)), i32("cb", 8),
			u8("conv", 0.5, 3, 1, 3, 3, 8),
			withData(u8("dw", 0.25, 100, 1, 3, 2, 8)), i32("db", 8),
			u8("depth", 0.5, 3, 1, 3, 3, 8),
			u8("sum", 1, 3, 1, 3, 3, 8),
			i32("axes", 1),
			u8("mean", 1, 3, 1, 3, 8),
			withData(u8("fw", 0.25, 9, 5, 12)),
			u8("dense", 0.5, 7, 2, 5),
			u8("y", 1.0/256, 0, 2, 5),
		},
		Nodes: []Node{
			{Index: 0, Op: Conv2D{StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, Activation: Relu6}, Inputs: []TensorID{0, 1, 2}, Outputs: []TensorID{3}},
			{Index: 1, Op: Depthwise{StrideH: 1, StrideW: 1, DilationH: 2, DilationW: 1, Multiplier: 1, Activation: Relu}, Inputs: []TensorID{3, 4, 5}, Outputs: []TensorID{6}},
			{Index: 2, Op: Add{}, Inputs: []TensorID{3, 6}, Outputs: []TensorID{7}},
			{Index: 3, Op: Mean{}, Inputs: []TensorID{7, 8}, Outputs: []TensorID{9}},
			{Index: 4, Op: Dense{}, Inputs: []TensorID{9, 10, NoTensor}, Outputs: []TensorID{11}},
			{Index: 5, Op: Softmax{1}, Inputs: []TensorID{11}, Outputs: []TensorID{12}},
		},
		Inputs:  []TensorID{0},
		Outputs: []TensorID{12},
	}
}

func TestValidate(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		name   string
		change func(g *Graph)
		want   string // of the error; empty: none
	}{
		{"sound", func(g *Graph) {}, ""},
		{"no operator", func(g *Graph) { g.Nodes[2].Op = nil }, "node 2 has no operator"},
		{"input missing", func(g *Graph) { g.Inputs = nil }, `node 0 CONV_2D (tensor "conv"): input 0 is tensor 0 "x", which no earlier node makes`},
		{"input twice", func(g *Graph) { g.Inputs = []TensorID{0, 0} }, "tensor 0 is two inputs"},
		{"input out of range", func(g *Graph) { g.Inputs[0] = -1 }, "input 0 of the network is tensor -1 of 13"},
		{"constant input", func(g *Graph) { g.Inputs[0] = 1 }, "constant tensor 1"},
		{"output not made", func(g *Graph) { g.Nodes = g.Nodes[:5] }, "output 0 of the network is tensor 12, which nothing makes"},
		{"order", func(g *Graph) { g.Nodes[0], g.Nodes[1] = g.Nodes[1], g.Nodes[0] }, "which no earlier node makes"},
		{"made twice", func(g *Graph) { g.Nodes[2].Outputs[0] = 6 }, `writes tensor 6 "depth", which has a value already`},
		{"writes a constant", func(g *Graph) { g.Nodes[2].Outputs[0] = 1 }, `writes tensor 1 "cw"`},
		{"writes an input", func(g *Graph) { g.Nodes[2].Outputs[0] = 0 }, `writes tensor 0 "x"`},
		{"too few operands", func(g *Graph) { g.Nodes[0].Inputs = g.Nodes[0].Inputs[:1] }, "1 inputs, want 2 to 3"},
		{"too many operands", func(g *Graph) { g.Nodes[2].Inputs = []TensorID{3, 6, 6} }, "3 inputs, want 2 to 2"},
		{"absent operand", func(g *Graph) { g.Nodes[2].Inputs[1] = NoTensor }, "input 1 is tensor -1 of 13"},
		{"two outputs", func(g *Graph) { g.Nodes[2].Outputs = []TensorID{7, 9} }, "2 outputs, want 1"},
		{"empty extent", func(g *Graph) { g.Tensors[0].Shape[1] = 0 }, `tensor "x" has the empty shape 1x0x6x4`},
		{"negative extent", func(g *Graph) { g.Tensors[0].Shape[1] = -5 }, "dimension 1 is -5"},
		{"rank", func(g *Graph) { g.Tensors[0].Shape = make(Shape, 9) }, "9 dimensions, at most 8"},
		{"too large", func(g *Graph) { g.Tensors[0].Shape = Shape{1, 1 << 16, 1 << 16, 4} }, "too large"},
		{"data", func(g *Graph) { g.Tensors[1].Data = g.Tensors[1].Data[1:] }, `tensor 1 "cw": 287 bytes of data for a 8x3x3x4 uint8`},
		{"scales", func(g *Graph) { g.Tensors[0].Quant.Zero = nil }, "1 scales but 0 zero points"},
		{"not quantised", func(g *Graph) { g.Tensors[0].Quant = Quant{} }, `tensor "x" has 0 scales`},
		{"weights not quantised", func(g *Graph) { g.Tensors[1].Quant = Quant{} }, `weights (tensor "cw") are not quantised`},
		{"infinite scale", func(g *Graph) { g.Tensors[3].Quant.Scale[0] = inf }, `tensor "conv" has scale +Inf`},
		{"no scale", func(g *Graph) { g.Tensors[12].Quant.Scale[0] = nan }, `tensor "y" has scale NaN`},
		{"negative scale", func(g *Graph) { g.Tensors[1].Quant.Scale[0] = -1 }, "weights with scale -1"},
		{"infinite product", func(g *Graph) { g.Tensors[0].Quant.Scale[0], g.Tensors[1].Quant.Scale[0] = 1e30, 1e30 }, "weights with scale 1e+30"},
		{"weights of zeros", func(g *Graph) { g.Tensors[1].Quant.Scale[0] = 0 }, ""},
		{"zero point", func(g *Graph) { g.Tensors[3].Quant.Zero[0] = -1 }, "zero point -1"},
		{"weights' zero point", func(g *Graph) { g.Tensors[1].Quant.Zero[0] = 256 }, "zero point 256"},
		{"beta", func(g *Graph) { g.Nodes[5].Op = Softmax{nan} }, "beta is NaN"},
		{"activation", func(g *Graph) { g.Nodes[2].Op = Add{9} }, "activation 9?"},
		{"conv channels", func(g *Graph) { g.Tensors[1].Shape = Shape{6, 4, 4, 3} }, "input 1x5x6x4 and weights 6x4x4x3 do not fit"},
		{"conv groups", func(g *Graph) { g.Tensors[1].Shape = Shape{16, 3, 3, 2} }, "CONV_2D of 2 groups"},
		{"conv output", func(g *Graph) { g.Tensors[3].Shape = Shape{1, 3, 4, 6} }, "declared 1x3x4x6, but computes to 1x3x3x8"},
		{"bias length", func(g *Graph) { g.Tensors[2].Shape, g.Tensors[2].Data = Shape{7}, make([]byte, 28) }, "a bias of 7 for 8 output channels"},
		{"bias type", func(g *Graph) { g.Nodes[0].Inputs[2] = 1 }, "bias that is not constant int32"},
		{"stride", func(g *Graph) { g.Nodes[0].Op = Conv2D{StrideW: 1, DilationH: 1, DilationW: 1} }, "height: window size 3, stride 0"},
		{"window", func(g *Graph) {
			g.Nodes[1].Op = Depthwise{Padding: Valid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 3, Multiplier: 1}
		}, "width: a window of 4 cells does not fit 3"},
		{"depth multiplier", func(g *Graph) {
			g.Nodes[1].Op = Depthwise{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Multiplier: 2}
		}, "depth multiplier 2 do not fit"},
		{"axis", func(g *Graph) { g.Tensors[8].Data[0] = 4 }, "axis 4 of 4 dimensions"},
		{"computed axes", func(g *Graph) { g.Nodes[3].Inputs[1] = 0 }, `tensor "x" is not constant`},
		{"dense", func(g *Graph) { g.Tensors[10].Shape = Shape{12, 5} }, "input 1x3x8 and weights 12x5 do not fit"},
		{"dense keeps", func(g *Graph) { g.Nodes[4].Op = Dense{KeepDims: true} }, "input 1x3x8 and weights 5x12 do not fit"},
		{"float", func(g *Graph) { g.Tensors[7].Type = Float32 }, "not supported: from uint8 to float32"},
		{"per-channel activations", func(g *Graph) { g.Tensors[7].Quant = Quant{Scale: []float32{1, 1}, Zero: []int32{0, 0}} }, "quantised per channel"},
		{"per-channel uint8", func(g *Graph) { g.Tensors[1].Quant = Quant{Scale: make([]float32, 8), Zero: make([]int32, 8)} }, "uint8 weights quantised per channel"},
		{"int8 weights", func(g *Graph) { g.Tensors[1].Type = Int8 }, "int8 weights with uint8 activations"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := smallGraph()
			c.change(g)
			err := g.Validate()
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

// TestPerChannelWeights checks the weights of int8 nodes, also legalised ones.
func TestPerChannelWeights(t *testing.T) {
	for _, legalised := range []bool{false, true} {
		for _, c := range []struct {
			name  string
			quant Quant
			want  string
		}{
			{"per tensor", quantOf(0.5, 0), ""},
			{"per channel", Quant{Scale: []float32{1, 2, 3, 4, 5, 6, 7, 8}, Zero: make([]int32, 8)}, ""},
			{"count", Quant{Scale: []float32{1, 2}, Zero: make([]int32, 2)}, "2 scales for 8 output channels"},
			{"axis", Quant{Scale: make([]float32, 8), Zero: make([]int32, 8), Axis: 3}, "along dimension 3, want 0"},
			{"zero point", Quant{Scale: make([]float32, 8), Zero: []int32{0, 0, 0, 0, 0, 0, 0, 1}}, "int8 weights with zero point 1"},
		} {
			g := smallGraph()
			g.Nodes, g.Outputs = g.Nodes[:1], []TensorID{3}
			g.Tensors[1].Type, g.Tensors[1].Quant = Int8, c.quant
			if g.Nodes[0].FromInt8 = legalised; !legalised {
				g.Tensors[0].Type, g.Tensors[0].Quant.Zero[0] = Int8, 0
				g.Tensors[3].Type = Int8
			}
			err := g.Validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s (legalised %t): error %v, want %q", c.name, legalised, err, c.want)
			}
		}
	}
}

func TestDump(t *testing.T) {
	g := smallGraph()
	g.Nodes = append(g.Nodes, Node{Op: Unsupported{Name: "RELU", Reason: "builtin operator 19"}, Index: 6, Inputs: []TensorID{12}})
	var b bytes.Buffer
	if err := g.Dump(&b); err != nil {
		t.Fatal(err)
	}
	const path = "testdata/small.txt"
	if *rewrite {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("differs from %s:\n%s", path, b.Bytes())
	}
}

func TestCheckQuantised(t *testing.T) {
	g := smallGraph()
	if err := g.CheckQuantised(); err != nil {
		t.Error(err)
	}
	for i := range g.Tensors {
		g.Tensors[i].Type = Float32
	}
	for i := range g.Nodes {
		g.Nodes[i].Op = Unsupported{Name: g.Nodes[i].Op.OpName()}
	}
	if err := g.CheckQuantised(); !errors.Is(err, ErrNotQuantised) {
		t.Errorf("error %v", err)
	}
	g.Nodes = g.Nodes[2:4] // no layer at all
	if err := g.CheckQuantised(); err != nil {
		t.Error(err)
	}
}

// TestClone: what passes may change is not shared.
func TestClone(t *testing.T) {
	g := smallGraph()
	c := g.Clone()
	c.Tensors[0].Type = Int8
	c.Nodes[0].Inputs[0] = 9
	c.Nodes[0].FromInt8 = true
	c.Inputs[0], c.Outputs[0] = 9, 9
	if err := g.Validate(); err != nil {
		t.Error(err)
	}
}
