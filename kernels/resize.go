package kernels

import (
	"fmt"
	"math"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/pack"
	"qtune/qnn"
)

// A ResizeArea is the geometry of a resizing operator: [N][H][W][C] to
// [N][OH][OW][C].
type ResizeArea struct {
	N, H, W, C, OH, OW int
	Resize             qnn.Resize
}

func (a *ResizeArea) check(in, out View) error {
	const most = math.MaxInt32 >> 11 // 10 bits of fraction in an int32
	if min(a.N, a.H, a.W, a.C, a.OH, a.OW) < 1 || max(a.H, a.W, a.OH, a.OW) > most ||
		!in.holds(a.N, a.H, a.W, a.C) || !out.holds(a.N, a.OH, a.OW, a.C) {
		return fmt.Errorf("views of %d and %d bytes do not hold the operands of %+v", len(in.Data), len(out.Data), *a)
	}
	return nil
}

// ResizeBilinear returns the parts that interpolate in to out: in float32, or in
// fixed point where the tensors were int8 before 128 was added.
func (o *Operators) ResizeBilinear(a ResizeArea, fromInt8 bool, in, out View, threads int) ([]Part, error) {
	if err := a.check(in, out); err != nil {
		return nil, err
	}
	p := emit.BlendPiece(o.isa, a.C)
	code, err := o.load(operator{name: "resize", piece: p, variant: fromInt8})
	if err != nil {
		return nil, err
	}
	blends := pack.FloatBlends
	if fromInt8 {
		blends = pack.FixedBlends
	}
	lines := a.lines(blends(a.H, a.OH, a.Resize), in, out)
	columns := make([]emit.BlendColumn, a.OW)
	for x, b := range blends(a.W, a.OW, a.Resize) {
		columns[x] = emit.BlendColumn{Left: uintptr(b.Lo * in.PixelStride), Right: uintptr(b.Hi * in.PixelStride), LeftWeight: b.LoWeight, RightWeight: b.HiWeight}
	}
	consts := pack.BlendConstants(emit.BlendWidth(p), fromInt8)
	var args []emit.Args
	for _, some := range chunksOf(len(lines), max(threads, len(lines)*a.OW*a.C/maxCall)) {
		args = append(args, emit.Args{
			Rows: uintptr(unsafe.Pointer(&lines[some.at])), NRows: int64(some.n),
			Params: uintptr(unsafe.Pointer(&columns[0])), Big: int64(a.OW), OutPix: int64(out.PixelStride),
			Blocks: int64(a.C / int(p)), Tail: int64(a.C % int(p)), Consts: addressOf(consts, 0),
		})
	}
	return o.parts(code, args, buffer{"input", in.Data, emu.Read}, buffer{"output", out.Data, emu.Read | emu.Write},
		buffer{"constants", consts, emu.Read}, bufferOf("lines", lines), bufferOf("columns", columns))
}

// lines places the lines of all images.
func (a *ResizeArea) lines(rows []pack.Blend, in, out View) []emit.BlendLine {
	list := make([]emit.BlendLine, 0, a.N*a.OH)
	for n := range a.N {
		row := func(y int) uintptr { return addressOf(in.Data, in.Offset+n*in.ImageStride+y*in.RowStride) }
		for y, b := range rows {
			list = append(list, emit.BlendLine{Top: row(b.Lo), Bottom: row(b.Hi), TopWeight: b.LoWeight, BottomWeight: b.HiWeight,
				Out: addressOf(out.Data, out.Offset+n*out.ImageStride+y*out.RowStride)})
		}
	}
	return list
}
