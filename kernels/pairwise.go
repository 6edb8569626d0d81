package kernels

import (
	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/pack"
)

// Operators of two tensors of bytes, element by element. Rows with a stride of 0
// repeat an operand's row: broadcasting along leading dimensions.

// pairwise returns the parts of op over the rows of a and b. constants makes its
// constants for vectors of a width.
func (o *Operators) pairwise(op operator, r Rows, a, b, out []byte, threads int, constants func(width int) []byte) ([]Part, error) {
	if b == nil {
		b = []byte{} // an operand that is missing is too short
	}
	if err := r.holds(out, a, b); err != nil {
		return nil, err
	}
	op.repeat = r.Repeat
	code, err := o.load(op)
	if err != nil {
		return nil, err
	}
	consts := constants(int(op.piece.Width()))
	args := r.cut(op.piece, threads, emit.Args{In: addressOf(a, 0), In2: addressOf(b, 0), Out: addressOf(out, 0), Consts: addressOf(consts, 0)})
	return o.parts(code, args, buffer{"a", a, emu.Read}, buffer{"b", b, emu.Read},
		buffer{"output", out, emu.Read | emu.Write}, buffer{"constants", consts, emu.Read})
}

// Sum returns the parts that store the weighted sum w of the bytes of a and b to
// out.
func (o *Operators) Sum(w *pack.WeightedSum, r Rows, a, b, out []byte, threads int) ([]Part, error) {
	op := operator{name: "sum", piece: emit.PieceFor(o.isa, r.Bytes)}
	return o.pairwise(op, r, a, b, out, threads, w.Pack)
}

// Mul returns the parts that store MUL of the bytes of a and b to out.
func (o *Operators) Mul(m *pack.Mul, r Rows, a, b, out []byte, threads int) ([]Part, error) {
	op := operator{name: "mul", piece: emit.PieceFor(o.isa, r.Bytes), variant: m.General()}
	return o.pairwise(op, r, a, b, out, threads, m.Pack)
}

// PRelu returns the parts that store PRELU of x with the slopes alpha, which have
// the place of the second operand in r, to out.
func (o *Operators) PRelu(p *pack.PRelu, r Rows, x, alpha, out []byte, threads int) ([]Part, error) {
	op := operator{name: "prelu", piece: emit.PieceFor(o.isa, r.Bytes), variant: p.General()}
	return o.pairwise(op, r, x, alpha, out, threads, p.Pack)
}

// Maximum returns the parts that store the greater of the bytes of a and b.
func (o *Operators) Maximum(r Rows, a, b, out []byte, threads int) ([]Part, error) {
	return o.extreme(true, r, a, b, out, threads)
}

// Minimum returns the parts that store the lesser of the bytes of a and b.
func (o *Operators) Minimum(r Rows, a, b, out []byte, threads int) ([]Part, error) {
	return o.extreme(false, r, a, b, out, threads)
}

func (o *Operators) extreme(maximum bool, r Rows, a, b, out []byte, threads int) ([]Part, error) {
	op := operator{name: "extreme", piece: emit.PieceFor(o.isa, r.Bytes), variant: maximum}
	return o.pairwise(op, r, a, b, out, threads, func(int) []byte { return nil })
}

// Pairs returns the parts that store table[a<<8 | b] of the bytes of a and b: any
// operator at all, at about a byte in two cycles.
func (o *Operators) Pairs(table *[1 << 16]byte, r Rows, a, b, out []byte, threads int) ([]Part, error) {
	op := operator{name: "pairs", piece: min(emit.PieceFor(o.isa, r.Bytes), emit.MaxPairsPiece)}
	return o.pairwise(op, r, a, b, out, threads, func(int) []byte { return table[:] })
}
