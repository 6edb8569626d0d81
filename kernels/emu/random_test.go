package emu_test

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"

	"qtune/kernels/x86"
)

// A random makes instructions and states. Only the bit generator is used, so
// that a seed means the same with every version of Go.
type random struct{ src *rand.PCG }

// randomFor returns the generator of one form and round.
func randomFor(f *x86.Form, round int) random {
	h := fnv.New64a()
	h.Write([]byte(f.String()))
	binary.Write(h, binary.LittleEndian, [2]int32{int32(f.Width()), int32(f.Class(max(f.NumArgs()-1, 0)))})
	return random{rand.NewPCG(h.Sum64(), uint64(round))}
}

func (r random) n(n int) int { return int(r.src.Uint64() % uint64(n)) }

// flip is true once in n times.
func (r random) flip(n int) bool { return r.n(n) == 0 }

// inst makes an instruction of form f, and the address operand's registers
// such that no other operand uses them.
func (r random) inst(f *x86.Form) x86.Inst {
	in := x86.Inst{Op: f.Op(), N: uint8(f.NumArgs())}
	free := r.registers()
	take := func() x86.Reg {
		reg := free[0]
		free = free[1:]
		return reg
	}
	for i := range f.NumArgs() {
		switch c := f.Class(i); c {
		case x86.ClassReg:
			reg := free[r.n(2)] // now and then the same one twice
			in.Args[i] = x86.R(reg)
		case x86.ClassMask:
			in.Args[i] = x86.K(x86.Mask(r.n(8)))
		case x86.ClassImm:
			in.Args[i] = r.imm(f)
		case x86.ClassX, x86.ClassY, x86.ClassZ:
			in.Args[i] = r.vector(f, x86.W128<<(c-x86.ClassX))
		}
	}
	free = free[2:]
	if i := f.MemArg(); i >= 0 {
		m := x86.M(take(), r.n(512)-256)
		if r.flip(2) {
			m = x86.MX(m.Base, take(), 1<<r.n(4), int(m.Imm))
		}
		m.Bcast = f.Class(i) == x86.ClassBcast
		in.Args[i] = m
	}
	if f.MaskElem() > 0 {
		in.Mask = x86.Mask(r.n(8))
		in.Zero = in.Mask != x86.K0 && f.Zeroing() && r.flip(2)
	}
	return in
}

// registers returns the general registers that an instruction may use, in
// random order.
func (r random) registers() []x86.Reg {
	var regs []x86.Reg
	for reg := x86.RAX; reg <= x86.R15; reg++ {
		if !reserved(reg) {
			regs = append(regs, reg)
		}
	}
	for i := range regs {
		j := i + r.n(len(regs)-i)
		regs[i], regs[j] = regs[j], regs[i]
	}
	return regs
}

// vector returns a register, one of few so that operands are often the same.
func (r random) vector(f *x86.Form, w x86.Width) x86.Operand {
	n := []int{0, 3, 7, 8, 12, 15}[r.n(6)]
	if f.EVEX() && r.flip(2) {
		n = []int{16, 21, 31}[r.n(3)]
	}
	return x86.V(w, n)
}

func (r random) imm(f *x86.Form) x86.Operand {
	lo, hi := f.ImmRange()
	if f.ImmSize() > 1 || r.flip(2) {
		v := int64(r.src.Uint64())
		if span := uint64(hi - lo); span != ^uint64(0) {
			v = lo + int64(uint64(v)%(span+1))
		}
		return x86.Operand{Kind: x86.KindImm, Imm: v}
	}
	return x86.I(int(min(max(int64(r.n(34)), lo), hi)))
}

// fill sets s to a random start state.
func (r random) fill(s *state) {
	for i := range s.z {
		r.elements(s.z[i][:])
	}
	r.elements(s.data[:])
	for i := range s.k {
		switch s.k[i] = r.src.Uint64(); r.n(4) {
		case 0:
			s.k[i] = 0
		case 1:
			s.k[i] = ^uint64(0)
		}
	}
	for i := range s.r {
		s.r[i] = r.word()
	}
	s.cmp = [2]uint64{r.word(), r.word()}
}

// offset returns where a memory operand of size bytes may begin in n bytes:
// often at one of the ends.
func (r random) offset(n, size int) int {
	switch r.n(4) {
	case 0:
		return 0
	case 1:
		return n - size
	}
	return r.n(n - size + 1)
}

// point sets the registers of in's memory operand, if it has one, such that
// it begins at addr.
func (r random) point(s *state, in *x86.Inst, addr uint64) {
	for i := range in.N {
		m := &in.Args[i]
		if m.Kind != x86.KindMem {
			continue
		}
		addr -= uint64(m.Imm)
		if m.Index != x86.NoReg {
			s.r[m.Index] = uint64(r.n(200) - 100)
			addr -= s.r[m.Index] * uint64(m.Scale)
		}
		s.r[m.Base] = addr
	}
}

// word is elements of 8 bytes.
func (r random) word() uint64 {
	var b [8]byte
	r.elements(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// elements fills b with values of one size and kind: anything, small ones, or
// the ends of the ranges, where results saturate, wrap and are equal.
func (r random) elements(b []byte) {
	size, kind := 1<<r.n(4), r.n(4)
	least := uint64(1) << (8*size - 1)
	ends := [...]uint64{0, 1, least, least - 1, ^uint64(0)}
	for i := 0; i < len(b); i += size {
		v := r.src.Uint64()
		switch {
		case kind == 0:
			v %= 70
		case kind == 1, kind == 2 && v>>63 == 0:
			v = ends[v%uint64(len(ends))]
		}
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], v)
		copy(b[i:i+size], word[:])
	}
}
