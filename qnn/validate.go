package qnn

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// MaxTensorBytes bounds the size of a tensor, and so every dimension.
const MaxTensorBytes = math.MaxInt32

// maxRank bounds the number of dimensions.
const maxRank = 8

// ErrNotQuantised is the error of CheckQuantised.
var ErrNotQuantised = errors.New("not a quantised network: its convolution and dense operators compute on float32; convert it with full integer quantisation")

// CheckQuantised returns ErrNotQuantised for a network that has convolution,
// depthwise or dense operators, but none over 8-bit activations.
func (g *Graph) CheckQuantised() error {
	float := false
	for i := range g.Nodes {
		n := &g.Nodes[i]
		switch op := n.Op.(type) {
		case Conv2D, Depthwise, Dense:
			return nil
		case Unsupported:
			switch op.Name {
			case Conv2D{}.OpName(), Depthwise{}.OpName(), Dense{}.OpName():
				x := g.Input(n, 0)
				float = float || x != nil && x.Type == Float32
			}
		}
	}
	if float {
		return ErrNotQuantised
	}
	return nil
}

// Validate checks everything that the other packages rely on: that every
// tensor is well formed and made exactly once before it is used, and that each
// node's operands have the types, quantisation and shapes of its operator.
// Of an Unsupported node it checks the operands' existence and order only.
func (g *Graph) Validate() error {
	for i := range g.Tensors {
		if err := g.Tensors[i].validate(); err != nil {
			return fmt.Errorf("tensor %d %s: %w", i, quoteShort(g.Tensors[i].Name), err)
		}
	}
	made, err := g.validateInputs()
	if err != nil {
		return err
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Op == nil {
			return fmt.Errorf("node %d has no operator", n.Index)
		}
		if err := g.validateNode(n, made); err != nil {
			return fmt.Errorf("%s: %w", g.Label(n), err)
		}
	}
	for i, id := range g.Outputs {
		if !g.has(id) || !made[id] && !g.Tensors[id].IsConst() {
			return fmt.Errorf("output %d of the network is tensor %d, which nothing makes", i, id)
		}
	}
	return nil
}

func (t *Tensor) validate() error {
	if len(t.Shape) > maxRank {
		return fmt.Errorf("%d dimensions, at most %d are supported", len(t.Shape), maxRank)
	}
	for i, d := range t.Shape {
		if d < 0 || d > MaxTensorBytes {
			return fmt.Errorf("dimension %d is %d (dynamic shapes are not supported)", i, d)
		}
	}
	if t.Bytes() > MaxTensorBytes || t.Shape.Elems() > MaxTensorBytes {
		return fmt.Errorf("a %s %s is too large", t.Shape, t.Type)
	}
	if len(t.Quant.Scale) != len(t.Quant.Zero) {
		return fmt.Errorf("%d scales but %d zero points", len(t.Quant.Scale), len(t.Quant.Zero))
	}
	if t.IsConst() && t.sized() && len(t.Data) != t.Bytes() {
		return fmt.Errorf("%d bytes of data for a %s %s", len(t.Data), t.Shape, t.Type)
	}
	return nil
}

// sized tells whether the shape determines the length of the data.
func (t *Tensor) sized() bool { return t.Type.Size() > 0 || t.Type == Int4 }

// validateInputs checks the inputs of the network and returns what is made.
func (g *Graph) validateInputs() ([]bool, error) {
	made := make([]bool, len(g.Tensors))
	for i, id := range g.Inputs {
		switch {
		case !g.has(id):
			return nil, fmt.Errorf("input %d of the network is tensor %d of %d", i, id, len(g.Tensors))
		case g.Tensors[id].IsConst():
			return nil, fmt.Errorf("input %d of the network is the constant tensor %d", i, id)
		case made[id]:
			return nil, fmt.Errorf("tensor %d is two inputs of the network", id)
		}
		made[id] = true
	}
	return made, nil
}

// validateNode checks n, given which tensors earlier nodes made, and marks its
// outputs as made.
func (g *Graph) validateNode(n *Node, made []bool) error {
	if err := g.checkOperands(n); err != nil {
		return err
	}
	for i, id := range n.Inputs {
		if id != NoTensor && !made[id] && !g.Tensors[id].IsConst() {
			return fmt.Errorf("input %d is tensor %d %s, which no earlier node makes", i, id, quoteShort(g.Tensors[id].Name))
		}
	}
	for _, id := range n.Outputs {
		if made[id] || g.Tensors[id].IsConst() {
			return fmt.Errorf("writes tensor %d %s, which has a value already", id, quoteShort(g.Tensors[id].Name))
		}
		made[id] = true
	}
	if _, ok := n.Op.(Unsupported); ok {
		return nil
	}
	if err := g.supports(n); err != nil {
		return fmt.Errorf("not supported: %w", err)
	}
	if err := g.validateShapes(n); err != nil {
		return err
	}
	return g.validateQuant(n)
}

func (g *Graph) validateShapes(n *Node) error {
	for _, t := range append(g.inputs(n), g.Output(n, 0)) {
		for _, d := range t.Shape {
			if d < 1 {
				return fmt.Errorf("%s has the empty shape %s", t, t.Shape)
			}
		}
	}
	want, err := g.InferShape(n)
	if err != nil {
		return err
	}
	if got := g.Output(n, 0).Shape; !got.Equal(want) {
		return fmt.Errorf("the output is declared %s, but computes to %s", got, want)
	}
	return nil
}

// validateQuant checks the quantisation of every operand that n computes with.
func (g *Graph) validateQuant(n *Node) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	switch op := n.Op.(type) {
	case Conv2D:
		return g.validateLayer(n, 0, op.Activation)
	case Depthwise:
		return g.validateLayer(n, 3, op.Activation)
	case Dense:
		return g.validateLayer(n, 0, op.Activation)
	case Reshape, Squeeze:
		return nil
	case Quantize:
		if x.Type == Float32 {
			return quantised(y)
		}
		return quantised(x, y)
	case Dequantize:
		return quantised(x)
	case Softmax:
		if b := float64(op.Beta); math.IsNaN(b) || math.IsInf(b, 0) {
			return fmt.Errorf("beta is %v", b)
		}
		return quantised(x, y)
	case Pad, Mean:
		return quantised(x, y)
	case AveragePool:
		return cmp.Or(op.Activation.check(), quantisedAlike(x, y))
	case MaxPool:
		return cmp.Or(op.Activation.check(), quantisedAlike(x, y))
	case Add:
		return cmp.Or(op.Activation.check(), quantised(append(g.inputs(n), y)...))
	case Concat:
		if op.Activation != NoActivation {
			return fmt.Errorf("a fused activation (%s) is not defined here", op.Activation)
		}
		return quantised(append(g.inputs(n), y)...)
	}
	return nil
}

// validateLayer checks the numbers of a convolution, depthwise or dense node
// whose output channels are dimension axis of the weights.
func (g *Graph) validateLayer(n *Node, axis int, act Activation) error {
	x, w, b, y := g.Input(n, 0), g.Input(n, 1), g.Input(n, 2), g.Output(n, 0)
	if err := cmp.Or(act.check(), quantised(x, y)); err != nil {
		return err
	}
	channels := w.Shape[axis]
	if b != nil && b.Shape.Elems() != channels {
		return fmt.Errorf("a bias of %s for %d output channels", b.Shape, channels)
	}
	q := w.Quant
	switch {
	case len(q.Scale) == 0:
		return fmt.Errorf("the weights (%s) are not quantised", w)
	case q.PerChannel() && len(q.Scale) != channels:
		return fmt.Errorf("%d scales for %d output channels", len(q.Scale), channels)
	case q.PerChannel() && q.Axis != axis:
		return fmt.Errorf("weights quantised along dimension %d, want %d", q.Axis, axis)
	case w.Type == Uint8 && (q.Zero[0] < 0 || q.Zero[0] > 255):
		return fmt.Errorf("weights with zero point %d", q.Zero[0])
	}
	for c, s := range q.Scale { // a channel of zeros may have scale 0
		if !(s >= 0) || math.IsInf(float64(x.Quant.Scale[0]*s), 0) {
			return fmt.Errorf("weights with scale %v in channel %d", s, c)
		}
	}
	return nil
}

func (a Activation) check() error {
	if a > Relu6 {
		return fmt.Errorf("activation %s", a)
	}
	return nil
}

// quantised checks that each of ts has one usable scale and zero point.
func quantised(ts ...*Tensor) error {
	for _, t := range ts {
		if len(t.Quant.Scale) != 1 {
			return fmt.Errorf("%s has %d scales, want 1", t, len(t.Quant.Scale))
		}
		s, z := t.Quant.Scale[0], t.Quant.Zero[0]
		if !(s > 0) || math.IsInf(float64(s), 0) {
			return fmt.Errorf("%s has scale %v", t, s)
		}
		if lo, hi := t.Type.Limits(); z < lo || z > hi {
			return fmt.Errorf("%s of type %s has zero point %d", t, t.Type, z)
		}
	}
	return nil
}

// quantisedAlike checks operators that do not requantise. TensorFlow Lite
// refuses pooling whose scales differ by more than 1e-6.
func quantisedAlike(x, y *Tensor) error {
	if err := quantised(x, y); err != nil {
		return err
	}
	if math.Abs(float64(x.Quant.Scale[0])-float64(y.Quant.Scale[0])) > 1e-6 || x.Quant.Zero[0] != y.Quant.Zero[0] {
		return fmt.Errorf("input (scale %v, zero point %d) and output (%v, %d) must be quantised alike",
			x.Quant.Scale[0], x.Quant.Zero[0], y.Quant.Scale[0], y.Quant.Zero[0])
	}
	return nil
}
