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
	data, border      []byte
	row, left, pixels int // bytes of a row, pixels left of the image and in a row
}

func newScratch(n, h, left, w, right, pixelBytes int, fill byte) scratch {
	s := scratch{row: (left + w + right) * pixelBytes, left: left, pixels: w}
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

// inputRows decides where the kernel reads its input, adds the copies or calls
// that bring it there to b, and returns the table of row addresses.
func (k *convKernel) inputRows(b *Bound, p *Packed, in View) []uint64 {
	w := k.Workload
	if k.readable(in) {
		border := make([]byte, (w.PadLeft+w.W+w.PadRight)*w.C)
		for i := range border {
			border[i] = byte(p.inputZero)
		}
		b.keep = append(b.keep, border)
		return rowTable(w.N, w.H, w.PadTop, w.PadBottom, addressOf(border, 0), func(image, y int) uintptr {
			return addressOf(in.Data, in.Offset+image*in.ImageStride+y*in.RowStride-w.PadLeft*in.PixelStride)
		})
	}
	fill := byte(p.inputZero)
	if k.widened() { // holds differences from the zero point
		fill = 0
	}
	s := newScratch(w.N, w.H, w.PadLeft, w.W, w.PadRight, k.PixelBytes, fill)
	b.keep = append(b.keep, s.data, s.border)
	if k.widened() {
		k.widen(b, p, in, s)
	} else {
		b.copyRows(w, in, func(image, y int) []byte {
			return s.data[(image*w.H+y)*s.row+s.left*w.C:][:w.W*w.C]
		})
	}
	return rowTable(w.N, w.H, w.PadTop, w.PadBottom, addressOf(s.border, 0), func(image, y int) uintptr {
		return addressOf(s.data, (image*w.H+y)*s.row)
	})
}

// widen adds the calls that fill s from in.
func (k *convKernel) widen(b *Bound, p *Packed, in View, s scratch) {
	w := k.Workload
	if in.PixelStride != w.C {
		dense := Dense(pack.Aligned(w.N*w.H*w.W*w.C), w.H, w.W, w.C)
		b.keep = append(b.keep, dense.Data)
		b.copyRows(w, in, func(image, y int) []byte { return dense.Row(image, y, w.W, w.C) })
		in = dense
	}
	for image := range w.N {
		b.call(progPrepare, emit.Args{
			In: addressOf(in.Data, in.Offset+image*in.ImageStride), InRow: int64(in.RowStride),
			Out: addressOf(s.data, image*w.H*s.row+s.left*k.PixelBytes), OutRow: int64(s.row),
			NRows: int64(w.H), Consts: addressOf(p.prepare, 0),
		})
	}
}

// copyRows adds the copies of all input rows to where dst says.
func (b *Bound) copyRows(w schedules.Workload, in View, dst func(image, y int) []byte) {
	for image := range w.N {
		for y := range w.H {
			b.copies = append(b.copies, rowCopy{dst(image, y), in.Row(image, y, w.W, w.C), w.W, w.C, in.PixelStride, 1})
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
