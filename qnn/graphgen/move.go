package graphgen

import (
	"slices"

	"qtune/qnn"
)

// Makers of the operators that move elements.

// concat joins tensors that agree but for one dimension; some may be constants
// or the same tensor again.
func (b *builder) concat() bool {
	x, ok := b.pick(vector)
	if !ok {
		return false
	}
	s := b.shape(x)
	axis := len(s) - 1
	if b.oneIn(2) {
		axis = b.IntN(len(s))
	}
	parts := []qnn.TensorID{x}
	for range b.IntN(4) {
		parts = append(parts, b.concatPart(x, axis))
	}
	b.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	if b.oneIn(2) {
		axis -= len(s)
	}
	return b.node(qnn.Concat{Axis: axis}, b.near(parts[0]), parts...)
}

// concatPart returns a tensor that can be joined to x along a dimension.
func (b *builder) concatPart(x qnn.TensorID, axis int) qnn.TensorID {
	s := slices.Clone(b.shape(x))
	id, ok := b.pick(func(t *qnn.Tensor) bool {
		if t.Type != b.g.Tensors[x].Type || len(t.Shape) != len(s) {
			return false
		}
		s[axis] = t.Shape[axis]
		return s.Equal(t.Shape)
	})
	if ok && !b.oneIn(6) {
		return id
	}
	if !b.g.Tensors[x].Type.Is8Bit() { // no constants of any bytes: they may be NaN
		return x
	}
	t := b.near(x)
	t.Shape = slices.Clone(b.shape(x))
	t.Shape[axis] = b.between(1, 4)
	return b.constant(t)
}

// reshape merges or splits dimensions.
func (b *builder) reshape() bool {
	x, ok := b.pick(vector)
	if !ok {
		return false
	}
	s := slices.Clone(b.shape(x))
	y := b.like(x)
	switch k := b.IntN(len(s)); {
	case b.oneIn(4):
		y.Shape = qnn.Shape{s.Elems()}
	case b.oneIn(2) && k+1 < len(s):
		s[k] *= s[k+1]
		y.Shape = slices.Delete(s, k+1, k+2)
	default:
		d := b.divisor(s[k])
		s[k] /= d
		y.Shape = slices.Insert(s, k, d)
	}
	if b.oneIn(2) {
		return b.node(qnn.Reshape{}, y, x)
	}
	return b.node(qnn.Reshape{}, y, x, b.ints(y.Shape...))
}

// divisor draws a divisor of n.
func (b *builder) divisor(n int) int {
	d := b.between(1, n)
	for n%d != 0 {
		d--
	}
	return d
}

func (b *builder) squeeze() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return slices.Contains(t.Shape, 1) })
	if !ok {
		return false
	}
	var op qnn.Squeeze
	if b.oneIn(2) {
		op.Dims = []int{slices.Index(b.shape(x), 1)}
	}
	return b.node(op, b.like(x), x)
}

func (b *builder) expandDims() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return len(t.Shape) < 5 })
	return ok && b.node(qnn.ExpandDims{}, b.like(x), x, b.intsOf(qnn.Shape{}, []int{b.IntN(len(b.shape(x)) + 1)}))
}

func (b *builder) pad() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return vector(t) && t.Type != qnn.Bool })
	return ok && b.padOf(x, b.oneIn(3))
}

func (b *builder) mirrorPad() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return vector(t) && t.Type != qnn.Bool && t.Type != qnn.Int16 })
	if !ok {
		return false
	}
	op, s := qnn.MirrorPad{Symmetric: b.oneIn(2)}, b.shape(x)
	v := make([]int, 2*len(s))
	for i := range v {
		most := s[i/2]
		if !op.Symmetric {
			most--
		}
		if len(s) != 4 || i/2 == 1 || i/2 == 2 || b.oneIn(4) {
			v[i] = b.IntN(min(most, 3) + 1)
		}
	}
	return b.node(op, b.like(x), x, b.intsOf(qnn.Shape{len(s), 2}, v))
}

// padOf pads x; see cells.
func (b *builder) padOf(x qnn.TensorID, all bool) bool {
	cells := b.cells(len(b.shape(x)), all)
	return b.node(qnn.Pad{}, b.like(x), x, cells)
}

// cells adds the numbers of cells to pad: before and after the rows and columns
// of an image, or with all any dimension of rank.
func (b *builder) cells(rank int, all bool) qnn.TensorID {
	v := make([]int, 2*rank)
	for i := range v {
		if all && b.oneIn(2) || rank == 4 && (i/2 == 1 || i/2 == 2) {
			v[i] = b.IntN(3)
		}
	}
	return b.intsOf(qnn.Shape{rank, 2}, v)
}

func (b *builder) slice() bool {
	x, ok := b.pick(vector)
	if !ok {
		return false
	}
	var begin, size []int
	for _, d := range b.shape(x) {
		first := b.IntN(d)
		n := b.between(1, d-first)
		switch {
		case b.oneIn(2):
			first, n = 0, d
		case b.oneIn(3):
			n = -1
		}
		begin, size = append(begin, first), append(size, n)
	}
	return b.node(qnn.Slice{}, b.like(x), x, b.ints(begin...), b.ints(size...))
}

// parts are n outputs like x.
func (b *builder) parts(x qnn.TensorID, n int) []qnn.Tensor {
	out := make([]qnn.Tensor, n)
	for i := range out {
		out[i] = b.like(x)
	}
	return out
}

func (b *builder) split() bool {
	x, ok := b.pick(vector)
	if !ok {
		return false
	}
	axis := b.IntN(len(b.shape(x)))
	n := b.divisor(b.shape(x)[axis])
	return n <= 8 && b.nodeOf(qnn.Split{}, b.parts(x, n), b.intsOf(qnn.Shape{}, []int{axis}), x)
}

func (b *builder) splitV() bool {
	x, ok := b.pick(vector)
	if !ok {
		return false
	}
	axis := b.IntN(len(b.shape(x)))
	var sizes []int
	for rest := b.shape(x)[axis]; rest > 0; rest -= sizes[len(sizes)-1] {
		n := b.between(1, rest)
		if len(sizes) == 3 {
			n = rest
		}
		sizes = append(sizes, n)
	}
	n := len(sizes)
	if b.oneIn(3) {
		sizes[b.IntN(n)] = -1
	}
	return b.nodeOf(qnn.SplitV{}, b.parts(x, n), x, b.ints(sizes...), b.intsOf(qnn.Shape{}, []int{axis}))
}

// pack stacks tensors of one type, quantisation and shape.
func (b *builder) pack() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return len(t.Shape) < 5 })
	if !ok {
		return false
	}
	parts := []qnn.TensorID{x}
	for range b.between(0, 2) {
		y, _ := b.pick(func(t *qnn.Tensor) bool {
			return t.Type == b.g.Tensors[x].Type && t.Shape.Equal(b.shape(x)) &&
				slices.Equal(t.Quant.Scale, b.g.Tensors[x].Quant.Scale) && slices.Equal(t.Quant.Zero, b.g.Tensors[x].Quant.Zero)
		})
		parts = append(parts, y)
	}
	return b.node(qnn.Pack{Axis: b.IntN(len(b.shape(x)) + 1)}, b.like(x), parts...)
}

func (b *builder) unpack() bool {
	x, ok := b.pick(vector)
	if !ok {
		return false
	}
	axis := b.IntN(len(b.shape(x)))
	n := b.shape(x)[axis]
	return n <= 8 && b.nodeOf(qnn.Unpack{Axis: axis}, b.parts(x, n), x)
}

func (b *builder) transpose() bool {
	x, ok := b.pick(vector)
	return ok && b.node(qnn.Transpose{}, b.like(x), x, b.ints(b.Perm(len(b.shape(x)))...))
}

func (b *builder) spaceToDepth() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return image(t) && t.Shape[1]%2 == 0 && t.Shape[2]%2 == 0 })
	return ok && b.node(qnn.SpaceToDepth{Block: 2}, b.like(x), x)
}

func (b *builder) depthToSpace() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return image(t) && t.Shape[3]%4 == 0 })
	return ok && b.node(qnn.DepthToSpace{Block: 2}, b.like(x), x)
}

func (b *builder) shapeOf() bool {
	x, ok := b.pick(vector)
	t := []qnn.DType{qnn.Int32, qnn.Int64}[b.IntN(2)]
	return ok && b.node(qnn.ShapeOf{}, qnn.Tensor{Type: t}, x)
}
