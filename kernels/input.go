package kernels

import (
	"qtune/kernels/emit"
	"qtune/kernels/pack"
	"qtune/schedules"
)

// A scratch is a copy of the input [N][H] rows of left + W + right pixels of
// pixelBytes, and one row that lies above and below all images. Both are filled
// with what padding holds; only the W pixels inside are ever written again.
type scratch struct {
	data, border     []byte
	row, left, pixel int // bytes of a row, pixels left of the image, bytes of a pixel
}

func newScratch(n, h, left, w, right, pixelBytes int, fill byte) scratch {
	s := scratch{row: (left + w + right) * pixelBytes, left: left, pixel: pixelBytes}
	s.data = pack.Aligned(n*h*s.row + scratchSlack)
	s.border = pack.Aligned(s.row + scratchSlack)
	for i := range s.data {
		s.data[i] = fill
	}
	for i := range s.border {
		s.border[i] = fill
	}
	return s
}

// scratchSlack is how far a 4-byte read may pass the end of a 1-byte segment.
const scratchSlack = 4

// rowTable lists for each image the addresses of the rows from top above it to
// bottom below it, rows outside being border.
func rowTable(n, h, top, bottom int, border uintptr, row func(image, y int) uintptr) []uint64 {
	table := make([]uint64, 0, n*(h+top+bottom))
	for image := range n {
		for y := -top; y < h+bottom; y++ {
			if y < 0 || y >= h {
				table = append(table, uint64(border))
			} else {
				table = append(table, uint64(row(image, y)))
			}
		}
	}
	return table
}

// inputRows decides where the kernel reads its input, adds the phases that
// bring it there to b, and returns the table of row addresses.
func (k *convKernel) inputRows(b *Bound) []uint64 {
	w, in := k.Workload, b.in
	if k.readable(in) {
		return b.viewRows(w)
	}
	fill := byte(b.p.inputZero)
	if k.widened() { // holds differences from the zero point
		fill = 0
	}
	pixel := w.C
	if k.widened() {
		pixel = k.PixelBytes
	}
	s := newScratch(w.N, w.H, w.PadLeft, w.W, w.PadRight, pixel, fill)
	b.keep = append(b.keep, s.data, s.border)
	if k.widened() {
		k.widen(b, s)
	} else {
		b.copy(copyRows(w, in, 1, func(image, y int) []byte { return s.inside(w, image, y) }))
	}
	return s.rows(w)
}

// viewRows is the table of the rows of the input view itself; rows above and
// below are a border of zero points.
func (b *Bound) viewRows(w schedules.Workload) []uint64 {
	border := pack.Aligned((w.PadLeft + w.W + w.PadRight) * w.C)
	for i := range border {
		border[i] = byte(b.p.inputZero)
	}
	b.keep = append(b.keep, border)
	in := b.in
	return rowTable(w.N, w.H, w.PadTop, w.PadBottom, addressOf(border, 0), func(image, y int) uintptr {
		return addressOf(in.Data, in.Offset+image*in.ImageStride+y*in.RowStride-w.PadLeft*in.PixelStride)
	})
}

// inside returns the pixels of row y that lie in the image.
func (s *scratch) inside(w schedules.Workload, image, y int) []byte {
	return s.data[(image*w.H+y)*s.row+s.left*s.pixel:][:w.W*s.pixel]
}

// rows is the table of the scratch's rows.
func (s *scratch) rows(w schedules.Workload) []uint64 {
	return rowTable(w.N, w.H, w.PadTop, w.PadBottom, addressOf(s.border, 0), func(image, y int) uintptr {
		return addressOf(s.data, (image*w.H+y)*s.row)
	})
}

// widen adds the phases that fill s from the input.
func (k *convKernel) widen(b *Bound, s scratch) {
	w, in := k.Workload, b.in
	if in.PixelStride != w.C {
		dense := Dense(pack.Aligned(w.N*w.H*w.W*w.C), w.H, w.W, w.C)
		b.keep = append(b.keep, dense.Data)
		b.copy(copyRows(w, in, 1, func(image, y int) []byte { return dense.Row(image, y, w.W, w.C) }))
		in = dense
	}
	b.phase()
	for image := range w.N {
		for _, y := range chunksOf(w.H, b.threads) {
			b.part()
			b.call(progPrepare, emit.Args{
				In: addressOf(in.Data, in.Offset+image*in.ImageStride+y.at*in.RowStride), InRow: int64(in.RowStride),
				Out: addressOf(s.data, (image*w.H+y.at)*s.row+s.left*s.pixel), OutRow: int64(s.row),
				NRows: int64(y.n), Consts: addressOf(b.p.prepare, 0),
			})
		}
	}
}

// readable tells whether the kernel can read the view where it is.
func (k *convKernel) readable(in View) bool {
	w := k.Workload
	switch {
	case k.widened() || k.Copy:
		return false
	case k.Flat:
		return in.contiguous(w.H, w.W, w.C)
	}
	return in.PixelStride == w.C && in.Halo.Left >= w.PadLeft && in.Halo.Right >= w.PadRight
}
