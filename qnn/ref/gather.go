package ref

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"qtune/qnn"
)

// indicesOf decodes int32 or int64 indices.
func indicesOf(t *qnn.Tensor, data []byte) []int64 {
	v := make([]int64, t.Shape.Elems())
	for i := range v {
		if t.Type == qnn.Int64 {
			v[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
		} else {
			v[i] = int64(int32(binary.LittleEndian.Uint32(data[4*i:])))
		}
	}
	return v
}

// gatherAlong copies for each index the slice of x that it names along an axis.
func gatherAlong(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) error {
	axis, batches, err := g.GatherAxes(n)
	if err != nil {
		return err
	}
	x, data := g.Input(n, 0), vals.Of(g, n.Inputs[0])
	run := x.Shape[axis+1:].Elems() * x.Type.Size()
	extent := x.Shape[axis]
	indices := indicesOf(g.Input(n, 1), vals.Of(g, n.Inputs[1]))
	outers := x.Shape[batches:axis].Elems() // in a batch
	count := len(indices) / x.Shape[:batches].Elems()
	for outer := range x.Shape[:axis].Elems() {
		for _, i := range indices[outer/outers*count:][:count] {
			if i < 0 || i >= int64(extent) {
				return fmt.Errorf("%s: index %d of %d", g.Label(n), i, extent)
			}
			at := (outer*extent + int(i)) * run
			out = out[copy(out, data[at:at+run]):]
		}
	}
	return nil
}

// gatherND copies for each index of k numbers the slice of x that it names.
func gatherND(g *qnn.Graph, n *qnn.Node, vals Values, out []byte) error {
	x, data := g.Input(n, 0), vals.Of(g, n.Inputs[0])
	t := g.Input(n, 1)
	k := t.Shape[len(t.Shape)-1]
	run := qnn.Shape(x.Shape[k:]).Elems() * x.Type.Size()
	indices := indicesOf(t, vals.Of(g, n.Inputs[1]))
	for range qnn.Shape(t.Shape[:len(t.Shape)-1]).Elems() {
		at := 0
		for d, i := range indices[:k] {
			if i < 0 || i >= int64(x.Shape[d]) {
				return fmt.Errorf("%s: index %d of %d", g.Label(n), i, x.Shape[d])
			}
			at = at*x.Shape[d] + int(i)
		}
		indices = indices[k:]
		out = out[copy(out, data[at*run:(at+1)*run]):]
	}
	return nil
}

// spaceToBatch deals the cells of each block out to the batch. What lies beyond
// x is fill, of an element's size.
func spaceToBatch(out, x []byte, from, to qnn.Shape, b *qnn.Blocks, fill []byte) {
	st, size := steps(from), len(fill)
	each(to, func(k int, at []int) {
		src, inside := blockCell(at, from, b)
		cell := out[k*size : (k+1)*size]
		if !inside {
			copy(cell, fill)
			return
		}
		copy(cell, x[offset(src, st)*size:])
	})
}

// batchToSpace is the inverse.
func batchToSpace(out, x []byte, from, to qnn.Shape, b *qnn.Blocks, size int) {
	st := steps(to)
	each(from, func(k int, at []int) {
		dst, inside := blockCell(at, to, b)
		if inside {
			copy(out[offset(dst, st)*size:], x[k*size:(k+1)*size])
		}
	})
}

// blockCell returns which cell of the space tensor a cell of the batch tensor
// is, and whether that exists.
func blockCell(at []int, space qnn.Shape, b *qnn.Blocks) (cell []int, inside bool) {
	cell = slices.Clone(at)
	phase := at[0] / space[0]
	cell[0] = at[0] % space[0]
	inside = true
	for i := len(b.Extent) - 1; i >= 0; i-- {
		d := i + 1
		cell[d] = at[d]*b.Extent[i] + phase%b.Extent[i] - b.Cells[i][0]
		phase /= b.Extent[i]
		inside = inside && cell[d] >= 0 && cell[d] < space[d]
	}
	return cell, inside
}

// cast converts numbers as C does; float32 to integers truncates, and what does
// not fit saturates, which C leaves undefined.
func cast(x, y *qnn.Tensor, in, out []byte) {
	for k := range x.Shape.Elems() {
		i, f := number(x.Type, in, k)
		switch y.Type {
		case qnn.Float32:
			r := float32(i)
			if x.Type == qnn.Float32 {
				r = f
			}
			binary.LittleEndian.PutUint32(out[4*k:], math.Float32bits(r))
		case qnn.Int64:
			binary.LittleEndian.PutUint64(out[8*k:], uint64(i))
		case qnn.Int32:
			binary.LittleEndian.PutUint32(out[4*k:], uint32(i))
		case qnn.Int16:
			binary.LittleEndian.PutUint16(out[2*k:], uint16(i))
		case qnn.Bool:
			out[k] = 0
			if i != 0 || f != 0 {
				out[k] = 1
			}
		default:
			out[k] = byte(i)
		}
	}
}

// number is element k of a tensor, as an integer and, of float32, as it is.
func number(t qnn.DType, data []byte, k int) (i int64, f float32) {
	switch t {
	case qnn.Float32:
		f = math.Float32frombits(binary.LittleEndian.Uint32(data[4*k:]))
		switch r := math.Trunc(float64(f)); {
		case r != r:
			return 0, f
		case r >= math.MaxInt64:
			return math.MaxInt64, f
		case r <= math.MinInt64:
			return math.MinInt64, f
		default:
			return int64(r), f
		}
	case qnn.Int64:
		return int64(binary.LittleEndian.Uint64(data[8*k:])), 0
	case qnn.Bool:
		if data[k] != 0 {
			return 1, 0
		}
		return 0, 0
	}
	return int64(decode(t, data, k)), 0
}
