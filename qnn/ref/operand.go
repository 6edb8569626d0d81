package ref

import (
	"encoding/binary"

	"qtune/qnn"
)

// An operand is a quantised tensor as TensorFlow Lite's kernel sees it: of a node
// that was legalised, which holds value + 128, the original int8 values.
type operand struct {
	shape qnn.Shape
	v     []int32
	scale float32
	zero  int32
}

// newOperand decodes input i of n.
func newOperand(g *qnn.Graph, n *qnn.Node, vals Values, i int) operand {
	return decodeOperand(n, g.Input(n, i), vals.Of(g, n.Inputs[i]))
}

// decodeOperand decodes the bytes of tensor t, an operand of n.
func decodeOperand(n *qnn.Node, t *qnn.Tensor, data []byte) operand {
	shift := legalised(n, t)
	x := operand{shape: t.Shape, scale: t.Quant.Scale[0], zero: t.Quant.Zero[0] - shift}
	x.v = make([]int32, len(data)/t.Type.Size())
	for k := range x.v {
		x.v[k] = decode(t.Type, data, k) - shift
	}
	return x
}

// A result receives the values of a quantised output tensor, again as TensorFlow
// Lite's kernel sees them.
type result struct {
	tensor *qnn.Tensor
	shape  qnn.Shape
	out    []byte
	scale  float32
	zero   int32
	lo, hi int32 // of the type
	shift  int32 // added to each value that is stored
}

func newResult(g *qnn.Graph, n *qnn.Node, out []byte) result {
	t := g.Output(n, 0)
	shift := legalised(n, t)
	lo, hi := t.Type.Limits()
	return result{
		tensor: t, shape: t.Shape, out: out,
		scale: t.Quant.Scale[0], zero: t.Quant.Zero[0] - shift,
		lo: lo - shift, hi: hi - shift, shift: shift,
	}
}

// activation narrows the range of y to what activation act leaves.
func (y result) activation(act qnn.Activation) result {
	lo, hi := qnn.ActivationRange(act, y.tensor)
	y.lo, y.hi = lo-y.shift, hi-y.shift
	return y
}

// set stores v, clamped, as element k.
func (y *result) set(k int, v int32) {
	v = min(max(v, y.lo), y.hi) + y.shift
	switch y.tensor.Type {
	case qnn.Int16:
		binary.LittleEndian.PutUint16(y.out[2*k:], uint16(v))
	case qnn.Int32:
		binary.LittleEndian.PutUint32(y.out[4*k:], uint32(v))
	default:
		y.out[k] = byte(v)
	}
}

// legalised returns what legalisation added to the values of t.
func legalised(n *qnn.Node, t *qnn.Tensor) int32 {
	if n.FromInt8 && t.Type == qnn.Uint8 {
		return 128
	}
	return 0
}

// decode returns element k of a tensor of 8 bits (or bool), int16 or int32.
func decode(t qnn.DType, data []byte, k int) int32 {
	switch t {
	case qnn.Int8:
		return int32(int8(data[k]))
	case qnn.Int16:
		return int32(int16(binary.LittleEndian.Uint16(data[2*k:])))
	case qnn.Int32:
		return integer(data, k)
	}
	return int32(data[k])
}

// strides returns for each dimension of out the distance in elements of a
// tensor of shape s that is broadcast to it: 0 where it repeats.
func strides(s, out qnn.Shape) []int {
	st := make([]int, len(out))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 1 {
			st[i+len(out)-len(s)] = step
		}
		step *= s[i]
	}
	return st
}

// each calls f with every index of shape s in row-major order, and its number.
func each(s qnn.Shape, f func(k int, at []int)) {
	at := make([]int, len(s))
	for k := range s.Elems() {
		f(k, at)
		for i := len(s) - 1; i >= 0; i-- {
			if at[i]++; at[i] < s[i] {
				break
			}
			at[i] = 0
		}
	}
}

// offset is the element that index at means under the given strides.
func offset(at, strides []int) int {
	o := 0
	for i, a := range at {
		o += a * strides[i]
	}
	return o
}
