package ref

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"qtune/qnn"
)

// around computes the operators on numbers that have no 8-bit form, those that
// choose among elements, and reductions of float32. It tells whether n is one
// of those.
func around(g *qnn.Graph, n *qnn.Node, vals Values) (done bool, err error) {
	out := vals[n.Outputs[0]]
	switch op := n.Op.(type) {
	case qnn.Unary:
		unary(g.Input(n, 0).Type, op.Function, vals.Of(g, n.Inputs[0]), out)
	case qnn.Pow:
		pairsOf(g, n, vals, func(k int, a, b []byte) {
			putFloat(out, k, float32(math.Pow(float64(float(a, 0)), float64(float(b, 0)))))
		})
	case qnn.SquaredDifference:
		squaredDifference(g, n, vals, out)
	case qnn.Compare:
		compare(g, n, vals, op.Relation, out)
	case qnn.Select, qnn.SelectV2:
		choose(g, n, vals, out)
	case qnn.TopK:
		topK(g, n, vals)
	case qnn.Mean, qnn.Reduce:
		if g.Input(n, 0).Type != qnn.Float32 {
			return false, nil
		}
		return true, reduceFloats(g, n, vals, out)
	default:
		return false, nil
	}
	return true, nil
}

// unary computes a function of each element.
func unary(t qnn.DType, f qnn.Function, x, out []byte) {
	for k := range len(x) / 4 {
		if t == qnn.Int32 {
			v := integer(x, k)
			if f == qnn.Neg || v < 0 { // ABS; the least integer stays
				v = -v
			}
			binary.LittleEndian.PutUint32(out[4*k:], uint32(v))
			continue
		}
		putFloat(out, k, functionOf(f, float(x, k)))
	}
}

// functionOf is exact, but for LOG, which is rounded once from double precision:
// TensorFlow Lite's, of the C library, may differ in the last place. So may POW.
func functionOf(f qnn.Function, v float32) float32 {
	d := float64(v)
	switch f {
	case qnn.Abs:
		return float32(math.Abs(d))
	case qnn.Neg:
		return -v
	case qnn.Square:
		return float32(v * v)
	case qnn.Sqrt:
		return float32(math.Sqrt(d))
	case qnn.Rsqrt:
		return float32(1 / float32(math.Sqrt(d)))
	case qnn.Exp:
		return Exp(v)
	case qnn.Log:
		return float32(math.Log(d))
	case qnn.Floor:
		return float32(math.Floor(d))
	case qnn.Ceil:
		return float32(math.Ceil(d))
	}
	return roundToEven(v)
}

// roundToEven is ROUND, which never makes a negative zero of another number.
func roundToEven(v float32) float32 {
	low := float32(math.Floor(float64(v)))
	part := float32(v - low)
	if part < 0.5 || part == 0.5 && math.Mod(float64(low), 2) == 0 {
		return low
	}
	return float32(low + 1)
}

// pairsOf calls f for each element of the output with those of both inputs that
// are broadcast to its place, each to the end of its tensor.
func pairsOf(g *qnn.Graph, n *qnn.Node, vals Values, f func(k int, a, b []byte)) {
	y := g.Output(n, 0).Shape
	ta, tb := g.Input(n, 0), g.Input(n, 1)
	a, b := vals.Of(g, n.Inputs[0]), vals.Of(g, n.Inputs[1])
	sa, sb := strides(ta.Shape, y), strides(tb.Shape, y)
	each(y, func(k int, at []int) {
		f(k, a[offset(at, sa)*ta.Type.Size():], b[offset(at, sb)*tb.Type.Size():])
	})
}

func squaredDifference(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) {
	ints := g.Input(n, 0).Type == qnn.Int32
	pairsOf(g, n, vals, func(k int, a, b []byte) {
		if ints {
			d := integer(a, 0) - integer(b, 0)
			binary.LittleEndian.PutUint32(out[4*k:], uint32(d*d))
			return
		}
		d := float32(float(a, 0) - float(b, 0))
		putFloat(out, k, float32(d*d))
	})
}

// compare writes 1 where the relation holds. Nothing holds of NaN but NOT_EQUAL.
// Of 8-bit tensors it compares real values, rounded to 1/256.
func compare(g *qnn.Graph, n *qnn.Node, vals Values, r qnn.Relation, out []byte) {
	var holds func(a, b []byte) bool
	switch t := g.Input(n, 0).Type; t {
	case qnn.Float32:
		holds = func(a, b []byte) bool { return related(r, float(a, 0), float(b, 0)) }
	case qnn.Int64:
		holds = func(a, b []byte) bool { return related(r, long(a, 0), long(b, 0)) }
	case qnn.Int32, qnn.Bool:
		holds = func(a, b []byte) bool { return related(r, decode(t, a, 0), decode(t, b, 0)) }
	default:
		x, y := comparable8(g, n, 0), comparable8(g, n, 1)
		holds = func(a, b []byte) bool { return related(r, x[a[0]], y[b[0]]) }
	}
	pairsOf(g, n, vals, func(k int, a, b []byte) {
		out[k] = 0
		if holds(a, b) {
			out[k] = 1
		}
	})
}

// comparable8 returns what comparisons make of each byte of input i of n.
// Legalisation moves values and zero point alike.
func comparable8(g *qnn.Graph, n *qnn.Node, i int) (values [256]int32) {
	t := g.Input(n, i)
	m := qnn.CompareMultiplier(t.Quant.Scale[0])
	for b := range values {
		v := decode(t.Type, []byte{byte(b)}, 0) - t.Quant.Zero[0]
		values[b] = m.Scale(v<<qnn.CompareHeadroom, qnn.Double)
	}
	return values
}

func related[T float32 | int32 | int64](r qnn.Relation, a, b T) bool {
	switch r {
	case qnn.Less:
		return a < b
	case qnn.LessEqual:
		return a <= b
	case qnn.Greater:
		return a > b
	case qnn.GreaterEqual:
		return a >= b
	case qnn.Equal:
		return a == b
	}
	return a != b
}

// choose is SELECT and SELECT_V2.
func choose(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) {
	y := g.Output(n, 0)
	size := y.Type.Size()
	var st [3][]int
	for i := range st {
		st[i] = strides(g.Input(n, i).Shape, y.Shape)
	}
	c := g.Input(n, 0).Shape
	if _, old := n.Op.(qnn.Select); old && len(c) == 1 { // for each index of the first dimension
		clear(st[0])
		st[0][0] = 1
	}
	condition := vals.Of(g, n.Inputs[0])
	each(y.Shape, func(k int, at []int) {
		from := 2
		if condition[offset(at, st[0])] != 0 {
			from = 1
		}
		copy(out[k*size:(k+1)*size], vals.Of(g, n.Inputs[from])[offset(at, st[from])*size:])
	})
}

// topK sorts the indices of each row.
func topK(g *qnn.Graph, n *qnn.Node, vals Values) {
	t := g.Input(n, 0)
	x, size := vals.Of(g, n.Inputs[0]), t.Type.Size()
	depth := t.Shape[len(t.Shape)-1]
	most := g.Output(n, 0).Shape[len(t.Shape)-1]
	values, indices := vals[n.Outputs[0]], vals[n.Outputs[1]]
	order := make([]int, depth)
	for row := range t.Shape.Elems() / depth {
		data := x[row*depth*size:]
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int {
			switch t.Type {
			case qnn.Float32:
				return cmp.Compare(float(data, j), float(data, i))
			case qnn.Int32:
				return cmp.Compare(integer(data, j), integer(data, i))
			}
			return cmp.Compare(decode(t.Type, data, j), decode(t.Type, data, i))
		})
		for k, i := range order[:most] {
			to := row*most + k
			copy(values[to*size:(to+1)*size], data[i*size:])
			binary.LittleEndian.PutUint32(indices[4*to:], uint32(i))
		}
	}
}

// reduceFloats sums in the order of the elements, in float32; MEAN then divides.
func reduceFloats(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) error {
	reduced, err := g.ReducedAxes(n)
	if err != nil {
		return err
	}
	shape := g.Input(n, 0).Shape
	kept := slices.Clone(shape)
	for i, r := range reduced {
		if r {
			kept[i] = 1
		}
	}
	join, start := func(a, v float32) float32 { return float32(a + v) }, float32(0)
	if op, ok := n.Op.(qnn.Reduce); ok && op.Kind != qnn.ReduceSum {
		join, start = func(a, v float32) float32 { return larger(v, a) }, float32(math.Inf(-1))
		if op.Kind == qnn.ReduceMin {
			join, start = func(a, v float32) float32 { return smaller(v, a) }, float32(math.Inf(1))
		}
	}
	acc := make([]float32, kept.Elems())
	for i := range acc {
		acc[i] = start
	}
	x, st := vals.Of(g, n.Inputs[0]), strides(kept, shape)
	each(shape, func(k int, at []int) {
		a := &acc[offset(at, st)]
		*a = join(*a, float(x, k))
	})
	count := float32(shape.Elems() / kept.Elems())
	for k, a := range acc {
		if _, mean := n.Op.(qnn.Mean); mean {
			a = float32(a / count)
		}
		putFloat(out, k, a)
	}
	return nil
}
