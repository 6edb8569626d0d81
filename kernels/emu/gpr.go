package emu

import (
	"encoding/binary"
	"math/bits"

	"qtune/kernels/x86"
)

// general: the general purpose instructions except control flow.
var general = table{
	x86.MOV:    move,
	x86.MOVL:   move,
	x86.MOVW:   move,
	x86.MOVB:   move,
	x86.MOVZXB: move,
	x86.MOVZXW: move,
	x86.MOVSXD: moveSigned,
	x86.LEA:    loadAddress,

	x86.ADD:  binaryOp(add),
	x86.SUB:  binaryOp(sub),
	x86.AND:  binaryOp(func(f *flags, a, b uint64) uint64 { return logical(f, a&b) }),
	x86.OR:   binaryOp(func(f *flags, a, b uint64) uint64 { return logical(f, a|b) }),
	x86.XOR:  binaryOp(func(f *flags, a, b uint64) uint64 { return logical(f, a^b) }),
	x86.CMP:  compare(sub),
	x86.TEST: compare(func(f *flags, a, b uint64) uint64 { return logical(f, a&b) }),
	x86.IMUL: multiply,
	x86.BSF:  scanForward,
	x86.SHL:  shift(shiftLeft),
	x86.SHR:  shift(shiftRight),
	x86.SAR:  shift(shiftRightSigned),
	x86.INC:  count(add),
	x86.DEC:  count(sub),

	x86.PREFETCHT0: nothing,
	x86.PREFETCHT1: nothing,
}

// ones is a mask of size bytes.
func ones(size int) uint64 { return ^uint64(0) >> (64 - 8*size) }

// get returns a function that reads operand i at its size, zero-extended.
func (d *decoder) get(i int) func(m *Machine) uint64 {
	a := &d.in.Args[i]
	switch a.Kind {
	case x86.KindReg:
		r, mask := a.N&15, ones(d.form.RegSize(i))
		return func(m *Machine) uint64 { return m.r[r] & mask }
	case x86.KindImm:
		v := uint64(a.Imm)
		return func(*Machine) uint64 { return v }
	}
	addr, size := d.address(i), d.form.MemSize()
	return func(m *Machine) uint64 { return loadScalar(m.bytes(addr.base, addr.of(m), size, Read)) }
}

// put returns a function that writes operand i at its size; registers are
// zero-extended.
func (d *decoder) put(i int) func(m *Machine, v uint64) {
	a := &d.in.Args[i]
	if a.Kind == x86.KindReg {
		r, mask := a.N&15, ones(d.form.RegSize(i))
		return func(m *Machine, v uint64) { m.r[r] = v & mask }
	}
	addr, size := d.address(i), d.form.MemSize()
	return func(m *Machine, v uint64) { storeScalar(m.bytes(addr.base, addr.of(m), size, Write), v) }
}

func loadScalar(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

func storeScalar(b []byte, v uint64) {
	switch len(b) {
	case 1:
		b[0] = uint8(v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	default:
		binary.LittleEndian.PutUint64(b, v)
	}
}

// move copies its source; a register destination is zero-extended.
func move(d *decoder) step {
	get, put := d.get(1), d.put(0)
	return func(m *Machine) { put(m, get(m)) }
}

func moveSigned(d *decoder) step {
	get, put := d.get(1), d.put(0)
	return func(m *Machine) { put(m, uint64(int32(get(m)))) }
}

func loadAddress(d *decoder) step {
	addr, put := d.address(1), d.put(0)
	return func(m *Machine) { put(m, addr.of(m)) }
}

// nothing is an instruction without effect on registers or memory; prefetches
// do not fault.
func nothing(*decoder) step { return func(*Machine) {} }

// A scalarOp computes a result and sets the flags.
type scalarOp func(f *flags, a, b uint64) uint64

func add(f *flags, a, b uint64) uint64 {
	f.add(a, b, a+b)
	return a + b
}

func sub(f *flags, a, b uint64) uint64 {
	f.sub(a, b, a-b)
	return a - b
}

func logical(f *flags, r uint64) uint64 {
	f.logic(r)
	return r
}

// binaryOp replaces operand 0 by op of it and operand 1.
func binaryOp(op scalarOp) builder {
	return func(d *decoder) step {
		a, b, put := d.get(0), d.get(1), d.put(0)
		return func(m *Machine) { put(m, op(&m.flags, a(m), b(m))) }
	}
}

// compare sets the flags only.
func compare(op scalarOp) builder {
	return func(d *decoder) step {
		a, b := d.get(0), d.get(1)
		return func(m *Machine) { op(&m.flags, a(m), b(m)) }
	}
}

// count adds or subtracts one and leaves the carry flag alone.
func count(op scalarOp) builder {
	return func(d *decoder) step {
		get, put := d.get(0), d.put(0)
		return func(m *Machine) {
			carry, known := m.flags.carry, m.flags.known&carryFlag
			put(m, op(&m.flags, get(m), 1))
			m.flags.carry, m.flags.known = carry, allFlags&^carryFlag|known
		}
	}
}

// multiply is IMUL r,r/m and r,r/m,imm. It defines carry and overflow only.
func multiply(d *decoder) step {
	last := int(d.in.N) - 1
	a, b, put := d.get(last-1), d.get(last), d.put(0)
	return func(m *Machine) {
		x, y := a(m), b(m)
		hi, lo := bits.Mul64(x, y)
		hi -= x&uint64(int64(y)>>63) + y&uint64(int64(x)>>63)
		over := hi != uint64(int64(lo)>>63)
		m.flags = flags{carry: over, overflow: over, known: carryFlag | overflowFlag}
		put(m, lo)
	}
}

// scanForward is BSF. Zero leaves the destination as it was, which Intel came to
// document after AMD. It defines the zero flag only.
func scanForward(d *decoder) step {
	get, put := d.get(1), d.put(0)
	return func(m *Machine) {
		x := get(m)
		m.flags = flags{zero: x == 0, known: zeroFlag}
		if x != 0 {
			put(m, uint64(bits.TrailingZeros64(x)))
		}
	}
}

// A shiftOp returns the shifted value, the last bit shifted out, and the
// overflow flag of a shift by one.
type shiftOp func(a uint64, count uint) (r uint64, carry, overflow bool)

func shiftLeft(a uint64, count uint) (uint64, bool, bool) {
	r, carry := a<<count, a>>(64-count)&1 != 0
	return r, carry, int64(r) < 0 != carry
}

func shiftRight(a uint64, count uint) (uint64, bool, bool) {
	return a >> count, a>>(count-1)&1 != 0, int64(a) < 0
}

func shiftRightSigned(a uint64, count uint) (uint64, bool, bool) {
	return uint64(int64(a) >> count), a>>(count-1)&1 != 0, false
}

// shift is by an immediate modulo 64. By zero it leaves the flags alone; by
// more than one it leaves overflow undefined.
func shift(op shiftOp) builder {
	return func(d *decoder) step {
		get, put, by := d.get(0), d.put(0), uint(d.imm8()&63)
		if by == 0 {
			return func(*Machine) {}
		}
		known := allFlags
		if by > 1 {
			known &^= overflowFlag
		}
		return func(m *Machine) {
			r, carry, overflow := op(get(m), by)
			m.flags.setResult(r)
			m.flags.carry, m.flags.overflow, m.flags.known = carry, overflow, known
			put(m, r)
		}
	}
}
