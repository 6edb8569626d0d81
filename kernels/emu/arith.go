package emu

import "qtune/kernels/x86"

// arithmetic: element by element on two sources or one. VPCMPxx is here in
// its VEX form: all ones where true.
var arithmetic = table{
	x86.VPADDB: lanewise(each(func(a, b uint8) uint8 { return a + b })),
	x86.VPADDW: lanewise(each(func(a, b uint16) uint16 { return a + b })),
	x86.VPADDD: lanewise(add32),
	x86.VPADDQ: lanewise(each(func(a, b uint64) uint64 { return a + b })),
	x86.VPSUBB: lanewise(each(func(a, b uint8) uint8 { return a - b })),
	x86.VPSUBW: lanewise(each(func(a, b uint16) uint16 { return a - b })),
	x86.VPSUBD: lanewise(each(func(a, b uint32) uint32 { return a - b })),
	x86.VPSUBQ: lanewise(each(func(a, b uint64) uint64 { return a - b })),

	x86.VPADDSW:  lanewise(each(func(a, b int16) int16 { return saturate16(int32(a) + int32(b)) })),
	x86.VPADDUSB: lanewise(each(func(a, b uint8) uint8 { return uint8(min(int32(a)+int32(b), 255)) })),
	x86.VPSUBUSB: lanewise(each(func(a, b uint8) uint8 { return uint8(max(int32(a)-int32(b), 0)) })),
	x86.VPAVGB:   lanewise(each(func(a, b uint8) uint8 { return uint8((int32(a) + int32(b) + 1) >> 1) })),

	x86.VPMULLW:  lanewise(each(func(a, b uint16) uint16 { return a * b })),
	x86.VPMULHW:  lanewise(each(func(a, b int16) int16 { return int16(int32(a) * int32(b) >> 16) })),
	x86.VPMULLD:  lanewise(each(func(a, b uint32) uint32 { return a * b })),
	x86.VPMULDQ:  lanewise(each(func(a, b int64) int64 { return int64(int32(a)) * int64(int32(b)) })),
	x86.VPMULUDQ: lanewise(each(func(a, b uint64) uint64 { return uint64(uint32(a)) * uint64(uint32(b)) })),

	x86.VPMAXSB: lanewise(each(func(a, b int8) int8 { return max(a, b) })),
	x86.VPMAXSW: lanewise(each(func(a, b int16) int16 { return max(a, b) })),
	x86.VPMAXSD: lanewise(each(func(a, b int32) int32 { return max(a, b) })),
	x86.VPMAXUB: lanewise(each(func(a, b uint8) uint8 { return max(a, b) })),
	x86.VPMINSB: lanewise(each(func(a, b int8) int8 { return min(a, b) })),
	x86.VPMINSW: lanewise(each(func(a, b int16) int16 { return min(a, b) })),
	x86.VPMINSD: lanewise(each(func(a, b int32) int32 { return min(a, b) })),
	x86.VPMINUB: lanewise(each(func(a, b uint8) uint8 { return min(a, b) })),

	x86.VPABSB:  lanewise(each(func(_, b int8) int8 { return sign(b, b) })),
	x86.VPABSD:  lanewise(each(func(_, b int32) int32 { return sign(b, b) })),
	x86.VPSIGNB: lanewise(each(sign[int8])),
	x86.VPSIGND: lanewise(each(sign[int32])),

	x86.VPCMPEQB: lanewise(each(func(a, b uint8) uint8 { return uint8(truth(a == b)) })),
	x86.VPCMPEQD: lanewise(each(func(a, b uint32) uint32 { return uint32(truth(a == b)) })),
	x86.VPCMPGTB: lanewise(each(func(a, b int8) int8 { return int8(truth(a > b)) })),
	x86.VPCMPGTD: lanewise(each(func(a, b int32) int32 { return int32(truth(a > b)) })),
	x86.VPCMPGTQ: lanewise(each(func(a, b int64) int64 { return truth(a > b) })),
}

// logic: bit by bit; the element size matters to masks and broadcasts only.
var logic = table{
	x86.VPAND:      lanewise(each(func(a, b uint64) uint64 { return a & b })),
	x86.VPOR:       lanewise(each(func(a, b uint64) uint64 { return a | b })),
	x86.VPXOR:      lanewise(each(func(a, b uint64) uint64 { return a ^ b })),
	x86.VPANDN:     lanewise(each(func(a, b uint64) uint64 { return ^a & b })),
	x86.VPTERNLOGD: lanewiseImm(ternaryLogic),
}

// each applies f to the elements of two sources.
func each[T lane](f func(a, b T) T) kernel {
	return func(d, a, b *vec, n int) {
		x, y, z := lanes[T](a, n), lanes[T](b, n), lanes[T](d, n)
		for i := range z {
			z[i] = f(x[i], y[i])
		}
	}
}

// add32 is VPADDD, written out because it is in every inner loop.
func add32(d, a, b *vec, n int) {
	x, y, z := a.u32(), b.u32(), d.u32()
	for i := range n / 4 {
		z[i&15] = x[i&15] + y[i&15]
	}
}

// saturate16 clamps x to the range of an int16.
func saturate16(x int32) int16 { return int16(min(max(x, -1<<15), 1<<15-1)) }

// sign is a with the sign of b: zero if b is, negated if b is negative.
func sign[T int8 | int32](a, b T) T {
	switch {
	case b < 0:
		return -a
	case b == 0:
		return 0
	}
	return a
}

// truth is a comparison's result: all ones or zero.
func truth(b bool) int64 {
	if b {
		return -1
	}
	return 0
}

// ternaryLogic looks each bit of the result up in imm, by the bits of the
// destination (4), the first (2) and the second source (1).
func ternaryLogic(imm uint8) kernel {
	return func(d, a, b *vec, n int) {
		for i := range n / 8 {
			var r uint64
			for row := range 8 {
				if imm>>row&1 != 0 {
					r |= pick(d[i], row&4) & pick(a[i], row&2) & pick(b[i], row&1)
				}
			}
			d[i] = r
		}
	}
}

// pick is x where the bit wanted is one, and its complement otherwise.
func pick(x uint64, bit int) uint64 {
	if bit == 0 {
		return ^x
	}
	return x
}
