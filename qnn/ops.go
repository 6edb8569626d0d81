package qnn

// An Op is an operator with its options: one of the structs of this file.
type Op interface {
	// OpName is TensorFlow Lite's name of the operator, such as CONV_2D.
	OpName() string
}

// Activation is the function fused into an operator's output.
type Activation uint8

// Fused activations.
const (
	NoActivation Activation = iota
	Relu
	ReluN1To1
	Relu6
)

// Padding says how far a window reaches over the border of its input.
type Padding uint8

// Paddings; see Window for the cells they mean. Explicit is that of a Border,
// which a convolution gets from a PAD (qnn/pass); files have no word for it.
const (
	Same Padding = iota
	Valid
	Explicit
)

// Border counts the cells of Explicit padding around the input. They hold the
// input's zero point.
type Border struct{ Top, Left, Bottom, Right int }

type (
	// Conv2D is CONV_2D: inputs x [N][H][W][C], weights [O][KH][KW][C], bias [O].
	Conv2D struct {
		Padding              Padding
		Border               Border // zero unless Padding is Explicit
		StrideH, StrideW     int
		DilationH, DilationW int
		Activation           Activation
	}
	// Depthwise is DEPTHWISE_CONV_2D: weights [1][KH][KW][C*Multiplier];
	// output channel c*Multiplier+j reads input channel c.
	Depthwise struct {
		Padding              Padding
		Border               Border // zero unless Padding is Explicit
		StrideH, StrideW     int
		DilationH, DilationW int
		Multiplier           int
		Activation           Activation
	}
	// Dense is FULLY_CONNECTED: x [...][C], weights [O][C], optional bias [O].
	Dense struct {
		Activation Activation
		KeepDims   bool
	}
	// Add is ADD with NumPy broadcasting.
	Add struct{ Activation Activation }
	// AveragePool is AVERAGE_POOL_2D, MaxPool is MAX_POOL_2D.
	AveragePool struct{ Pool }
	MaxPool     struct{ Pool }
	// Reshape is RESHAPE; the output tensor's shape says to what.
	Reshape struct{}
	// Squeeze is SQUEEZE of the given dimensions, or of all of extent 1.
	Squeeze struct{ Dims []int }
	// Softmax is SOFTMAX over the last dimension.
	Softmax struct{ Beta float32 }
	// Pad is PAD: inputs x and a constant [rank][2] of cells before and after.
	Pad struct{}
	// Quantize is QUANTIZE: from float32 to 8 bits or int16, or from one
	// quantisation to another; see supportsQuantize for the types.
	Quantize struct{}
	// Dequantize is DEQUANTIZE: an 8-bit, int16 or float16 tensor to float32.
	Dequantize struct{}
	// Mean is MEAN over the axes in input 1.
	Mean struct{ KeepDims bool }
	// Concat is CONCATENATION along Axis; a negative axis counts from the end.
	Concat struct {
		Axis       int
		Activation Activation
	}
	// Unsupported stands for an operator that this package does not know.
	Unsupported struct {
		Name   string // of the builtin or custom operator, for example CUSTOM "TFLite_Detection_PostProcess"
		Reason string // why it is not supported, for example "float32 activations"
	}
)

// Pool holds the options of both pooling operators.
type Pool struct {
	Padding          Padding
	StrideH, StrideW int
	FilterH, FilterW int
	Activation       Activation
}
