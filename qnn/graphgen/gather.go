package graphgen

import (
	"slices"

	"qtune/qnn"
)

// Makers of the operators that pick elements, and of those over blocks.

// gather draws an axis and sometimes batches before it, written from either end.
func (b *builder) gather() bool {
	x, ok := b.pick(vector)
	if !ok {
		return false
	}
	s := b.shape(x)
	axis, batches := b.IntN(len(s)), 0
	if b.oneIn(3) {
		batches = b.IntN(axis + 1)
	}
	at := slices.Concat(s[:batches], []qnn.Shape{{}, {1}, {3}, {5}, {2, 3}}[b.IntN(5)])
	v := make([]int, at.Elems())
	if len(v) > maxElems {
		return false
	}
	for i := range v {
		v[i] = b.IntN(s[axis])
	}
	indices := b.intsOf(at, v)
	if batches > 0 && b.oneIn(2) {
		batches -= len(at)
	}
	if b.oneIn(2) {
		axis -= len(s)
	}
	return b.node(qnn.Gather{Axis: axis, BatchDims: batches}, b.like(x), x, indices)
}

func (b *builder) gatherND() bool {
	x, ok := b.pick(vector)
	if !ok {
		return false
	}
	s := b.shape(x)
	n, k := b.between(1, 4), b.between(1, len(s))
	var v []int
	for range n {
		for d := range k {
			v = append(v, b.IntN(s[d]))
		}
	}
	return b.node(qnn.GatherND{}, b.like(x), x, b.intsOf(qnn.Shape{n, k}, v))
}

// spaceToBatch draws blocks of the rows and columns, and paddings that they
// divide.
func (b *builder) spaceToBatch() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return image(t) && t.Type != qnn.Bool })
	if !ok {
		return false
	}
	s, extent, cells := b.shape(x), []int{b.between(1, 3), b.between(1, 3)}, make([]int, 4)
	for i, e := range extent {
		cells[2*i] = b.IntN(3)
		cells[2*i+1] = (e-(s[i+1]+cells[2*i])%e)%e + e*b.IntN(2)
	}
	return b.node(qnn.SpaceToBatch{}, b.like(x), x, b.ints(extent...), b.intsOf(qnn.Shape{2, 2}, cells))
}

func (b *builder) batchToSpace() bool {
	x, ok := b.pick(func(t *qnn.Tensor) bool { return image(t) && t.Shape[0]%2 == 0 })
	if !ok {
		return false
	}
	extent, cells := []int{2, 1}, make([]int, 4)
	if b.oneIn(2) || b.shape(x)[0]%4 == 0 {
		extent = []int{1, 2}
	}
	if b.shape(x)[0]%4 == 0 {
		extent[0] = 2
	}
	for i, e := range extent {
		most := b.shape(x)[i+1]*e - 1
		cells[2*i] = min(most, b.IntN(3))
		cells[2*i+1] = min(most-cells[2*i], b.IntN(2))
	}
	return b.node(qnn.BatchToSpace{}, b.like(x), x, b.ints(extent...), b.intsOf(qnn.Shape{2, 2}, cells))
}

// padValue pads with any value, sometimes the zero point.
func (b *builder) padValue() bool {
	x, ok := b.pick(rows8)
	if !ok {
		return false
	}
	cells, y := b.cells(len(b.shape(x)), b.oneIn(3)), b.like(x)
	v := b.like(x)
	v.Shape = qnn.Shape{1}
	if v.Data = b.bytes(1); b.oneIn(2) {
		v.Data[0] = byte(v.Quant.Zero[0])
	}
	return b.node(qnn.PadValue{}, y, x, cells, b.tensor(v))
}

// blocks adds a dilated convolution as older converters write it: between
// SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND.
func (b *builder) blocks() bool {
	x, ok := b.pick(image8)
	if !ok || b.shape(x)[0] > 1 {
		return false
	}
	s, extent, cells := b.shape(x), []int{b.between(1, 2), 2}, []int{0, 0, 0, 0}
	for i, e := range extent {
		cells[2*i] = e
		cells[2*i+1] = e + (e-s[i+1]%e)%e
	}
	block := b.ints(extent...)
	if !b.node(qnn.SpaceToBatch{}, b.like(x), x, block, b.intsOf(qnn.Shape{2, 2}, cells)) || !b.depthwiseOf(b.last(), qnn.Same) {
		return false
	}
	y := b.last()
	return b.shape(y)[0]%(extent[0]*extent[1]) == 0 &&
		b.node(qnn.BatchToSpace{}, b.like(y), y, block, b.intsOf(qnn.Shape{2, 2}, make([]int, 4)))
}
