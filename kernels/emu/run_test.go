package emu

import (
	"testing"

	"qtune/kernels/x86"
)

func TestRunLoop(t *testing.T) {
	p := x86.NewProgram("sum", x86.AVX512VNNI)
	p.Emit(x86.MOV, x86.R(x86.RAX), x86.M(x86.RDI, 0))
	p.Emit(x86.MOV, x86.R(x86.RCX), x86.I(10))
	p.Emit(x86.VPXOR, x86.Z(0), x86.Z(0), x86.Z(0))
	l := p.NewLabel()
	p.Place(l)
	p.Emit(x86.VPADDD, x86.Z(0), x86.Z(0), x86.M(x86.RAX, 4).Broadcast())
	p.Emit(x86.DEC, x86.R(x86.RCX))
	p.Emit(x86.JNE, x86.L(l))
	p.Emit(x86.VMOVDQU, x86.M(x86.RAX, 64), x86.Z(0))
	p.Emit(x86.VZEROUPPER)
	p.Emit(x86.RET)
	c, err := Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]int32, 32)
	data[1] = 7
	var mem Memory
	a, _ := MapSlice(&mem, "data", data, Read|Write)
	args := []uint64{a}
	rdi, _ := MapSlice(&mem, "args", args, Read)
	m := NewMachine()
	if err := m.Run(c, &mem, rdi, 1000); err != nil {
		t.Fatal(err)
	}
	if data[31] != 70 || data[16] != 70 {
		t.Error(data)
	}
	t.Log(m.Counts())
}
