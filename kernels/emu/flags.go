package emu

import "qtune/kernels/x86"

// flags are the status flags that the conditional jumps of the instruction
// table read. known says which of them have a defined value: JE after IMUL
// would read what the processor leaves undefined, which is an error here.
type flags struct {
	zero, sign, carry, overflow bool
	known                       flagSet
}

// A flagSet is a set of status flags.
type flagSet uint8

const (
	zeroFlag flagSet = 1 << iota
	signFlag
	carryFlag
	overflowFlag

	allFlags = zeroFlag | signFlag | carryFlag | overflowFlag
)

// setResult sets the flags that depend on the result only.
func (f *flags) setResult(r uint64) {
	f.zero, f.sign = r == 0, int64(r) < 0
}

// logic sets the flags of AND, OR, XOR and TEST.
func (f *flags) logic(r uint64) {
	f.setResult(r)
	f.carry, f.overflow, f.known = false, false, allFlags
}

// add sets the flags of r = a + b.
func (f *flags) add(a, b, r uint64) {
	f.setResult(r)
	f.carry, f.overflow, f.known = r < a, int64((a^r)&(b^r)) < 0, allFlags
}

// sub sets the flags of r = a - b.
func (f *flags) sub(a, b, r uint64) {
	f.setResult(r)
	f.carry, f.overflow, f.known = a < b, int64((a^b)&(a^r)) < 0, allFlags
}

// A condition is what a conditional jump tests.
type condition struct {
	needs flagSet
	holds func(f *flags) bool
}

// conditions follows the SDM's Jcc table.
var conditions = map[x86.Op]condition{
	x86.JE:  {zeroFlag, func(f *flags) bool { return f.zero }},
	x86.JNE: {zeroFlag, func(f *flags) bool { return !f.zero }},
	x86.JL:  {signFlag | overflowFlag, func(f *flags) bool { return f.sign != f.overflow }},
	x86.JGE: {signFlag | overflowFlag, func(f *flags) bool { return f.sign == f.overflow }},
	x86.JLE: {zeroFlag | signFlag | overflowFlag, func(f *flags) bool { return f.zero || f.sign != f.overflow }},
	x86.JG:  {zeroFlag | signFlag | overflowFlag, func(f *flags) bool { return !f.zero && f.sign == f.overflow }},
	x86.JB:  {carryFlag, func(f *flags) bool { return f.carry }},
	x86.JBE: {carryFlag | zeroFlag, func(f *flags) bool { return f.carry || f.zero }},
	x86.JA:  {carryFlag | zeroFlag, func(f *flags) bool { return !f.carry && !f.zero }},
	x86.JAE: {carryFlag, func(f *flags) bool { return !f.carry }},
}
