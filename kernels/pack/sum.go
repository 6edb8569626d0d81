package pack

import (
	"encoding/binary"

	"qtune/kernels/emit"
	"qtune/qnn"
)

// A WeightedSum is a function of two bytes that emit.Sum computes:
//
//	y = clamp((A*a + B*b + C) >> (16 + Shift), Lo, Hi)
type WeightedSum struct {
	A, B, C int64
	Shift   int
	Lo, Hi  int32
}

// parts are the coarse and the fine part of x: coarse*2^16 + fine, fine signed.
func parts(x int64) (coarse, fine int32) {
	return int32((x + 1<<15) >> 16), int32(int16(x))
}

// Apply computes the sum as the program does.
func (w *WeightedSum) Apply(a, b byte) byte {
	ac, af := parts(w.A)
	bc, bf := parts(w.B)
	cc, cf := parts(w.C)
	t := ac*int32(a) + bc*int32(b) + cc + (af*int32(a)+bf*int32(b)+cf)>>16
	return byte(min(max(t>>w.Shift, w.Lo), w.Hi))
}

// Pack lays out the constants in vectors of width bytes.
func (w *WeightedSum) Pack(width int) []byte {
	dst := Aligned(emit.SumConstants * width)
	set := func(i int, v uint32) {
		for at := i * width; at < (i+1)*width; at += 4 {
			binary.LittleEndian.PutUint32(dst[at:], v)
		}
	}
	pair := func(a, b int32) uint32 { return uint32(uint16(a)) | uint32(b)<<16 }
	ac, af := parts(w.A)
	bc, bf := parts(w.B)
	cc, cf := parts(w.C)
	set(emit.SumFine, pair(af, bf))
	set(emit.SumCoarse, pair(ac, bc))
	set(emit.SumFineC, uint32(cf))
	set(emit.SumCoarseC, uint32(cc))
	set(emit.SumShift, uint32(w.Shift))
	set(emit.SumLo, 0x01010101*uint32(w.Lo))
	set(emit.SumHi, 0x01010101*uint32(w.Hi))
	return dst
}

// A Sum says what ADD (or SUB: Minus) of two quantised tensors means: see
// qnn.AddMultipliers.
type Sum struct {
	Scales [3]float32 // operands, result
	Zeros  [3]int32
	Lo, Hi int32
	Minus  bool

	FromInt8 bool // as in Mul
}

// Table computes all results exactly, at a<<8 | b.
func (s *Sum) Table() *[1 << 16]byte {
	ma, mb, my := qnn.AddMultipliers(s.Scales[0], s.Scales[1], s.Scales[2])
	var va, vb [256]int32
	for i := range int32(256) {
		va[i] = ma.Scale((i-s.Zeros[0])<<qnn.AddHeadroom, qnn.Double)
		vb[i] = mb.Scale((i-s.Zeros[1])<<qnn.AddHeadroom, qnn.Double)
		if s.Minus {
			vb[i] = -vb[i]
		}
	}
	offset := legalised(s.FromInt8)
	zero, lo, hi := s.Zeros[2]-offset, s.Lo-offset, s.Hi-offset
	t := new([1 << 16]byte)
	for a, x := range va {
		for b, y := range vb {
			t[a<<8|b] = byte(min(max(my.Scale(x+y, qnn.Double)+zero, lo), hi) + offset)
		}
	}
	return t
}
