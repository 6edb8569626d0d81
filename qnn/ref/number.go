package ref

import (
	"encoding/binary"
	"fmt"
	"math"

	"qtune/qnn"
)

// Operators on float32 and int32, which detection and pose networks put around
// the quantised part. Arithmetic rounds to float32 after every operation.

// numbers computes n, whose output is of float32 or int32.
func numbers(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) error {
	x, y := g.Input(n, 0), g.Output(n, 0)
	switch op := n.Op.(type) {
	case qnn.Add, qnn.Sub, qnn.Mul, qnn.Div, qnn.Maximum, qnn.Minimum, qnn.FloorDiv, qnn.FloorMod:
		a, b := vals.Of(g, n.Inputs[0]), vals.Of(g, n.Inputs[1])
		sa, sb := strides(x.Shape, y.Shape), strides(g.Input(n, 1).Shape, y.Shape)
		act := qnn.FusedActivation(n.Op)
		var fault error
		each(y.Shape, func(k int, at []int) {
			i, j := offset(at, sa), offset(at, sb)
			if y.Type == qnn.Float32 {
				v, err := pairOfFloats(n.Op, float(a, i), float(b, j))
				if err != nil {
					fault = fmt.Errorf("%s: %w", g.Label(n), err)
				}
				putFloat(out, k, bound(n.Op, clampFloat(v, act)))
				return
			}
			v, err := pairOfInts(n.Op, integer(a, i), integer(b, j))
			if err != nil {
				fault = fmt.Errorf("%s: %w", g.Label(n), err)
			}
			binary.LittleEndian.PutUint32(out[4*k:], uint32(clampInt(v, act)))
		})
		return fault
	case qnn.Softmax:
		softmaxFloat(vals.Of(g, n.Inputs[0]), out, x.Shape[len(x.Shape)-1], op.Beta)
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

func float(data []byte, k int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(data[4*k:]))
}

func putFloat(out []byte, k int, v float32) {
	binary.LittleEndian.PutUint32(out[4*k:], math.Float32bits(v))
}

func integer(data []byte, k int) int32 { return int32(binary.LittleEndian.Uint32(data[4*k:])) }

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

func pairOfInts(op qnn.Op, a, b int32) (int32, error) {
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

func clampInt(v int32, act qnn.Activation) int32 {
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

// argMaxFloat is argMax of a float32 tensor.
func argMaxFloat(t *qnn.Tensor, data []byte, axis int, out []byte, size int) {
	inner, depth := qnn.Shape(t.Shape[axis+1:]).Elems(), t.Shape[axis]
	for k := range t.Shape.Elems() / depth {
		first, best := k/inner*depth*inner+k%inner, 0
		for i := range depth {
			if float(data, first+i*inner) > float(data, first+best*inner) {
				best = i
			}
		}
		if size == 8 {
			binary.LittleEndian.PutUint64(out[8*k:], uint64(best))
		} else {
			binary.LittleEndian.PutUint32(out[4*k:], uint32(best))
		}
	}
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
