package module

import (
	"qtune/kernels"
	"qtune/qnn"
)

// A layout says how a tensor [n][h][w][c] of bytes lies in its buffer:
//
//	image 0:  top    rows of zero points
//	          left cells | w cells of the tensor | right cells    h times
//	          bottom rows of zero points
//	image 1:  ...
//
// Without a halo that is the dense order of the file format.
type layout struct {
	n, h, w, c int
	halo       kernels.Halo
}

// denseLayout is the layout of a tensor without a halo. Tensors that no kernel
// reads as images are one long row.
func denseLayout(t *qnn.Tensor) layout {
	if s := t.Shape; len(s) == 4 && t.Type.Size() == 1 {
		return layout{n: s[0], h: s[1], w: s[2], c: s[3]}
	}
	return layout{n: 1, h: 1, w: 1, c: t.Bytes()}
}

func (l layout) isDense() bool { return l.halo == kernels.Halo{} }

func (l layout) rowStride() int { return (l.halo.Left + l.w + l.halo.Right) * l.c }

func (l layout) imageStride() int { return (l.halo.Top + l.h + l.halo.Bottom) * l.rowStride() }

// bytes is the size of the buffer.
func (l layout) bytes() int { return l.n * l.imageStride() }

// offset is the place of cell (0,0,0,0).
func (l layout) offset() int { return l.halo.Top*l.rowStride() + l.halo.Left*l.c }

// row returns row y of image i, without the halo.
func (l layout) row(data []byte, i, y int) []byte {
	at := i*l.imageStride() + l.offset() + y*l.rowStride()
	return data[at : at+l.w*l.c]
}

// scatter stores the dense bytes src into data, and leaves the halo alone.
func (l layout) scatter(data, src []byte) {
	if l.isDense() {
		copy(data, src)
		return
	}
	for i := range l.n {
		for y := range l.h {
			src = src[copy(l.row(data, i, y), src):]
		}
	}
}

// gather is the inverse of scatter.
func (l layout) gather(dst, data []byte) {
	if l.isDense() {
		copy(dst, data)
		return
	}
	for i := range l.n {
		for y := range l.h {
			dst = dst[copy(dst, l.row(data, i, y)):]
		}
	}
}

// fillHalo stores zero into every cell of the halo.
func (l layout) fillHalo(data []byte, zero byte) {
	for i := range l.n {
		image := data[i*l.imageStride():][:l.imageStride()]
		gap := l.offset() // from the end of one row of cells to the start of the next
		for range l.h {
			fill(image[:gap], zero)
			image = image[gap+l.w*l.c:]
			gap = (l.halo.Right + l.halo.Left) * l.c
		}
		fill(image, zero)
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// view describes data to a kernel that sees the tensor as n x h x w x c. For a
// dense tensor that may be another division of the same bytes than its own.
func (l layout) view(data []byte, n, h, w, c int) kernels.View {
	if l.isDense() {
		l = layout{n: n, h: h, w: w, c: c}
	}
	return kernels.View{
		Data:        data,
		Offset:      l.offset(),
		ImageStride: l.imageStride(),
		RowStride:   l.rowStride(),
		PixelStride: l.c,
		Halo:        l.halo,
	}
}
