package emu

import "qtune/kernels/x86"

// widenings make each element wider or narrower. A source of VPMOVZX and
// VPMOVSX is as many times narrower than the result as its elements.
var widenings = table{
	x86.VPMOVZXBW: lanewise(widen[uint8, uint16]),
	x86.VPMOVSXBW: lanewise(widen[int8, int16]),
	x86.VPMOVZXBD: lanewise(widen[uint8, uint32]),
	x86.VPMOVSXBD: lanewise(widen[int8, int32]),
	x86.VPMOVZXWD: lanewise(widen[uint16, uint32]),
	x86.VPMOVSXWD: lanewise(widen[int16, int32]),
	x86.VPMOVZXDQ: lanewise(widen[uint32, uint64]),
	x86.VPMOVSXDQ: lanewise(widen[int32, int64]),
	x86.VPMOVDB:   narrowDwords(func(x uint32) uint8 { return uint8(x) }),
	x86.VPMOVUSDB: narrowDwords(func(x uint32) uint8 { return uint8(min(x, 255)) }),
}

func widen[From, To lane](d, _, b *vec, n int) {
	vb, z := *b, lanes[To](d, n)
	x := lanes[From](&vb, len(vb)*8)
	for i := range z {
		z[i] = To(x[i])
	}
}

// narrowDwords makes a byte of each dword; above the bytes a register
// destination becomes zero, whatever the mask.
func narrowDwords(f func(uint32) uint8) builder {
	return func(d *decoder) step {
		src, count := d.vec(1), d.width()/4
		if d.in.Args[0].Kind == x86.KindMem {
			return d.store(true, func(m *Machine) *vec {
				narrowTo(&m.out, &m.v[src], count, f)
				return &m.out
			})
		}
		dst, active, zero := d.vec(0), d.selection(count, 1), d.in.Zero
		return func(m *Machine) {
			narrowTo(&m.out, &m.v[src], count, f)
			z := vec{m.v[dst][0], m.v[dst][1]}
			merge[uint8](&z, &m.out, active.bits(m), zero, count)
			clear(z.u8()[count:])
			m.v[dst] = z
		}
	}
}

// narrowTo sets the first count bytes of z to f of the dwords of x.
func narrowTo(z, x *vec, count int, f func(uint32) uint8) {
	for i := range count {
		z.u8()[i] = f(x.u32()[i])
	}
}
