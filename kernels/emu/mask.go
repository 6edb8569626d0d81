package emu

import "qtune/kernels/x86"

// masks are moves of opmask registers; bits above the size become zero.
var masks = table{
	x86.KMOVB: moveMask(1),
	x86.KMOVW: moveMask(2),
	x86.KMOVD: moveMask(4),
	x86.KMOVQ: moveMask(8),
}

func moveMask(size int) builder {
	return func(d *decoder) step {
		if d.in.Args[0].Kind == x86.KindMask {
			get, dst, bits := d.get(1), d.in.Args[0].N&7, ones(size)
			return func(m *Machine) { m.k[dst] = get(m) & bits }
		}
		put, src, bits := d.put(0), d.in.Args[1].N&7, ones(size)
		return func(m *Machine) { put(m, m.k[src]&bits) }
	}
}
