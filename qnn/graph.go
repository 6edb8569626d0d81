// Package qnn says what a quantised network means: a Graph of Tensors and
// Nodes, the quantisation of each tensor, shapes, and the fixed-point
// arithmetic that turns real scales into integers. It knows no file format
// (see qnn/tflite), computes nothing (see qnn/ref) and imports only the
// standard library.
//
// A real value r is stored as an integer q with r = scale * (q - zero). The
// operators and their numbers are those of TensorFlow Lite's builtin kernels.
package qnn

// A TensorID is an index into Graph.Tensors.
type TensorID int

// NoTensor marks an optional input that is absent, such as a missing bias.
const NoTensor TensorID = -1

// A Graph is a network: nodes in an order in which they can be executed, over
// tensors that are either constant (Data set), inputs, or made by exactly one
// node.
type Graph struct {
	Name            string
	Tensors         []Tensor
	Nodes           []Node
	Inputs, Outputs []TensorID
}

// A Tensor is a value of the network. Activations are NHWC.
type Tensor struct {
	Name  string
	Type  DType
	Shape Shape
	Quant Quant
	Data  []byte // constant value, little-endian, row-major; nil if computed
}

// IsConst tells whether the tensor's value is part of the network.
func (t *Tensor) IsConst() bool { return t.Data != nil }

// A Node is one operator applied to tensors.
type Node struct {
	Op      Op // the operator with its options
	Inputs  []TensorID
	Outputs []TensorID
	Index   int // number in the source file, for messages; -1 for a node that a pass made

	// FromInt8 marks a node that was defined over int8 activations and whose
	// tensors pass.Run's legalise moved to uint8 (value + 128, zero point + 128):
	// int8's rounding rule and signs still hold for it.
	FromInt8 bool

	// Residual is the ADD that is part of a convolution, or nil; see Residual.
	Residual *Residual
}

// Input returns the tensor of input i, or nil where it is absent.
func (g *Graph) Input(n *Node, i int) *Tensor {
	if i >= len(n.Inputs) || n.Inputs[i] == NoTensor {
		return nil
	}
	return &g.Tensors[n.Inputs[i]]
}

// Output returns the tensor of output i.
func (g *Graph) Output(n *Node, i int) *Tensor { return &g.Tensors[n.Outputs[i]] }

// Quant is a tensor's quantisation: one scale and zero point, or one for each
// index of dimension Axis (per channel). The zero Quant means "not quantised".
type Quant struct {
	Scale []float32
	Zero  []int32
	Axis  int
}

// PerChannel tells whether the tensor has more than one scale.
func (q Quant) PerChannel() bool { return len(q.Scale) > 1 }
