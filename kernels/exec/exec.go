package exec

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"unsafe"

	"qtune/kernels/x86"
)

// ErrUnsupported says that this machine cannot run generated code.
var ErrUnsupported = errors.New("exec: generated code needs linux/amd64")

// codeAlign is the alignment of each piece of code.
const codeAlign = x86.MaxAlign

// A Code is a piece of executable machine code. Any number of goroutines may
// call it at the same time.
type Code struct {
	entry unsafe.Pointer
	size  int
	pages *pages
}

// pages is a mapping that several Codes may share.
type pages struct {
	mem  []byte
	refs atomic.Int32
}

// Map makes code executable. Close gives the memory back.
func Map(code []byte) (*Code, error) {
	all, err := MapAll([][]byte{code})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// MapAll makes several pieces of code executable in one mapping, which takes
// less time and memory than one for each. The mapping lives until all are
// closed.
func MapAll(codes [][]byte) ([]*Code, error) {
	size := 0
	for i, c := range codes {
		if len(c) == 0 {
			return nil, fmt.Errorf("exec: code %d is empty", i)
		}
		size += alignUp(len(c), codeAlign)
	}
	if size == 0 {
		return nil, nil
	}
	image := make([]byte, 0, size)
	for _, c := range codes {
		image = append(image, c...)
		for len(image)%codeAlign != 0 {
			image = append(image, int3)
		}
	}
	mem, err := mapExecutable(image)
	if err != nil {
		return nil, err
	}
	p := &pages{mem: mem}
	p.refs.Store(int32(len(codes)))
	out := make([]*Code, len(codes))
	at := 0
	for i, c := range codes {
		out[i] = &Code{entry: unsafe.Pointer(&mem[at]), size: len(c), pages: p}
		at += alignUp(len(c), codeAlign)
	}
	return out, nil
}

// int3 fills the space after code: a breakpoint stops what runs out of it.
const int3 = 0xcc

func alignUp(n, to int) int { return (n + to - 1) / to * to }

// Size returns the number of bytes of machine code.
func (c *Code) Size() int { return c.size }

// Addr returns the address of the first instruction, for profilers.
func (c *Code) Addr() uintptr { return uintptr(c.entry) }

// Call runs the code with RDI = args. While it runs nothing moves, not even
// the goroutine's stack; but what the argument block names by uintptr rather
// than by pointer, the caller has to keep alive and off the stack.
func (c *Code) Call(args unsafe.Pointer) { call(c.entry, args) }

// A Fault is an access of generated code to memory that is not there.
type Fault struct {
	Addr uintptr
}

func (f *Fault) Error() string {
	return fmt.Sprintf("exec: generated code accessed invalid memory at %#x", f.Addr)
}

// TryCall is Call for tests: an access to invalid memory becomes a *Fault.
func (c *Code) TryCall(args unsafe.Pointer) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }:
			err = &Fault{Addr: r.Addr()}
		case error: // an address that is no address: the kernel does not tell which
			err = &Fault{}
		default:
			panic(r)
		}
	}()
	c.Call(args)
	return nil
}

// Close gives the memory back. The code must not be running, and must not be
// called again.
func (c *Code) Close() error {
	if c.entry == nil {
		return nil
	}
	c.entry = nil
	if c.pages.refs.Add(-1) > 0 {
		return nil
	}
	return unmap(c.pages.mem)
}

// Supports reports whether this machine runs programs for isa.
func Supports(isa x86.ISA) bool { return slices.Contains(Supported(), isa) }

// Supported returns the instruction sets that CPU and operating system
// support, the smallest first.
func Supported() []x86.ISA { return slices.Clone(supported()) }
