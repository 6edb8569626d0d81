package pack

import "qtune/kernels/emit"

// Lookup lays out a table for emit.Lookup, in vectors of width bytes.
func Lookup(table *[256]byte, width int) []byte {
	dst := Aligned(emit.LookupConstants * width)
	for i := range dst {
		lane := i % width % 16
		switch v := i / width; v {
		case emit.Lookup70:
			dst[i] = 0x70
		case emit.Lookup80:
			dst[i] = 0x80
		case emit.Lookup16:
			dst[i] = 16
		default:
			row := v - emit.LookupRows
			dst[i] = table[16*row+lane]
			if row%8 != 0 {
				dst[i] ^= table[16*(row-1)+lane]
			}
		}
	}
	return dst
}
