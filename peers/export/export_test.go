package export_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"qtune/peers/export"
	"qtune/peers/onnx"
	"qtune/qnn"
	"qtune/qnn/zoo"
)

// A file is an exported model, by name, beside its network.
type file struct {
	*onnx.Model
	g         *qnn.Graph
	nodes     map[string]onnx.Node // by the name of the tensor that they make
	constants map[string]onnx.Tensor
}

type exporter = func(*qnn.Graph) (*onnx.Model, error)

// networks are those made so far; making one takes longer than exporting it.
var networks = map[string]*qnn.Graph{}

func mustExport(t *testing.T, network string, f exporter) file {
	t.Helper()
	g, made := networks[network]
	if !made {
		var err error
		if g, err = zoo.Build(network); err != nil {
			t.Fatal(err)
		}
		networks[network] = g
	}
	m, err := f(g)
	if err != nil {
		t.Fatal(err)
	}
	out := file{m, g, map[string]onnx.Node{}, map[string]onnx.Tensor{}}
	for _, n := range m.Nodes {
		out.nodes[n.Name] = n
	}
	for _, c := range m.Initializers {
		if _, twice := out.constants[c.Name]; twice {
			t.Errorf("constant %s is there twice", c.Name)
		}
		out.constants[c.Name] = c
	}
	return out
}

// small networks; the second has a PAD, a MEAN, a dense layer and ADDs with RELU.
const (
	mobileNet = "mobilenet_v1_0.25_32"
	resNet    = "resnet_50"
)

// TestWellFormed: every value is made once before it is read, every constant has
// as many elements as its shape says, and the outputs are made.
func TestWellFormed(t *testing.T) {
	for _, network := range []string{mobileNet, mobileNet + "_int8", "mobilenet_v2_0.35_32", "inception_v1", resNet} {
		for name, f := range map[string]exporter{"quantised": export.Quantised, "signed": export.SignedWeights, "float": export.Float} {
			t.Run(network+"/"+name, func(t *testing.T) { checkWellFormed(t, mustExport(t, network, f)) })
		}
	}
}

func checkWellFormed(t *testing.T, m file) {
	known := map[string]bool{"": true}
	for _, v := range m.Inputs {
		known[v.Name] = true
	}
	sizes := map[onnx.Type]int{onnx.Float32: 4, onnx.Uint8: 1, onnx.Int8: 1, onnx.Int32: 4, onnx.Int64: 8}
	for name, c := range m.constants {
		known[name] = true
		if size := sizes[c.Type] * qnn.Shape(c.Shape).Elems(); len(c.Data) != size || size == 0 {
			t.Errorf("%s has %d bytes, shape %v", name, len(c.Data), c.Shape)
		}
	}
	for _, n := range m.Nodes {
		for _, x := range n.Inputs {
			if !known[x] {
				t.Errorf("%s reads %s, which is not made yet", n.Name, x)
			}
		}
		for _, y := range n.Outputs {
			if known[y] {
				t.Errorf("%s makes %s again", n.Name, y)
			}
			known[y] = true
		}
	}
	for _, v := range m.Outputs {
		if !known[v.Name] {
			t.Errorf("output %s is not made", v.Name)
		}
	}
}

func (m file) attribute(t *testing.T, node, name string) any {
	t.Helper()
	for _, a := range m.nodes[node].Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	t.Fatalf("node %s has no attribute %s", node, name)
	return nil
}

// Padding "same" of a stride of 2 is more after than before; pads are those of
// top, left, bottom, right. That of a PAD is the convolution's.
func TestPads(t *testing.T) {
	for _, c := range []struct{ network, node, pads, strides string }{
		{mobileNet, "conv_0", "[0 0 1 1]", "[2 2]"},
		{mobileNet, "conv_1/depthwise", "[1 1 1 1]", "[1 1]"},
		{mobileNet, "conv_1/pointwise", "[0 0 0 0]", "[1 1]"},
		{resNet, "conv1", "[3 3 2 2]", "[2 2]"},
		{resNet, "pool1", "[0 0 1 1]", "[2 2]"},
	} {
		m := mustExport(t, c.network, export.Quantised)
		if got := fmt.Sprint(m.attribute(t, c.node, "pads")); got != c.pads {
			t.Errorf("%s: pads %s, want %s", c.node, got, c.pads)
		}
		if got := fmt.Sprint(m.attribute(t, c.node, "strides")); got != c.strides {
			t.Errorf("%s: strides %s, want %s", c.node, got, c.strides)
		}
	}
}

// weightsOf returns the layer that makes a tensor, and its exported weights.
func (m file) weightsOf(t *testing.T, node string, input int) (*qnn.Layer, onnx.Tensor) {
	t.Helper()
	i := slices.IndexFunc(m.g.Nodes, func(n qnn.Node) bool { return m.g.Output(&n, 0).Name == node })
	l, err := qnn.ResolveLayer(m.g, &m.g.Nodes[i])
	if err != nil {
		t.Fatal(err)
	}
	return l, m.constants[m.nodes[node].Inputs[input]]
}

// TestWeightLayouts: weight [o][ky][kx][c] of a convolution lies at [o][c][ky][kx],
// [ky][kx][o] of a depthwise layer at [o][0][ky][kx], [o][c] of a dense layer at
// [c][o].
func TestWeightLayouts(t *testing.T) {
	m := mustExport(t, mobileNet, export.Quantised)
	l, w := m.weightsOf(t, "conv_0", 3)
	if !slices.Equal(w.Shape, []int{8, 3, 3, 3}) || w.Type != onnx.Uint8 {
		t.Errorf("conv_0: weights %v of type %d", w.Shape, w.Type)
	}
	for i, v := range w.Data {
		kx, ky, c, o := i%3, i/3%3, i/9%3, i/27
		if v != l.Weights[((o*3+ky)*3+kx)*3+c] {
			t.Fatalf("conv_0: weight %d", i)
		}
	}
	l, w = m.weightsOf(t, "conv_2/depthwise", 3)
	if !slices.Equal(w.Shape, []int{16, 1, 3, 3}) || m.attribute(t, "conv_2/depthwise", "group") != int64(16) {
		t.Errorf("conv_2/depthwise: weights %v", w.Shape)
	}
	for i, v := range w.Data {
		if v != l.Weights[i%9*16+i/9] {
			t.Fatalf("conv_2/depthwise: weight %d", i)
		}
	}
	m = mustExport(t, resNet, export.Quantised)
	l, w = m.weightsOf(t, "logits", 3)
	if !slices.Equal(w.Shape, []int{2048, 1001}) {
		t.Errorf("logits: weights %v", w.Shape)
	}
	for i, v := range w.Data {
		if v != l.Weights[i%1001*2048+i/1001] {
			t.Fatalf("logits: weight %d", i)
		}
	}
}

// The input and the outputs of feature maps have channels first.
func TestActivations(t *testing.T) {
	m := mustExport(t, mobileNet, export.Quantised)
	if in := m.Inputs[0]; !slices.Equal(in.Shape, []int{1, 3, 32, 32}) || in.Type != onnx.Uint8 {
		t.Errorf("input %v of type %d", in.Shape, in.Type)
	}
	m = mustExport(t, mobileNet, export.Float)
	if in := m.Inputs[0]; !slices.Equal(in.Shape, []int{1, 3, 32, 32}) || in.Type != onnx.Float32 {
		t.Errorf("input %v of type %d as float32", in.Shape, in.Type)
	}
	got := export.ChannelsFirst([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, qnn.Shape{2, 1, 3, 2})
	if want := []byte{1, 3, 5, 2, 4, 6, 7, 9, 11, 8, 10, 12}; !slices.Equal(got, want) {
		t.Errorf("channels first: %v, want %v", got, want)
	}
}

// TestNumbers: scales, zero points and biases of a layer are the network's, with
// int8 activations moved to uint8.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		network string
		f       exporter
		typ     onnx.Type
		less    int32 // what is taken off weights and zero points
	}{
		{mobileNet, export.Quantised, onnx.Uint8, 0},
		{mobileNet, export.SignedWeights, onnx.Int8, 128},
		{mobileNet + "_int8", export.Quantised, onnx.Int8, 0},
		{mobileNet + "_int8", export.SignedWeights, onnx.Int8, 0},
	} {
		m := mustExport(t, c.network, c.f)
		n := m.nodes["conv_0"]
		if n.Op != "QLinearConv" || len(n.Inputs) != 9 {
			t.Fatalf("conv_0 is %s of %d inputs", n.Op, len(n.Inputs))
		}
		lo, _ := m.g.Tensors[m.g.Inputs[0]].Type.Limits()
		node := &m.g.Nodes[0]
		x, w, y, bias := m.g.Input(node, 0), m.g.Input(node, 1), m.g.Output(node, 0), m.g.Input(node, 2)
		for i, want := range []float32{1: x.Quant.Scale[0], 4: w.Quant.Scale[0], 6: y.Quant.Scale[0]} {
			if k := m.constants[n.Inputs[i]]; want != 0 && math.Float32frombits(binary.LittleEndian.Uint32(k.Data)) != want {
				t.Errorf("%s: scale of input %d", c.network, i)
			}
		}
		zeros := m.constants[n.Inputs[2]].Data[0] == byte(x.Quant.Zero[0]-lo) && m.constants[n.Inputs[7]].Data[0] == byte(y.Quant.Zero[0]-lo)
		if weightZero := m.constants[n.Inputs[5]]; !zeros || weightZero.Data[0] != byte(w.Quant.Zero[0]-c.less) || weightZero.Type != c.typ {
			t.Errorf("%s: zero points", c.network)
		}
		if k := m.constants[n.Inputs[3]]; k.Type != c.typ || k.Data[0] != w.Data[0]-byte(c.less) {
			t.Errorf("%s: weights of type %d that begin with %d", c.network, k.Type, k.Data[0])
		}
		if k := m.constants[n.Inputs[8]]; !slices.Equal(k.Data, bias.Data) || k.Type != onnx.Int32 {
			t.Errorf("%s: bias", c.network)
		}
		if shape := m.constants[n.Inputs[4]].Shape; len(shape) != min(len(w.Quant.Scale)-1, 1) {
			t.Errorf("%s: %d weight scales have shape %v", c.network, len(w.Quant.Scale), shape)
		}
	}
}

// TestFloat: weights are dequantised, activations are operators.
func TestFloat(t *testing.T) {
	m := mustExport(t, mobileNet+"_int8", export.Float)
	w := m.g.Input(&m.g.Nodes[0], 1)
	linear := m.nodes["conv_0/linear"]
	got := m.constants[linear.Inputs[1]]
	for o := range 8 { // weight [o][0][0][0] is the first of its filter in both layouts
		want := w.Quant.Scale[o] * float32(int8(w.Data[27*o]))
		if v := math.Float32frombits(binary.LittleEndian.Uint32(got.Data[4*27*o:])); v != want {
			t.Errorf("weight of channel %d is %v, want %v", o, v, want)
		}
	}
	if n := m.nodes["conv_0"]; n.Op != "Clip" || n.Inputs[0] != linear.Outputs[0] || strings.Join(n.Inputs[1:], " ") != "float0 float6" {
		t.Errorf("the RELU6 of conv_0 is %v", n)
	}
}

// What a model cannot say is an error that names the node.
func TestErrors(t *testing.T) {
	change := func(op qnn.Op) *qnn.Graph {
		g, err := zoo.Build(mobileNet)
		if err != nil {
			t.Fatal(err)
		}
		g.Nodes[len(g.Nodes)-1].Op = op
		return g
	}
	coarse := change(qnn.Softmax{Beta: 1})
	coarse.Tensors[coarse.Nodes[0].Outputs[0]].Quant.Scale = []float32{0.1}
	for _, c := range []struct {
		g    *qnn.Graph
		want string
	}{
		{change(qnn.Softmax{Beta: 2}), `node 30 SOFTMAX (tensor "probabilities"): beta is 2: ONNX has 1 only`},
		{change(qnn.Logistic{}), `node 30 LOGISTIC (tensor "probabilities"): this operator is not exported`},
		{coarse, `node 0 CONV_2D (tensor "conv_0"): its activation leaves the values 0 to 60 of uint8, which the model would not`},
	} {
		if _, err := export.Quantised(c.g); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	if _, err := export.Layer(coarse, false); err == nil || !strings.Contains(err.Error(), "nodes: only a single convolution") {
		t.Errorf("a network as a layer: %v", err)
	}
}
