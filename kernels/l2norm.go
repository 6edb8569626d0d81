package kernels

import (
	"bytes"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/pack"
)

// L2Norm returns the parts that store L2_NORMALIZATION of each row of bytes of in
// to out. Generated code adds up squares and scales; the multiplier in between,
// one a row, is computed here.
func (o *Operators) L2Norm(l *pack.L2Norm, r Rows, in, out []byte, threads int) ([]Part, error) {
	if err := r.holds(out, in, nil); err != nil {
		return nil, err
	}
	var parts []Part
	for _, some := range chunksOf(r.Count, threads) {
		p, err := o.l2normRows(l, r, some, in, out)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// l2normRows returns the part that does some rows, one after the other.
func (o *Operators) l2normRows(l *pack.L2Norm, r Rows, some chunk, in, out []byte) (Part, error) {
	squares, err := o.load(operator{name: "squares"})
	if err != nil {
		return nil, err
	}
	piece := emit.PieceFor(o.isa, r.Bytes)
	scale, err := o.load(operator{name: "mul", piece: piece, variant: true})
	if err != nil {
		return nil, err
	}
	sum := make([]int32, 1)
	scaling, squareConsts := l.Scaling(piece.Width()), l.Squares()
	factors := bytes.Repeat([]byte{l.Factor()}, r.Bytes)
	args := []emit.Args{
		{Blocks: int64(r.Bytes / emit.SquaresStep), Tail: int64(r.Bytes % emit.SquaresStep),
			Sums: uintptr(unsafe.Pointer(&sum[0])), Consts: addressOf(squareConsts, 0)},
		{NRows: 1, Blocks: int64(r.Bytes / int(piece)), Tail: int64(r.Bytes % int(piece)), In2: addressOf(factors, 0), Consts: addressOf(scaling.Consts, 0)},
	}
	more := []buffer{{"input", in, emu.Read}, {"output", out, emu.Read | emu.Write}, {"constants", squareConsts, emu.Read},
		{"constants", scaling.Consts, emu.Read}, {"factors", factors, emu.Read}, bufferOf("sum", sum)}
	more[len(more)-1].perm |= emu.Write
	add, err := o.parts(squares, args[:1], more...)
	if err != nil {
		return nil, err
	}
	multiply, err := o.parts(scale, args[1:], more...)
	if err != nil {
		return nil, err
	}
	return func() error {
		for row := some.at; row < some.at+some.n; row++ {
			args[0].In, args[1].In, args[1].Out = addressOf(in, row*r.In), addressOf(in, row*r.In), addressOf(out, row*r.Out)
			if err := add[0](); err != nil {
				return err
			}
			scaling.Set(sum[0])
			if err := multiply[0](); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
