package emu

import (
	"fmt"
	"slices"
	"unsafe"
)

// A Perm says what a program may do with a region.
type Perm uint8

// Permissions.
const (
	Read Perm = 1 << iota
	Write
)

// A Memory is the address space of a program: named regions of Go bytes that
// neither overlap nor touch the rest of the process. Several Machines may run
// on one Memory at the same time if they write different bytes, and if nothing
// is mapped meanwhile.
type Memory struct {
	regions []*region // ascending by address
}

// A region is one mapped slice.
type region struct {
	name string
	addr uint64
	data []byte
	perm Perm
}

// Map makes data visible at addr. Callers normally use MapSlice, so that the
// very same argument block serves native execution and emulation.
func (mem *Memory) Map(name string, addr uint64, data []byte, perm Perm) error {
	r := &region{name: name, addr: addr, data: data, perm: perm}
	if len(data) == 0 {
		return fmt.Errorf("emu: region %s is empty", name)
	}
	if addr == 0 || addr+uint64(len(data)) < addr {
		return fmt.Errorf("emu: region %s at %#x, %d bytes: not an address range", name, addr, len(data))
	}
	i, _ := slices.BinarySearchFunc(mem.regions, addr, func(r *region, a uint64) int {
		if r.addr < a {
			return -1
		}
		return 1
	})
	if i > 0 && mem.regions[i-1].end() > addr {
		return fmt.Errorf("emu: region %s overlaps region %s", name, mem.regions[i-1].name)
	}
	if i < len(mem.regions) && r.end() > mem.regions[i].addr {
		return fmt.Errorf("emu: region %s overlaps region %s", name, mem.regions[i].name)
	}
	mem.regions = slices.Insert(mem.regions, i, r)
	return nil
}

// MapSlice maps the memory of s at its real address, which it returns. Mapping
// keeps s alive.
func MapSlice[T any](mem *Memory, name string, s []T, perm Perm) (uint64, error) {
	if len(s) == 0 {
		return 0, fmt.Errorf("emu: region %s is empty", name)
	}
	p := unsafe.Pointer(&s[0])
	addr := uint64(uintptr(p))
	return addr, mem.Map(name, addr, unsafe.Slice((*byte)(p), len(s)*int(unsafe.Sizeof(s[0]))), perm)
}

// end is the address after the region.
func (r *region) end() uint64 { return r.addr + uint64(len(r.data)) }

// holds tells whether all size bytes at addr lie in r.
func (r *region) holds(addr uint64, size int) bool {
	off := addr - r.addr
	return off < uint64(len(r.data)) && uint64(size) <= uint64(len(r.data))-off
}

// find returns the region that holds all size bytes at addr, or nil.
func (mem *Memory) find(addr uint64, size int) *region {
	lo, hi := 0, len(mem.regions)
	for lo < hi {
		if mid := (lo + hi) / 2; mem.regions[mid].end() <= addr {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(mem.regions) || !mem.regions[lo].holds(addr, size) {
		return nil
	}
	return mem.regions[lo]
}

// where describes addr by the nearest region.
func (mem *Memory) where(addr uint64) string {
	best, text := ^uint64(0), "no memory is mapped"
	for _, r := range mem.regions {
		switch {
		case addr < r.addr:
			if d := r.addr - addr; d < best {
				best, text = d, fmt.Sprintf("%s-%d (%d bytes)", r.name, d, len(r.data))
			}
		case addr >= r.end():
			if d := addr - r.end() + 1; d < best {
				best, text = d, fmt.Sprintf("%s+%d (%d bytes)", r.name, addr-r.addr, len(r.data))
			}
		default:
			return fmt.Sprintf("%s+%d (%d bytes)", r.name, addr-r.addr, len(r.data))
		}
	}
	return text
}
