package emu

import "qtune/kernels/x86"

// moves carry whole vectors, scalars and 128- or 256-bit blocks.
var moves = table{
	x86.VMOVDQU:   moveVector,
	x86.VMOVDQU8:  moveVector,
	x86.VMOVDQU32: moveVector,
	x86.VMOVD:     moveScalar,
	x86.VMOVQ:     moveScalar,
	x86.VMOVHPS:   moveHigh,

	x86.VPBROADCASTB:    broadcast(1),
	x86.VPBROADCASTW:    broadcast(2),
	x86.VPBROADCASTD:    broadcast(4),
	x86.VPBROADCASTQ:    broadcast(8),
	x86.VBROADCASTI128:  broadcast(16),
	x86.VBROADCASTI32X4: broadcast(16),

	x86.VEXTRACTI128:  extractBlock(16),
	x86.VEXTRACTI32X4: extractBlock(16),
	x86.VEXTRACTI64X4: extractBlock(32),
	x86.VINSERTI128:   insertBlock(16),
	x86.VINSERTI32X4:  insertBlock(16),
	x86.VINSERTI64X4:  insertBlock(32),

	x86.VPMOVMSKB: signMask,

	x86.VPEXTRB: extractElement(1),
	x86.VPEXTRW: extractElement(2),
	x86.VPEXTRD: extractElement(4),
	x86.VPEXTRQ: extractElement(8),
	x86.VPINSRB: insertElement(1),
	x86.VPINSRW: insertElement(2),
	x86.VPINSRD: insertElement(4),
	x86.VPINSRQ: insertElement(8),
}

// moveVector is a load, a store or a copy.
func moveVector(d *decoder) step {
	n := d.width()
	if d.in.Args[0].Kind == x86.KindMem {
		src := d.vec(1)
		return d.store(true, func(m *Machine) *vec { return &m.v[src] })
	}
	if d.in.Mask == x86.K0 {
		return d.moveWhole(n)
	}
	src := d.source(1, true)
	return d.result(func(m *Machine, z *vec) { *z = *src.load(m) })
}

// moveWhole is moveVector for an unmasked register destination.
func (d *decoder) moveWhole(n int) step {
	dst := d.in.Args[0].N & 31
	if d.in.Args[1].Kind == x86.KindVec {
		src := d.vec(1)
		return func(m *Machine) {
			z := &m.v[dst]
			*z = m.v[src]
			z.clearFrom(n)
		}
	}
	addr := d.address(1)
	return func(m *Machine) {
		z := &m.v[dst]
		copy(z.u8()[:], m.bytes(addr.base, addr.of(m), n, Read))
		z.clearFrom(n)
	}
}

// moveScalar is VMOVD and VMOVQ: between the low end of a vector register,
// whose rest becomes zero, and a general register or memory.
func moveScalar(d *decoder) step {
	if d.in.Args[0].Kind == x86.KindVec {
		get, dst := d.get(1), d.vec(0)
		return func(m *Machine) { m.v[dst] = vec{get(m)} }
	}
	put, src := d.put(0), d.vec(1)
	return func(m *Machine) { put(m, m.v[src][0]) }
}

// moveHigh is VMOVHPS: memory into the upper 64 bits next to the lower ones of
// a register, or the upper 64 bits into memory.
func moveHigh(d *decoder) step {
	if d.in.Args[0].Kind == x86.KindMem {
		put, src := d.put(0), d.vec(1)
		return func(m *Machine) { put(m, m.v[src][1]) }
	}
	get, a, dst := d.get(2), d.vec(1), d.vec(0)
	return func(m *Machine) { m.v[dst] = vec{m.v[a][0], get(m)} }
}

// broadcast copies the first elem bytes of its source everywhere.
func broadcast(elem int) builder {
	return func(d *decoder) step {
		n := d.width()
		switch d.in.Args[1].Kind {
		case x86.KindReg:
			src := d.in.Args[1].N
			return d.result(func(m *Machine, z *vec) {
				m.tmp[0] = m.r[src]
				repeat(elem, z, &m.tmp, n)
			})
		case x86.KindVec:
			src := d.vec(1)
			return d.result(func(m *Machine, z *vec) { repeat(elem, z, &m.v[src], n) })
		}
		src := d.memory(1, n, true)
		return d.result(func(m *Machine, z *vec) { *z = *src.load(m) })
	}
}

// extractBlock is the block of size bytes chosen by the immediate.
func extractBlock(size int) builder {
	return func(d *decoder) step {
		src := d.vec(1)
		first := int(d.imm8()) % (int(d.in.Args[1].Width) / size) * size / 8
		compute := func(m *Machine, z *vec) {
			v := m.v[src]
			copy(z[:size/8], v[first:])
		}
		if d.in.Args[0].Kind == x86.KindVec {
			return d.result(compute)
		}
		return d.store(false, func(m *Machine) *vec {
			compute(m, &m.out)
			return &m.out
		})
	}
}

// insertBlock replaces the block of size bytes chosen by the immediate.
func insertBlock(size int) builder {
	return func(d *decoder) step {
		a, src, n := d.vec(1), d.source(2, false), d.width()
		first := int(d.imm8()) % (n / size) * size / 8
		return d.result(func(m *Machine, z *vec) {
			b := *src.load(m)
			*z = m.v[a]
			copy(z[first:first+size/8], b[:])
		})
	}
}

// extractElement puts an element of size bytes, zero-extended, into a general
// register or memory.
func extractElement(size int) builder {
	return func(d *decoder) step {
		put, src, at := d.put(0), d.vec(1), int(d.imm8())%(16/size)*size
		return func(m *Machine) { put(m, m.v[src][at/8]>>(at%8*8)&ones(size)) }
	}
}

// insertElement replaces an element of size bytes of an xmm register.
func insertElement(size int) builder {
	return func(d *decoder) step {
		get, a, dst := d.get(2), d.vec(1), d.vec(0)
		at := int(d.imm8()) % (16 / size) * size
		field := ones(size) << (at % 8 * 8)
		return func(m *Machine) {
			z := vec{m.v[a][0], m.v[a][1]}
			z[at/8] = z[at/8]&^field | get(m)<<(at%8*8)&field
			m.v[dst] = z
		}
	}
}

// signMask collects the highest bits of all bytes.
func signMask(d *decoder) step {
	put, src, n := d.put(0), d.vec(1), d.width()
	return func(m *Machine) {
		var mask uint64
		for i, b := range lanes[uint8](&m.v[src], n) {
			mask |= uint64(b>>7) << i
		}
		put(m, mask)
	}
}
