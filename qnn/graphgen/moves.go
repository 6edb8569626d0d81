package graphgen

import "qtune/qnn"

func pad(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	rank := len(b.g.Tensors[x].Shape)
	cells := make([]int, 2*rank)
	for i := range cells {
		cells[i] = pick(b, 0, 1, 0, 2, 0)
	}
	return single(qnn.Pad{}, b.like(x), x, b.ints(qnn.Shape{rank, 2}, cells...))
}

// padConv pads an image and convolves it.
func padConv(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.image()
	if !ok {
		return none()
	}
	cells := []int{0, 0, b.draw(3), b.draw(3), b.draw(3), b.draw(3), 0, 0}
	n, outputs, _ := single(qnn.Pad{}, b.like(x), x, b.ints(qnn.Shape{4, 2}, cells...))
	if !b.fits(&n, outputs) {
		return none()
	}
	return convOf(b, n.Outputs[0], pick(b, qnn.Valid, qnn.Valid, qnn.Same))
}

func reshape(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	y := b.like(x)
	s := b.g.Tensors[x].Shape
	n := s.Elems()
	switch b.draw(4) {
	case 0:
		y.Shape = qnn.Shape{1, n}
	case 1:
		y.Shape = qnn.Shape{s[0], n / s[0]}
	case 2:
		y.Shape = qnn.Shape{1, 1, n / s[len(s)-1], s[len(s)-1]}
	default:
		y.Shape = append(qnn.Shape{1}, s...)
	}
	return single(qnn.Reshape{}, y, x, b.ints(qnn.Shape{len(y.Shape)}, y.Shape...))
}

func squeeze(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	return single(qnn.Squeeze{}, b.like(x), x)
}

func expandDims(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return isBytes(t) && len(t.Shape) < 5 })
	if !ok {
		return none()
	}
	return single(qnn.ExpandDims{}, b.like(x), x, b.ints(qnn.Shape{}, b.draw(len(b.g.Tensors[x].Shape)+1)))
}

// part draws a begin and an extent in each dimension.
func part(b *builder, s qnn.Shape) (begin, size []int) {
	for _, n := range s {
		at := b.draw(n)
		begin, size = append(begin, at), append(size, 1+b.draw(n-at))
	}
	return begin, size
}

func slice(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	begin, size := part(b, s)
	return single(qnn.Slice{}, b.like(x), x, b.ints(qnn.Shape{len(s)}, begin...), b.ints(qnn.Shape{len(s)}, size...))
}

func stridedSlice(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	begin, end := part(b, s)
	strides := make([]int, len(s))
	for i := range s {
		end[i] += begin[i]
		strides[i] = pick(b, 1, 2, 1, 3)
	}
	shrink := 0
	if b.chance(3) && len(s) > 1 {
		shrink = 1 << b.draw(len(s))
	}
	shape := qnn.Shape{len(s)}
	return single(qnn.StridedSlice{ShrinkMask: shrink}, b.like(x), x, b.ints(shape, begin...), b.ints(shape, end...), b.ints(shape, strides...))
}

// divisor draws a number of equal parts of n.
func divisor(b *builder, n int) int {
	k := 1 + b.draw(min(n, 4))
	for n%k != 0 {
		k--
	}
	return k
}

func repeated(t qnn.Tensor, n int) []qnn.Tensor {
	all := make([]qnn.Tensor, n)
	for i := range all {
		all[i] = t
	}
	return all
}

func split(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	axis := b.draw(len(s))
	n := divisor(b, s[axis])
	return qnn.Node{Op: qnn.Split{}, Inputs: []qnn.TensorID{b.ints(qnn.Shape{}, axis), x}}, repeated(b.like(x), n), true
}

func splitV(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	axis := b.draw(len(s))
	first := 1 + b.draw(s[axis])
	sizes := []int{first}
	if first < s[axis] {
		sizes = append(sizes, -1)
	}
	in := []qnn.TensorID{x, b.ints(qnn.Shape{len(sizes)}, sizes...), b.ints(qnn.Shape{}, axis)}
	return qnn.Node{Op: qnn.SplitV{}, Inputs: in}, repeated(b.like(x), len(sizes)), true
}

func packOp(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return isBytes(t) && len(t.Shape) < 5 })
	if !ok {
		return none()
	}
	tx := b.g.Tensors[x]
	same := func(t *qnn.Tensor) bool {
		return t.Type == tx.Type && t.Shape.Equal(tx.Shape) && t.Quant.Scale[0] == tx.Quant.Scale[0] && t.Quant.Zero[0] == tx.Quant.Zero[0]
	}
	inputs := []qnn.TensorID{x}
	for range 1 + b.draw(2) {
		other, _ := b.one(same)
		inputs = append(inputs, other)
	}
	return single(qnn.Pack{Axis: b.draw(len(tx.Shape) + 1)}, b.like(x), inputs...)
}

func unpack(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return isBytes(t) && len(t.Shape) > 1 })
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	axis := b.draw(len(s))
	if s[axis] > 6 {
		return none()
	}
	return qnn.Node{Op: qnn.Unpack{Axis: axis}, Inputs: []qnn.TensorID{x}}, repeated(b.like(x), s[axis]), true
}

func transpose(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	n := len(b.g.Tensors[x].Shape)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := range n {
		k := i + b.draw(n-i)
		order[i], order[k] = order[k], order[i]
	}
	return single(qnn.Transpose{}, b.like(x), x, b.ints(qnn.Shape{n}, order...))
}

func spaceToDepth(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return isImage(t) && t.Shape[1]%2 == 0 && t.Shape[2]%2 == 0 })
	if !ok {
		return none()
	}
	return single(qnn.SpaceToDepth{Block: 2}, b.like(x), x)
}

func depthToSpace(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(t *qnn.Tensor) bool { return isImage(t) && t.Shape[3]%4 == 0 })
	if !ok {
		return none()
	}
	return single(qnn.DepthToSpace{Block: 2}, b.like(x), x)
}

func shapeOf(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	return single(qnn.ShapeOf{}, qnn.Tensor{Type: qnn.Int32}, x)
}

func padValue(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	n, outputs, ok := pad(b)
	if !ok {
		return none()
	}
	n.Op = qnn.PadValue{}
	n.Inputs = append(n.Inputs, b.constant(n.Inputs[0], qnn.Shape{1}))
	return n, outputs, true
}

func gather(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	axis := b.draw(len(s))
	var at []int
	for range 1 + b.draw(4) {
		at = append(at, b.draw(s[axis]))
	}
	return single(qnn.Gather{Axis: axis}, b.like(x), x, b.ints(qnn.Shape{len(at)}, at...))
}

func gatherND(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.bytes()
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	k, n := 1+b.draw(len(s)), 1+b.draw(3)
	var at []int
	for range n {
		for d := range k {
			at = append(at, b.draw(s[d]))
		}
	}
	return single(qnn.GatherND{}, b.like(x), x, b.ints(qnn.Shape{n, k}, at...))
}

func cast(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.one(func(*qnn.Tensor) bool { return true })
	if !ok {
		return none()
	}
	return single(qnn.Cast{}, qnn.Tensor{Type: pick(b, qnn.Int32, qnn.Float32, qnn.Int64)}, x)
}

func spaceToBatch(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	x, ok := b.image()
	if !ok {
		return none()
	}
	s := b.g.Tensors[x].Shape
	extent := []int{1 + b.draw(3), 1 + b.draw(3)}
	cells := make([]int, 4)
	for i, e := range extent {
		cells[2*i] = b.draw(3)
		cells[2*i+1] = (e - (s[i+1]+cells[2*i])%e) % e
	}
	return single(qnn.SpaceToBatch{}, b.like(x), x, b.ints(qnn.Shape{2}, extent...), b.ints(qnn.Shape{2, 2}, cells...))
}

// batchToSpace is drawn with what makes its input.
func batchToSpace(b *builder) (qnn.Node, []qnn.Tensor, bool) {
	n, outputs, ok := spaceToBatch(b)
	if !ok || !b.fits(&n, outputs) {
		return none()
	}
	x := n.Outputs[0]
	cells := []int{b.draw(2), b.draw(2), b.draw(2), b.draw(2)}
	return single(qnn.BatchToSpace{}, b.like(x), x, n.Inputs[1], b.ints(qnn.Shape{2, 2}, cells...))
}
