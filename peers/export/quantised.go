package export

import (
	"slices"

	"qtune/peers/onnx"
	"qtune/qnn"
)

// quantised is the form of 8-bit operators.
type quantised struct {
	signed       bool // weights are int8
	channelsLast bool // activations are [N][H][W][C]
}

func (f quantised) activation(s qnn.Shape) (onnx.Type, []int) {
	if f.channelsLast {
		return onnx.Uint8, s
	}
	return onnx.Uint8, channelsFirst(s)
}

func (f quantised) layer(m *model, n *qnn.Node, l *qnn.Layer) error {
	w, y := m.g.Input(n, 1), m.g.Output(n, 0)
	if err := noActivation(activationOf(n.Op), y); err != nil {
		return err
	}
	data, shape := layerWeights(l)
	typ, zeros := onnx.Uint8, make([]byte, len(w.Quant.Scale))
	for i := range zeros {
		zeros[i] = byte(w.Quant.Zero[i])
	}
	switch {
	case l.WeightSigned:
		typ = onnx.Int8
	case f.signed:
		typ, data, zeros = onnx.Int8, less128(data), less128(zeros)
	}
	name := m.output(n)
	var perChannel []int // the shape of scale and zero point: a scalar's
	if w.Quant.PerChannel() {
		perChannel = []int{l.OC}
	}
	x, out := m.quantisedInput(n, 0), m.scaleAndZero(n.Outputs[0])
	weights := []string{
		m.constant(onnx.Tensor{Name: name + "/weights", Type: typ, Shape: shape, Data: data}),
		m.constant(onnx.Tensor{Name: name + "/weights/scale", Type: onnx.Float32, Shape: perChannel, Data: littleEndian(w.Quant.Scale)}),
		m.constant(onnx.Tensor{Name: name + "/weights/zero", Type: typ, Shape: perChannel, Data: zeros}),
	}
	bias := m.constant(onnx.Tensor{Name: name + "/bias", Type: onnx.Int32, Shape: []int{l.OC}, Data: littleEndian(l.Bias)})
	switch conv := join(x, weights, out, []string{bias}); {
	case l.Kind == qnn.DenseLayer:
		m.append(n, "QGemm", onnx.Microsoft, join(x, weights, []string{bias}, out))
	case f.channelsLast:
		attributes := append(convAttributes(l), onnx.Attribute{Name: "channels_last", Value: int64(1)})
		m.append(n, "QLinearConv", onnx.Microsoft, conv, attributes...)
	default:
		m.append(n, "QLinearConv", "", conv, convAttributes(l)...)
	}
	return nil
}

func (quantised) add(m *model, n *qnn.Node, act qnn.Activation) error {
	inputs := join(m.quantisedInput(n, 0), m.quantisedInput(n, 1), m.scaleAndZero(n.Outputs[0]))
	m.append(n, "QLinearAdd", onnx.Microsoft, inputs)
	return noActivation(act, m.g.Output(n, 0))
}

func (quantised) averagePool(m *model, n *qnn.Node, attributes []onnx.Attribute) error {
	m.append(n, "QLinearAveragePool", onnx.Microsoft, join(m.quantisedInput(n, 0), m.scaleAndZero(n.Outputs[0])), attributes...)
	return nil
}

func (quantised) averageAll(m *model, n *qnn.Node, x, y string) {
	inputs := join([]string{x}, m.scaleAndZero(n.Inputs[0]), m.scaleAndZero(n.Outputs[0]))
	m.Nodes = append(m.Nodes, onnx.Node{
		Name: m.g.Output(n, 0).Name, Op: "QLinearGlobalAveragePool", Domain: onnx.Microsoft, Inputs: inputs, Outputs: []string{y},
		Attributes: []onnx.Attribute{{Name: "channels_last", Value: int64(0)}},
	})
}

func (quantised) concat(m *model, n *qnn.Node) {
	axis := onnx.Attribute{Name: "axis", Value: int64(1)}
	inputs, alike := m.scaleAndZero(n.Outputs[0]), true
	var values []string
	y := m.g.Output(n, 0).Quant
	for i := range n.Inputs {
		x := m.g.Input(n, i).Quant
		alike = alike && x.Scale[0] == y.Scale[0] && x.Zero[0] == y.Zero[0]
		inputs = append(inputs, m.quantisedInput(n, i)...)
		values = append(values, m.input(n, i))
	}
	if alike { // only moves bytes
		m.append(n, "Concat", "", values, axis)
		return
	}
	m.append(n, "QLinearConcat", onnx.Microsoft, inputs, axis)
}

func (quantised) softmax(m *model, n *qnn.Node) {
	name, y := m.g.Output(n, 0).Name, m.output(n)
	m.Nodes = append(m.Nodes,
		onnx.Node{Name: name + "/dequantise", Op: "DequantizeLinear", Inputs: m.quantisedInput(n, 0), Outputs: []string{y + "/logits"}},
		softmaxNode(name, y+"/logits", y+"/float"),
		onnx.Node{Name: name + "/quantise", Op: "QuantizeLinear", Inputs: join([]string{y + "/float"}, m.scaleAndZero(n.Outputs[0])), Outputs: []string{y}})
}

func softmaxNode(name, x, y string) onnx.Node {
	return onnx.Node{
		Name: name, Op: "Softmax", Inputs: []string{x}, Outputs: []string{y},
		Attributes: []onnx.Attribute{{Name: "axis", Value: int64(-1)}},
	}
}

// quantisedInput is input i of n with its scale and zero point.
func (m *model) quantisedInput(n *qnn.Node, i int) []string {
	return join([]string{m.input(n, i)}, m.scaleAndZero(n.Inputs[i]))
}

// scaleAndZero returns the constants of a tensor's quantisation.
func (m *model) scaleAndZero(id qnn.TensorID) []string {
	t := &m.g.Tensors[id]
	zero := byte(t.Quant.Zero[0] - lowest(t))
	return []string{
		m.constant(onnx.Tensor{Name: Name(id) + "/scale", Type: onnx.Float32, Data: littleEndian(t.Quant.Scale[0])}),
		m.constant(onnx.Tensor{Name: Name(id) + "/zero", Type: onnx.Uint8, Data: []byte{zero}}),
	}
}

// lowest is the least value of an activation's type.
func lowest(t *qnn.Tensor) int32 {
	lo, _ := t.Type.Limits()
	return lo
}

func join(lists ...[]string) []string { return slices.Concat(lists...) }

// less128 returns uint8 values less 128 as int8.
func less128(data []byte) []byte {
	out := slices.Clone(data)
	for i := range out {
		out[i] ^= 0x80
	}
	return out
}
