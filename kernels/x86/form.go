package x86

// A Class is the kind of one operand of a Form, as far as it decides which
// form an instruction has.
type Class uint8

// Operand classes.
const (
	ClassNone  Class = iota
	ClassReg         // general purpose register
	ClassMask        // opmask register
	ClassMem         // memory
	ClassBcast       // memory, one element broadcast
	ClassImm         // immediate
	ClassLabel       // jump target
	ClassX           // xmm
	ClassY           // ymm
	ClassZ           // zmm
	classBad   Class = 15
)

// An encoding is the family of prefixes of a form.
type encoding uint8

const (
	encPseudo encoding = iota // LABEL, ALIGN: no instruction
	encLegacy
	encVEX
	encEVEX
)

// A Form is one way to write and encode an instruction: a row of the table at
// one vector width with register or memory chosen. Forms are made once, are
// never changed, and may be used by any number of goroutines.
type Form struct {
	op   Op
	row  *row
	sig  uint16 // classes of the operands, 4 bits each
	need Feature

	// Constraints on operands.
	maxVec       uint8 // highest vector register number
	maskElem     uint8 // bytes per element of the write mask, 0 = no mask allowed
	zeroing      bool  // zeroing allowed
	picky        bool  // pick has entries
	pick         [4]pick
	immLo, immHi int64

	// Machine code.
	enc              encoding
	pp, mmap, w, l   uint8
	opcode, digit    uint8
	immBytes         uint8
	rexByte          bool // byte register: SPL, BPL, SIL, DIL need a REX prefix
	argR, argV, argM int8 // operands in ModRM.reg, vvvv, ModRM.rm; -1 = none
	argI, argL, argO int8 // immediate, register in imm8[7:4], in the opcode

	// What the instruction does with its operands.
	width   Width
	dst     int8 // -1 = none
	dstRead bool
	mem     int8 // -1 = none
	memSize uint8
	regSize [4]uint8 // bytes of general purpose registers
}

// A pick narrows the registers that a form takes in one place.
type pick uint8

const (
	pickAny  pick = iota
	pickRAX       // RAX only
	pickLow       // 0 to 7
	pickHigh      // 8 and more
)

// Op returns the instruction.
func (f *Form) Op() Op { return f.op }

// Mnemonic returns the assembler's name of the form, such as "vpandd" for
// VPAND in EVEX.
func (f *Form) Mnemonic() string { return f.row.mnemonic() }

// String returns the table's text of the form: mnemonic and operands.
func (f *Form) String() string { return f.row.form }

// Source returns where the Intel manual describes the form.
func (f *Form) Source() string { return "SDM vol. " + f.row.ref }

// Needs returns the CPU features without which the form cannot run.
func (f *Form) Needs() Feature { return f.need }

// EVEX reports whether the form has an EVEX prefix: 32 vector registers,
// masks, broadcast.
func (f *Form) EVEX() bool { return f.enc == encEVEX }

// Width returns the vector width, 0 for instructions without one.
func (f *Form) Width() Width { return f.width }

// Class returns the class of operand i, ClassNone from the last one on.
func (f *Form) Class(i int) Class { return Class(f.sig >> (4 * i) & 15) }

// NumArgs returns the number of operands.
func (f *Form) NumArgs() int {
	n := 0
	for n < 4 && f.Class(n) != ClassNone {
		n++
	}
	return n
}

// Dst returns the index of the operand that is written, -1 if there is none.
func (f *Form) Dst() int { return int(f.dst) }

// ReadsDst reports whether the operand that is written is also a source. A
// merging write mask reads it in addition to that.
func (f *Form) ReadsDst() bool { return f.dstRead }

// MemArg returns the index of the memory operand, -1 if there is none.
func (f *Form) MemArg() int { return int(f.mem) }

// MemSize returns how many bytes the memory operand has, for a broadcast one
// element, for LEA 0. It is also N of the compressed displacement, disp8*N:
// for the instructions of the table all tuple types of SDM vol. 2A 2.7.5 come
// to that.
func (f *Form) MemSize() int { return int(f.memSize) }

// MaskElem returns the size in bytes of the destination's elements that one
// bit of a write mask stands for, 0 if the form takes no mask.
func (f *Form) MaskElem() int { return int(f.maskElem) }

// Zeroing reports whether a write mask may zero instead of merge.
func (f *Form) Zeroing() bool { return f.zeroing }

// RegSize returns the width in bytes at which general purpose register
// operand i is used.
func (f *Form) RegSize(i int) int { return int(f.regSize[i]) }

// ImmRange returns the least and greatest immediate that the form encodes.
func (f *Form) ImmRange() (lo, hi int64) { return f.immLo, f.immHi }

// ImmSize returns how many bytes of machine code the immediate takes.
func (f *Form) ImmSize() int { return int(f.immBytes) }
