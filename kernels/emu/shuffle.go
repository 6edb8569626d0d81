package emu

import "qtune/kernels/x86"

// shuffles move elements of one or two sources.
var shuffles = table{
	x86.VPUNPCKLBW:  across(interleave[uint8](0)),
	x86.VPUNPCKHBW:  across(interleave[uint8](8)),
	x86.VPUNPCKLWD:  across(interleave[uint16](0)),
	x86.VPUNPCKHWD:  across(interleave[uint16](8)),
	x86.VPUNPCKLDQ:  across(interleave[uint32](0)),
	x86.VPUNPCKHDQ:  across(interleave[uint32](8)),
	x86.VPUNPCKLQDQ: across(interleave[uint64](0)),
	x86.VPUNPCKHQDQ: across(interleave[uint64](8)),

	x86.VPSHUFB:   across(shuffleBytes),
	x86.VPSHUFD:   acrossImm(shuffleDwords),
	x86.VSHUFPS:   acrossImm(shuffleTwo),
	x86.VMOVSHDUP: across(shuffleDwords(0b11_11_01_01)),

	x86.VPERMD:     across(permute[uint32]),
	x86.VPERMW:     across(permute[uint16]),
	x86.VPERMQ:     acrossImm(permuteQwords),
	x86.VPERMT2D:   across(permuteTwo[uint32]),
	x86.VPERMT2Q:   across(permuteTwo[uint64]),
	x86.VPERM2I128: acrossImm(permuteBlocks),
	x86.VSHUFI32X4: acrossImm(shuffleBlocks),
	x86.VSHUFI64X2: acrossImm(shuffleBlocks),
}

// interleave alternates the elements of a and b that lie from byte at to
// byte at+7 of each 128-bit block.
func interleave[T lane](at int) kernel {
	return func(d, a, b *vec, n int) {
		va, vb := *a, *b
		x, y, z := lanes[T](&va, n), lanes[T](&vb, n), lanes[T](d, n)
		perBlock := len(lanes[T](d, 16))
		first := at * perBlock / 16
		for i := range z {
			block, j := i/perBlock*perBlock, i%perBlock
			if from := block + first + j/2; j&1 == 0 {
				z[i] = x[from]
			} else {
				z[i] = y[from]
			}
		}
	}
}

// shuffleBytes picks within each block of a: b has the places, or a set high
// bit for zero.
func shuffleBytes(d, a, b *vec, n int) {
	va, vb, z := *a, *b, d.u8()
	for i := range n {
		z[i] = 0
		if from := vb.u8()[i]; from < 128 {
			z[i] = va.u8()[i&^15+int(from&15)]
		}
	}
}

// shuffleDwords picks four times within each block of b.
func shuffleDwords(imm uint8) kernel {
	return func(d, _, b *vec, n int) {
		vb, z := *b, d.u32()
		for i := range n / 4 {
			z[i] = vb.u32()[i&^3+int(imm>>(2*(i&3))&3)]
		}
	}
}

// shuffleTwo picks two dwords of each block of a, and two of b.
func shuffleTwo(imm uint8) kernel {
	return func(d, a, b *vec, n int) {
		va, vb, z := *a, *b, d.u32()
		for i := range n / 4 {
			from := &va
			if i&2 != 0 {
				from = &vb
			}
			z[i] = from.u32()[i&^3+int(imm>>(2*(i&3))&3)]
		}
	}
}

// permute picks elements of b from anywhere by the indices in a.
func permute[T uint16 | uint32](d, a, b *vec, n int) {
	va, vb := *a, *b
	x, y, z := lanes[T](&va, n), lanes[T](&vb, n), lanes[T](d, n)
	for i := range z {
		z[i] = y[int(x[i])&(len(y)-1)]
	}
}

// permuteTwo picks from d's old value and b by the indices in a.
func permuteTwo[T uint32 | uint64](d, a, b *vec, n int) {
	va, vb, vd := *a, *b, *d
	index, low, high, z := lanes[T](&va, n), lanes[T](&vd, n), lanes[T](&vb, n), lanes[T](d, n)
	for i := range z {
		if j := int(index[i]) & (2*len(z) - 1); j < len(z) {
			z[i] = low[j]
		} else {
			z[i] = high[j-len(z)]
		}
	}
}

// permuteQwords picks four times within each 256 bits of b.
func permuteQwords(imm uint8) kernel {
	return func(d, _, b *vec, n int) {
		vb := *b
		for i := range n / 8 {
			d[i] = vb[i&^3+int(imm>>(2*(i&3))&3)]
		}
	}
}

// permuteBlocks picks two of the four 128-bit blocks of a and b, or zero.
func permuteBlocks(imm uint8) kernel {
	return func(d, a, b *vec, _ int) {
		blocks := [4][2]uint64{{a[0], a[1]}, {a[2], a[3]}, {b[0], b[1]}, {b[2], b[3]}}
		for i := range 2 {
			control := imm >> (4 * i)
			block := blocks[control&3]
			if control&8 != 0 {
				block = [2]uint64{}
			}
			d[2*i], d[2*i+1] = block[0], block[1]
		}
	}
}

// shuffleBlocks fills the lower half with blocks picked from a, the upper
// half with blocks picked from b.
func shuffleBlocks(imm uint8) kernel {
	return func(d, a, b *vec, n int) {
		va, vb := *a, *b
		blocks := n / 16
		perPick := blocks / 2 // bits of imm: 1 for two blocks, 2 for four
		for i := range blocks {
			from := &va
			if i >= blocks/2 {
				from = &vb
			}
			j := int(imm>>(i*perPick)) & (blocks - 1)
			d[2*i], d[2*i+1] = from[2*j], from[2*j+1]
		}
	}
}
