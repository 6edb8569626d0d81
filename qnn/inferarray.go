package qnn

import (
	"fmt"
	"slices"
)

// Shapes of the operators that move elements, and the constants that say how.

// maxInts bounds the constants that steer an operator, such as axes: they are
// decoded more than once.
const maxInts = 4 * maxRank

// constInts decodes the constant input k of n.
func (g *Graph) constInts(n *Node, k int) ([]int, error) {
	t := g.Input(n, k)
	if most := max(maxInts, len(n.Outputs)); t.IsConst() && t.Shape.Elems() > most {
		return nil, fmt.Errorf("%s has %d elements, at most %d make sense", t, t.Shape.Elems(), most)
	}
	return t.ConstInts()
}

// Axis returns the dimension that the constant input k of n selects from rank.
func (g *Graph) Axis(n *Node, k, rank int) (int, error) {
	v, err := g.constInts(n, k)
	if err != nil {
		return 0, err
	}
	if len(v) != 1 {
		return 0, fmt.Errorf("%d axes, want 1", len(v))
	}
	axis, ok := axisOf(v[0], rank)
	if !ok {
		return 0, fmt.Errorf("axis %d of %d dimensions", v[0], rank)
	}
	return axis, nil
}

func expandDimsShape(g *Graph, n *Node) (Shape, error) {
	x := g.Input(n, 0).Shape
	axis, err := g.Axis(n, 1, len(x)+1)
	if err != nil {
		return nil, err
	}
	return slices.Insert(slices.Clone(x), axis, 1), nil
}

// A Range selects the elements First, First+Step, ... of one dimension, Count
// in all.
type Range struct{ First, Step, Count int }

// SliceRanges returns what SLICE selects of each dimension.
func (g *Graph) SliceRanges(n *Node) ([]Range, error) {
	x := g.Input(n, 0).Shape
	begin, err := g.constInts(n, 1)
	if err != nil {
		return nil, err
	}
	size, err := g.constInts(n, 2)
	if err != nil {
		return nil, err
	}
	if len(begin) != len(x) || len(size) != len(x) {
		return nil, fmt.Errorf("%d beginnings and %d sizes for %d dimensions", len(begin), len(size), len(x))
	}
	out := make([]Range, len(x))
	for i, d := range x {
		count := size[i]
		if count == -1 {
			count = d - begin[i]
		}
		if begin[i] < 0 || begin[i] > d || count < 0 || count > d-begin[i] {
			return nil, fmt.Errorf("%d elements from %d of dimension %d, which has %d", size[i], begin[i], i, d)
		}
		out[i] = Range{begin[i], 1, count}
	}
	return out, nil
}

func sliceShape(g *Graph, n *Node) (Shape, error) {
	ranges, err := g.SliceRanges(n)
	if err != nil {
		return nil, err
	}
	out := Shape{}
	for _, r := range ranges {
		out = append(out, r.Count)
	}
	return out, nil
}

func splitShapes(g *Graph, n *Node) ([]Shape, error) {
	x := g.Input(n, 1).Shape
	axis, err := g.Axis(n, 0, len(x))
	if err != nil {
		return nil, err
	}
	parts := len(n.Outputs)
	if x[axis]%parts != 0 {
		return nil, fmt.Errorf("%d elements do not split into %d parts", x[axis], parts)
	}
	out := make([]Shape, parts)
	for i := range out {
		out[i] = slices.Clone(x)
		out[i][axis] /= parts
	}
	return out, nil
}

func splitVShapes(g *Graph, n *Node) ([]Shape, error) {
	x := g.Input(n, 0).Shape
	axis, err := g.Axis(n, 2, len(x))
	if err != nil {
		return nil, err
	}
	sizes, err := g.constInts(n, 1)
	if err != nil {
		return nil, err
	}
	if len(sizes) != len(n.Outputs) {
		return nil, fmt.Errorf("%d sizes for %d outputs", len(sizes), len(n.Outputs))
	}
	rest, open := x[axis], -1
	for i, s := range sizes {
		switch {
		case s == -1 && open < 0:
			open = i
		case s < 0 || s > rest:
			return nil, fmt.Errorf("sizes %v do not split %d elements", sizes, x[axis])
		default:
			rest -= s
		}
	}
	if open >= 0 {
		sizes[open], rest = rest, 0
	}
	if rest != 0 {
		return nil, fmt.Errorf("sizes %v do not split %d elements", sizes, x[axis])
	}
	out := make([]Shape, len(sizes))
	for i, s := range sizes {
		out[i] = slices.Clone(x)
		out[i][axis] = s
	}
	return out, nil
}

func packShape(g *Graph, n *Node) (Shape, error) {
	x := g.Input(n, 0).Shape
	axis, ok := axisOf(n.Op.(Pack).Axis, len(x)+1)
	if !ok {
		return nil, fmt.Errorf("axis %d of %d dimensions", n.Op.(Pack).Axis, len(x)+1)
	}
	for i := range n.Inputs {
		if y := g.Input(n, i).Shape; !y.Equal(x) {
			return nil, fmt.Errorf("shapes %s and %s cannot be packed", x, y)
		}
	}
	return slices.Insert(slices.Clone(x), axis, len(n.Inputs)), nil
}

func unpackShapes(g *Graph, n *Node) ([]Shape, error) {
	x := g.Input(n, 0).Shape
	axis, ok := axisOf(n.Op.(Unpack).Axis, len(x))
	if !ok {
		return nil, fmt.Errorf("axis %d of %d dimensions", n.Op.(Unpack).Axis, len(x))
	}
	if len(n.Outputs) != x[axis] {
		return nil, fmt.Errorf("%d outputs for %d elements", len(n.Outputs), x[axis])
	}
	part := slices.Delete(slices.Clone(x), axis, axis+1)
	return slices.Repeat([]Shape{part}, len(n.Outputs)), nil
}

// Permutation returns which dimension of TRANSPOSE's input each dimension of
// its output is.
func (g *Graph) Permutation(n *Node) ([]int, error) {
	rank := len(g.Input(n, 0).Shape)
	perm, err := g.constInts(n, 1)
	if err != nil {
		return nil, err
	}
	seen := make([]bool, rank)
	for i, p := range perm {
		axis, ok := axisOf(p, rank)
		if !ok || seen[axis] {
			return nil, fmt.Errorf("%v is no permutation of %d dimensions", perm, rank)
		}
		perm[i], seen[axis] = axis, true
	}
	if len(perm) != rank {
		return nil, fmt.Errorf("%v is no permutation of %d dimensions", perm, rank)
	}
	return perm, nil
}

func transposeShape(g *Graph, n *Node) (Shape, error) {
	perm, err := g.Permutation(n)
	if err != nil {
		return nil, err
	}
	out := make(Shape, len(perm))
	for i, p := range perm {
		out[i] = g.Input(n, 0).Shape[p]
	}
	return out, nil
}

func spaceToDepthShape(g *Graph, n *Node) (Shape, error) {
	x, b := g.Input(n, 0).Shape, n.Op.(SpaceToDepth).Block
	if len(x) != 4 || b < 1 || b > maxExtent || x[1]%b != 0 || x[2]%b != 0 {
		return nil, fmt.Errorf("%s has no blocks of %d", x, b)
	}
	return Shape{x[0], x[1] / b, x[2] / b, x[3] * b * b}, nil
}

func depthToSpaceShape(g *Graph, n *Node) (Shape, error) {
	x, b := g.Input(n, 0).Shape, n.Op.(DepthToSpace).Block
	if len(x) != 4 || b < 1 || b > maxExtent || x[3]%(b*b) != 0 {
		return nil, fmt.Errorf("%s has no blocks of %d", x, b)
	}
	return Shape{x[0], x[1] * b, x[2] * b, x[3] / (b * b)}, nil
}

func shapeOfShape(g *Graph, n *Node) (Shape, error) {
	return Shape{len(g.Input(n, 0).Shape)}, nil
}
