package qnn

import (
	"cmp"
	"fmt"
	"math"
)

// Rules about the quantisation and the options of a node.

// layerNumbers checks a convolution, depthwise or dense node whose output
// channels are dimension axis of the weights.
func layerNumbers(axis int) rule {
	return func(g *Graph, n *Node) error {
		x, y := g.Input(n, 0), g.Output(n, 0)
		if err := cmp.Or(activationValid(g, n), oneScale(x, y), residualNumbers(g, n)); err != nil {
			return err
		}
		return weightNumbers(x, g.Input(n, 1), g.Input(n, 2), axis)
	}
}

func transposeConvNumbers(g *Graph, n *Node) error {
	x, y := g.Input(n, 2), g.Output(n, 0)
	if err := oneScale(x, y); err != nil {
		return err
	}
	return weightNumbers(x, g.Input(n, 1), g.Input(n, 3), 0)
}

// weightNumbers checks weights w with output channels along dimension axis, and
// bias b, of a layer over x.
func weightNumbers(x, w, b *Tensor, axis int) error {
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

// FusedActivation returns the activation fused into op.
func FusedActivation(op Op) Activation {
	switch op := op.(type) {
	case Conv2D:
		return op.Activation
	case Depthwise:
		return op.Activation
	case Dense:
		return op.Activation
	case Add:
		return op.Activation
	case Sub:
		return op.Activation
	case Mul:
		return op.Activation
	case Div:
		return op.Activation
	case AveragePool:
		return op.Activation
	case MaxPool:
		return op.Activation
	case Concat:
		return op.Activation
	case Clamp:
		return op.Activation
	}
	return NoActivation
}

func activationValid(_ *Graph, n *Node) error {
	a := FusedActivation(n.Op)
	if _, clamp := n.Op.(Clamp); a > Relu6 || clamp && a == NoActivation {
		return fmt.Errorf("activation %s", a)
	}
	return nil
}

// oneScale checks that each of ts has one usable scale and zero point.
func oneScale(ts ...*Tensor) error {
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

// quantised checks that every 8-bit operand has one usable scale and zero point.
func quantised(g *Graph, n *Node) error {
	for _, t := range append(g.inputs(n), g.outputs(n)...) {
		if t.Type.Is8Bit() {
			if err := oneScale(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// quantisedAlike checks operators that do not requantise. TensorFlow Lite
// refuses pooling whose scales differ by more than 1e-6.
func quantisedAlike(g *Graph, n *Node) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	if err := oneScale(x, y); err != nil {
		return err
	}
	if math.Abs(float64(x.Quant.Scale[0])-float64(y.Quant.Scale[0])) > 1e-6 || x.Quant.Zero[0] != y.Quant.Zero[0] {
		return differ(x, y)
	}
	return nil
}

func differ(x, y *Tensor) error {
	return fmt.Errorf("input (scale %v, zero point %d) and output (%v, %d) must be quantised alike",
		x.Quant.Scale[0], x.Quant.Zero[0], y.Quant.Scale[0], y.Quant.Zero[0])
}

func finite(f float32) bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }

func betaFinite(_ *Graph, n *Node) error {
	if b := n.Op.(Softmax).Beta; !finite(b) {
		return fmt.Errorf("beta is %v", b)
	}
	return nil
}

func leakyReluNumbers(g *Graph, n *Node) error {
	if a := n.Op.(LeakyRelu).Alpha; !finite(a) || a < 0 && g.Input(n, 0).Type.Is8Bit() {
		return fmt.Errorf("alpha is %v", a)
	}
	return quantised(g, n)
}

// l2normNumbers: an output of 8 bits is in 1/128.
func l2normNumbers(g *Graph, n *Node) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	if x.Type == Float32 {
		return nil
	}
	if err := oneScale(x, y); err != nil {
		return err
	}
	zero := int32(128)
	if y.Type == Int8 {
		zero = 0
	}
	if y.Quant.Scale[0] != 1.0/128 || y.Quant.Zero[0] != zero {
		return fmt.Errorf("the output has scale %v and zero point %d, want 1/128 and %d", y.Quant.Scale[0], y.Quant.Zero[0], zero)
	}
	return nil
}

// hardSwishNumbers: TensorFlow Lite refuses an output that is finer than 1/128
// of the input.
func hardSwishNumbers(g *Graph, n *Node) error {
	if err := quantised(g, n); err != nil || !g.Input(n, 0).Type.Is8Bit() {
		return err
	}
	h := ResolveHardSwish(g.Input(n, 0).Quant.Scale[0], g.Output(n, 0).Quant.Scale[0])
	if h.Output.Exp > 0 {
		return fmt.Errorf("the output's scale %v is too fine for the input's %v",
			g.Output(n, 0).Quant.Scale[0], g.Input(n, 0).Quant.Scale[0])
	}
	return nil
}

// padNumbers checks the zero point that new cells hold, where there is one.
func padNumbers(g *Graph, n *Node) error {
	if y := g.Output(n, 0); y.Type == Int16 && len(y.Quant.Scale) > 0 {
		return oneScale(y)
	}
	return quantised(g, n)
}

func concatNumbers(g *Graph, n *Node) error {
	if a := n.Op.(Concat).Activation; a != NoActivation {
		return fmt.Errorf("a fused activation (%s) is not defined here", a)
	}
	return quantised(g, n)
}

// resizeNumbers checks what TensorFlow Lite refuses.
func resizeNumbers(g *Graph, n *Node) error {
	var o Resize
	switch op := n.Op.(type) {
	case ResizeBilinear:
		o = op.Resize
	case ResizeNearest:
		o = op.Resize
	}
	if o.AlignCorners && o.HalfPixel {
		return fmt.Errorf("both aligned corners and half-pixel centres")
	}
	if _, ok := n.Op.(ResizeBilinear); ok {
		return quantised(g, n)
	}
	return nil
}

// quantizeNumbers: both sides that are integers have one scale. TensorFlow Lite
// wants no zero points from int16 to int16.
func quantizeNumbers(g *Graph, n *Node) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	if x.Type == Float32 {
		return oneScale(y)
	}
	if err := oneScale(x, y); err != nil {
		return err
	}
	if x.Type == Int16 && y.Type == Int16 {
		return symmetric(x, y)
	}
	return nil
}

// symmetric checks that all of ts, which have one scale, have zero point 0.
func symmetric(ts ...*Tensor) error {
	for _, t := range ts {
		if z := t.Quant.Zero[0]; z != 0 {
			return fmt.Errorf("%s of type %s has zero point %d, want 0", t, t.Type, z)
		}
	}
	return nil
}

// dequantizeNumbers: integers have one scale, or one for each index of a
// dimension; TensorFlow Lite wants zero point 0 of int16.
func dequantizeNumbers(g *Graph, n *Node) error {
	x := g.Input(n, 0)
	q := x.Quant
	switch {
	case x.Type == Float16:
		return nil
	case x.Type == Int16:
		if err := oneScale(x); err != nil {
			return err
		}
		return symmetric(x)
	case !q.PerChannel():
		return oneScale(x)
	case q.Axis < 0 || q.Axis >= len(x.Shape) || x.Shape[q.Axis] != len(q.Scale):
		return fmt.Errorf("%d scales along dimension %d of %s", len(q.Scale), q.Axis, x.Shape)
	}
	return nil
}
