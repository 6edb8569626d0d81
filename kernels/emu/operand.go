package emu

import (
	"math/bits"

	"qtune/kernels/x86"
)

// An address is a decoded memory operand: base + index<<shift + disp.
type address struct {
	base, index, shift uint8
	disp               uint64
}

// address decodes memory operand i.
func (d *decoder) address(i int) address {
	a := &d.in.Args[i]
	slot := func(r x86.Reg) uint8 {
		if r == x86.NoReg {
			return none
		}
		return uint8(r)
	}
	return address{
		base:  slot(a.Base),
		index: slot(a.Index),
		shift: uint8(bits.TrailingZeros8(max(a.Scale, 1))),
		disp:  uint64(a.Imm),
	}
}

func (a *address) of(m *Machine) uint64 {
	return m.r[a.base] + m.r[a.index]<<a.shift + a.disp
}

// A selection is the elements of an operand that a write mask selects.
type selection struct {
	k    int // mask register; 0 selects all
	all  uint64
	elem int // bytes per element
}

// selection returns the mask of the instruction for count elements of elem
// bytes.
func (d *decoder) selection(count, elem int) selection {
	return selection{k: int(d.in.Mask), all: ^uint64(0) >> (64 - count), elem: elem}
}

func (s *selection) bits(m *Machine) uint64 {
	if s.k == 0 {
		return s.all
	}
	return m.k[s.k] & s.all
}

// A source is a vector operand that may be memory.
type source struct {
	reg    int // -1: memory
	addr   address
	size   int // bytes read
	filled int // broadcast: bytes to fill with copies; otherwise 0

	// An instruction that computes each element by itself does not access
	// the elements that its mask leaves out (SDM: fault suppression).
	suppress bool
	active   selection
}

// source decodes operand i; suppress says that masked-off elements are not
// accessed.
func (d *decoder) source(i int, suppress bool) *source {
	a := &d.in.Args[i]
	if a.Kind == x86.KindVec {
		return &source{reg: int(a.N)}
	}
	filled := 0
	if a.Bcast {
		filled = d.width()
	}
	return d.memory(i, filled, suppress)
}

// memory is source for a memory operand that is repeated to filled bytes.
func (d *decoder) memory(i, filled int, suppress bool) *source {
	s := &source{reg: -1, addr: d.address(i), size: d.form.MemSize(), filled: filled}
	if suppress && d.in.Mask != x86.K0 {
		elem := d.form.MaskElem()
		count := d.width() / elem
		if filled == 0 {
			elem = s.size / count
		}
		s.suppress, s.active = true, d.selection(count, elem)
	}
	return s
}

// load returns the operand's value, which is only as wide as the operand.
func (s *source) load(m *Machine) *vec {
	if s.reg >= 0 {
		return &m.v[s.reg]
	}
	addr := s.addr.of(m)
	if s.suppress {
		if k := s.active.bits(m); k != s.active.all {
			return s.loadActive(m, addr, k)
		}
	}
	copy(m.tmp.u8()[:], m.bytes(s.addr.base, addr, s.size, Read))
	if s.filled > 0 {
		repeat(s.size, &m.tmp, &m.tmp, s.filled)
	}
	return &m.tmp
}

// loadActive reads only the elements selected by k, of a broadcast those of
// which a copy is selected; the others are zero.
func (s *source) loadActive(m *Machine, addr, k uint64) *vec {
	m.tmp = vec{}
	count := s.size / s.active.elem
	var read uint64
	for ; k != 0; k >>= count {
		read |= k & (1<<count - 1)
	}
	for ; read != 0; read &= read - 1 {
		at := bits.TrailingZeros64(read) * s.active.elem
		copy(m.tmp.u8()[at:], m.bytes(s.addr.base, addr+uint64(at), s.active.elem, Read))
	}
	if s.filled > 0 {
		repeat(s.size, &m.tmp, &m.tmp, s.filled)
	}
	return &m.tmp
}

// store returns the step that writes what compute returns to memory operand
// 0, under the mask. suppress says that masked-off elements are not accessed;
// otherwise they are only not changed.
func (d *decoder) store(suppress bool, compute func(m *Machine) *vec) step {
	addr, size := d.address(0), d.form.MemSize()
	if d.in.Mask == x86.K0 {
		return func(m *Machine) {
			v := compute(m)
			copy(m.bytes(addr.base, addr.of(m), size, Write), v.u8()[:])
		}
	}
	active := d.selection(size/d.form.MaskElem(), d.form.MaskElem())
	return func(m *Machine) {
		v, to := compute(m), addr.of(m)
		if !suppress {
			m.bytes(addr.base, to, size, Write)
		}
		for k := active.bits(m); k != 0; k &= k - 1 {
			at := bits.TrailingZeros64(k) * active.elem
			copy(m.bytes(addr.base, to+uint64(at), active.elem, Write), v.u8()[at:])
		}
	}
}

// result returns the step that lets compute write vector register operand 0:
// under the mask, and with zeroes above its width. compute finds in z the
// register's value before the instruction; z may be one of its sources.
func (d *decoder) result(compute func(m *Machine, z *vec)) step {
	dst, n := d.vec(0), int(d.in.Args[0].Width)
	if d.in.Mask == x86.K0 {
		return func(m *Machine) {
			z := &m.v[dst]
			compute(m, z)
			z.clearFrom(n)
		}
	}
	k, zero, elem := d.in.Mask, d.in.Zero, d.form.MaskElem()
	return func(m *Machine) {
		z := &m.v[dst]
		m.out = *z
		compute(m, &m.out)
		mergeLanes(elem, z, &m.out, m.k[k], zero, n)
		z.clearFrom(n)
	}
}

// A kernel computes n bytes of d from as many of a and b. d holds the
// destination's old value, and may be the same register as a or b.
type kernel func(d, a, b *vec, n int)

// vector returns the step of an instruction whose operands are v, [v,] v/m
// [, imm8].
func (d *decoder) vector(f kernel, suppress bool) step {
	last := int(d.in.N) - 1
	if d.in.Args[last].Kind == x86.KindImm {
		last--
	}
	src, n, a := d.source(last, suppress), d.width(), d.vec(0)
	if last == 2 {
		a = d.vec(1)
	}
	if src.reg >= 0 {
		b := src.reg & 31
		return d.result(func(m *Machine, z *vec) { f(z, &m.v[a], &m.v[b], n) })
	}
	return d.result(func(m *Machine, z *vec) { f(z, &m.v[a], src.load(m), n) })
}

// lanewise makes instructions that compute each element by itself.
func lanewise(f kernel) builder {
	return func(d *decoder) step { return d.vector(f, true) }
}

// lanewiseImm is lanewise with an immediate.
func lanewiseImm(f func(imm uint8) kernel) builder {
	return func(d *decoder) step { return d.vector(f(d.imm8()), true) }
}

// across makes instructions whose elements depend on several of the source:
// they read all of a memory operand whatever the mask says.
func across(f kernel) builder {
	return func(d *decoder) step { return d.vector(f, false) }
}

// acrossImm is across with an immediate.
func acrossImm(f func(imm uint8) kernel) builder {
	return func(d *decoder) step { return d.vector(f(d.imm8()), false) }
}
