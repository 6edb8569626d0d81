package x86

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxAlign is the greatest alignment of ALIGN, and that which the start of
// the machine code must have.
const MaxAlign = 64

// Encode returns the machine code of p. It is relocatable; its start must be
// aligned to MaxAlign bytes if the program aligns anything.
func (p *Program) Encode() ([]byte, error) {
	if err := p.checkLabels(); err != nil {
		return nil, err
	}
	e := encoder{code: make([]byte, 0, 7*len(p.Insts)), places: make([]int, p.labels)}
	for i := range p.Insts {
		in := &p.Insts[i]
		f, err := p.lookup(i)
		if err != nil {
			return nil, err
		}
		if f.enc == encPseudo || f.Class(0) == ClassLabel {
			e.mark(in, f)
		} else {
			e.code = f.append(e.code, in)
		}
	}
	return e.link(), nil
}

// Validate returns all that keeps p from being encoded.
func (p *Program) Validate() error {
	errs := []error{p.checkLabels()}
	for i := range p.Insts {
		_, err := p.lookup(i)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// lookup is Lookup of instruction i with an error that says where it stands.
func (p *Program) lookup(i int) (*Form, error) {
	in := &p.Insts[i]
	f, err := Lookup(in, p.ISA)
	if err == nil && in.Op == ALIGN && !validAlign(in.Args[0].Imm) {
		err = fmt.Errorf("%s: not a power of two up to %d", in, MaxAlign)
	}
	if err != nil {
		return nil, fmt.Errorf("program %s: instruction %d: %w", p.Name, i, err)
	}
	return f, nil
}

func validAlign(n int64) bool { return n > 0 && n <= MaxAlign && n&(n-1) == 0 }

// checkLabels returns an error unless each label used is placed exactly once.
func (p *Program) checkLabels() error {
	placed := make([]bool, p.labels)
	for i := range p.Insts {
		in := &p.Insts[i]
		if in.Op != LABEL || in.Args[0].Kind != KindLabel {
			continue
		}
		l := in.Args[0].Imm
		if l < 0 || l >= int64(p.labels) {
			return fmt.Errorf("program %s: instruction %d: label L%d was not made by NewLabel", p.Name, i, l)
		}
		if placed[l] {
			return fmt.Errorf("program %s: instruction %d: label L%d is placed twice", p.Name, i, l)
		}
		placed[l] = true
	}
	for i := range p.Insts {
		a := &p.Insts[i].Args[0]
		if a.Kind == KindLabel && (a.Imm < 0 || a.Imm >= int64(p.labels) || !placed[a.Imm]) {
			return fmt.Errorf("program %s: instruction %d: label L%d is not placed", p.Name, i, a.Imm)
		}
	}
	return nil
}

// An encoder holds the machine code of a program without jumps and padding,
// and where these belong.
type encoder struct {
	code   []byte
	marks  []mark
	places []int // by label: its mark
}

// A mark is a label, a jump or an alignment: something whose place or size
// depends on the size of jumps.
type mark struct {
	at    int // position in encoder.code
	addr  int // address in the program
	size  int // bytes of machine code
	label int // of a jump, -1 otherwise
	align int // 0 = none
	form  *Form
}

func (e *encoder) mark(in *Inst, f *Form) {
	m := mark{at: len(e.code), label: -1, form: f}
	switch in.Op {
	case LABEL:
		e.places[in.Args[0].Imm] = len(e.marks)
	case ALIGN:
		m.align = int(in.Args[0].Imm)
	default:
		m.label = int(in.Args[0].Imm)
		m.size = f.jumpSize()
	}
	e.marks = append(e.marks, m)
}

func (f *Form) jumpSize() int { return 1 + int(f.mmap) + int(f.immBytes) }

// link gives jumps their sizes and puts everything together. Jumps start
// short and only grow, so the loop ends.
func (e *encoder) link() []byte {
	for e.place(); e.grow(); {
		e.place()
	}
	total := len(e.code)
	for i := range e.marks {
		total += e.marks[i].size
	}
	out := make([]byte, 0, total)
	done := 0
	for i := range e.marks {
		m := &e.marks[i]
		out = append(out, e.code[done:m.at]...)
		done = m.at
		switch {
		case m.align != 0:
			out = appendNOPs(out, m.size)
		case m.label >= 0:
			out = m.form.appendJump(out, e.distance(m))
		}
	}
	return append(out, e.code[done:]...)
}

// place computes addresses and padding for the present sizes of jumps.
func (e *encoder) place() {
	added := 0
	for i := range e.marks {
		m := &e.marks[i]
		m.addr = m.at + added
		if m.align != 0 {
			m.size = -m.addr & (m.align - 1)
		}
		added += m.size
	}
}

// grow makes the jumps long that do not reach, and reports whether any did.
func (e *encoder) grow() bool {
	grown := false
	for i := range e.marks {
		m := &e.marks[i]
		if m.label < 0 || m.form.immBytes != 1 {
			continue
		}
		if d := e.distance(m); d != int(int8(d)) {
			m.form = &formsOf[m.form.op][1] // the rel32 row stands after rel8
			m.size = m.form.jumpSize()
			grown = true
		}
	}
	return grown
}

// distance returns the displacement of jump m, from its end.
func (e *encoder) distance(m *mark) int {
	return e.marks[e.places[m.label]].addr - (m.addr + m.size)
}

func (f *Form) appendJump(b []byte, d int) []byte {
	if f.mmap == 1 {
		b = append(b, 0x0f)
	}
	b = append(b, f.opcode)
	if f.immBytes == 1 {
		return append(b, byte(d))
	}
	return binary.LittleEndian.AppendUint32(b, uint32(d))
}

// nops are the recommended multi-byte no-operations: SDM vol. 2B NOP, table
// 4-12.
var nops = [...]string{
	1: "\x90",
	2: "\x66\x90",
	3: "\x0f\x1f\x00",
	4: "\x0f\x1f\x40\x00",
	5: "\x0f\x1f\x44\x00\x00",
	6: "\x66\x0f\x1f\x44\x00\x00",
	7: "\x0f\x1f\x80\x00\x00\x00\x00",
	8: "\x0f\x1f\x84\x00\x00\x00\x00\x00",
	9: "\x66\x0f\x1f\x84\x00\x00\x00\x00\x00",
}

func appendNOPs(b []byte, n int) []byte {
	for n > 0 {
		k := min(n, len(nops)-1)
		b = append(b, nops[k]...)
		n -= k
	}
	return b
}
