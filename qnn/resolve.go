package qnn

import (
	"encoding/binary"
	"fmt"
	"math"
)

// ResolveLayer returns the Layer of a CONV_2D, DEPTHWISE_CONV_2D or
// FULLY_CONNECTED node of a valid graph (see Graph.Validate), also after
// legalisation. The layer shares the weights with the graph. An ADD that is
// part of the node is not part of the layer; see ResolveResidual.
func ResolveLayer(g *Graph, n *Node) (*Layer, error) {
	l, act, err := layerGeometry(g, n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.Label(n), err)
	}
	x, w, y := g.Input(n, 0), g.Input(n, 1), g.LayerOutput(n)
	l.numbers(x, w, y, g.Input(n, 2), n.FromInt8)
	if (l.Signed || n.FromInt8) && l.Kind != DepthwiseLayer {
		l.Requant.Round = Single
	}
	l.Requant.Lo, l.Requant.Hi = ActivationRange(act, y)
	return l, nil
}

// numbers fills in what comes from the operands' types and quantisation. The
// rounding is Double.
func (l *Layer) numbers(x, w, y, bias *Tensor, fromInt8 bool) {
	l.Signed = x.Type == Int8
	l.InputZero = x.Quant.Zero[0]
	l.Weights, l.WeightSigned = w.Data, w.Type == Int8
	if !l.WeightSigned {
		l.WeightZero = w.Quant.Zero[0]
	}
	l.Bias = biasOf(bias, l.OC)
	l.Requant = Requantise{Round: Double, Zero: y.Quant.Zero[0]}
	for _, ws := range w.Quant.Scale {
		l.Requant.Mult = append(l.Requant.Mult, layerMultiplier(x.Quant.Scale[0], ws, y.Quant.Scale[0], l.Signed || fromInt8))
	}
}

// layerGeometry fills in the kind, extents and window.
func layerGeometry(g *Graph, n *Node) (*Layer, Activation, error) {
	var (
		l   *Layer
		act Activation
		o   windowOf
	)
	switch op := n.Op.(type) {
	case Conv2D:
		l, act = &Layer{Kind: ConvLayer}, op.Activation
		o = windowOf{op.Padding, op.Border, 0, 0, op.StrideH, op.StrideW, op.DilationH, op.DilationW}
	case Depthwise:
		l, act = &Layer{Kind: DepthwiseLayer, Multiplier: op.Multiplier}, op.Activation
		o = windowOf{op.Padding, op.Border, 0, 0, op.StrideH, op.StrideW, op.DilationH, op.DilationW}
	case Dense:
		w := g.Input(n, 1).Shape
		return &Layer{
			Kind: DenseLayer,
			N:    g.Input(n, 0).Shape.Elems() / w[1], H: 1, W: 1, C: w[1],
			OH: 1, OW: 1, OC: w[0],
			Window: Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1},
		}, op.Activation, nil
	default:
		return nil, 0, fmt.Errorf("not a convolution, depthwise or dense operator")
	}
	x, w, y := g.Input(n, 0).Shape, g.Input(n, 1).Shape, g.Output(n, 0).Shape
	l.N, l.H, l.W, l.C = x[0], x[1], x[2], x[3]
	l.OH, l.OW, l.OC = y[1], y[2], y[3]
	o.kh, o.kw = w[1], w[2]
	var err error
	l.Window, _, _, err = o.over(l.H, l.W)
	return l, act, err
}

// layerMultiplier is the multiplier of one output channel from the scales of
// input, weights and output. uint8 kernels take the product of the first two in
// float32, int8 kernels in double precision.
func layerMultiplier(is, ws, os float32, rulesOfInt8 bool) Multiplier {
	product := float64(float32(is * ws))
	if rulesOfInt8 {
		product = float64(is) * float64(ws)
	}
	return QuantizeMultiplier(product / float64(os))
}

// biasOf decodes an int32 tensor; an absent one is zeros.
func biasOf(t *Tensor, n int) []int32 {
	bias := make([]int32, n)
	if t != nil {
		for i := range bias {
			bias[i] = int32(binary.LittleEndian.Uint32(t.Data[4*i:]))
		}
	}
	return bias
}

// ActivationRange returns the least and greatest value that activation act
// leaves in the 8-bit output tensor y.
func ActivationRange(act Activation, y *Tensor) (lo, hi int32) {
	lo, hi = y.Type.Limits()
	quantise := func(real float32) int32 {
		q := RoundFloat(float32(real / y.Quant.Scale[0]))
		return int32(min(max(int64(q)+int64(y.Quant.Zero[0]), math.MinInt32), math.MaxInt32))
	}
	switch act {
	case Relu:
		lo = max(lo, quantise(0))
	case ReluN1To1:
		lo, hi = max(lo, quantise(-1)), min(hi, quantise(1))
	case Relu6:
		lo, hi = max(lo, quantise(0)), min(hi, quantise(6))
	}
	return lo, hi
}

// RoundFloat rounds half away from zero, as TensorFlow Lite's TfLiteRound. It
// saturates; NaN is 0.
func RoundFloat(f float32) int32 {
	r := math.Round(float64(f))
	switch {
	case r >= math.MaxInt32:
		return math.MaxInt32
	case r <= math.MinInt32:
		return math.MinInt32
	case r != r:
		return 0
	}
	return int32(r)
}

// MACs returns the multiply-accumulate steps of the layer, padding included.
func (l *Layer) MACs() int64 {
	m := int64(l.N) * int64(l.OH) * int64(l.OW) * int64(l.OC) * int64(l.KH) * int64(l.KW)
	if l.Kind != DepthwiseLayer {
		m *= int64(l.C)
	}
	return m
}

// Multiplier returns the multiplier of output channel c.
func (r *Requantise) Multiplier(c int) Multiplier {
	if len(r.Mult) == 1 {
		return r.Mult[0]
	}
	return r.Mult[c]
}

// Apply turns the accumulator of output channel c into an output.
func (r *Requantise) Apply(acc int32, c int) int32 {
	return min(max(r.Multiplier(c).Scale(acc, r.Round)+r.Zero, r.Lo), r.Hi)
}
