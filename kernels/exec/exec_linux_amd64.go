package exec

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/unix"

	"qtune/kernels/x86"
)

//go:noescape
func call(entry, args unsafe.Pointer)

// mapExecutable returns fresh pages that hold code and can be executed.
func mapExecutable(code []byte) ([]byte, error) {
	mem, err := unix.Mmap(-1, 0, len(code), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("exec: cannot map %d bytes for code: %w", len(code), err)
	}
	copy(mem, code)
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		_ = unix.Munmap(mem) // the first error is the one to report
		return nil, fmt.Errorf("exec: cannot make %d bytes executable: %w", len(code), err)
	}
	return mem, nil
}

func unmap(mem []byte) error {
	if err := unix.Munmap(mem); err != nil {
		return fmt.Errorf("exec: cannot unmap code: %w", err)
	}
	return nil
}

// features gives each feature of the instruction table its flag in CPUID.
// cpuid reports AVX and AVX-512 only if the operating system saves the
// registers (XCR0).
var features = []struct {
	need x86.Feature
	flag cpuid.FeatureID
}{
	{x86.FeatAVX, cpuid.AVX},
	{x86.FeatAVX2, cpuid.AVX2},
	{x86.FeatFMA, cpuid.FMA3},
	{x86.FeatAVXVNNI, cpuid.AVXVNNI},
	{x86.FeatAVX512F, cpuid.AVX512F},
	{x86.FeatAVX512BW, cpuid.AVX512BW},
	{x86.FeatAVX512DQ, cpuid.AVX512DQ},
	{x86.FeatAVX512VL, cpuid.AVX512VL},
	{x86.FeatAVX512VNNI, cpuid.AVX512VNNI},
}

var supported = sync.OnceValue(func() []x86.ISA {
	return supportedBy(cpuid.CPU.Supports)
})

// supportedBy returns the instruction sets of a CPU that has what has says.
func supportedBy(has func(...cpuid.FeatureID) bool) []x86.ISA {
	return slices.DeleteFunc(x86.ISAs(), func(isa x86.ISA) bool {
		for _, f := range features {
			if isa.Features()&f.need != 0 && !has(f.flag) {
				return true
			}
		}
		return !has(cpuid.BMI1, cpuid.BMI2, cpuid.POPCNT, cpuid.MOVBE)
	})
}
