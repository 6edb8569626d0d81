package qnn

import (
	"fmt"
	"math/bits"
)

// StridedSlice is STRIDED_SLICE: inputs x, begin, end and strides, an entry for
// each dimension of x from the first on; those without are taken whole. Bit i of
// a mask tells of entry i:
//
//	BeginMask     the range begins where the dimension does
//	EndMask       it ends where the dimension does
//	EllipsisMask  it stands for all dimensions that no other entry names
//	NewAxisMask   it stands for no dimension of x; the result gets one of extent 1
//	ShrinkMask    only the index at begin is taken, and the dimension dropped
//
// With Offset, ends count from begin.
type StridedSlice struct {
	BeginMask, EndMask, EllipsisMask, NewAxisMask, ShrinkMask int
	Offset                                                    bool
}

func (StridedSlice) OpName() string { return "STRIDED_SLICE" }

// StridedRanges returns what STRIDED_SLICE selects of each dimension of its
// input.
func (g *Graph) StridedRanges(n *Node) ([]Range, error) {
	ranges, _, err := g.stridedSlice(n)
	return ranges, err
}

func stridedSliceShape(g *Graph, n *Node) (Shape, error) {
	_, out, err := g.stridedSlice(n)
	return out, err
}

// stridedSlice returns the ranges of the input's dimensions and the shape of
// the output.
func (g *Graph) stridedSlice(n *Node) (ranges []Range, out Shape, err error) {
	op, x := n.Op.(StridedSlice), g.Input(n, 0).Shape
	var v [3][]int // begin, end, stride
	for k := range v {
		if v[k], err = g.constInts(n, k+1); err != nil {
			return nil, nil, err
		}
		if len(v[k]) != len(v[0]) {
			return nil, nil, fmt.Errorf("%d beginnings, but %d ends or strides", len(v[0]), len(v[k]))
		}
		for _, e := range v[k] {
			if e != int(int32(e)) {
				return nil, nil, fmt.Errorf("a beginning, end or stride of %d", e)
			}
		}
	}
	whole, err := op.whole(len(v[0]), len(x))
	if err != nil {
		return nil, nil, err
	}
	out = Shape{}
	take := func(r Range, keep bool) {
		if ranges = append(ranges, r); keep {
			out = append(out, r.Count)
		}
	}
	for i := range v[0] {
		bit := 1 << i
		switch left := len(x) - len(ranges); {
		case op.EllipsisMask&bit != 0:
			for range min(whole, left) {
				take(Range{0, 1, x[len(ranges)]}, true)
			}
		case op.NewAxisMask&bit != 0:
			out = append(out, 1)
		case left == 0: // see whole
		default:
			r, err := op.rangeOf(bit, x[len(ranges)], v[0][i], v[1][i], v[2][i])
			if err != nil {
				return nil, nil, fmt.Errorf("dimension %d: %w", len(ranges), err)
			}
			take(r, op.ShrinkMask&bit == 0)
		}
	}
	for len(ranges) < len(x) {
		take(Range{0, 1, x[len(ranges)]}, true)
	}
	return ranges, out, nil
}

// whole returns how many dimensions of rank the ellipsis among entries stands
// for. In TensorFlow Lite that is one at least, at the cost of the last entry.
func (op StridedSlice) whole(entries, rank int) (int, error) {
	inside := 1<<entries - 1
	added := bits.OnesCount(uint(op.NewAxisMask &^ op.EllipsisMask & inside))
	switch ellipses := bits.OnesCount(uint(op.EllipsisMask & inside)); {
	case op.NewAxisMask&^inside != 0:
		return 0, fmt.Errorf("new axis mask %#b for %d entries", op.NewAxisMask, entries)
	case ellipses > 1:
		return 0, fmt.Errorf("ellipsis mask %#b names more than one entry", op.EllipsisMask)
	case op.Offset && ellipses+added > 0:
		return 0, fmt.Errorf("an ellipsis or a new axis where ends count from the beginnings")
	case entries-added-ellipses > rank:
		return 0, fmt.Errorf("%d entries for %d dimensions", entries, rank)
	}
	return max(1, rank+added+1-entries), nil
}

// rangeOf clamps the range of the entry of the given bit to a dimension of
// extent d. An end that lies before the beginning selects nothing.
func (op StridedSlice) rangeOf(bit, d, begin, end, step int) (Range, error) {
	if step == 0 {
		return Range{}, fmt.Errorf("stride 0")
	}
	lo, hi, from, to := 0, d, 0, d // positions that there are, and those of a whole range
	if step < 0 {
		lo, hi, from, to = -1, d-1, d-1, -1
	}
	clamp := func(v int) int {
		if v < 0 {
			v += d
		}
		return min(max(v, lo), hi)
	}
	first := clamp(begin)
	if op.BeginMask&bit != 0 {
		first = from
	}
	if op.ShrinkMask&bit != 0 {
		if step < 0 || first == d {
			return Range{}, fmt.Errorf("the index %d of %d elements, with stride %d", begin, d, step)
		}
		return Range{first, 1, 1}, nil
	}
	stop := end
	if op.Offset {
		stop += first
	}
	if stop = clamp(stop); op.EndMask&bit != 0 {
		stop = to
	}
	r := Range{first, step, stepCount(stop-first, step)}
	if op.Offset && r.Count != stepCount(end, step) {
		return Range{}, fmt.Errorf("%d elements from %d of %d", end, first, d)
	}
	if r.Count < 2 {
		r.Step = 1
	}
	return r, nil
}

// stepCount is how many steps fit a distance, the last of which may reach beyond.
func stepCount(distance, step int) int {
	if step < 0 {
		distance, step = -distance, -step
	}
	return max(0, (distance+step-1)/step)
}
