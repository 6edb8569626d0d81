package qnn

// The OpName methods return TensorFlow Lite's names.

func (Conv2D) OpName() string      { return "CONV_2D" }
func (Depthwise) OpName() string   { return "DEPTHWISE_CONV_2D" }
func (Dense) OpName() string       { return "FULLY_CONNECTED" }
func (Add) OpName() string         { return "ADD" }
func (AveragePool) OpName() string { return "AVERAGE_POOL_2D" }
func (MaxPool) OpName() string     { return "MAX_POOL_2D" }
func (Reshape) OpName() string     { return "RESHAPE" }
func (Squeeze) OpName() string     { return "SQUEEZE" }
func (Softmax) OpName() string     { return "SOFTMAX" }
func (Pad) OpName() string         { return "PAD" }
func (Quantize) OpName() string    { return "QUANTIZE" }
func (Dequantize) OpName() string  { return "DEQUANTIZE" }
func (Mean) OpName() string        { return "MEAN" }
func (Concat) OpName() string      { return "CONCATENATION" }

// OpName returns the name of the operator that is not supported.
func (u Unsupported) OpName() string { return u.Name }

var (
	activationNames = []string{NoActivation: "none", Relu: "relu", ReluN1To1: "relu_n1_to_1", Relu6: "relu6"}
	paddingNames    = []string{Same: "same", Valid: "valid", Explicit: "explicit"}
	roundingNames   = []string{Double: "double", Single: "single"}
	kindNames       = []string{ConvLayer: "conv2d", DepthwiseLayer: "depthwise", DenseLayer: "dense", TransposeLayer: "transpose_conv"}
)

// String returns "none", "relu", "relu_n1_to_1" or "relu6".
func (a Activation) String() string { return enumName(activationNames, int(a)) }

// String returns "same", "valid" or "explicit".
func (p Padding) String() string { return enumName(paddingNames, int(p)) }

// String returns "double" or "single".
func (r Rounding) String() string { return enumName(roundingNames, int(r)) }

// String returns "conv2d", "depthwise", "dense" or "transpose_conv".
func (k LayerKind) String() string { return enumName(kindNames, int(k)) }
