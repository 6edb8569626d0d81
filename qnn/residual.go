package qnn

import (
	"cmp"
	"fmt"
)

// A Residual is an ADD that is part of the CONV_2D or DEPTHWISE_CONV_2D which
// makes one of its operands: the node's output is the ADD's. The other operand,
// of the output's shape and type, is the node's last input, after a bias that
// may be NoTensor. The convolution requantises and clamps to Mid, exactly as if
// its result were still a tensor.
type Residual struct {
	Name       string // of the tensor that the convolution's result was
	Mid        Quant  // the quantisation of that tensor
	Activation Activation
}

// AddNumbers says what an ADD means: see AddMultipliers. The order is that of
// the two operands and the result.
type AddNumbers struct {
	Scales [3]float32
	Zeros  [3]int32
	Lo, Hi int32 // the result is clamped to, inside the range of its type
}

// ResolveResidual returns the numbers of the ADD in node n of a valid graph,
// which has one: the first operand is the convolution's result, the second the
// node's last input.
func ResolveResidual(g *Graph, n *Node) AddNumbers {
	a := AddNumbers{}
	y := g.Output(n, 0)
	for i, t := range []*Tensor{g.LayerOutput(n), g.Input(n, len(n.Inputs)-1), y} {
		a.Scales[i], a.Zeros[i] = t.Quant.Scale[0], t.Quant.Zero[0]
	}
	a.Lo, a.Hi = ActivationRange(n.Residual.Activation, y)
	return a
}

// LayerOutput describes what the layer proper of n makes: the output tensor,
// or what it would be without the ADD that is part of n.
func (g *Graph) LayerOutput(n *Node) *Tensor {
	y := g.Output(n, 0)
	if n.Residual == nil {
		return y
	}
	return &Tensor{Name: n.Residual.Name, Type: y.Type, Shape: y.Shape, Quant: n.Residual.Mid}
}

// residualInput is the input that a Residual adds.
const residualInput = 3

// checkResidualOperands checks the operands of a node with a Residual.
func (g *Graph) checkResidualOperands(n *Node) error {
	switch n.Op.(type) {
	case Conv2D, Depthwise:
	default:
		return fmt.Errorf("an addition cannot be part of it")
	}
	if len(n.Inputs) != residualInput+1 {
		return fmt.Errorf("%d inputs, with an addition %d", len(n.Inputs), residualInput+1)
	}
	if id := n.Inputs[residualInput]; !g.has(id) {
		return fmt.Errorf("input %d is tensor %d of %d", residualInput, id, len(g.Tensors))
	}
	return nil
}

// supportsResidual is the support rule of the ADD in n, if there is one.
func supportsResidual(g *Graph, n *Node) error {
	if n.Residual == nil {
		return nil
	}
	return cmp.Or(alike(eightBit, residualInput)(g, n), perTensor(g.LayerOutput(n)))
}

// residualNumbers checks shape, quantisation and options of the ADD in n, if
// there is one.
func residualNumbers(g *Graph, n *Node) error {
	if n.Residual == nil {
		return nil
	}
	x, y, mid := g.Input(n, residualInput), g.Output(n, 0), g.LayerOutput(n)
	if !x.Shape.Equal(y.Shape) {
		return fmt.Errorf("the addition's operand is %s, the output %s", x.Shape, y.Shape)
	}
	if a := n.Residual.Activation; a > Relu6 {
		return fmt.Errorf("activation %s of the addition", a)
	}
	if len(mid.Quant.Scale) != len(mid.Quant.Zero) {
		return fmt.Errorf("%d scales but %d zero points before the addition", len(mid.Quant.Scale), len(mid.Quant.Zero))
	}
	return oneScale(x, mid)
}
