package module

import (
	"qtune/kernels"
	"qtune/qnn"
)

// A cells is where the cells of a tensor [n][h][w][c] lie: the offset of the
// first, and the distance between images, rows and pixels, 0 where one serves
// all (broadcasting).
type cells struct {
	at      int
	strides [3]int
}

// A span is some rows of an elementwise operator, and where the first starts in
// the memory of the result and of each operand.
type span struct {
	kernels.Rows
	out, in, in2 int
}

// spans cuts an elementwise operator with a result of shape into as few spans as
// possible. in2 is nil if there is one operand.
func spans(shape [4]int, out, in cells, in2 *cells) []span {
	all := []*cells{&out, &in}
	if in2 != nil {
		all = append(all, in2)
	}
	run, dims := shape[3], 3
	for dims > 0 && everyCells(all, func(c *cells) bool { return c.strides[dims-1] == run }) {
		dims--
		run *= shape[dims]
	}
	rows := 1
	if dims > 0 {
		dims--
		rows = shape[dims]
	}
	inner := dims
	for dims > 0 && everyCells(all, func(c *cells) bool { return c.strides[dims-1] == rows*c.strides[inner] }) {
		dims--
		rows *= shape[dims]
	}
	r := kernels.Rows{Count: rows, Bytes: run}
	if rows > 1 {
		r.Out, r.In = out.strides[inner], in.strides[inner]
		if in2 != nil {
			r.In2 = in2.strides[inner]
		}
	}
	var list []span
	each(shape[:dims], func(index []int) {
		s := span{Rows: r, out: out.offset(index), in: in.offset(index)}
		if in2 != nil {
			s.in2 = in2.offset(index)
		}
		list = append(list, s)
	})
	return list
}

func everyCells(all []*cells, f func(*cells) bool) bool {
	for _, c := range all {
		if !f(c) {
			return false
		}
	}
	return true
}

func (c *cells) offset(index []int) int {
	at := c.at
	for i, k := range index {
		at += k * c.strides[i]
	}
	return at
}

// each calls f for every index of a shape, the last dimension fastest.
func each(shape []int, f func(index []int)) {
	index := make([]int, len(shape))
	for {
		f(index)
		d := len(shape) - 1
		for ; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
		if d < 0 {
			return
		}
	}
}

// shape4 returns s with leading extents of 1. It fails for more than four
// dimensions.
func shape4(s qnn.Shape) (shape [4]int, ok bool) {
	shape = [4]int{1, 1, 1, 1}
	if len(s) > 4 {
		return shape, false
	}
	copy(shape[4-len(s):], s)
	return shape, true
}

// cellsOf returns where the cells of tensor id lie that the elements of a result
// of shape are made from. The tensor must be of that shape, or of 1 in any
// dimension but the last; see canSpan.
func (mem *memory) cellsOf(id qnn.TensorID, shape [4]int) cells {
	own, _ := shape4(mem.graph.Tensors[id].Shape)
	c := mem.cellsAs(id, own)
	for d := range c.strides {
		if own[d] == 1 && shape[d] != 1 {
			c.strides[d] = 0
		}
	}
	return c
}

// cellsAs returns where the cells of tensor id lie if it is seen as shape.
func (mem *memory) cellsAs(id qnn.TensorID, shape [4]int) cells {
	l := mem.layout(id).as(shape[0], shape[1], shape[2], shape[3])
	return cells{l.offset(), [3]int{l.imageStride(), l.rowStride(), l.pixel}}
}

// canSpan tells whether the elements of x lie under those of a result of shape.
func canSpan(x *qnn.Tensor, shape [4]int) bool {
	own, ok := shape4(x.Shape)
	if !ok || own[3] != shape[3] {
		return false
	}
	for d := range 3 {
		if own[d] != shape[d] && own[d] != 1 {
			return false
		}
	}
	return true
}
