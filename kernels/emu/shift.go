package emu

import "qtune/kernels/x86"

// shifts: by an immediate or by the second source, element by element; and
// by bytes within 128-bit blocks.
var shifts = table{
	x86.VPSLLW: lanewiseImm(byImm(left[uint16])),
	x86.VPSRLW: lanewiseImm(byImm(right[uint16])),
	x86.VPSRAW: lanewiseImm(byImm(rightSigned[int16, uint16])),
	x86.VPSLLD: lanewiseImm(byImm(left[uint32])),
	x86.VPSRLD: lanewiseImm(byImm(right[uint32])),
	x86.VPSRAD: lanewiseImm(byImm(rightSigned[int32, uint32])),
	x86.VPSLLQ: lanewiseImm(byImm(left[uint64])),
	x86.VPSRLQ: lanewiseImm(byImm(right[uint64])),
	x86.VPSRAQ: lanewiseImm(byImm(rightSigned[int64, uint64])),

	x86.VPSLLVD: lanewise(each(left[uint32])),
	x86.VPSRLVD: lanewise(each(right[uint32])),
	x86.VPSRAVD: lanewise(each(rightSigned[int32, uint32])),
	x86.VPSLLVQ: lanewise(each(left[uint64])),
	x86.VPSRLVQ: lanewise(each(right[uint64])),
	x86.VPSRAVQ: lanewise(each(rightSigned[int64, uint64])),

	x86.VPSRLDQ:  acrossImm(func(imm uint8) kernel { return blockShift(int(imm)) }),
	x86.VPSLLDQ:  acrossImm(func(imm uint8) kernel { return blockShift(-int(imm)) }),
	x86.VPALIGNR: acrossImm(alignRight),
}

// Go shifts by the element size or more give zero, or the sign, as these do.
func left[T uint16 | uint32 | uint64](a, count T) T  { return a << count }
func right[T uint16 | uint32 | uint64](a, count T) T { return a >> count }

func rightSigned[S int16 | int32 | int64, U uint16 | uint32 | uint64](a, count U) U {
	return U(S(a) >> count)
}

// byImm makes a shift by the same count everywhere; its only source is b.
func byImm[T lane](f func(a, count T) T) func(imm uint8) kernel {
	return func(imm uint8) kernel {
		return func(d, _, b *vec, n int) {
			y, z := lanes[T](b, n), lanes[T](d, n)
			for i := range z {
				z[i] = f(y[i], T(imm))
			}
		}
	}
}

// blockShift moves the bytes of each 128-bit block of b down by count (up if
// negative), and zeroes in.
func blockShift(count int) kernel {
	return func(d, _, b *vec, n int) {
		from, z := *b, d.u8()
		y := from.u8()
		for i := range n {
			z[i] = 0
			if j := i&15 + count; 0 <= j && j < 16 {
				z[i] = y[i&^15+j]
			}
		}
	}
}

// alignRight gives 16 bytes from byte count on of b's and then a's block.
func alignRight(imm uint8) kernel {
	return func(d, a, b *vec, n int) {
		high, low, z := *a, *b, d.u8()
		for i := range n {
			block, j := i&^15, i&15+int(imm)
			switch {
			case j < 16:
				z[i] = low.u8()[block+j]
			case j < 32:
				z[i] = high.u8()[block+j-16]
			default:
				z[i] = 0
			}
		}
	}
}
