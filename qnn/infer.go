package qnn

import (
	"fmt"
	"slices"
)

// InferShape returns the shape that n computes from the shapes of its inputs.
// For RESHAPE and Unsupported it is the declared one: the graph holds no other.
// Inputs that n requires must be present; see Supports.
func (g *Graph) InferShape(n *Node) (Shape, error) {
	x := g.Input(n, 0)
	switch op := n.Op.(type) {
	case Conv2D:
		w := g.Input(n, 1).Shape
		if len(x.Shape) != 4 || len(w) != 4 || w[3] != x.Shape[3] {
			return nil, fmt.Errorf("input %s and weights %s do not fit", x.Shape, w)
		}
		return slideShape(x.Shape, windowOf{op.Padding, w[1], w[2], op.StrideH, op.StrideW, op.DilationH, op.DilationW}, w[0])
	case Depthwise:
		w := g.Input(n, 1).Shape
		if len(x.Shape) != 4 || len(w) != 4 || w[0] != 1 || op.Multiplier < 1 ||
			w[3]%x.Shape[3] != 0 || w[3]/x.Shape[3] != op.Multiplier {
			return nil, fmt.Errorf("input %s, weights %s and depth multiplier %d do not fit", x.Shape, w, op.Multiplier)
		}
		return slideShape(x.Shape, windowOf{op.Padding, w[1], w[2], op.StrideH, op.StrideW, op.DilationH, op.DilationW}, w[3])
	case Dense:
		return denseShape(x.Shape, g.Input(n, 1).Shape, op.KeepDims)
	case Add:
		y := g.Input(n, 1)
		s, ok := Broadcast(x.Shape, y.Shape)
		if !ok {
			return nil, fmt.Errorf("shapes %s and %s do not broadcast", x.Shape, y.Shape)
		}
		return s, nil
	case AveragePool:
		return poolShape(x.Shape, op.Pool)
	case MaxPool:
		return poolShape(x.Shape, op.Pool)
	case Reshape:
		y := g.Output(n, 0).Shape
		if x.Shape.Elems() != y.Elems() {
			return nil, fmt.Errorf("%s does not have as many elements as %s", x.Shape, y)
		}
		return y, nil
	case Squeeze:
		return squeezeShape(x.Shape, op.Dims)
	case Softmax:
		if len(x.Shape) == 0 {
			return nil, fmt.Errorf("the input is a scalar")
		}
		return x.Shape, nil
	case Quantize, Dequantize:
		return x.Shape, nil
	case Pad:
		return g.padShape(n)
	case Mean:
		return g.meanShape(n, op.KeepDims)
	case Concat:
		return g.concatShape(n, op.Axis)
	}
	return g.Output(n, 0).Shape, nil
}

// slideShape is the output shape of a window over x [N][H][W][C] that makes
// channels outputs a position.
func slideShape(x Shape, w windowOf, channels int) (Shape, error) {
	_, oh, ow, err := w.over(x[1], x[2])
	if err != nil {
		return nil, err
	}
	return Shape{x[0], oh, ow, channels}, nil
}

func poolShape(x Shape, p Pool) (Shape, error) {
	if len(x) != 4 {
		return nil, fmt.Errorf("the input %s does not have 4 dimensions", x)
	}
	_, oh, ow, err := p.Over(x[1], x[2])
	if err != nil {
		return nil, err
	}
	return Shape{x[0], oh, ow, x[3]}, nil
}

// denseShape: without keepDims, leading dimensions become one batch, and rows
// of weights[1] elements may even regroup the input's dimensions.
func denseShape(x, w Shape, keepDims bool) (Shape, error) {
	if len(w) != 2 || len(x) == 0 || x.Elems()%w[1] != 0 || keepDims && x[len(x)-1] != w[1] {
		return nil, fmt.Errorf("input %s and weights %s do not fit", x, w)
	}
	if keepDims {
		return append(slices.Clone(x[:len(x)-1]), w[0]), nil
	}
	return Shape{x.Elems() / w[1], w[0]}, nil
}

func squeezeShape(x Shape, dims []int) (Shape, error) {
	drop := make([]bool, len(x))
	for i, d := range x {
		drop[i] = len(dims) == 0 && d == 1
	}
	for _, d := range dims {
		axis, ok := axisOf(d, len(x))
		if !ok || x[axis] != 1 {
			return nil, fmt.Errorf("dimension %d of %s cannot be squeezed", d, x)
		}
		drop[axis] = true
	}
	out := Shape{}
	for i, d := range x {
		if !drop[i] {
			out = append(out, d)
		}
	}
	return out, nil
}

// Paddings returns the cells that PAD adds before and after each dimension.
func (g *Graph) Paddings(n *Node) ([][2]int, error) {
	v, err := g.Input(n, 1).ConstInts()
	if err != nil {
		return nil, err
	}
	rank := len(g.Input(n, 0).Shape)
	if len(v) != 2*rank {
		return nil, fmt.Errorf("%d paddings for %d dimensions", len(v), rank)
	}
	out := make([][2]int, rank)
	for i := range out {
		out[i] = [2]int{v[2*i], v[2*i+1]}
		if min(v[2*i], v[2*i+1]) < 0 || max(v[2*i], v[2*i+1]) > MaxTensorBytes {
			return nil, fmt.Errorf("padding %v of dimension %d is out of range", out[i], i)
		}
	}
	return out, nil
}

func (g *Graph) padShape(n *Node) (Shape, error) {
	pads, err := g.Paddings(n)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(g.Input(n, 0).Shape)
	for i, p := range pads {
		out[i] += p[0] + p[1]
	}
	return out, nil
}

// MeanAxes tells for each dimension of MEAN's input whether it is averaged.
func (g *Graph) MeanAxes(n *Node) ([]bool, error) {
	v, err := g.Input(n, 1).ConstInts()
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
	axes, err := g.Input(n, 1).ConstInts()
	return err == nil && n.Op.(Mean).KeepDims && len(g.Input(n, 0).Shape) == 4 &&
		(slices.Equal(axes, []int{1, 2}) || slices.Equal(axes, []int{2, 1}))
}

func (g *Graph) meanShape(n *Node, keepDims bool) (Shape, error) {
	reduced, err := g.MeanAxes(n)
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

func (g *Graph) concatShape(n *Node, axis int) (Shape, error) {
	out := slices.Clone(g.Input(n, 0).Shape)
	a, ok := axisOf(axis, len(out))
	if !ok {
		return nil, fmt.Errorf("axis %d of %d dimensions", axis, len(out))
	}
	out[a] = 0
	for i := range n.Inputs {
		x := g.Input(n, i).Shape
		if len(x) != len(out) {
			return nil, fmt.Errorf("shapes %s and %s do not concatenate", g.Input(n, 0).Shape, x)
		}
		for d := range x {
			if d != a && x[d] != out[d] {
				return nil, fmt.Errorf("shapes %s and %s do not concatenate along dimension %d", g.Input(n, 0).Shape, x, a)
			}
		}
		out[a] += x[a]
	}
	return out, nil
}

// axisOf resolves an axis that may count from the end.
func axisOf(axis, rank int) (int, bool) {
	if axis < 0 {
		axis += rank
	}
	return axis, axis >= 0 && axis < rank
}
