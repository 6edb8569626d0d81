package qnn

// LayerKind tells the operators that multiply with weights apart.
type LayerKind uint8

// The anchor operators.
const (
	ConvLayer LayerKind = iota
	DepthwiseLayer
	DenseLayer
	TransposeLayer // TRANSPOSE_CONV; see ResolveTransposeConv
)

// A Layer is a CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED node with its
// shapes, window and numbers resolved: all that a reference, a workload or a
// kernel needs, independent of the graph it came from.
//
// Input is [N][H][W][C], output [N][OH][OW][OC]. A dense layer is
// N x 1 x 1 x C -> N x 1 x 1 x OC with a 1x1 window.
type Layer struct {
	Kind LayerKind
	N, H, W, C,
	OH, OW, OC int
	Window
	Multiplier int // depthwise: OC = C*Multiplier; else 0

	Signed    bool // activations are int8 (false after pass.Legalise)
	InputZero int32

	// Weights as in the file: conv [OC][KH][KW][C], depthwise
	// [KH][KW][OC], dense [OC][C]; uint8 with WeightZero, or int8 with 0.
	Weights      []byte
	WeightSigned bool
	WeightZero   int32
	Bias         []int32 // [OC]; never nil, zero where the file has none

	Requant Requantise
}

// Window is the geometry of a sliding window, in cells.
type Window struct {
	KH, KW               int
	StrideH, StrideW     int
	DilationH, DilationW int
	PadTop, PadLeft      int
	PadBottom, PadRight  int // the cells actually read beyond the input; never negative
}

// Rounding names the rule by which the 64-bit product of an accumulator and a
// multiplier becomes an output.
type Rounding uint8

// Double rounds twice (SRDHM, then a rounding shift, ties away from zero);
// Single rounds once (ties upward). TensorFlow Lite uses Single for int8
// CONV_2D and FULLY_CONNECTED, Double elsewhere.
const (
	Double Rounding = iota
	Single
)

// Requantise turns an int32 accumulator of output channel c into an output:
// clamp(mul(acc, Mult[c]) + Zero, Lo, Hi).
type Requantise struct {
	Mult   []Multiplier // one, or one an output channel
	Round  Rounding
	Zero   int32
	Lo, Hi int32 // inside [0,255], or [-128,127] where the layer is Signed
}
