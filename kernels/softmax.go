package kernels

import (
	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/pack"
)

// Softmax returns the parts that store SOFTMAX of each row of bytes of in to out.
// Bytes that were int8 have 128 added, and so does the zero point.
func (o *Operators) Softmax(s *pack.Softmax, r Rows, in, out []byte, threads int) ([]Part, error) {
	if err := r.holds(out, in, nil); err != nil {
		return nil, err
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	p := emit.BlendPiece(o.isa, r.Bytes)
	code, err := o.load(operator{name: "softmax", piece: p})
	if err != nil {
		return nil, err
	}
	consts := s.Pack(emit.BlendWidth(p))
	const cost = 8 // times as slow as copying bytes
	calls := chunksOf(r.Count, max(threads, cost*r.Count*r.Bytes/maxCall))
	room := (4*max(r.Bytes, 4) + 63) &^ 63 // of a call's exponentials
	scratch := pack.Aligned(len(calls) * room)
	var args []emit.Args
	for i, some := range calls {
		args = append(args, emit.Args{
			In: addressOf(in, some.at*r.In), Out: addressOf(out, some.at*r.Out), InRow: int64(r.In), OutRow: int64(r.Out), NRows: int64(some.n),
			Big: int64(r.Bytes), Blocks: int64(r.Bytes / int(p)), Tail: int64(r.Bytes % int(p)),
			Sums: addressOf(scratch, i*room), Consts: addressOf(consts, 0),
		})
	}
	return o.parts(code, args, buffer{"input", in, emu.Read}, buffer{"output", out, emu.Read | emu.Write},
		buffer{"exponentials", scratch, emu.Read | emu.Write}, buffer{"constants", consts, emu.Read})
}
