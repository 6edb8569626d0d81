package exec

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Alloc returns n > 0 zero bytes outside of the Go heap that end where a page
// begins that cannot be accessed: a kernel that reads or writes after them
// faults. (Before them up to a page of slack is accessible.)
//
//	| guard page | slack, n bytes | guard page |
func Alloc(n int) ([]byte, error) {
	data, err := allocGuarded(n)
	if err != nil {
		return nil, err
	}
	return data[len(data)-n:], nil
}

// AllocAfter is Alloc for accesses before the bytes: they begin where a guard
// page ends, so at a multiple of the page size.
//
//	| guard page | n bytes, slack | guard page |
func AllocAfter(n int) ([]byte, error) {
	data, err := allocGuarded(n)
	if err != nil {
		return nil, err
	}
	return data[:n:n], nil
}

// allocGuarded returns whole pages for n bytes between two guard pages.
func allocGuarded(n int) ([]byte, error) {
	if n <= 0 {
		return nil, fmt.Errorf("exec: cannot allocate %d bytes", n)
	}
	page := unix.Getpagesize()
	size := alignUp(n, page)
	base, err := unix.MmapPtr(-1, 0, nil, uintptr(size+2*page), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("exec: cannot map %d bytes: %w", n, err)
	}
	data := unsafe.Slice((*byte)(unsafe.Add(base, page)), size)
	if err := unix.Mprotect(data, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return nil, fmt.Errorf("exec: cannot make %d bytes writable: %w", n, err)
	}
	return data, nil
}

// Free gives back memory that Alloc or AllocAfter returned, uncut.
func Free(b []byte) error {
	page := unix.Getpagesize()
	first := unsafe.Pointer(unsafe.SliceData(b))
	base := unsafe.Add(first, -int(uintptr(first)%uintptr(page))-page)
	if err := unix.MunmapPtr(base, uintptr(alignUp(len(b), page)+2*page)); err != nil {
		return fmt.Errorf("exec: cannot unmap %d bytes: %w", len(b), err)
	}
	return nil
}
