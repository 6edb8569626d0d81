// Package flex reads and writes what custom operators of TensorFlow Lite keep
// their options in: a FlexBuffers map of numbers. In and out go bytes and a map
// from key to number; entries of other types are skipped. The bytes are foreign
// and may be hostile: every offset is checked, and the work is in proportion to
// their length.
//
// A map lies in the buffer as follows; all offsets go backwards from where they
// are stored, and numbers are little-endian.
//
//	keys, each ended by 0
//	kw bytes: number of keys
//	kw bytes each: offset of a key                        <- keys vector
//	w bytes: offset of the keys vector
//	w bytes: kw
//	w bytes: number of entries
//	w bytes each: a number, or the offset of one          <- map
//	1 byte each: type<<2 | log2 of the width
//	rw bytes: offset of the map
//	1 byte: type of the root<<2 | log2(w)
//	1 byte: rw
//
// Source: https://flatbuffers.dev/flatbuffers_internals, section FlexBuffers.
package flex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Types of values.
const (
	typeInt           = 1
	typeUint          = 2
	typeFloat         = 3
	typeIndirectInt   = 6
	typeIndirectUint  = 7
	typeIndirectFloat = 8
	typeMap           = 9
	typeBool          = 26
)

// maxEntries bounds a map; options have a dozen.
const maxEntries = 1 << 10

var errDamaged = errors.New("damaged FlexBuffers")

// Numbers returns the numbers of a map; true is 1.
func Numbers(b []byte) (map[string]float64, error) {
	n := len(b)
	if n < 3 {
		return nil, errDamaged
	}
	rootWidth, rootType := int(b[n-1]), b[n-2]
	if rootType>>2 != typeMap {
		return nil, fmt.Errorf("FlexBuffers of type %d, want a map", rootType>>2)
	}
	r := &reader{b: b[:n-2], budget: 64 * n}
	root := r.back(n-2-rootWidth, rootWidth)
	m := r.numbers(root, 1<<(rootType&3))
	return m, r.err
}

// reader reads at offsets that may be wrong; the first fault stays in err.
type reader struct {
	b      []byte
	budget int // bytes of keys that may still be read: keys may overlap
	err    error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errDamaged
	}
}

// uint reads width bytes at at.
func (r *reader) uint(at, width int) uint64 {
	if at < 0 || at > len(r.b)-width {
		r.fail()
		return 0
	}
	b := r.b[at:]
	switch width {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case 8:
		return binary.LittleEndian.Uint64(b)
	}
	r.fail()
	return 0
}

// back follows the offset of width bytes that is stored at at.
func (r *reader) back(at, width int) int {
	off := r.uint(at, width)
	if off > uint64(max(at, 0)) {
		r.fail()
		return 0
	}
	return at - int(off)
}

// numbers reads the map at at, whose elements have w bytes.
func (r *reader) numbers(at, w int) map[string]float64 {
	count, keyWidth := r.uint(at-w, w), r.uint(at-2*w, w)
	keys := r.back(at-3*w, w)
	if r.err == nil && (count > maxEntries || keyWidth > 8) {
		r.fail()
	}
	m := map[string]float64{}
	for i := 0; r.err == nil && i < int(count); i++ {
		kind := r.uint(at+int(count)*w+i, 1)
		key := r.key(r.back(keys+i*int(keyWidth), int(keyWidth)))
		if v, ok := r.number(at+i*w, w, byte(kind)); ok {
			m[key] = v
		}
	}
	return m
}

// key reads the text up to the next 0.
func (r *reader) key(at int) string {
	if r.err != nil {
		return ""
	}
	n := bytes.IndexByte(r.b[at:], 0)
	if r.budget -= n; n < 0 || r.budget < 0 {
		r.fail()
		return ""
	}
	return string(r.b[at : at+n])
}

// number reads a value of w bytes at at; ok is false for other types.
func (r *reader) number(at, w int, kind byte) (v float64, ok bool) {
	switch kind >> 2 {
	case typeIndirectInt, typeIndirectUint, typeIndirectFloat:
		at, w = r.back(at, w), 1<<(kind&3)
	}
	raw := r.uint(at, w)
	switch kind >> 2 {
	case typeInt, typeIndirectInt:
		shift := 64 - 8*w
		return float64(int64(raw<<shift) >> shift), true
	case typeUint, typeIndirectUint, typeBool:
		return float64(raw), true
	case typeFloat, typeIndirectFloat:
		switch w {
		case 4:
			return float64(math.Float32frombits(uint32(raw))), true
		case 8:
			return math.Float64frombits(raw), true
		}
	}
	return 0, false
}

// Write returns a map of ints and float32s.
func Write(ints map[string]int, floats map[string]float32) []byte {
	var keys []string
	for k := range ints {
		keys = append(keys, k)
	}
	for k := range floats {
		keys = append(keys, k)
	}
	slices.Sort(keys) // readers search
	var b []byte
	at := make([]int, len(keys))
	for i, k := range keys {
		at[i] = len(b)
		b = append(append(b, k...), 0)
	}
	u32 := func(v int) { b = binary.LittleEndian.AppendUint32(b, uint32(v)) }
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	u32(len(keys))
	first := len(b)
	for _, p := range at {
		u32(len(b) - p)
	}
	u32(len(b) - first)
	u32(4)
	u32(len(keys))
	values := len(b)
	for _, k := range keys {
		if v, ok := ints[k]; ok {
			u32(v)
		} else {
			u32(int(math.Float32bits(floats[k])))
		}
	}
	const wide = 2 // log2 of 4 bytes
	for _, k := range keys {
		kind := byte(typeFloat)
		if _, ok := ints[k]; ok {
			kind = typeInt
		}
		b = append(b, kind<<2|wide)
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	u32(len(b) - values)
	return append(b, typeMap<<2|wide, 4)
}
