package x86

import "fmt"

// Lookup returns the form by which in is encoded in a program for isa: the
// first in the table that fits. An error says what is wrong with in.
func Lookup(in *Inst, isa ISA) (*Form, error) {
	if in.Op >= numOps || isa >= numISAs {
		return nil, fmt.Errorf("no such instruction: %d on %v", in.Op, isa)
	}
	sig, maxVec := in.signature()
	if f := in.find(isa, sig, maxVec); f != nil {
		return f, nil
	}
	return nil, explain(in, isa, sig, maxVec)
}

// An opIndex finds the forms of one Op fast. first gives for a hash of the
// signature the index of the first form that has it; the search goes on from
// there. keys repeats what is compared first of each form, to stay within a
// cache line or two.
type opIndex struct {
	first [32]uint8
	keys  []formKey
}

type formKey struct {
	sig    uint16
	need   Feature
	maxVec uint8
}

// sigHash spreads the signatures of an Op over opIndex.first; 0x9e37 is the
// golden ratio's multiplier for 16 bits (Knuth, TAOCP vol. 3, 6.4).
func sigHash(sig uint16) uint16 { return sig * 0x9e37 >> 11 }

var indexOf = func() []opIndex {
	index := make([]opIndex, numOps)
	for op, forms := range formsOf {
		x := &index[op]
		for i := range x.first {
			x.first[i] = uint8(len(forms))
		}
		for i := range forms {
			f := &forms[i]
			x.keys = append(x.keys, formKey{f.sig, f.need, f.maxVec})
			h := sigHash(f.sig)
			x.first[h] = min(x.first[h], uint8(i))
		}
	}
	return index
}()

// find returns the first form that fits in, whose signature is given, or nil.
func (in *Inst) find(isa ISA, sig uint16, maxVec uint8) *Form {
	lacks := ^isaTable[isa].has
	x := &indexOf[in.Op]
	for i := int(x.first[sigHash(sig)]); i < len(x.keys); i++ {
		k := &x.keys[i]
		if k.sig == sig && k.need&lacks == 0 && maxVec <= k.maxVec {
			if f := &formsOf[in.Op][i]; f.objection(in) == "" {
				return f
			}
		}
	}
	return nil
}

// signature returns the classes of the operands, 4 bits each, and the highest
// vector register number.
func (in *Inst) signature() (sig uint16, maxVec uint8) {
	if in.N > 4 {
		return 0xffff, 0
	}
	for i := range in.N {
		a := &in.Args[i]
		var c Class
		switch a.Kind {
		case KindVec:
			c = classOfWidth(a.Width)
			maxVec = max(maxVec, a.N)
		case KindMem:
			c = ClassMem
			if a.Bcast {
				c = ClassBcast
			}
		case KindReg:
			c = ClassReg
		case KindMask:
			c = ClassMask
		case KindImm:
			c = ClassImm
		case KindLabel:
			c = ClassLabel
		default:
			c = classBad
		}
		sig |= uint16(c) << (4 * i)
	}
	return sig, maxVec
}

func classOfWidth(w Width) Class {
	switch w {
	case W128:
		return ClassX
	case W256:
		return ClassY
	case W512:
		return ClassZ
	}
	return classBad
}

// objection returns why f, whose operand classes in has, cannot encode it, ""
// if it can.
func (f *Form) objection(in *Inst) string {
	switch {
	case in.Mask > K7:
		return "write mask register out of range"
	case in.Mask != K0 && f.maskElem == 0:
		return "takes no write mask"
	case in.Zero && in.Mask == K0:
		return "zeroing without a write mask"
	case in.Zero && !f.zeroing:
		return "takes no zeroing"
	case f.picky && !f.picks(in):
		return "takes other registers"
	}
	for i := range in.N {
		a := &in.Args[i]
		switch a.Kind {
		case KindReg:
			if a.N > 15 {
				return "general purpose register out of range"
			}
		case KindMask:
			if a.N > 7 {
				return "opmask register out of range"
			}
		case KindImm:
			if a.Imm < f.immLo || a.Imm > f.immHi {
				return "immediate out of range"
			}
		case KindMem:
			if s := a.memObjection(); s != "" {
				return s
			}
		}
	}
	return ""
}

// picks reports whether the registers are those that f is limited to.
func (f *Form) picks(in *Inst) bool {
	for i := range in.N {
		n := in.Args[i].N
		switch f.pick[i] {
		case pickRAX:
			if Reg(n) != RAX {
				return false
			}
		case pickLow:
			if n > 7 {
				return false
			}
		case pickHigh:
			if n < 8 {
				return false
			}
		}
	}
	return true
}

func (m *Operand) memObjection() string {
	switch {
	case m.Base > R15 && m.Base != NoReg:
		return "base register out of range"
	case m.Index > R15 && m.Index != NoReg:
		return "index register out of range"
	case m.Index == RSP:
		return "RSP cannot be an index"
	case m.Base == NoReg && m.Index == NoReg:
		return "memory operand without base and index"
	case m.Imm != int64(int32(m.Imm)):
		return "displacement out of range"
	}
	switch m.Scale {
	case 1, 2, 4, 8:
		return ""
	}
	return "scale is not 1, 2, 4 or 8"
}

// explain makes the error of an instruction that no form takes. Of the forms
// with the same classes of operands, one that the ISA has knows best what is
// wrong; then one that it lacks; then one with fewer registers.
func explain(in *Inst, isa ISA, sig uint16, maxVec uint8) error {
	reason, best := "no form has these operands", 0
	say := func(rank int, s string) {
		if rank >= best {
			reason, best = s, rank
		}
	}
	for i := range formsOf[in.Op] {
		f := &formsOf[in.Op][i]
		if f.sig != sig {
			continue
		}
		switch missing := f.need &^ isaTable[isa].has; {
		case maxVec > f.maxVec:
			say(1, fmt.Sprintf("vector register %d out of range", maxVec))
		case missing != 0:
			say(2, fmt.Sprintf("needs %v, which %v does not have", missing, isa))
		default:
			say(3, f.objection(in))
		}
	}
	return fmt.Errorf("%s: %s", in.Text(isa), reason)
}
