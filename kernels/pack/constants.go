package pack

import (
	"encoding/binary"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/qnn"
)

// Aligned returns n zero bytes that start at a multiple of 64.
func Aligned(n int) []byte {
	b := make([]byte, n+63)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & 63
	return b[skip : skip+n : skip+n]
}

// fillVectors writes the fields of a layout whose values are per lane.
func fillVectors(dst []byte, layout *emit.Layout, lanes []emit.Lane) {
	for _, f := range layout.Fields {
		if emit.Wide(f.Name) {
			for i := 0; i < len(lanes); i += 2 {
				lane := lanes[i]
				if emit.Odd(f.Name) {
					lane = lanes[i+1]
				}
				binary.LittleEndian.PutUint64(dst[f.Offset+4*i:], uint64(lane[f.Name]))
			}
			continue
		}
		for i, lane := range lanes {
			binary.LittleEndian.PutUint32(dst[f.Offset+4*i:], uint32(lane[f.Name]))
		}
	}
}

// layerConstants fills the constants of a layer: the clamp, permutations, and
// the requantisation of all channels where it is one.
func layerConstants(layout *emit.Layout, lanes int, r qnn.Requantise, lane emit.Lane) []byte {
	dst := Aligned(layout.Bytes)
	all := make([]emit.Lane, lanes)
	for i := range all {
		all[i] = lane
	}
	lane["lo32"], lane["hi32"] = int64(r.Lo), int64(r.Hi)
	fillVectors(dst, layout, all)
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
