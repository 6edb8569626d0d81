package pack

import (
	"encoding/binary"
	"math"

	"qtune/kernels/emit"
)

// fillNumber fills a vector with a constant of a requantisation.
func fillNumber(dst []byte, n *emit.RequantNumbers, name string) {
	if !emit.Wide(name) {
		fill32(dst, uint32(n.Get(name)))
		return
	}
	fill64(dst, uint64(n.Get(name)))
}

func fill8(dst []byte, v int32) {
	for i := range dst {
		dst[i] = byte(v)
	}
}

func fill16(dst []byte, v int32) {
	for i := 0; i < len(dst); i += 2 {
		binary.LittleEndian.PutUint16(dst[i:], uint16(v))
	}
}

func fill32(dst []byte, v uint32) {
	for i := 0; i < len(dst); i += 4 {
		binary.LittleEndian.PutUint32(dst[i:], v)
	}
}

func fill64(dst []byte, v uint64) {
	for i := 0; i < len(dst); i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], v)
	}
}

func fillFloat(dst []byte, v float32) { fill32(dst, math.Float32bits(v)) }
