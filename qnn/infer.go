package qnn

import (
	"fmt"
	"slices"
)

// InferShapes returns the shapes that n computes from those of its inputs. For
// RESHAPE and Unsupported they are the declared ones: the graph holds no others.
// What n requires of its operands' types must hold; see CheckSupport.
func (g *Graph) InferShapes(n *Node) ([]Shape, error) {
	if d, ok := definitionOf(n.Op); ok {
		return d.shapes(g, n)
	}
	shapes := make([]Shape, len(n.Outputs))
	for i := range shapes {
		shapes[i] = g.Output(n, i).Shape
	}
	return shapes, nil
}

// InferShape returns the first of InferShapes.
func (g *Graph) InferShape(n *Node) (Shape, error) {
	shapes, err := g.InferShapes(n)
	if err != nil {
		return nil, err
	}
	return shapes[0], nil
}

func convShape(g *Graph, n *Node) (Shape, error) {
	op, x, w := n.Op.(Conv2D), g.Input(n, 0).Shape, g.Input(n, 1).Shape
	if len(x) != 4 || len(w) != 4 || w[3] != x[3] {
		return nil, fmt.Errorf("input %s and weights %s do not fit", x, w)
	}
	return slideShape(x, windowOf{op.Padding, op.Border, w[1], w[2], op.StrideH, op.StrideW, op.DilationH, op.DilationW}, w[0])
}

func depthwiseShape(g *Graph, n *Node) (Shape, error) {
	op, x, w := n.Op.(Depthwise), g.Input(n, 0).Shape, g.Input(n, 1).Shape
	if len(x) != 4 || len(w) != 4 || w[0] != 1 || op.Multiplier < 1 ||
		w[3]%x[3] != 0 || w[3]/x[3] != op.Multiplier {
		return nil, fmt.Errorf("input %s, weights %s and depth multiplier %d do not fit", x, w, op.Multiplier)
	}
	return slideShape(x, windowOf{op.Padding, op.Border, w[1], w[2], op.StrideH, op.StrideW, op.DilationH, op.DilationW}, w[3])
}

// transposeConvShape: any extent will do that the constant input 0 names; what
// falls outside is dropped.
func transposeConvShape(g *Graph, n *Node) (Shape, error) {
	w, x := g.Input(n, 1).Shape, g.Input(n, 2).Shape
	out, err := g.constInts(n, 0)
	if err != nil {
		return nil, err
	}
	if len(x) != 4 || len(w) != 4 || len(out) != 4 || w[3] != x[3] || out[0] != x[0] || out[3] != w[0] {
		return nil, fmt.Errorf("input %s, weights %s and output shape %s do not fit", x, w, Shape(out))
	}
	if _, err := n.Op.(TransposeConv).over(out[1], out[2], w); err != nil {
		return nil, err
	}
	return out, nil
}

func broadcastShape(g *Graph, n *Node) (Shape, error) {
	x, y := g.Input(n, 0).Shape, g.Input(n, 1).Shape
	s, ok := Broadcast(x, y)
	if !ok {
		return nil, fmt.Errorf("shapes %s and %s do not broadcast", x, y)
	}
	return s, nil
}

func sameShape(g *Graph, n *Node) (Shape, error) { return g.Input(n, 0).Shape, nil }

// rowsShape is that of an operator over the last dimension.
func rowsShape(g *Graph, n *Node) (Shape, error) {
	if len(g.Input(n, 0).Shape) == 0 {
		return nil, fmt.Errorf("the input is a scalar")
	}
	return g.Input(n, 0).Shape, nil
}

func reshapeShape(g *Graph, n *Node) (Shape, error) {
	x, y := g.Input(n, 0).Shape, g.Output(n, 0).Shape
	if x.Elems() != y.Elems() {
		return nil, fmt.Errorf("%s does not have as many elements as %s", x, y)
	}
	return y, nil
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

// poolOf returns the options of a pooling operator.
func poolOf(op Op) Pool {
	if o, ok := op.(MaxPool); ok {
		return o.Pool
	}
	return op.(AveragePool).Pool
}

func poolShape(g *Graph, n *Node) (Shape, error) {
	x, p := g.Input(n, 0).Shape, poolOf(n.Op)
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
func denseShape(g *Graph, n *Node) (Shape, error) {
	x, w, keepDims := g.Input(n, 0).Shape, g.Input(n, 1).Shape, n.Op.(Dense).KeepDims
	if len(w) != 2 || len(x) == 0 || x.Elems()%w[1] != 0 || keepDims && x[len(x)-1] != w[1] {
		return nil, fmt.Errorf("input %s and weights %s do not fit", x, w)
	}
	if keepDims {
		return append(slices.Clone(x[:len(x)-1]), w[0]), nil
	}
	return Shape{x.Elems() / w[1], w[0]}, nil
}

func squeezeShape(g *Graph, n *Node) (Shape, error) {
	x, dims := g.Input(n, 0).Shape, n.Op.(Squeeze).Dims
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

// Paddings returns the cells that PAD adds before and after each
// dimension.
func (g *Graph) Paddings(n *Node) ([][2]int, error) {
	v, err := g.constInts(n, 1)
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

func padShape(g *Graph, n *Node) (Shape, error) {
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

func concatShape(g *Graph, n *Node) (Shape, error) {
	axis := n.Op.(Concat).Axis
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
