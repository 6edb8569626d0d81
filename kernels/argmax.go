package kernels

import (
	"fmt"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
)

// ArgMax returns the parts that store the channel of the first maximum of each
// pixel of in, [N][H][W][C], to out: size 4 (int32) or 8 (int64) bytes for each
// of [N][H][W], without gaps.
func (o *Operators) ArgMax(n, h, w, c int, in View, out []byte, size, threads int) ([]Part, error) {
	if min(n, h, w, c) < 1 || size != 4 && size != 8 || !in.holds(n, h, w, c) || len(out) < n*h*w*size {
		return nil, fmt.Errorf("%d and %d bytes do not hold the operands of an arg max (%d bytes each) over %dx%dx%dx%d", len(in.Data), len(out), size, n, h, w, c)
	}
	if in.PixelStride*w == in.RowStride || h == 1 { // lines of any length
		h, w = 1, h*w
	}
	p := emit.ArgMaxPiece(o.isa, c)
	op := operator{name: "argmax", piece: p, size: size}
	if c < emit.MaxShortArgMax {
		op.channels = c
	}
	code, err := o.load(op)
	if err != nil {
		return nil, err
	}
	var args []emit.Args
	add := func(image, y, rows, x, pixels int) {
		args = append(args, emit.Args{
			In:  addressOf(in.Data, in.Offset+image*in.ImageStride+y*in.RowStride+x*in.PixelStride),
			Out: addressOf(out, ((image*h+y)*w+x)*size), NRows: int64(rows), InRow: int64(in.RowStride),
			Big: int64(pixels), InPix: int64(in.PixelStride), Blocks: int64(c / int(p)), Tail: int64(c % int(p)),
		})
	}
	calls := max(1, (threads+n-1)/n, h*w*c/maxCall)
	for image := range n {
		if h > 1 {
			for _, some := range chunksOf(h, calls) {
				add(image, some.at, some.n, 0, w)
			}
			continue
		}
		for _, some := range chunksOf(w, calls) {
			add(image, 0, 1, some.at, some.n)
		}
	}
	return o.parts(code, args, buffer{"input", in.Data, emu.Read}, buffer{"output", out, emu.Read | emu.Write})
}
