package ref

import (
	"encoding/binary"
	"fmt"
	"math"

	"qtune/qnn"
)

// Operators on float32, int32 and int64, which detection and pose networks put around
// the quantised part. Arithmetic rounds to float32 after every operation.

// numbers computes n, whose output is of float32, int32 or int64.
func numbers(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	switch op := n.Op.(type) {
	case qnn.Add, qnn.Sub, qnn.Mul, qnn.Div, qnn.Maximum, qnn.Minimum, qnn.FloorDiv, qnn.FloorMod, qnn.PRelu:
		return pairOfNumbers(g, n, vals, out)
	case qnn.Softmax:
		softmaxFloat(vals.Of(g, n.Inputs[0]), out, x.Shape[len(x.Shape)-1], op.Beta)
		return nil
	case qnn.L2Norm:
		l2normFloats(vals.Of(g, n.Inputs[0]), out, x.Shape[len(x.Shape)-1])
		return nil
	}
	if op, ok := n.Op.(qnn.ResizeBilinear); ok {
		resizeFloats(vals.Of(g, n.Inputs[0]), out, x.Shape, y.Shape, op.Resize)
		return nil
	}
	f := floatCurve(n.Op)
	if f == nil {
		return fmt.Errorf("%s: not supported", g.Label(n))
	}
	data := vals.Of(g, n.Inputs[0])
	for k := range x.Shape.Elems() {
		putFloat(out, k, f(float(data, k)))
	}
	return nil
}

// pairOfNumbers computes n, of two operands of float32, int32 or int64.
func pairOfNumbers(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) error {
	act := qnn.FusedActivation(n.Op)
	var fault error
	pairsOf(g, n, vals, func(k int, a, b []byte) {
		var err error
		switch g.Output(n, 0).Type {
		case qnn.Float32:
			var v float32
			v, err = pairOfFloats(n.Op, float(a, 0), float(b, 0))
			putFloat(out, k, bound(n.Op, clampFloat(v, act)))
		case qnn.Int64:
			var v int64
			v, err = pairOfInts(n.Op, long(a, 0), long(b, 0))
			binary.LittleEndian.PutUint64(out[8*k:], uint64(clampInt(v, act)))
		default:
			var v int32
			v, err = pairOfInts(n.Op, integer(a, 0), integer(b, 0))
			binary.LittleEndian.PutUint32(out[4*k:], uint32(clampInt(v, act)))
		}
		if err != nil {
			fault = fmt.Errorf("%s: %w", g.Label(n), err)
		}
	})
	return fault
}

func float(data []byte, k int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(data[4*k:]))
}

func putFloat(out []byte, k int, v float32) {
	binary.LittleEndian.PutUint32(out[4*k:], math.Float32bits(v))
}

func integer(data []byte, k int) int32 { return int32(binary.LittleEndian.Uint32(data[4*k:])) }

func long(data []byte, k int) int64 { return int64(binary.LittleEndian.Uint64(data[8*k:])) }

func pairOfFloats(op qnn.Op, a, b float32) (float32, error) {
	switch op.(type) {
	case qnn.Add:
		return float32(a + b), nil
	case qnn.Sub:
		return float32(a - b), nil
	case qnn.Mul:
		return float32(a * b), nil
	case qnn.Div:
		return float32(a / b), nil
	case qnn.FloorDiv, qnn.FloorMod:
		return floorFloats(op, a, b)
	case qnn.Maximum:
		return larger(a, b), nil
	case qnn.PRelu:
		if a >= 0 {
			return a, nil
		}
		return float32(a * b), nil
	}
	return smaller(a, b), nil // MINIMUM
}

// larger is b if either is NaN.
func larger(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}

// smaller is b if either is NaN.
func smaller(a, b float32) float32 {
	if a < b {
		return a
	}
	return b
}

func pairOfInts[T int32 | int64](op qnn.Op, a, b T) (T, error) {
	switch op.(type) {
	case qnn.Add:
		return a + b, nil
	case qnn.Sub:
		return a - b, nil
	case qnn.Mul:
		return a * b, nil
	case qnn.Div:
		if b == 0 {
			return 0, fmt.Errorf("division by zero")
		}
		return a / b, nil
	case qnn.FloorDiv, qnn.FloorMod:
		return floorInts(op, a, b)
	case qnn.Maximum:
		return max(a, b), nil
	}
	return min(a, b), nil // MINIMUM
}

// clampFloat applies a fused activation; NaN stays.
func clampFloat(v float32, act qnn.Activation) float32 {
	lo, hi := float32(math.Inf(-1)), float32(math.Inf(1))
	switch act {
	case qnn.Relu:
		lo = 0
	case qnn.ReluN1To1:
		lo, hi = -1, 1
	case qnn.Relu6:
		lo, hi = 0, 6
	}
	switch {
	case v < lo:
		return lo
	case v > hi:
		return hi
	}
	return v
}

// bound keeps what an operator with an option for an activation gives among the
// finite numbers: even no activation is a range to TensorFlow Lite. NaN stays.
func bound(op qnn.Op, v float32) float32 {
	switch op.(type) {
	case qnn.Add, qnn.Sub, qnn.Mul, qnn.Div:
		switch {
		case v < -math.MaxFloat32:
			return -math.MaxFloat32
		case v > math.MaxFloat32:
			return math.MaxFloat32
		}
	}
	return v
}

func clampInt[T int32 | int64](v T, act qnn.Activation) T {
	switch act {
	case qnn.Relu:
		return max(v, 0)
	case qnn.ReluN1To1:
		return min(max(v, -1), 1)
	case qnn.Relu6:
		return min(max(v, 0), 6)
	}
	return v
}

// floatCurve returns the function of an operator of one float32 tensor, or nil.
func floatCurve(op qnn.Op) func(float32) float32 {
	switch op := op.(type) {
	case qnn.Clamp:
		return func(v float32) float32 {
			if op.Activation != qnn.ReluN1To1 && v == 0 { // -0 too
				return 0
			}
			return clampFloat(v, op.Activation)
		}
	case qnn.Logistic:
		return logisticFloat
	case qnn.Tanh:
		return tanhFloat
	case qnn.Elu:
		return elu
	case qnn.HardSwish:
		return func(v float32) float32 {
			gate := clampFloat(float32(v+3), qnn.Relu6)
			return float32(float32(v*gate) * float32(1.0/6))
		}
	case qnn.LeakyRelu:
		return func(v float32) float32 {
			if v > 0 {
				return v
			}
			return float32(v * op.Alpha)
		}
	}
	return nil
}

// softmaxFloat sums in the order of the elements, and multiplies by the inverse.
func softmaxFloat(data, out []byte, depth int, beta float32) {
	row := make([]float32, depth)
	for at := 0; at < len(data)/4; at += depth {
		top := float32(math.Inf(-1))
		for k := range row {
			row[k] = float(data, at+k)
			top = max(top, row[k])
		}
		var sum float32
		for k, v := range row {
			row[k] = Exp(float32(float32(v-top) * beta))
			sum = float32(sum + row[k])
		}
		inverse := float32(1 / sum)
		for k, v := range row {
			putFloat(out, at+k, float32(v*inverse))
		}
	}
}

// zeroCell is the element of t that means 0: of 8 bits and int16 its zero point,
// where it has one.
func zeroCell(t *qnn.Tensor) []byte {
	cell := make([]byte, t.Type.Size())
	if len(t.Quant.Zero) == 0 {
		return cell
	}
	switch z := t.Quant.Zero[0]; t.Type {
	case qnn.Int16:
		binary.LittleEndian.PutUint16(cell, uint16(z))
	case qnn.Uint8, qnn.Int8:
		cell[0] = byte(z)
	}
	return cell
}

// padBytes surrounds x with cells that hold one element's bytes.
func padBytes(out, x []byte, from, to qnn.Shape, cells [][2]int, fill []byte) {
	size := len(fill)
	for k := range to.Elems() {
		copy(out[k*size:], fill)
	}
	st, first := steps(to), 0
	for i, c := range cells {
		first += c[0] * st[i]
	}
	place(out, x, size, from, first, st)
}

// concatBytes joins the inputs of n along an axis.
func concatBytes(g *qnn.Graph, n *qnn.Node, vals Values, out []byte, axis int) {
	y := g.Output(n, 0)
	if axis < 0 {
		axis += len(y.Shape)
	}
	st, first := steps(y.Shape), 0
	for i, id := range n.Inputs {
		s := g.Input(n, i).Shape
		place(out, vals.Of(g, id), y.Type.Size(), s, first, st)
		first += s[axis] * st[axis]
	}
}
