package qnn

import (
	"cmp"
	"fmt"
)

// A typeSet is a set of element types, by bit.
type typeSet uint16

func types(ds ...DType) typeSet {
	var s typeSet
	for _, d := range ds {
		s |= 1 << d
	}
	return s
}

func (s typeSet) has(d DType) bool { return s&(1<<d) != 0 }

var (
	eightBit = types(Uint8, Int8)
	// quantisedTypes are those that a scale gives a meaning to. Tensors of int16
	// and int32 may also be plain numbers.
	quantisedTypes = eightBit | types(Int16, Int32)
	floats         = types(Float32)
	glue           = types(Float32, Int32)
	wideGlue       = glue | types(Int64)
	anySized       = types(Uint8, Int8, Float32, Int32, Int64, Bool, Int16, Float16)
)

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
	if _, ok := n.Op.(Unsupported); ok {
		return nil
	}
	d, ok := definitionOf(n.Op)
	if !ok {
		return fmt.Errorf("an operator of type %T", n.Op)
	}
	return d.support.check(g, n)
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

// outputs returns the outputs of n.
func (g *Graph) outputs(n *Node) []*Tensor {
	ts := make([]*Tensor, len(n.Outputs))
	for i := range ts {
		ts[i] = g.Output(n, i)
	}
	return ts
}

// alike wants inputs ks, or all if there are none, and the outputs to be of one
// type of the set.
func alike(set typeSet, ks ...int) rule {
	return func(g *Graph, n *Node) error {
		xs := g.inputs(n)
		if len(ks) > 0 {
			xs = nil
			for _, k := range ks {
				xs = append(xs, g.Input(n, k))
			}
		}
		ys := g.outputs(n)
		for _, x := range xs {
			if !set.has(x.Type) {
				return fmt.Errorf("%s activations", x.Type)
			}
			for _, y := range ys {
				if x.Type != y.Type {
					return fmt.Errorf("from %s to %s", x.Type, y.Type)
				}
			}
		}
		if set == anySized { // nothing is computed
			return nil
		}
		return perTensor(append(xs, ys...)...)
	}
}

// orNumbers is rule for 8-bit tensors; where the first input is of a type of
// numbers, all inputs and outputs must be of that.
func orNumbers(set typeSet, r rule) rule {
	return func(g *Graph, n *Node) error {
		x := g.Input(n, 0)
		if !set.has(x.Type) {
			return r(g, n)
		}
		for _, t := range append(g.inputs(n), g.outputs(n)...) {
			if t.Type != x.Type {
				return fmt.Errorf("from %s to %s", x.Type, t.Type)
			}
		}
		return nil
	}
}

// moved is alike for operators that move elements of any type, which may be
// quantised anew where they have 8 bits.
func moved(ks ...int) rule {
	bytes := alike(eightBit, ks...)
	return func(g *Graph, n *Node) error {
		if x := g.Input(n, 0); x.Type.Is8Bit() {
			return bytes(g, n)
		}
		return alike(anySized, ks...)(g, n)
	}
}

// constant wants inputs ks to be constants of type int32 or int64.
func constant(ks ...int) rule {
	return func(g *Graph, n *Node) error {
		for _, k := range ks {
			if _, err := g.constInts(n, k); err != nil {
				return err
			}
		}
		return nil
	}
}

// perTensor checks that no activation is quantised per channel.
func perTensor(ts ...*Tensor) error {
	for _, t := range ts {
		if quantisedTypes.has(t.Type) && t.Quant.PerChannel() {
			return fmt.Errorf("activations quantised per channel (%s)", t)
		}
	}
	return nil
}

// supportsLayer checks the operands of a convolution, depthwise or dense node.
func supportsLayer(g *Graph, n *Node) error {
	x, w := g.Input(n, 0), g.Input(n, 1)
	if err := alike(eightBit, 0)(g, n); err != nil {
		return err
	}
	if err := cmp.Or(supportsWeights(n, x, w, g.Input(n, 2)), supportsResidual(g, n)); err != nil {
		return err
	}
	if op, ok := n.Op.(Conv2D); ok && len(x.Shape) == 4 && len(w.Shape) == 4 && x.Shape[3] != w.Shape[3] && w.Shape[3] > 0 && x.Shape[3]%w.Shape[3] == 0 {
		return fmt.Errorf("%s of %d groups", op.OpName(), x.Shape[3]/w.Shape[3])
	}
	return nil
}

func supportsTransposeConv(g *Graph, n *Node) error {
	if err := rules(alike(eightBit, 2), constant(0))(g, n); err != nil {
		return err
	}
	return supportsWeights(n, g.Input(n, 2), g.Input(n, 1), g.Input(n, 3))
}

// supportsWeights checks the weights w and bias b of a layer over x.
func supportsWeights(n *Node, x, w, b *Tensor) error {
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
	return nil
}

// quantizeTypes are the types that QUANTIZE goes to, by the type that it comes
// from: what TensorFlow Lite's kernel accepts.
var quantizeTypes = map[DType]typeSet{
	Float32: types(Uint8, Int8, Int16),
	Uint8:   eightBit,
	Int8:    eightBit,
	Int16:   types(Int8, Int16, Int32),
	Int32:   types(Int8, Int16),
}

func supportsQuantize(g *Graph, n *Node) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	legalised := n.FromInt8 && y.Type == Uint8 && quantizeTypes[x.Type].has(Int8)
	if !quantizeTypes[x.Type].has(y.Type) && !legalised {
		return fmt.Errorf("from %s to %s", x.Type, y.Type)
	}
	return perTensor(x, y)
}

func supportsDequantize(g *Graph, n *Node) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	if !types(Uint8, Int8, Int16, Float16).has(x.Type) || y.Type != Float32 {
		return fmt.Errorf("from %s to %s", x.Type, y.Type)
	}
	return nil
}

// supportsElu: TensorFlow Lite has no kernel for uint8.
func supportsElu(g *Graph, n *Node) error {
	if x := g.Input(n, 0); x.Type == Uint8 && !n.FromInt8 {
		return fmt.Errorf("%s activations", x.Type)
	}
	return orNumbers(floats, alike(eightBit))(g, n)
}

func supportsTable(g *Graph, n *Node) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	if !x.Type.Is8Bit() || !y.Type.Is8Bit() {
		return fmt.Errorf("from %s to %s", x.Type, y.Type)
	}
	return perTensor(x, y)
}

// supportsArgBest checks ARG_MAX and ARG_MIN, which compare stored values.
func supportsArgBest(g *Graph, n *Node) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	if !types(Uint8, Int8, Float32, Int32, Bool).has(x.Type) || y.Type != Int32 && y.Type != Int64 {
		return fmt.Errorf("from %s to %s", x.Type, y.Type)
	}
	return constant(1)(g, n)
}

func supportsShapeOf(g *Graph, n *Node) error {
	if y := g.Output(n, 0); y.Type != Int32 && y.Type != Int64 {
		return fmt.Errorf("to %s", y.Type)
	}
	return nil
}
