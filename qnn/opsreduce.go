package qnn

// ReduceKind tells the operators of Reduce apart.
type ReduceKind uint8

// Kinds of Reduce.
const (
	ReduceSum ReduceKind = iota
	ReduceMax
	ReduceMin
)

var reduceNames = []string{ReduceSum: "SUM", ReduceMax: "REDUCE_MAX", ReduceMin: "REDUCE_MIN"}

// Reduce is SUM, REDUCE_MAX or REDUCE_MIN over the axes in input 1.
type Reduce struct {
	Kind     ReduceKind
	KeepDims bool
}

// OpName returns "SUM", "REDUCE_MAX" or "REDUCE_MIN".
func (r Reduce) OpName() string { return enumName(reduceNames, int(r.Kind)) }
