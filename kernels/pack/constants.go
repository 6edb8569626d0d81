package pack

import (
	"encoding/binary"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/qnn"
)

// Aligned returns n zero bytes that start at a multiple of 64.
func Aligned(n int) []byte { return alignedTo(n, 64) }

// Large is Aligned for much memory that is read again and again: in huge pages,
// if the operating system gives some. Hardware fetches no line beyond the end of
// a page before it is asked for.
func Large(n int) []byte {
	const hugePage = 2 << 20
	if n < hugePage {
		return Aligned(n)
	}
	b := alignedTo(n, hugePage)
	advise(b[:n&^4095])
	return b
}

func alignedTo(n, unit int) []byte {
	b := make([]byte, n+unit-1)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (unit - 1)
	return b[skip : skip+n : skip+n]
}

// fillVectors writes the fields of a layout whose values are per lane.
func fillVectors(dst []byte, layout *emit.Layout, lanes int, value func(lane int, name string) int64) {
	for _, f := range layout.Fields {
		if emit.Wide(f.Name) {
			odd := 0
			if emit.Odd(f.Name) {
				odd = 1
			}
			for i := 0; i < lanes; i += 2 {
				binary.LittleEndian.PutUint64(dst[f.Offset+4*i:], uint64(value(i+odd, f.Name)))
			}
			continue
		}
		for i := range lanes {
			binary.LittleEndian.PutUint32(dst[f.Offset+4*i:], uint32(value(i, f.Name)))
		}
	}
}

// layerConstants fills the constants of a layer: the clamp, permutations, and
// the requantisation of all channels where it is one, and what multiplies window
// sums.
func layerConstants(layout *emit.Layout, lanes int, numbers emit.RequantNumbers, r *qnn.Requantise, window int32) []byte {
	dst := Aligned(layout.Bytes)
	fillVectors(dst, layout, lanes, func(_ int, name string) int64 {
		switch name {
		case "lo32":
			return int64(r.Lo)
		case "hi32":
			return int64(r.Hi)
		case "window":
			return int64(window)
		case "lo8", "hi8", "perm1", "perm2", "perm3", "pad":
			return 0 // below, and by the caller
		}
		return numbers.Get(name)
	})
	bytesOf := func(name string, value func(i int) byte) {
		if off, ok := layout.Find(name); ok {
			for i := range 4 * lanes {
				dst[off+i] = value(i)
			}
		}
	}
	bytesOf("lo8", func(int) byte { return byte(r.Lo) })
	bytesOf("hi8", func(int) byte { return byte(r.Hi) })
	dwords := func(name string, value func(i int) int) {
		if off, ok := layout.Find(name); ok {
			for i := range lanes {
				binary.LittleEndian.PutUint32(dst[off+4*i:], uint32(value(i)))
			}
		}
	}
	parts := lanes / 4 // of 128 bits
	dwords("perm1", func(i int) int { return i%parts*4 + i/parts })
	dwords("perm3", func(i int) int { return i%(3*parts)/3*4 + i%3 })
	dwords("perm2", func(i int) int { return i%(2*parts)/2*4 + i/(2*parts)*2 + i%2 })
	return dst
}

// ZeroPoint16 is the zero point in 16 lanes of int16, for emit.Widen.
func ZeroPoint16(zero int32) []byte {
	b := Aligned(32)
	for i := range 16 {
		binary.LittleEndian.PutUint16(b[2*i:], uint16(zero))
	}
	return b
}
