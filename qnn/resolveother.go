package qnn

import (
	"fmt"
	"math"
)

// ResolveTransposeConv returns a TRANSPOSE_CONV node as the Layer whose
// transpose it is: input cell (y, x) adds, through the weights [OC][KH][KW][C],
// to the output cells (y*StrideH-PadTop+ky, x*StrideW-PadLeft+kx).
func ResolveTransposeConv(g *Graph, n *Node) (*Layer, error) {
	w, x, y := g.Input(n, 1), g.Input(n, 2), g.Output(n, 0)
	l := &Layer{
		Kind: TransposeLayer,
		N:    x.Shape[0], H: x.Shape[1], W: x.Shape[2], C: x.Shape[3],
		OH: y.Shape[1], OW: y.Shape[2], OC: y.Shape[3],
	}
	var err error
	if l.Window, err = n.Op.(TransposeConv).over(l.OH, l.OW, w.Shape); err != nil {
		return nil, fmt.Errorf("%s: %w", g.Label(n), err)
	}
	l.numbers(x, w, y, g.Input(n, 3), n.FromInt8)
	l.Requant.Lo, l.Requant.Hi = y.Type.Limits()
	return l, nil
}

// over resolves the window that the transposed convolution, from an output of
// oh x ow cells to the input, moves.
func (o TransposeConv) over(oh, ow int, w Shape) (Window, error) {
	if o.Padding == Explicit {
		return Window{}, fmt.Errorf("explicit padding is for convolutions only")
	}
	win, _, _, err := windowOf{o.Padding, Border{}, w[1], w[2], o.StrideH, o.StrideW, 1, 1}.over(oh, ow)
	return win, err
}

// A HardSwishScale is how HARD_SWISH scales its input, in 1/128 of a step of
// it, to the output and to a range of [-3, 3] in 16 bits. M has 16 bits.
type HardSwishScale struct{ Output, Reluish Multiplier }

// ResolveHardSwish returns the numbers of HARD_SWISH for the scales of its
// input and output.
func ResolveHardSwish(x, y float32) HardSwishScale {
	fine := float32(float32(1.0/128) * x)
	narrow := func(ratio float32) Multiplier {
		m := QuantizeMultiplier(float64(ratio))
		const half = 1 << 15
		if m.M >= 1<<31-1-half {
			m.M = 1<<15 - 1
		} else {
			m.M = (m.M + half) >> 16
		}
		return m
	}
	return HardSwishScale{
		Output:  narrow(float32(fine / y)),
		Reluish: narrow(float32(fine / float32(float32(3)/32768))),
	}
}

// SoftmaxZero returns what SOFTMAX node n adds to its quantised results: the
// zero point of its output y, except over uint8, where TensorFlow Lite's code
// leaves it out (QuantizeSoftmaxOutput<uint8_t>).
func SoftmaxZero(n *Node, y *Tensor) int32 {
	if y.Type == Uint8 && !n.FromInt8 {
		return 0
	}
	return y.Quant.Zero[0]
}

// MeanBias returns what MEAN in the kernel for H and W (see MeanOverHW) adds to
// the scaled sum, from the scales and zero points of its input and output. Both
// may be far beyond a byte: where the output is much finer they cancel.
func MeanBias(scale float32, zero int32, outScale float32, outZero int32) int32 {
	b := float32(float32(float32(zero)*scale) / outScale)
	half := float32(-0.5)
	if b > 0 {
		half = 0.5
	}
	rounded := math.Trunc(float64(float32(b + half)))
	return outZero - int32(min(max(rounded, math.MinInt32), math.MaxInt32))
}
