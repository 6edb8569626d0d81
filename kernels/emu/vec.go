package emu

import "unsafe"

// A vec is one vector register in the byte order of the machine emulated,
// which has to be that of the host: little endian.
type vec [8]uint64

// A lane is the type of one element.
type lane interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// lanes sees the first n bytes of v as elements.
func lanes[T lane](v *vec, n int) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(v)), n/int(unsafe.Sizeof(t)))
}

// Views of a whole register, for the kernels that have to be quick: an index
// masked to the length needs no bounds check.
func (v *vec) u8() *[64]uint8   { return (*[64]uint8)(unsafe.Pointer(v)) }
func (v *vec) u32() *[16]uint32 { return (*[16]uint32)(unsafe.Pointer(v)) }

// clearFrom zeroes all bytes from n on, n a multiple of 8: what every VEX and
// EVEX instruction does above its width.
func (v *vec) clearFrom(n int) {
	for i := n / 8; i < len(v); i++ {
		v[i] = 0
	}
}

// merge gives the lanes of dst whose bit of k is set the value in src; the
// others keep theirs or become zero.
func merge[T lane](dst, src *vec, k uint64, zero bool, n int) {
	d, s := lanes[T](dst, n), lanes[T](src, n)
	for i := range d {
		if k>>i&1 != 0 {
			d[i] = s[i]
		} else if zero {
			d[i] = 0
		}
	}
}

// mergeLanes is merge for lanes of elem bytes.
func mergeLanes(elem int, dst, src *vec, k uint64, zero bool, n int) {
	switch elem {
	case 1:
		merge[uint8](dst, src, k, zero, n)
	case 2:
		merge[uint16](dst, src, k, zero, n)
	case 4:
		merge[uint32](dst, src, k, zero, n)
	default:
		merge[uint64](dst, src, k, zero, n)
	}
}

// repeat fills n bytes of d with copies of the first elem bytes of s, which
// are at most 16.
func repeat(elem int, d, s *vec, n int) {
	switch elem {
	case 1:
		fill(lanes[uint8](d, n), lanes[uint8](s, n)[0])
	case 2:
		fill(lanes[uint16](d, n), lanes[uint16](s, n)[0])
	case 4:
		fill(lanes[uint32](d, n), lanes[uint32](s, n)[0])
	case 8:
		fill(d[:n/8], s[0])
	default:
		lo, hi := s[0], s[1]
		for i := 0; i < n/8; i += 2 {
			d[i], d[i+1] = lo, hi
		}
	}
}

func fill[T lane](d []T, x T) {
	for i := range d {
		d[i] = x
	}
}
