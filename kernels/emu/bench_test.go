package emu_test

import (
	"testing"

	"qtune/kernels/emu"
	"qtune/kernels/x86"
)

// BenchmarkInst measures the hot instructions, 64 of them per loop.
func BenchmarkInst(b *testing.B) {
	mem := x86.M(x86.RDI, 64)
	for _, bench := range []struct {
		name string
		op   x86.Op
		args []x86.Operand
	}{
		{"VPDPBUSD zmm", x86.VPDPBUSD, []x86.Operand{x86.Z(0), x86.Z(1), x86.Z(2)}},
		{"VPDPBUSD zmm,bcast", x86.VPDPBUSD, []x86.Operand{x86.Z(0), x86.Z(1), mem.Broadcast()}},
		{"VPMADDWD ymm", x86.VPMADDWD, []x86.Operand{x86.Y(0), x86.Y(1), x86.Y(2)}},
		{"VPADDD ymm", x86.VPADDD, []x86.Operand{x86.Y(0), x86.Y(1), x86.Y(2)}},
		{"VPADDD zmm", x86.VPADDD, []x86.Operand{x86.Z(0), x86.Z(1), x86.Z(2)}},
		{"VPBROADCASTD ymm,m", x86.VPBROADCASTD, []x86.Operand{x86.Y(0), mem}},
		{"VPMOVZXBW ymm,m", x86.VPMOVZXBW, []x86.Operand{x86.Y(0), mem}},
		{"VMOVDQU zmm,m", x86.VMOVDQU, []x86.Operand{x86.Z(0), mem}},
		{"VMOVDQU m,zmm", x86.VMOVDQU, []x86.Operand{mem, x86.Z(0)}},
		{"VPMULDQ zmm", x86.VPMULDQ, []x86.Operand{x86.Z(0), x86.Z(1), x86.Z(2)}},
		{"VPMAXSB zmm", x86.VPMAXSB, []x86.Operand{x86.Z(0), x86.Z(1), x86.Z(2)}},
		{"ADD r,r", x86.ADD, []x86.Operand{x86.R(x86.RAX), x86.R(x86.RBX)}},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkInst(b, bench.op, bench.args...) })
	}
}

func benchmarkInst(b *testing.B, op x86.Op, args ...x86.Operand) {
	const unroll = 64
	p := x86.NewProgram("bench", x86.AVX512VNNI)
	p.Emit(x86.MOV, x86.R(x86.RCX), x86.I(b.N/unroll+1))
	loop := p.NewLabel()
	p.Place(loop)
	for range unroll {
		p.Emit(op, args...)
	}
	p.Emit(x86.DEC, x86.R(x86.RCX))
	p.Emit(x86.JNE, x86.L(loop))
	p.Emit(x86.VZEROUPPER)
	p.Emit(x86.RET)
	c, err := emu.Compile(p)
	if err != nil {
		b.Fatal(err)
	}
	var mem emu.Memory
	rdi, err := emu.MapSlice(&mem, "block", make([]byte, 256), emu.Read|emu.Write)
	if err != nil {
		b.Fatal(err)
	}
	m := emu.NewMachine()
	b.ResetTimer()
	if err := m.Run(c, &mem, rdi, 2*b.N+1000); err != nil {
		b.Fatal(err)
	}
}
