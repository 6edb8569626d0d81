package kernels

import (
	"fmt"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/exec"
	"qtune/schedules"
)

// Mode says what executes a kernel.
type Mode uint8

// Native runs machine code on this CPU, Emulated interprets the program with
// bounds-checked memory on any host.
const (
	Native Mode = iota
	Emulated
)

// An Executable is a kernel's code ready to be called.
type Executable struct {
	kernel *Kernel
	code   callables
}

// Load makes k callable. Native fails where the CPU lacks k.ISA.
func Load(k *Kernel, m Mode) (*Executable, error) {
	code, err := loadPrograms(m, k.ISA, k.programs, k.code)
	if err != nil {
		return nil, fmt.Errorf("%s, schedule %q: %w", k.Workload, k.Schedule, err)
	}
	return &Executable{k, code}, nil
}

// Close releases the code's memory; Bounds of it must not run any more.
func (x *Executable) Close() error { return x.code.close() }

func addressOf(b []byte, at int) uintptr {
	if len(b) == 0 {
		return 0
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(b))) + uintptr(at)
}

// SupportedISAs lists the instruction sets with generated code that this CPU
// executes, fastest first.
func SupportedISAs() []schedules.ISA {
	var isas []schedules.ISA
	for _, isa := range schedules.ISAs() {
		if exec.Supports(emit.InstructionSet(isa)) {
			isas = append(isas, isa)
		}
	}
	return isas
}
