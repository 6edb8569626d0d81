package emu

import (
	"encoding/binary"
	"errors"
	"fmt"

	"qtune/kernels/x86"
)

// Code is a program decoded for the emulator. It is never changed, and any
// number of Machines may run it at the same time.
type Code struct {
	prog  *x86.Program
	steps []decoded
}

// A step does what one instruction does.
type step func(m *Machine)

// A decoded instruction.
type decoded struct {
	run   step
	op    x86.Op
	wide  bool // uses ymm or zmm registers
	index int  // in Program.Insts
}

// A builder makes the step of an instruction from its operands.
type builder func(d *decoder) step

// A table has the builders of one family of instructions.
type table map[x86.Op]builder

// builders has the builder of each instruction.
var builders = func() table {
	all := table{}
	for _, family := range []table{
		general, control, moves, widenings, masks, arithmetic, logic, floats, dots, shifts, shuffles, packs,
	} {
		for op, b := range family {
			if all[op] != nil {
				panic(fmt.Sprintf("BUG: instruction %v has two meanings", op))
			}
			all[op] = b
		}
	}
	return all
}()

// Compile decodes p. It refuses what breaks the call contract whatever the
// arguments, and what the encoder would refuse.
func Compile(p *x86.Program) (*Code, error) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, errors.New("emu: needs a little-endian host")
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("emu: %w", err)
	}
	c, targets := &Code{prog: p}, placeLabels(p)
	for i := range p.Insts {
		in := &p.Insts[i]
		if pseudo(in.Op) {
			continue
		}
		run, err := decode(in, p.ISA, targets)
		if err != nil {
			return nil, fmt.Errorf("emu: program %s: instruction %d: %v: %w", p.Name, i, in, err)
		}
		c.steps = append(c.steps, decoded{run: run, op: in.Op, wide: wide(in), index: i})
	}
	c.steps = append(c.steps, decoded{index: len(p.Insts), run: func(m *Machine) {
		m.trap("the program ends without RET")
	}})
	return c, nil
}

// pseudo tells whether op only concerns the layout of machine code.
func pseudo(op x86.Op) bool { return op == x86.LABEL || op == x86.ALIGN }

// placeLabels returns the index of the step after each label.
func placeLabels(p *x86.Program) []int {
	targets := make([]int, p.Labels())
	next := 0
	for i := range p.Insts {
		switch in := &p.Insts[i]; {
		case in.Op == x86.LABEL:
			targets[in.Args[0].Imm] = next
		case !pseudo(in.Op):
			next++
		}
	}
	return targets
}

// locate adds to f where it happened.
func (c *Code) locate(f *Fault, stepIndex int) {
	f.Program, f.Index = c.prog.Name, c.steps[stepIndex].index
	if f.Text = "end"; f.Index < len(c.prog.Insts) {
		f.Text = c.prog.Insts[f.Index].String()
	}
}

// A decoder is what a builder may ask about its instruction.
type decoder struct {
	in      *x86.Inst
	form    *x86.Form
	targets []int
}

// decode builds the step of an instruction that the encoder accepts.
func decode(in *x86.Inst, isa x86.ISA, targets []int) (step, error) {
	form, err := x86.Lookup(in, isa)
	if err != nil {
		return nil, err
	}
	if i := form.Dst(); i >= 0 && in.Args[i].Kind == x86.KindReg {
		if r := x86.Reg(in.Args[i].N); r == x86.RSP || r == x86.RBP {
			return nil, errors.New("writes a register that belongs to the caller")
		}
	}
	build := builders[in.Op]
	if build == nil {
		return nil, errors.New("not emulated")
	}
	return build(&decoder{in: in, form: form, targets: targets}), nil
}

// wide tells whether in has a ymm or zmm operand.
func wide(in *x86.Inst) bool {
	for i := range in.N {
		if in.Args[i].Kind == x86.KindVec && in.Args[i].Width > x86.W128 {
			return true
		}
	}
	return false
}

// width returns the vector width in bytes.
func (d *decoder) width() int { return int(d.form.Width()) }

// imm8 returns the immediate, which is the last operand.
func (d *decoder) imm8() uint8 { return uint8(d.in.Args[d.in.N-1].Imm) }

// vec returns the number of vector register operand i.
func (d *decoder) vec(i int) uint8 { return d.in.Args[i].N & 31 }

// target returns the step that label operand 0 stands for.
func (d *decoder) target() int { return d.targets[d.in.Args[0].Imm] }
