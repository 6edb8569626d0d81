//go:build !linux || !amd64

package exec

import (
	"unsafe"

	"qtune/kernels/x86"
)

func call(_, _ unsafe.Pointer) { panic(ErrUnsupported) }

func mapExecutable([]byte) ([]byte, error) { return nil, ErrUnsupported }

func unmap([]byte) error { return ErrUnsupported }

func supported() []x86.ISA { return nil }

// Alloc returns ErrUnsupported.
func Alloc(int) ([]byte, error) { return nil, ErrUnsupported }

// AllocAfter returns ErrUnsupported.
func AllocAfter(int) ([]byte, error) { return nil, ErrUnsupported }

// Free returns ErrUnsupported.
func Free([]byte) error { return ErrUnsupported }
