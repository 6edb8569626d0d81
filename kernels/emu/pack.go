package emu

import "qtune/kernels/x86"

// packs narrow two sources into one register, block by block, saturating;
// blends choose between two sources.
var packs = table{
	x86.VPACKSSDW: across(narrow[int32, int16](-1<<15, 1<<15-1)),
	x86.VPACKUSDW: across(narrow[int32, uint16](0, 1<<16-1)),
	x86.VPACKSSWB: across(narrow[int16, int8](-1<<7, 1<<7-1)),
	x86.VPACKUSWB: across(narrow[int16, uint8](0, 1<<8-1)),

	x86.VPBLENDD:  lanewiseImm(blendImm),
	x86.VPBLENDVB: blendByVector,
	x86.VPBLENDMB: blendByMask,
	x86.VPBLENDMD: blendByMask,
	x86.VPBLENDMQ: blendByMask,
}

// narrow puts a's elements in the lower, b's in the upper half of each
// 128-bit block, clamped to lo..hi.
func narrow[From int16 | int32, To lane](lo, hi int32) kernel {
	return func(d, a, b *vec, n int) {
		va, vb := *a, *b
		x, y, z := lanes[From](&va, n), lanes[From](&vb, n), lanes[To](d, n)
		half := len(lanes[From](d, 16))
		for i := range z {
			block, j := i/(2*half)*half, i%(2*half)
			from := x
			if j >= half {
				from, j = y, j-half
			}
			z[i] = To(min(max(int32(from[block+j]), lo), hi))
		}
	}
}

// blendImm takes a dword from b where its bit of imm is set.
func blendImm(imm uint8) kernel {
	return func(d, a, b *vec, n int) {
		x, y, z := a.u32(), b.u32(), d.u32()
		for i := range n / 4 {
			if imm>>i&1 != 0 {
				z[i] = y[i]
			} else {
				z[i] = x[i]
			}
		}
	}
}

// blendByVector takes a byte from operand 2 where operand 3's is negative,
// from operand 1 otherwise.
func blendByVector(d *decoder) step {
	a, src, selector, n := d.vec(1), d.source(2, false), d.vec(3), d.width()
	return d.result(func(m *Machine, z *vec) {
		va, vb, vs := m.v[a], *src.load(m), m.v[selector]
		for i := range n {
			if vs.u8()[i] >= 128 {
				z.u8()[i] = vb.u8()[i]
			} else {
				z.u8()[i] = va.u8()[i]
			}
		}
	})
}

// blendByMask takes an element from operand 2 where the mask is set, from
// operand 1 (or zero) otherwise: the mask is no write mask here.
func blendByMask(d *decoder) step {
	dst, a, src := d.vec(0), d.vec(1), d.source(2, true)
	k, zero, n, elem := d.in.Mask, d.in.Zero, d.width(), d.form.MaskElem()
	return func(m *Machine) {
		m.out = m.v[a]
		b, active := src.load(m), ^uint64(0)
		if k != x86.K0 {
			active = m.k[k]
		}
		mergeLanes(elem, &m.out, b, active, zero, n)
		m.out.clearFrom(n)
		m.v[dst] = m.out
	}
}
