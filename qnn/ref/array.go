package ref

import (
	"encoding/binary"
	"fmt"

	"qtune/qnn"
)

// pick copies elements of size bytes: element at of an array of the given shape
// is that of x at first + sum of at[i]*steps[i].
func pick(out, x []byte, size int, shape qnn.Shape, first int, steps []int) {
	each(shape, func(k int, at []int) {
		from := (first + offset(at, steps)) * size
		copy(out[k*size:(k+1)*size], x[from:from+size])
	})
}

// place is the inverse of pick: element k of x goes to first + ... of out.
func place(out, x []byte, size int, shape qnn.Shape, first int, steps []int) {
	each(shape, func(k int, at []int) {
		to := (first + offset(at, steps)) * size
		copy(out[to:to+size], x[k*size:(k+1)*size])
	})
}

// steps returns the distance of neighbours along each dimension of s.
func steps(s qnn.Shape) []int {
	st := make([]int, len(s))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		st[i] = step
		step *= s[i]
	}
	return st
}

// array computes the operators that only move elements, or look them up. It tells whether n is
// one of those.
func array(g *qnn.Graph, n *qnn.Node, vals Values) (done bool, err error) {
	x, out := vals.Of(g, n.Inputs[0]), vals[n.Outputs[0]]
	from, to := g.Input(n, 0), g.Output(n, 0)
	size, st := from.Type.Size(), steps(from.Shape)
	switch op := n.Op.(type) {
	case qnn.Reshape, qnn.Squeeze, qnn.ExpandDims:
		copy(out, x)
	case qnn.Slice:
		var ranges []qnn.Range
		if ranges, err = g.SliceRanges(n); err == nil {
			pickRanges(out, x, size, st, ranges)
		}
	case qnn.StridedSlice:
		var ranges []qnn.Range
		if ranges, err = g.StridedRanges(n); err == nil {
			pickRanges(out, x, size, st, ranges)
		}
	case qnn.Transpose:
		var perm []int
		if perm, err = g.Permutation(n); err == nil {
			moved := make([]int, len(perm))
			for i, p := range perm {
				moved[i] = st[p]
			}
			pick(out, x, size, to.Shape, 0, moved)
		}
	case qnn.SpaceToDepth:
		b, s := op.Block, to.Shape
		pick(out, x, size, qnn.Shape{s[0], s[1], s[2], b, b, from.Shape[3]}, 0,
			[]int{st[0], b * st[1], b * st[2], st[1], st[2], 1})
	case qnn.DepthToSpace:
		b, s := op.Block, from.Shape
		c := to.Shape[3]
		pick(out, x, size, qnn.Shape{s[0], s[1], b, s[2], b, c}, 0,
			[]int{st[0], st[1], b * c, st[2], c, 1})
	case qnn.Split:
		err = splitAlong(g, n, vals, 1, 0)
	case qnn.SplitV:
		err = splitAlong(g, n, vals, 0, 2)
	case qnn.Pack:
		pack(g, n, vals, op.Axis)
	case qnn.Unpack:
		unpack(g, n, vals, op.Axis)
	case qnn.ResizeNearest:
		resizeNearest(out, x, from.Shape, to.Shape, size, op.Resize)
	case qnn.DetectionPostProcess:
		return true, detections(g, n, vals)
	case qnn.Gather:
		return true, gatherAlong(g, n, vals, out)
	case qnn.GatherND:
		return true, gatherND(g, n, vals, out)
	case qnn.SpaceToBatch:
		var b *qnn.Blocks
		if b, err = g.BlocksOf(n); err == nil {
			spaceToBatch(out, x, from.Shape, to.Shape, b, zeroCell(to))
		}
	case qnn.BatchToSpace:
		var b *qnn.Blocks
		if b, err = g.BlocksOf(n); err == nil {
			batchToSpace(out, x, from.Shape, to.Shape, b, size)
		}
	case qnn.Cast:
		cast(from, to, x, out)
	case qnn.ShapeOf:
		for i, d := range from.Shape {
			if to.Type == qnn.Int64 {
				binary.LittleEndian.PutUint64(out[8*i:], uint64(d))
			} else {
				binary.LittleEndian.PutUint32(out[4*i:], uint32(d))
			}
		}
	case qnn.Table:
		for i, b := range x {
			out[i] = op.Values[b]
		}
	case qnn.Concat:
		if to.Type.Is8Bit() {
			return false, nil
		}
		concatBytes(g, n, vals, out, op.Axis)
	case qnn.Pad, qnn.PadValue:
		if to.Type.Is8Bit() {
			return false, nil
		}
		fill := zeroCell(to)
		if _, ok := op.(qnn.PadValue); ok {
			fill = vals.Of(g, n.Inputs[2])
		}
		var cells [][2]int
		if cells, err = g.Paddings(n); err == nil {
			padBytes(out, x, from.Shape, to.Shape, cells, fill)
		}
	case qnn.MirrorPad:
		var cells [][2]int
		if cells, err = g.Paddings(n); err == nil {
			mirrorPad(out, x, size, from.Shape, to.Shape, cells, op.Symmetric)
		}
	default:
		return false, nil
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", g.Label(n), err)
	}
	return true, err
}

// pickRanges copies what ranges select; a dropped dimension has one element.
func pickRanges(out, x []byte, size int, st []int, ranges []qnn.Range) {
	shape, moved, first := qnn.Shape{}, []int{}, 0
	for i, r := range ranges {
		shape = append(shape, r.Count)
		moved = append(moved, r.Step*st[i])
		first += r.First * st[i]
	}
	pick(out, x, size, shape, first, moved)
}

// splitAlong copies each output's part of input data along the axis that the
// input axisInput names.
func splitAlong(g *qnn.Graph, n *qnn.Node, vals Values, data, axisInput int) error {
	x := g.Input(n, data)
	axis, err := g.Axis(n, axisInput, len(x.Shape))
	if err != nil {
		return err
	}
	st, first := steps(x.Shape), 0
	for i, id := range n.Outputs {
		s := g.Output(n, i).Shape
		pick(vals[id], vals.Of(g, n.Inputs[data]), x.Type.Size(), s, first, st)
		first += s[axis] * st[axis]
	}
	return nil
}

func pack(g *qnn.Graph, n *qnn.Node, vals Values, axis int) {
	y := g.Output(n, 0)
	if axis < 0 {
		axis += len(y.Shape)
	}
	st := steps(y.Shape)
	kept := append(append([]int{}, st[:axis]...), st[axis+1:]...)
	for i, id := range n.Inputs {
		place(vals[n.Outputs[0]], vals.Of(g, id), y.Type.Size(), g.Tensors[id].Shape, i*st[axis], kept)
	}
}

func unpack(g *qnn.Graph, n *qnn.Node, vals Values, axis int) {
	x := g.Input(n, 0)
	if axis < 0 {
		axis += len(x.Shape)
	}
	st := steps(x.Shape)
	kept := append(append([]int{}, st[:axis]...), st[axis+1:]...)
	for i, id := range n.Outputs {
		pick(vals[id], vals.Of(g, n.Inputs[0]), x.Type.Size(), g.Tensors[id].Shape, i*st[axis], kept)
	}
}
