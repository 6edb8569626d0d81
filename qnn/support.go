package qnn

import "fmt"

// arity is the number of inputs of an operator; optional ones may be NoTensor.
type arity struct{ required, most int }

// arityOf returns the inputs that op takes, and whether it is bounded at all.
func arityOf(op Op) (arity, bool) {
	switch op.(type) {
	case Conv2D, Depthwise, Dense:
		return arity{2, 3}, true
	case Add, Pad, Mean:
		return arity{2, 2}, true
	case Reshape:
		return arity{1, 2}, true
	case AveragePool, MaxPool, Squeeze, Softmax, Quantize, Dequantize:
		return arity{1, 1}, true
	}
	return arity{}, false
}

// checkOperands checks that the tensors of n exist, and are as many as its
// operator takes.
func (g *Graph) checkOperands(n *Node) error {
	for _, id := range n.Outputs {
		if !g.has(id) {
			return fmt.Errorf("output tensor %d of %d", id, len(g.Tensors))
		}
	}
	_, unsupported := n.Op.(Unsupported)
	a, bounded := arityOf(n.Op)
	for i, id := range n.Inputs {
		optional := unsupported || bounded && i >= a.required
		if !g.has(id) && !(optional && id == NoTensor) {
			return fmt.Errorf("input %d is tensor %d of %d", i, id, len(g.Tensors))
		}
	}
	if unsupported {
		return nil
	}
	if !bounded {
		a = arity{1, len(n.Inputs)}
	}
	if len(n.Inputs) < a.required || len(n.Inputs) > a.most {
		return fmt.Errorf("%d inputs, want %d to %d", len(n.Inputs), a.required, a.most)
	}
	if len(n.Outputs) != 1 {
		return fmt.Errorf("%d outputs, want 1", len(n.Outputs))
	}
	return nil
}

// CheckSupport tells whether this package defines n's operator for the
// element types, kinds of quantisation and constants that n has: nil, or what
// stands in the way. A file may hold such a node without being wrong; in a
// Graph it is an Unsupported. The tensors of n must exist, which is the other,
// first kind of error.
func (g *Graph) CheckSupport(n *Node) (unsupported, wrong error) {
	if err := g.checkOperands(n); err != nil {
		return nil, err
	}
	return g.supports(n), nil
}

// supports is CheckSupport for a node whose operands exist.
func (g *Graph) supports(n *Node) error {
	x, y := g.Input(n, 0), (*Tensor)(nil)
	if len(n.Outputs) == 1 {
		y = g.Output(n, 0)
	}
	switch n.Op.(type) {
	case Unsupported:
		return nil
	case Conv2D, Depthwise, Dense:
		return g.supportsLayer(n, x, y)
	case Reshape, Squeeze:
		if x.Type != y.Type || x.Type.Size() == 0 {
			return fmt.Errorf("from %s to %s", x.Type, y.Type)
		}
		return nil
	case Quantize:
		if !x.Type.Is8Bit() && x.Type != Float32 || !y.Type.Is8Bit() {
			return fmt.Errorf("from %s to %s", x.Type, y.Type)
		}
	case Dequantize:
		if !x.Type.Is8Bit() || y.Type != Float32 {
			return fmt.Errorf("from %s to %s", x.Type, y.Type)
		}
	case Pad, Mean:
		if err := activations(y, x); err != nil {
			return err
		}
		if _, err := g.Input(n, 1).ConstInts(); err != nil {
			return err
		}
	case Add, AveragePool, MaxPool, Softmax, Concat:
		if err := activations(y, g.inputs(n)...); err != nil {
			return err
		}
	default:
		return fmt.Errorf("an operator of type %T", n.Op)
	}
	return perTensor(append(g.inputs(n), y)...)
}

// inputs returns the inputs of n that are present.
func (g *Graph) inputs(n *Node) []*Tensor {
	var ts []*Tensor
	for i := range n.Inputs {
		if t := g.Input(n, i); t != nil {
			ts = append(ts, t)
		}
	}
	return ts
}

// activations checks that y and xs have the same 8-bit type.
func activations(y *Tensor, xs ...*Tensor) error {
	for _, x := range xs {
		if !x.Type.Is8Bit() {
			return fmt.Errorf("%s activations", x.Type)
		}
		if x.Type != y.Type {
			return fmt.Errorf("from %s to %s", x.Type, y.Type)
		}
	}
	return nil
}

// perTensor checks that no activation is quantised per channel.
func perTensor(ts ...*Tensor) error {
	for _, t := range ts {
		if t.Quant.PerChannel() {
			return fmt.Errorf("activations quantised per channel (%s)", t)
		}
	}
	return nil
}

// supportsLayer checks the operands of a convolution, depthwise or dense node.
func (g *Graph) supportsLayer(n *Node, x, y *Tensor) error {
	if err := activations(y, x); err != nil {
		return err
	}
	if err := perTensor(x, y); err != nil {
		return err
	}
	w, b := g.Input(n, 1), g.Input(n, 2)
	wantInt8 := x.Type == Int8 || n.FromInt8
	switch {
	case !w.IsConst():
		return fmt.Errorf("weights that are not constant (%s)", w)
	case wantInt8 != (w.Type == Int8) || !w.Type.Is8Bit():
		return fmt.Errorf("%s weights with %s activations", w.Type, x.Type)
	case w.Type == Uint8 && w.Quant.PerChannel():
		return fmt.Errorf("uint8 weights quantised per channel")
	case b != nil && (!b.IsConst() || b.Type != Int32):
		return fmt.Errorf("a bias that is not constant int32 (%s)", b)
	}
	if w.Type == Int8 {
		for _, z := range w.Quant.Zero {
			if z != 0 {
				return fmt.Errorf("int8 weights with zero point %d", z)
			}
		}
	}
	if op, ok := n.Op.(Conv2D); ok && len(x.Shape) == 4 && len(w.Shape) == 4 && x.Shape[3] != w.Shape[3] && w.Shape[3] > 0 && x.Shape[3]%w.Shape[3] == 0 {
		return fmt.Errorf("%s of %d groups", op.OpName(), x.Shape[3]/w.Shape[3])
	}
	return nil
}
