package emu_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unsafe"

	"qtune/kernels/emu"
	"qtune/kernels/x86"
)

// A state is all that an instruction can change. It is the argument block of
// the programs made by around.
type state struct {
	z     [32][64]byte
	k     [8]uint64
	r     [16]uint64 // except RSP, RBP and RDI
	cmp   [2]uint64  // compared with each other before the instruction
	taken [10]uint64 // for each of jumps: 1 if taken after the instruction
	data  [256]byte  // what memory operands refer to
}

// jumps read all flags that can be read.
var jumps = [...]x86.Op{
	x86.JE, x86.JNE, x86.JB, x86.JAE, x86.JBE, x86.JA, x86.JL, x86.JGE, x86.JLE, x86.JG,
}

// defined tells whether jump reads only flags that are defined after in.
func defined(jump x86.Op, in *x86.Inst) bool {
	switch in.Op {
	case x86.IMUL:
		return jump == x86.JB || jump == x86.JAE
	case x86.BSF:
		return jump == x86.JE || jump == x86.JNE
	case x86.SHL, x86.SHR, x86.SAR:
		readsOverflow := jump == x86.JL || jump == x86.JGE || jump == x86.JLE || jump == x86.JG
		return in.Args[1].Imm&63 <= 1 || !readsOverflow
	}
	return true
}

// reserved tells whether r is not available to the instruction tested.
func reserved(r x86.Reg) bool { return r == x86.RSP || r == x86.RBP || r == x86.RDI }

// around makes the program that loads all registers from a state, executes
// in, and stores all registers to the state.
func around(in x86.Inst, isa x86.ISA) *x86.Program {
	p := x86.NewProgram("test", isa)
	start := p.NewLabel()
	p.Emit(x86.JMP, x86.L(start))
	p.Emit(x86.ALIGN, x86.I(32))
	p.Emit(x86.MOV, x86.R(x86.RDI), x86.I(0))
	p.Place(start)
	eachVector(isa, func(reg, mem x86.Operand) { p.Emit(x86.VMOVDQU, reg, mem) })
	eachMask(isa, func(reg, mem x86.Operand) { p.Emit(x86.KMOVQ, reg, mem) })
	p.Emit(x86.MOV, x86.R(x86.RAX), word(offCmp, 0))
	p.Emit(x86.CMP, x86.R(x86.RAX), word(offCmp, 1))
	eachGeneral(func(reg, mem x86.Operand) { p.Emit(x86.MOV, reg, mem) })

	p.Insts = append(p.Insts, in)

	eachGeneral(func(reg, mem x86.Operand) { p.Emit(x86.MOV, mem, reg) })
	for i, jump := range jumps {
		if defined(jump, &in) {
			storeTaken(p, jump, word(offTaken, i))
		}
	}
	eachMask(isa, func(reg, mem x86.Operand) {
		p.Emit(x86.KMOVQ, x86.R(x86.RAX), reg)
		p.Emit(x86.MOV, mem, x86.R(x86.RAX))
	})
	eachVector(isa, func(reg, mem x86.Operand) { p.Emit(x86.VMOVDQU, mem, reg) })
	p.Emit(x86.VZEROUPPER)
	p.Emit(x86.RET)
	return p
}

// Places in a state.
const (
	offK     = int(unsafe.Offsetof(state{}.k))
	offR     = int(unsafe.Offsetof(state{}.r))
	offCmp   = int(unsafe.Offsetof(state{}.cmp))
	offTaken = int(unsafe.Offsetof(state{}.taken))
)

// word is the i-th 64-bit word after offset off of the state.
func word(off, i int) x86.Operand { return x86.M(x86.RDI, off+8*i) }

// eachVector calls do for all vector registers of isa in full width.
func eachVector(isa x86.ISA, do func(reg, mem x86.Operand)) {
	n, w := 16, x86.W256
	if isa == x86.AVX512VNNI {
		n, w = 32, x86.W512
	}
	for i := range n {
		do(x86.V(w, i), word(0, 8*i))
	}
}

// eachMask calls do for all mask registers of isa.
func eachMask(isa x86.ISA, do func(reg, mem x86.Operand)) {
	if isa != x86.AVX512VNNI {
		return
	}
	for k := range x86.K7 + 1 {
		do(x86.K(k), word(offK, int(k)))
	}
}

// eachGeneral calls do for all general registers that are in a state.
func eachGeneral(do func(reg, mem x86.Operand)) {
	for r := x86.RAX; r <= x86.R15; r++ {
		if !reserved(r) {
			do(x86.R(r), word(offR, int(r)))
		}
	}
}

// storeTaken stores whether jump is taken, without changing the flags.
func storeTaken(p *x86.Program, jump x86.Op, to x86.Operand) {
	taken := p.NewLabel()
	p.Emit(x86.MOV, x86.R(x86.RAX), x86.I(1))
	p.Emit(jump, x86.L(taken))
	p.Emit(x86.MOV, x86.R(x86.RAX), x86.I(0))
	p.Place(taken)
	p.Emit(x86.MOV, to, x86.R(x86.RAX))
}

// emulate runs c on s, with data in a region of its own.
func (s *state) emulate(c *emu.Code, data []byte) error {
	var mem emu.Memory
	registers := unsafe.Slice((*byte)(unsafe.Pointer(s)), unsafe.Offsetof(s.data))
	rdi, err := emu.MapSlice(&mem, "registers", registers, emu.Read|emu.Write)
	if err != nil {
		return err
	}
	if _, err := emu.MapSlice(&mem, "data", data, emu.Read|emu.Write); err != nil {
		return err
	}
	return emu.NewMachine().Run(c, &mem, rdi, 1000)
}

// changes describes how after differs from before, except for addresses in a
// form that does not depend on where the states are.
func (after *state) changes(before *state) string {
	var out strings.Builder
	for i := range after.z {
		if after.z[i] != before.z[i] {
			fmt.Fprintf(&out, " z%d=%s", i, hex.EncodeToString(after.z[i][:]))
		}
	}
	for i := range after.k {
		if after.k[i] != before.k[i] {
			fmt.Fprintf(&out, " k%d=%#x", i, after.k[i])
		}
	}
	for i := range after.r {
		if after.r[i] == before.r[i] {
			continue
		}
		if off := int64(after.r[i] - after.dataAddr()); -1<<20 < off && off < 1<<20 {
			fmt.Fprintf(&out, " %v=data%+d", x86.Reg(i), off)
		} else {
			fmt.Fprintf(&out, " %v=%#x", x86.Reg(i), after.r[i])
		}
	}
	if after.taken != before.taken {
		out.WriteString(" jumps=")
		for _, t := range after.taken {
			fmt.Fprintf(&out, "%d", t)
		}
	}
	lo, hi := 0, len(after.data)
	for lo < hi && after.data[lo] == before.data[lo] {
		lo++
	}
	for hi > lo && after.data[hi-1] == before.data[hi-1] {
		hi--
	}
	if !bytes.Equal(after.data[lo:hi], before.data[lo:hi]) {
		fmt.Fprintf(&out, " data+%d=%s", lo, hex.EncodeToString(after.data[lo:hi]))
	}
	return strings.TrimSpace(out.String())
}

func (s *state) dataAddr() uint64 { return uint64(uintptr(unsafe.Pointer(&s.data))) }
