package module

import (
	"encoding/binary"

	"qtune/kernels"
	"qtune/qnn"
)

// A layout says how a tensor [n][h][w][c] of bytes lies in its memory, which
// may be part of that of another tensor:
//
//	image 0:  top    rows of zero points
//	          left cells | w cells of the tensor | right cells    h times
//	          bottom rows of zero points
//	image 1:  ...
//
//	cell:     first bytes of others | c bytes of the tensor | others    = pixel bytes
//
// Without halo and others that is the dense order of the file format.
type layout struct {
	n, h, w, c int
	halo       kernels.Halo
	pixel      int // bytes from pixel to pixel
	first      int // byte of the memory where its first cell would be without a halo
}

// denseLayout is the layout of a tensor of its own. Tensors that no kernel
// reads as images are one long row of one byte in a pixel.
func denseLayout(t *qnn.Tensor) layout {
	if s := t.Shape; len(s) == 4 && t.Type.Size() == 1 {
		return layout{n: s[0], h: s[1], w: s[2], c: s[3], pixel: s[3]}
	}
	return layout{n: 1, h: 1, w: 1, c: t.Bytes(), pixel: t.Bytes()}
}

// slice returns the layout of a tensor that is c channels of l from channel at
// on.
func (l layout) slice(at, c int) layout {
	l.c = c
	l.first += at
	return l
}

// isDense tells whether the tensor's bytes follow each other without gaps.
func (l layout) isDense() bool { return l.halo == kernels.Halo{} && l.pixel == l.c }

// tensorBytes is the size of the tensor alone.
func (l layout) tensorBytes() int { return l.n * l.h * l.w * l.c }

func (l layout) rowStride() int { return (l.halo.Left + l.w + l.halo.Right) * l.pixel }

func (l layout) imageStride() int { return (l.halo.Top + l.h + l.halo.Bottom) * l.rowStride() }

// bytes is the size of the memory of a tensor that is not part of another.
func (l layout) bytes() int { return l.n * l.imageStride() }

// offset is the place of cell (0,0,0,0).
func (l layout) offset() int {
	return l.first + l.halo.Top*l.rowStride() + l.halo.Left*l.pixel
}

// view describes data, the memory of l.
func (l layout) view(data []byte) kernels.View {
	return kernels.View{
		Data:        data,
		Offset:      l.offset(),
		ImageStride: l.imageStride(),
		RowStride:   l.rowStride(),
		PixelStride: l.pixel,
		Halo:        l.halo,
	}
}

// as is the layout of the same bytes seen as another shape, if they are dense;
// otherwise the shape must be l's own.
func (l layout) as(n, h, w, c int) layout {
	if l.isDense() {
		return layout{n: n, h: h, w: w, c: c, pixel: c, first: l.first}
	}
	return l
}

// runs calls f for each run of bytes without gaps: where it lies in the memory
// and in the dense tensor, and its length.
func (l layout) runs(f func(at, dense, n int)) {
	if l.isDense() {
		f(l.offset(), 0, l.tensorBytes())
		return
	}
	pixels, run := l.w, l.c
	if l.pixel == l.c { // whole rows
		pixels, run = 1, l.w*l.c
	}
	dense := 0
	for i := range l.n {
		for y := range l.h {
			at := l.offset() + i*l.imageStride() + y*l.rowStride()
			for range pixels {
				f(at, dense, run)
				at += l.pixel
				dense += run
			}
		}
	}
}

// scatter stores the dense bytes src into data, and leaves all others alone.
func (l layout) scatter(data, src []byte) {
	l.runs(func(at, dense, n int) { copy(data[at:at+n], src[dense:]) })
}

// gather is the inverse of scatter.
func (l layout) gather(dst, data []byte) {
	l.runs(func(at, dense, n int) { copy(dst[dense:dense+n], data[at:]) })
}

// fillHalo stores zero into every cell of the halo of l, which is not part of
// another tensor.
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

// fill is on the path of an inference: 8 bytes at a time.
func fill(b []byte, v byte) {
	const ones = 0x0101010101010101
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, ones*uint64(v))
	}
	for i := range b {
		b[i] = v
	}
}
