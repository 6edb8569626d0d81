// Package export turns quantised networks into ONNX models that compute the
// same, so that other engines can be measured on them: a qnn.Graph goes in, an
// onnx.Model comes out. There are two forms:
//
//   - Quantised: operators on 8-bit tensors, those of ONNX (QLinearConv) and of
//     ONNX Runtime (com.microsoft: QLinearAdd, QGemm, ...). Scales, zero points
//     and integers are those of the network. Engines requantise in floating
//     point, so results may differ by a step in each layer.
//   - Float: the same with every weight and bias dequantised, and activations
//     in float32.
//
// Both have one input and one output for each of the network's, under the names
// that Name gives. Layouts are ONNX's: activations [N][C][H][W], weights
// [O][C][KH][KW]. Activations that are int8 in the network are uint8 in the
// model, 128 more, which changes nothing else and is the form that engines on x86
// are fast with. Fused activations need no operator in the quantised form, since
// the output's range ends where they do; a network where that is not so is an
// error. Operators are those of package zoo.
package export

import (
	"fmt"

	"qtune/peers/onnx"
	"qtune/qnn"
	"qtune/qnn/pass"
)

// Quantised returns g in 8 bits, with the bytes of its weights.
func Quantised(g *qnn.Graph) (*onnx.Model, error) { return export(g, quantised{}) }

// SignedWeights is Quantised with uint8 weights and their zero points written as
// int8, 128 less: the same network, for engines that are slow with two unsigned
// operands.
func SignedWeights(g *qnn.Graph) (*onnx.Model, error) { return export(g, quantised{signed: true}) }

// Layer returns g, a network of one convolution, in 8 bits and with activations
// in the layout that ONNX Runtime gives them within a network, [N][H][W][C]:
// otherwise it would transpose them before and after. Signed is as in
// SignedWeights.
func Layer(g *qnn.Graph, signed bool) (*onnx.Model, error) {
	if len(g.Nodes) != 1 {
		return nil, fmt.Errorf("%d nodes: only a single convolution is exported channels last", len(g.Nodes))
	}
	switch g.Nodes[0].Op.(type) {
	case qnn.Conv2D, qnn.Depthwise:
		return export(g, quantised{signed: signed, channelsLast: true})
	}
	return nil, fmt.Errorf("%s: only convolutions are exported channels last", g.Label(&g.Nodes[0]))
}

// Float returns g in float32, with the values of its weights.
func Float(g *qnn.Graph) (*onnx.Model, error) { return export(g, float{}) }

// Name returns the name of an input's or output's value in a model.
func Name(id qnn.TensorID) string { return fmt.Sprintf("t%d", id) }

// A form is how values and operators are written down.
type form interface {
	// activation is the type and shape of an activation that has shape s in the
	// network.
	activation(s qnn.Shape) (onnx.Type, []int)
	// layer appends a convolution, depthwise or dense layer.
	layer(m *model, n *qnn.Node, l *qnn.Layer) error
	// add appends an ADD.
	add(m *model, n *qnn.Node, act qnn.Activation) error
	// averagePool appends an average over a window.
	averagePool(m *model, n *qnn.Node, attributes []onnx.Attribute) error
	// averageAll appends an average over rows and columns from value x to y.
	averageAll(m *model, n *qnn.Node, x, y string)
	// concat appends a concatenation of channels.
	concat(m *model, n *qnn.Node)
	// softmax appends a softmax over the last dimension.
	softmax(m *model, n *qnn.Node)
}

// A model is an onnx.Model that grows, and the network that it is of.
type model struct {
	onnx.Model
	g    *qnn.Graph
	made map[string]bool // names of initializers
}

func export(g *qnn.Graph, f form) (*onnx.Model, error) {
	// ONNX has padding in its convolutions.
	g, err := pass.Run(g, pass.Pad, pass.Dead)
	if err != nil {
		return nil, err
	}
	m := &model{Model: onnx.Model{Name: g.Name}, g: g, made: map[string]bool{}}
	if m.Inputs, err = m.values(g.Inputs, f); err != nil {
		return nil, err
	}
	if m.Outputs, err = m.values(g.Outputs, f); err != nil {
		return nil, err
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if err := m.node(n, f); err != nil {
			return nil, fmt.Errorf("%s: %w", g.Label(n), err)
		}
	}
	return &m.Model, nil
}

// values describes inputs or outputs.
func (m *model) values(ids []qnn.TensorID, f form) ([]onnx.Value, error) {
	var vs []onnx.Value
	for _, id := range ids {
		t := &m.g.Tensors[id]
		if !t.Type.Is8Bit() {
			return nil, fmt.Errorf("%s has type %s: only 8-bit inputs and outputs are exported", t, t.Type)
		}
		typ, shape := f.activation(t.Shape)
		vs = append(vs, onnx.Value{Name: Name(id), Type: typ, Shape: shape})
	}
	return vs, nil
}

// node appends n.
func (m *model) node(n *qnn.Node, f form) error {
	switch op := n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
		l, err := qnn.ResolveLayer(m.g, n)
		if err != nil {
			return err
		}
		if x := m.g.Input(n, 0).Shape; l.Kind == qnn.DenseLayer && len(x) != 2 {
			return fmt.Errorf("only a matrix is multiplied, not %s", x)
		}
		return f.layer(m, n, l)
	case qnn.Add:
		return f.add(m, n, op.Activation)
	case qnn.MaxPool:
		attributes, err := m.poolAttributes(n, op.Pool)
		if err != nil {
			return err
		}
		m.append(n, "MaxPool", "", []string{m.input(n, 0)}, attributes...)
		return nil
	case qnn.AveragePool:
		attributes, err := m.poolAttributes(n, op.Pool)
		if err != nil {
			return err
		}
		if s := m.g.Output(n, 0).Shape; s[1] == 1 && s[2] == 1 && op.Padding == qnn.Valid {
			f.averageAll(m, n, m.input(n, 0), m.output(n))
			return nil
		}
		return f.averagePool(m, n, attributes)
	case qnn.Mean:
		return m.mean(n, f)
	case qnn.Concat:
		if op.Activation != qnn.NoActivation || op.Axis != 3 && op.Axis != -1 || len(m.g.Output(n, 0).Shape) != 4 {
			return fmt.Errorf("only channels are concatenated, without an activation")
		}
		f.concat(m, n)
		return nil
	case qnn.Reshape:
		return m.reshape(n)
	case qnn.Softmax:
		if op.Beta != 1 {
			return fmt.Errorf("beta is %v: ONNX has 1 only", op.Beta)
		}
		f.softmax(m, n)
		return nil
	}
	return fmt.Errorf("this operator is not exported")
}

// mean appends a MEAN over rows and columns.
func (m *model) mean(n *qnn.Node, f form) error {
	axes, err := m.g.Input(n, 1).ConstInts()
	if err != nil {
		return err
	}
	if x := m.g.Input(n, 0).Shape; len(x) != 4 || len(axes) != 2 || axes[0]+axes[1] != 3 || axes[0]*axes[1] != 2 {
		return fmt.Errorf("only means over rows and columns are exported, not over %v of %s", axes, x)
	}
	y := m.output(n)
	if len(m.g.Output(n, 0).Shape) == 4 {
		f.averageAll(m, n, m.input(n, 0), y)
		return nil
	}
	f.averageAll(m, n, m.input(n, 0), y+"/kept")
	m.reshapeTo(n, y+"/kept", y, m.g.Output(n, 0).Shape)
	return nil
}

// reshape appends a RESHAPE that does not see in which order channels, rows and
// columns are.
func (m *model) reshape(n *qnn.Node) error {
	x, y := m.g.Input(n, 0).Shape, m.g.Output(n, 0).Shape
	if (len(x) == 4 || len(y) == 4) && !x.Equal(y) && !(onePixel(x) && onePixel(y)) {
		return fmt.Errorf("a reshape from %s to %s depends on the layout", x, y)
	}
	m.reshapeTo(n, m.input(n, 0), m.output(n), channelsFirst(y))
	return nil
}

// onePixel tells whether a tensor of shape s has one row and column, or none.
func onePixel(s qnn.Shape) bool { return len(s) != 4 || s[1] == 1 && s[2] == 1 }

// reshapeTo appends a Reshape of value x to y.
func (m *model) reshapeTo(n *qnn.Node, x, y string, shape []int) {
	target := make([]int64, len(shape))
	for i, d := range shape {
		target[i] = int64(d)
	}
	name := y + "/shape"
	m.constant(onnx.Tensor{Name: name, Type: onnx.Int64, Shape: []int{len(target)}, Data: littleEndian(target)})
	m.Nodes = append(m.Nodes, onnx.Node{Name: m.g.Output(n, 0).Name + "/reshape", Op: "Reshape", Inputs: []string{x, name}, Outputs: []string{y}})
}

// input is the value of input i of n.
func (m *model) input(n *qnn.Node, i int) string { return Name(n.Inputs[i]) }

// output is the value that n makes.
func (m *model) output(n *qnn.Node) string { return Name(n.Outputs[0]) }

// append appends the operator that makes n's output.
func (m *model) append(n *qnn.Node, op, domain string, inputs []string, attributes ...onnx.Attribute) {
	m.Nodes = append(m.Nodes, onnx.Node{
		Name: m.g.Output(n, 0).Name, Op: op, Domain: domain, Inputs: inputs, Outputs: []string{m.output(n)}, Attributes: attributes,
	})
}

// constant adds an initializer, once, and returns its name.
func (m *model) constant(t onnx.Tensor) string {
	if !m.made[t.Name] {
		m.made[t.Name] = true
		m.Initializers = append(m.Initializers, t)
	}
	return t.Name
}
