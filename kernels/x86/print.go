package x86

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"strings"
)

// String returns the program as assembly, as Fprint writes it.
func (p *Program) String() string {
	var b strings.Builder
	_ = p.Fprint(&b) // a Builder never fails
	return b.String()
}

// Fprint writes the program in Intel syntax, one instruction a line, with
// labels, loop bodies indented by depth, and comments. GNU as accepts it after
// ".intel_syntax noprefix". Instructions that cannot be encoded print as well.
func (p *Program) Fprint(w io.Writer) error {
	const commentColumn = 64
	out := bufio.NewWriter(w)
	depth := p.loopDepth()
	comments := p.comments
	var line []byte
	for i := range p.Insts {
		in := &p.Insts[i]
		line = line[:0]
		if in.Op != LABEL {
			line = append(line, '\t')
		}
		for range depth[i] {
			line = append(line, "  "...)
		}
		line = in.appendText(line, p.ISA)
		for len(comments) > 0 && comments[0].at == i {
			for len(line) < commentColumn-8 {
				line = append(line, ' ')
			}
			line = append(line, "  # "...)
			line = append(line, comments[0].text...)
			comments = comments[1:]
		}
		line = append(line, '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

// loopDepth returns for each instruction how many loops it is in. A jump back
// to a label makes a loop of what stands between.
func (p *Program) loopDepth() []int {
	depth := make([]int, len(p.Insts))
	at := make([]int, p.labels)  // where each label is placed
	end := make([]int, p.labels) // after the last jump back to it
	for i := range p.Insts {
		a := &p.Insts[i].Args[0]
		if a.Kind != KindLabel || a.Imm < 0 || a.Imm >= int64(p.labels) {
			continue
		}
		if p.Insts[i].Op == LABEL {
			at[a.Imm] = i + 1
		} else if at[a.Imm] > 0 {
			end[a.Imm] = i + 1
		}
	}
	for l := range at {
		for i := at[l]; i < end[l]; i++ {
			depth[i]++
		}
	}
	return depth
}

// Text returns the instruction in Intel syntax, under the name that its form
// under isa has.
func (in *Inst) Text(isa ISA) string { return string(in.appendText(nil, isa)) }

// String is Text under the richest ISA.
func (in *Inst) String() string { return in.Text(AVX512VNNI) }

// appendText appends the instruction in Intel syntax. Names and sizes are
// those of the form that it has under isa.
func (in *Inst) appendText(b []byte, isa ISA) []byte {
	f := in.printForm(isa)
	if in.Op == LABEL {
		b = in.Args[0].appendText(b, f, 0)
		return append(b, ':')
	}
	if in.Op == ALIGN {
		b = append(b, '.')
	}
	if f == nil {
		b = append(b, strings.ToLower(in.Op.String())...)
	} else {
		b = append(b, f.Mnemonic()...)
	}
	for i := range int(min(in.N, 4)) {
		if i == 0 {
			b = append(b, ' ')
		} else {
			b = append(b, ", "...)
		}
		b = in.Args[i].appendText(b, f, i)
		if i == 0 {
			b = in.appendMask(b)
		}
	}
	return b
}

// printForm returns the form that in has under isa, else the first one with
// its operand classes, else nil.
func (in *Inst) printForm(isa ISA) *Form {
	if in.Op >= numOps || isa >= numISAs {
		return nil
	}
	sig, maxVec := in.signature()
	if f := in.find(isa, sig, maxVec); f != nil {
		return f
	}
	forms := formsOf[in.Op]
	i := slices.IndexFunc(forms, func(f Form) bool { return f.sig == sig })
	if i < 0 {
		return nil
	}
	return &forms[i]
}

func (in *Inst) appendMask(b []byte) []byte {
	if in.Mask != K0 {
		b = append(b, "{k"...)
		b = strconv.AppendUint(b, uint64(in.Mask), 10)
		b = append(b, '}')
	}
	if in.Zero {
		b = append(b, "{z}"...)
	}
	return b
}

// appendText appends operand i of an instruction with form f, which may be
// nil.
func (a *Operand) appendText(b []byte, f *Form, i int) []byte {
	switch a.Kind {
	case KindReg:
		size := 8
		if f != nil && f.RegSize(i) > 0 {
			size = f.RegSize(i)
		}
		return append(b, regName(a.N, size)...)
	case KindVec:
		return a.appendVec(b)
	case KindMask:
		return strconv.AppendUint(append(b, 'k'), uint64(a.N), 10)
	case KindMem:
		return a.appendMem(b, f)
	case KindImm:
		return strconv.AppendInt(b, a.Imm, 10)
	case KindLabel:
		return strconv.AppendInt(append(b, 'L'), a.Imm, 10)
	}
	return append(b, '?')
}

func (a *Operand) appendVec(b []byte) []byte {
	letter := byte('?')
	switch a.Width {
	case W128:
		letter = 'x'
	case W256:
		letter = 'y'
	case W512:
		letter = 'z'
	}
	return strconv.AppendUint(append(b, letter, 'm', 'm'), uint64(a.N), 10)
}

var sizeNames = map[int]string{
	1: "byte", 2: "word", 4: "dword", 8: "qword", 16: "xmmword", 32: "ymmword", 64: "zmmword",
}

func (a *Operand) appendMem(b []byte, f *Form) []byte {
	if f != nil && f.MemSize() > 0 {
		b = append(b, sizeNames[f.MemSize()]...)
		b = append(b, " ptr "...)
	}
	b = append(b, '[')
	if a.Base != NoReg {
		b = append(b, regName(uint8(a.Base), 8)...)
	}
	if a.Index != NoReg {
		if a.Base != NoReg {
			b = append(b, '+')
		}
		b = append(b, regName(uint8(a.Index), 8)...)
		b = append(b, '*')
		b = strconv.AppendUint(b, uint64(a.Scale), 10)
	}
	if a.Imm != 0 {
		if a.Imm > 0 {
			b = append(b, '+')
		}
		b = strconv.AppendInt(b, a.Imm, 10)
	}
	b = append(b, ']')
	if a.Bcast && f != nil && f.MemSize() > 0 {
		b = append(b, "{1to"...)
		b = strconv.AppendInt(b, int64(f.Width())/int64(f.MemSize()), 10)
		b = append(b, '}')
	}
	return b
}

var regNames = [...]string{
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
}

// String returns the register's 64-bit name.
func (r Reg) String() string { return regName(uint8(r), 8) }

// regName returns the name of register n used at size bytes.
func regName(n uint8, size int) string {
	switch {
	case int(n) >= len(regNames):
		return "r?"
	case size == 8:
		return regNames[n]
	case n >= 8:
		return regNames[n] + map[int]string{4: "d", 2: "w", 1: "b"}[size]
	case size == 4:
		return "e" + regNames[n][1:]
	case size == 2:
		return regNames[n][1:]
	case n < 4:
		return regNames[n][1:2] + "l"
	}
	return regNames[n][1:] + "l"
}
