package qnn

// Operators that compute each element of the output from the elements at the
// same place of their inputs, which are broadcast as in NumPy where there are
// two.
type (
	// Sub is SUB, Mul is MUL.
	Sub struct{ Activation Activation }
	Mul struct{ Activation Activation }
	// Div is DIV.
	Div struct{ Activation Activation }
	// Maximum is MAXIMUM, Minimum is MINIMUM. They compare stored values, so
	// 8-bit operands should be quantised alike.
	Maximum struct{}
	Minimum struct{}
	// Clamp is the operator RELU, RELU_N1_TO_1 or RELU6.
	Clamp struct{ Activation Activation }
	// Logistic is LOGISTIC, Tanh is TANH, HardSwish is HARD_SWISH.
	Logistic  struct{}
	Tanh      struct{}
	HardSwish struct{}
	// LeakyRelu is LEAKY_RELU: Alpha*x where x is negative.
	LeakyRelu struct{ Alpha float32 }
	// PRelu is PRELU: inputs x and the slopes of negative values.
	PRelu struct{}
	// Table maps each byte x of its input to the byte Values[x], whatever the two
	// tensors' quantisation: other operators in one, made by qnn/pass. Files have
	// no word for it.
	Table struct{ Values [256]byte }
)

func (Sub) OpName() string       { return "SUB" }
func (Mul) OpName() string       { return "MUL" }
func (Div) OpName() string       { return "DIV" }
func (Maximum) OpName() string   { return "MAXIMUM" }
func (Minimum) OpName() string   { return "MINIMUM" }
func (Logistic) OpName() string  { return "LOGISTIC" }
func (Tanh) OpName() string      { return "TANH" }
func (HardSwish) OpName() string { return "HARD_SWISH" }
func (LeakyRelu) OpName() string { return "LEAKY_RELU" }
func (PRelu) OpName() string     { return "PRELU" }
func (Table) OpName() string     { return "TABLE" }

// OpName returns "RELU", "RELU_N1_TO_1" or "RELU6".
func (c Clamp) OpName() string {
	switch c.Activation {
	case ReluN1To1:
		return "RELU_N1_TO_1"
	case Relu6:
		return "RELU6"
	}
	return "RELU"
}
