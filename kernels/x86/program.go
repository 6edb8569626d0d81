package x86

import (
	"fmt"
	"sync"
)

// An Inst is one instruction, or the position of a label (Op == LABEL, one
// KindLabel operand).
type Inst struct {
	Op   Op
	N    uint8      // operands in use
	Args [4]Operand // Intel order, destination first, immediate last
	Mask Mask       // EVEX write mask, K0 = none
	Zero bool       // zeroing instead of merging under Mask
}

// A Label is a position in a Program.
type Label int

// A Program is a sequence of instructions with labels: what emitters write,
// and what the encoder, the emulator and the printer read.
type Program struct {
	Name  string
	ISA   ISA // what the program may use; decides VEX or EVEX where both exist
	Insts []Inst

	// Annotate makes Comment keep its comments; without, they cost nothing.
	Annotate bool

	labels   int
	comments []comment
}

// A comment stands beside the instruction with index at.
type comment struct {
	at   int
	text string
}

// NewProgram starts an empty program for isa.
func NewProgram(name string, isa ISA) *Program {
	p := &Program{Name: name, ISA: isa}
	if insts, ok := spare.Get().(*[]Inst); ok {
		p.Insts = (*insts)[:0]
	}
	return p
}

// spare holds memory of instructions: programs of thousands that are written only
// to be counted cost more to grow than to write.
var spare sync.Pool

// Release gives the memory of p's instructions to programs that are started later.
// p is empty then.
func (p *Program) Release() {
	insts := p.Insts
	p.Insts = nil
	spare.Put(&insts)
}

// Emit appends an instruction without a mask.
func (p *Program) Emit(op Op, args ...Operand) { p.EmitMasked(op, K0, false, args...) }

// EmitMasked appends an instruction under write mask k, zeroing or merging.
func (p *Program) EmitMasked(op Op, k Mask, zero bool, args ...Operand) {
	in := Inst{Op: op, N: uint8(len(args)), Mask: k, Zero: zero}
	copy(in.Args[:], args)
	p.Insts = append(p.Insts, in)
}

// NewLabel makes a label that is not placed yet.
func (p *Program) NewLabel() Label {
	p.labels++
	return Label(p.labels - 1)
}

// Place puts label l at the current position.
func (p *Program) Place(l Label) { p.Emit(LABEL, L(l)) }

// Comment attaches a comment to the next instruction, for the printer, if
// Annotate is set.
func (p *Program) Comment(format string, args ...any) {
	if p.Annotate {
		p.comments = append(p.comments, comment{len(p.Insts), fmt.Sprintf(format, args...)})
	}
}

// Labels returns the number of labels made.
func (p *Program) Labels() int { return p.labels }

// L makes a jump target operand.
func L(l Label) Operand { return Operand{Kind: KindLabel, Imm: int64(l)} }
