package export

import (
	"fmt"

	"qtune/peers/onnx"
	"qtune/qnn"
)

// float is the form of float32 operators.
type float struct{}

func (float) activation(s qnn.Shape) (onnx.Type, []int) { return onnx.Float32, channelsFirst(s) }

func (float) layer(m *model, n *qnn.Node, l *qnn.Layer) error {
	w, name := m.g.Input(n, 1), m.output(n)
	data, shape := layerWeights(l)
	values := make([]float32, len(data))
	for i, v := range data {
		q := int32(v) - l.WeightZero
		if l.WeightSigned {
			q = int32(int8(v))
		}
		values[i] = scaleOf(w, weightChannel(l, i)) * float32(q)
	}
	bias := make([]float32, l.OC)
	for c, v := range l.Bias {
		bias[c] = float32(float64(v) * float64(m.g.Input(n, 0).Quant.Scale[0]) * float64(scaleOf(w, c)))
	}
	inputs := []string{
		m.input(n, 0),
		m.constant(onnx.Tensor{Name: name + "/weights", Type: onnx.Float32, Shape: shape, Data: littleEndian(values)}),
		m.constant(onnx.Tensor{Name: name + "/bias", Type: onnx.Float32, Shape: []int{l.OC}, Data: littleEndian(bias)}),
	}
	op, attributes := "Gemm", []onnx.Attribute(nil)
	if l.Kind != qnn.DenseLayer {
		op, attributes = "Conv", convAttributes(l)
	}
	m.activated(n, activationOf(n.Op), op, inputs, attributes...)
	return nil
}

// scaleOf is the scale of the weights of output channel c.
func scaleOf(w *qnn.Tensor, c int) float32 {
	if w.Quant.PerChannel() {
		return w.Quant.Scale[c]
	}
	return w.Quant.Scale[0]
}

// activated appends an operator and, as one of its own, the activation that is
// fused into n.
func (m *model) activated(n *qnn.Node, act qnn.Activation, op string, inputs []string, attributes ...onnx.Attribute) {
	m.append(n, op, "", inputs, attributes...)
	if act == qnn.NoActivation {
		return
	}
	last := &m.Nodes[len(m.Nodes)-1]
	y := m.output(n) + "/linear"
	last.Outputs = []string{y}
	last.Name += "/linear"
	if act == qnn.Relu {
		m.append(n, "Relu", "", []string{y})
		return
	}
	lo, hi := float32(0), float32(6)
	if act == qnn.ReluN1To1 {
		lo, hi = -1, 1
	}
	m.append(n, "Clip", "", []string{y, m.scalar(lo), m.scalar(hi)})
}

// scalar is a float32 constant.
func (m *model) scalar(v float32) string {
	return m.constant(onnx.Tensor{Name: fmt.Sprintf("float%g", v), Type: onnx.Float32, Data: littleEndian(v)})
}

func (float) add(m *model, n *qnn.Node, act qnn.Activation) error {
	m.activated(n, act, "Add", []string{m.input(n, 0), m.input(n, 1)})
	return nil
}

func (float) averagePool(m *model, n *qnn.Node, attributes []onnx.Attribute) error {
	m.append(n, "AveragePool", "", []string{m.input(n, 0)}, attributes...)
	return nil
}

func (float) averageAll(m *model, n *qnn.Node, x, y string) {
	m.Nodes = append(m.Nodes, onnx.Node{
		Name: m.g.Output(n, 0).Name, Op: "GlobalAveragePool", Inputs: []string{x}, Outputs: []string{y},
	})
}

func (float) concat(m *model, n *qnn.Node) {
	var values []string
	for i := range n.Inputs {
		values = append(values, m.input(n, i))
	}
	m.append(n, "Concat", "", values, onnx.Attribute{Name: "axis", Value: int64(1)})
}

func (float) softmax(m *model, n *qnn.Node) {
	m.Nodes = append(m.Nodes, softmaxNode(m.g.Output(n, 0).Name, m.input(n, 0), m.output(n)))
}

// activationOf is the activation that is fused into a layer.
func activationOf(op qnn.Op) qnn.Activation {
	switch op := op.(type) {
	case qnn.Conv2D:
		return op.Activation
	case qnn.Depthwise:
		return op.Activation
	case qnn.Dense:
		return op.Activation
	}
	return qnn.NoActivation
}
