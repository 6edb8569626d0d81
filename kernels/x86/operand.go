package x86

// A Reg is a 64-bit general purpose register. The width at which an
// instruction uses it is part of the instruction's name (MOVL, MOVZXB ...).
type Reg uint8

// General purpose registers, numbered as in the encoding.
const (
	RAX Reg = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
	NoReg Reg = 0xff
)

// A Width is the width of a vector register in bytes.
type Width uint8

// Vector widths.
const (
	W128 Width = 16
	W256 Width = 32
	W512 Width = 64
)

// A Mask is an AVX-512 opmask register. K0 as a write mask means "no mask".
type Mask uint8

// Opmask registers.
const (
	K0 Mask = iota
	K1
	K2
	K3
	K4
	K5
	K6
	K7
)

// Kind tells what an Operand is.
type Kind uint8

// Operand kinds.
const (
	KindNone  Kind = iota
	KindReg        // general purpose register
	KindVec        // xmm, ymm or zmm register
	KindMask       // opmask register
	KindMem        // memory
	KindImm        // immediate
	KindLabel      // jump target
)

// An Operand is one argument of an instruction. Build it with the functions
// below; operands stand in Intel order, destination first.
type Operand struct {
	Kind  Kind
	N     uint8 // register number (KindReg, KindVec, KindMask)
	Width Width // of a vector register
	Base  Reg   // KindMem: address = Base + Index*Scale + Imm
	Index Reg
	Scale uint8
	Bcast bool  // KindMem: EVEX embedded broadcast of one element
	Imm   int64 // immediate, displacement or label number
}

// R makes a general purpose register operand.
func R(r Reg) Operand { return Operand{Kind: KindReg, N: uint8(r)} }

// V makes a vector register operand of width w.
func V(w Width, n int) Operand { return Operand{Kind: KindVec, N: uint8(n), Width: w} }

// X, Y and Z make xmm, ymm and zmm operands.
func X(n int) Operand { return V(W128, n) }
func Y(n int) Operand { return V(W256, n) }
func Z(n int) Operand { return V(W512, n) }

// K makes an opmask register operand.
func K(k Mask) Operand { return Operand{Kind: KindMask, N: uint8(k)} }

// M makes a memory operand [base+disp].
func M(base Reg, disp int) Operand {
	return Operand{Kind: KindMem, Base: base, Index: NoReg, Scale: 1, Imm: int64(disp)}
}

// MX makes a memory operand [base+index*scale+disp].
func MX(base, index Reg, scale, disp int) Operand {
	return Operand{Kind: KindMem, Base: base, Index: index, Scale: uint8(scale), Imm: int64(disp)}
}

// Broadcast returns memory operand m as an EVEX embedded broadcast.
func (m Operand) Broadcast() Operand {
	m.Bcast = true
	return m
}

// I makes an immediate operand.
func I(v int) Operand { return Operand{Kind: KindImm, Imm: int64(v)} }
