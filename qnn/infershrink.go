package qnn

import (
	"fmt"
	"slices"
)

// Shapes of operators that reduce, resize or select.

// ReducedAxes tells for each dimension of the input of MEAN, SUM or REDUCE_MAX
// whether it is reduced.
func (g *Graph) ReducedAxes(n *Node) ([]bool, error) {
	v, err := g.constInts(n, 1)
	if err != nil {
		return nil, err
	}
	reduced := make([]bool, len(g.Input(n, 0).Shape))
	for _, a := range v {
		axis, ok := axisOf(a, len(reduced))
		if !ok {
			return nil, fmt.Errorf("axis %d of %d dimensions", a, len(reduced))
		}
		reduced[axis] = true
	}
	return reduced, nil
}

// MeanOverHW tells whether TensorFlow Lite runs n, a MEAN, in the kernel that
// it has for H and W of a 4-dimensional tensor whose dimensions are kept, and
// which rounds differently. It looks at the axes as they are written: counted
// from the end, as -3 and -2, they go to the general kernel.
func (g *Graph) MeanOverHW(n *Node) bool {
	axes, err := g.constInts(n, 1)
	return err == nil && n.Op.(Mean).KeepDims && len(g.Input(n, 0).Shape) == 4 &&
		(slices.Equal(axes, []int{1, 2}) || slices.Equal(axes, []int{2, 1}))
}

func reducedShape(g *Graph, n *Node) (Shape, error) {
	keepDims := false
	switch op := n.Op.(type) {
	case Mean:
		keepDims = op.KeepDims
	case Reduce:
		keepDims = op.KeepDims
	}
	reduced, err := g.ReducedAxes(n)
	if err != nil {
		return nil, err
	}
	out := Shape{}
	for i, d := range g.Input(n, 0).Shape {
		switch {
		case !reduced[i]:
			out = append(out, d)
		case keepDims:
			out = append(out, 1)
		}
	}
	return out, nil
}

func argBestShape(g *Graph, n *Node) (Shape, error) {
	x := g.Input(n, 0).Shape
	axis, err := g.Axis(n, 1, len(x))
	if err != nil {
		return nil, err
	}
	return slices.Delete(slices.Clone(x), axis, axis+1), nil
}

func resizeShape(g *Graph, n *Node) (Shape, error) {
	x := g.Input(n, 0).Shape
	size, err := g.constInts(n, 1)
	if err != nil {
		return nil, err
	}
	if len(x) != 4 || len(size) != 2 {
		return nil, fmt.Errorf("%s cannot be resized to %d extents", x, len(size))
	}
	return Shape{x[0], size[0], size[1], x[3]}, nil
}
