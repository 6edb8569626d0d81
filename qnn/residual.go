package qnn

import "fmt"

// A Residual is an ADD that became part of the convolution, depthwise or dense
// node before it: the node adds its last input, of the output's shape and type,
// to its own result, which has a quantisation of its own and is not stored. The
// output is the sum. Only passes make it; shared between copies of a graph, it
// must not be changed.
type Residual struct {
	Name       string     // of the tensor that the node's own result was
	Mid        Quant      // quantisation of the node's own result
	Activation Activation // of the sum; the operator's own applies before
}

// Own returns the node's own result: what it adds its residual to, or else its
// first output.
func (g *Graph) Own(n *Node) *Tensor {
	y := g.Output(n, 0)
	if n.Residual == nil {
		return y
	}
	return &Tensor{Name: n.Residual.Name, Type: y.Type, Shape: y.Shape, Quant: n.Residual.Mid}
}

// A Sum says what ADD of two operands means: see AddMultipliers. Operand 0 is
// a residual node's own result, 1 its last input, 2 the sum. Zero points and
// limits are those of the stored values, also of a legalised node.
type Sum struct {
	Scales [3]float32
	Zeros  [3]int32
	Lo, Hi int32 // what the type and the activation leave of the sum
}

// ResolveResidual returns the addition at the end of a valid node, and whether
// there is one.
func ResolveResidual(g *Graph, n *Node) (Sum, bool) {
	if n.Residual == nil {
		return Sum{}, false
	}
	var s Sum
	y := g.Output(n, 0)
	for i, t := range []*Tensor{g.Own(n), g.Input(n, len(n.Inputs)-1), y} {
		s.Scales[i], s.Zeros[i] = t.Quant.Scale[0], t.Quant.Zero[0]
	}
	s.Lo, s.Hi = ActivationRange(n.Residual.Activation, y)
	return s, true
}

// residualOperands is how many inputs a node has beside its operator's.
func (n *Node) residualOperands() int {
	if n.Residual == nil {
		return 0
	}
	return 1
}

// takesResidual checks that n's operator may have the residual that n has.
func takesResidual(n *Node) error {
	switch n.Op.(type) {
	case Conv2D, Depthwise, Dense:
		return nil
	}
	if n.Residual != nil {
		return fmt.Errorf("a residual is not defined here")
	}
	return nil
}

// checkResidual checks the residual's type, shape and quantisation.
func checkResidual(g *Graph, n *Node) error {
	if n.Residual == nil {
		return nil
	}
	if q := n.Residual.Mid; len(q.Scale) != 1 || len(q.Zero) != 1 {
		return fmt.Errorf("%d scales and %d zero points before the residual, want 1", len(q.Scale), len(q.Zero))
	}
	if a := n.Residual.Activation; a > Relu6 {
		return fmt.Errorf("activation %s of the residual", a)
	}
	other, y := g.Input(n, len(n.Inputs)-1), g.Output(n, 0)
	if other.Type != y.Type || !other.Shape.Equal(y.Shape) {
		return fmt.Errorf("the residual is %s %s, the output %s %s", other.Type, other.Shape, y.Type, y.Shape)
	}
	return oneScale(other, g.Own(n))
}
