package kernels

import (
	"fmt"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/pack"
)

// Quantize returns the parts that make bytes of float32, in the machine's order:
// round(x / scale) + zero, clamped. r counts elements as Bytes; its strides are
// bytes.
func (o *Operators) Quantize(scale float32, zero int32, r Rows, in, out []byte, threads int) ([]Part, error) {
	if !(scale > 0) {
		return nil, fmt.Errorf("quantising with scale %v", scale)
	}
	op := operator{name: "quantize", piece: emit.QuantizePiece(r.Bytes)}
	return o.convert(op, elements{in: 4, out: 1}, pack.QuantizeConstants(scale, zero), r, in, out, threads)
}

// Dequantize returns the parts that make float32 of bytes: scale * (x - zero). r
// counts elements as Bytes; its strides are bytes.
func (o *Operators) Dequantize(scale float32, zero int32, r Rows, in, out []byte, threads int) ([]Part, error) {
	p := emit.BlendPiece(o.isa, r.Bytes)
	op := operator{name: "dequantize", piece: p}
	return o.convert(op, elements{in: 1, out: 4}, pack.DequantizeConstants(scale, zero, emit.BlendWidth(p)), r, in, out, threads)
}

func (o *Operators) convert(op operator, e elements, consts []byte, r Rows, in, out []byte, threads int) ([]Part, error) {
	if err := r.holdsElements(e, out, in, nil); err != nil {
		return nil, err
	}
	code, err := o.load(op)
	if err != nil {
		return nil, err
	}
	args := r.cutElements(e, op.piece, threads, emit.Args{In: addressOf(in, 0), Out: addressOf(out, 0), Consts: addressOf(consts, 0)})
	return o.parts(code, args, buffer{"input", in, emu.Read}, buffer{"output", out, emu.Read | emu.Write}, buffer{"constants", consts, emu.Read})
}
