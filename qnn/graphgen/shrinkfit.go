package graphgen

import (
	"encoding/binary"
	"slices"

	"qtune/qnn"
)

// fit makes the shapes of g follow from those of its inputs and constants
// again, after some were changed: it trims weights and constant operands to
// what they meet, and infers what nodes compute. old is the graph before the
// change. It returns false where that cannot be done.
func fit(old, g *qnn.Graph) bool {
	for i := range g.Nodes {
		n := &g.Nodes[i]
		fitOperands(old, g, n)
		if unsupported, err := g.CheckSupport(n); unsupported != nil || err != nil {
			return false
		}
		if _, ok := n.Op.(qnn.Reshape); ok {
			fitReshape(g, n)
		}
		shapes, err := g.InferShapes(n)
		if err != nil || len(shapes) != len(n.Outputs) {
			return false
		}
		for k, s := range shapes {
			if s.Elems() == 0 || s.Elems() > 1<<20 {
				return false
			}
			g.Output(n, k).Shape = s
		}
	}
	return true
}

// fitOperands trims the constants that n reads.
func fitOperands(old, g *qnn.Graph, n *qnn.Node) {
	x := g.Input(n, 0).Shape
	switch op := n.Op.(type) {
	case qnn.Conv2D:
		fitWeights(g, n, 1, 2, 0, -1, -1, -1, last(x))
	case qnn.Depthwise:
		fitWeights(g, n, 1, 2, 3, -1, -1, -1, last(x)*op.Multiplier)
	case qnn.Dense:
		c := last(x)
		if w := old.Input(n, 1).Shape; len(w) == 2 && last(old.Input(n, 0).Shape) != w[1] && c > 0 {
			c = x.Elems() / x[0]
		}
		fitWeights(g, n, 1, 2, 0, -1, c)
	case qnn.TransposeConv:
		fitWeights(g, n, 1, 3, 0, -1, -1, -1, last(g.Input(n, 2).Shape))
		fitTransposed(old, g, n)
	case qnn.Add, qnn.Sub, qnn.Mul, qnn.Maximum, qnn.Minimum, qnn.PRelu:
		fitBroadcast(g, n, 0, 1)
		fitBroadcast(g, n, 1, 0)
	case qnn.Concat:
		fitParts(g, n, op.Axis)
	}
}

func last(s qnn.Shape) int {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1]
}

// fitWeights trims weights, operand w of n, to an extent for each dimension, -1
// for one that stays, and the bias to the extent of dimension axis.
func fitWeights(g *qnn.Graph, n *qnn.Node, w, bias, axis int, extents ...int) {
	t := g.Input(n, w)
	if len(t.Shape) != len(extents) {
		return
	}
	s := slices.Clone(t.Shape)
	for i, d := range extents {
		if d > 0 {
			s[i] = d
		}
	}
	*t = block(*t, s)
	if b := g.Input(n, bias); b != nil {
		*b = block(*b, qnn.Shape{s[axis]})
	}
}

// fitTransposed makes the output of TRANSPOSE_CONV smaller by the strides that
// its input lost.
func fitTransposed(old, g *qnn.Graph, n *qnn.Node) {
	op := n.Op.(qnn.TransposeConv)
	was, is := old.Input(n, 2).Shape, g.Input(n, 2).Shape
	out, err := g.Input(n, 0).ConstInts()
	if err != nil || len(out) != 4 || len(was) != 4 || len(is) != 4 {
		return
	}
	out = []int{
		is[0],
		out[1] - (was[1]-is[1])*op.StrideH,
		out[2] - (was[2]-is[2])*op.StrideW,
		g.Input(n, 1).Shape[0],
	}
	t := g.Input(n, 0)
	t.Data = []byte{}
	t.Type = qnn.Int32
	for _, v := range out {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(v))
	}
}

// fitBroadcast trims operand k of n, if it is constant, to operand other.
func fitBroadcast(g *qnn.Graph, n *qnn.Node, k, other int) {
	t, s := g.Input(n, k), slices.Clone(g.Input(n, other).Shape)
	if !t.IsConst() || len(t.Shape) > len(s) {
		return
	}
	s = s[len(s)-len(t.Shape):]
	for i, d := range t.Shape {
		if d == 1 {
			s[i] = 1
		}
	}
	*t = block(*t, s)
}

// fitParts trims the constants of a concatenation to its computed parts.
func fitParts(g *qnn.Graph, n *qnn.Node, axis int) {
	i := slices.IndexFunc(n.Inputs, func(id qnn.TensorID) bool { return !g.Tensors[id].IsConst() })
	if i < 0 {
		return
	}
	for k := range n.Inputs {
		t, s := g.Input(n, k), slices.Clone(g.Input(n, i).Shape)
		if axis < 0 {
			axis += len(s)
		}
		if !t.IsConst() || len(t.Shape) != len(s) || axis < 0 || axis >= len(s) {
			continue
		}
		s[axis] = t.Shape[axis]
		*t = block(*t, s)
	}
}

// fitReshape changes one dimension of the output so that the elements fit.
func fitReshape(g *qnn.Graph, n *qnn.Node) {
	n.Inputs = n.Inputs[:1]
	elems, y := g.Input(n, 0).Shape.Elems(), g.Output(n, 0)
	if y.Shape.Elems() == elems {
		return
	}
	for i, d := range y.Shape {
		if rest := y.Shape.Elems() / d; elems%rest == 0 {
			y.Shape = slices.Clone(y.Shape)
			y.Shape[i] = elems / rest
			return
		}
	}
}

// block returns the part of t, which is an input or constant, that has shape s
// and begins at index 0. Where s is larger in some dimension, or of another
// rank, t stays as it is.
func block(t qnn.Tensor, s qnn.Shape) qnn.Tensor {
	if len(s) != len(t.Shape) {
		return t
	}
	for i, d := range s {
		if d < 1 || d > t.Shape[i] {
			return t
		}
	}
	if q := t.Quant; q.PerChannel() && q.Axis < len(s) && len(q.Scale) == t.Shape[q.Axis] {
		t.Quant = qnn.Quant{Scale: q.Scale[:s[q.Axis]], Zero: q.Zero[:s[q.Axis]], Axis: q.Axis}
	}
	if size := t.Type.Size(); t.IsConst() {
		data := make([]byte, 0, s.Elems()*size)
		for i := range s.Elems() {
			at := offset(i, s, t.Shape) * size
			data = append(data, t.Data[at:at+size]...)
		}
		t.Data = data
	}
	t.Shape = s
	return t
}

// offset returns the index, in a tensor of shape full, of element i of its part
// of shape s.
func offset(i int, s, full qnn.Shape) int {
	at, step := 0, 1
	for k := len(s) - 1; k >= 0; k-- {
		at += i % s[k] * step
		i /= s[k]
		step *= full[k]
	}
	return at
}
