package emu

import "qtune/kernels/x86"

// dots: products of neighbouring elements, added up. The results wrap except
// in VPMADDUBSW. VPDPBUSD and VPDPWSSD work on whole accumulator elements;
// the masked forms of the others read all of a memory operand.
var dots = table{
	x86.VPDPBUSD:   lanewise(dotBytes),
	x86.VPDPWSSD:   lanewise(dotWords),
	x86.VPMADDWD:   across(multiplyAddWords),
	x86.VPMADDUBSW: across(multiplyAddBytes),
	x86.VPSADBW:    across(sumDifferences),
}

// dotBytes adds to each int32 of d the products of four uint8 and four int8.
func dotBytes(d, a, b *vec, n int) {
	x, y, z := a.u32(), b.u32(), d.u32()
	for i := range n / 4 {
		u, s := x[i&15], y[i&15]
		sum := int32(u&0xff) * int32(int8(s))
		sum += int32(u>>8&0xff) * int32(int8(s>>8))
		sum += int32(u>>16&0xff) * int32(int8(s>>16))
		sum += int32(u>>24) * int32(int8(s>>24))
		z[i&15] += uint32(sum)
	}
}

// pairProduct is the sum of two int16 products, modulo 1<<32.
func pairProduct(x, y uint32) uint32 {
	return uint32(int32(int16(x))*int32(int16(y)) + int32(x)>>16*(int32(y)>>16))
}

func dotWords(d, a, b *vec, n int) {
	x, y, z := a.u32(), b.u32(), d.u32()
	for i := range n / 4 {
		z[i&15] += pairProduct(x[i&15], y[i&15])
	}
}

func multiplyAddWords(d, a, b *vec, n int) {
	x, y, z := a.u32(), b.u32(), d.u32()
	for i := range n / 4 {
		z[i&15] = pairProduct(x[i&15], y[i&15])
	}
}

// multiplyAddBytes adds pairs of uint8 x int8 products, saturating to int16.
func multiplyAddBytes(d, a, b *vec, n int) {
	x, y, z := lanes[uint8](a, n), lanes[int8](b, n), lanes[int16](d, n)
	for i := range z {
		z[i] = saturate16(int32(x[2*i])*int32(y[2*i]) + int32(x[2*i+1])*int32(y[2*i+1]))
	}
}

// sumDifferences adds the absolute differences of eight bytes.
func sumDifferences(d, a, b *vec, n int) {
	x, y := lanes[uint8](a, n), lanes[uint8](b, n)
	for i := range n / 8 {
		var sum uint64
		for j := 8 * i; j < 8*i+8; j++ {
			sum += uint64(max(x[j], y[j]) - min(x[j], y[j]))
		}
		d[i] = sum
	}
}
