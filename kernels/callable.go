package kernels

import (
	"errors"
	"fmt"
	"unsafe"

	"qtune/kernels/emit"
	"qtune/kernels/emu"
	"qtune/kernels/exec"
	"qtune/kernels/x86"
	"qtune/schedules"
)

// callables are programs ready to be called, by machine code or in the
// emulator.
type callables struct {
	native []*exec.Code
	emu    []*emu.Code
}

// loadPrograms makes programs callable; code is their machine code.
func loadPrograms(m Mode, isa schedules.ISA, programs []*x86.Program, code [][]byte) (callables, error) {
	if m == Native {
		if !exec.Supports(emit.InstructionSet(isa)) {
			return callables{}, fmt.Errorf("this CPU cannot execute %s", isa)
		}
		native, err := exec.MapAll(code)
		return callables{native: native}, err
	}
	var c callables
	for _, p := range programs {
		e, err := emu.Compile(p)
		if err != nil {
			return callables{}, fmt.Errorf("emulating %s: %w", p.Name, err)
		}
		c.emu = append(c.emu, e)
	}
	return c, nil
}

// close releases the code's memory.
func (c *callables) close() error {
	var errs []error
	for _, n := range c.native {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}

// maxSteps stops an emulated program that does not end.
const maxSteps = 1 << 34

// A sandbox is the memory and the machine of emulated calls; nil for native
// ones.
type sandbox struct {
	mem     emu.Memory
	machine *emu.Machine
	errs    []error
}

// newSandbox returns a sandbox if the calls are emulated.
func (c *callables) newSandbox() *sandbox {
	if c.emu == nil {
		return nil
	}
	return &sandbox{machine: emu.NewMachine()}
}

// show makes data visible to the program, if there is any.
func show[T any](s *sandbox, name string, data []T, perm emu.Perm) {
	if len(data) > 0 {
		_, err := emu.MapSlice(&s.mem, name, data, perm)
		s.errs = append(s.errs, err)
	}
}

// call runs program prog on an argument block. Only the emulator finds errors.
func (c *callables) call(prog int, args *emit.Args, s *sandbox) error {
	if c.emu == nil {
		c.native[prog].Call(unsafe.Pointer(args))
		return nil
	}
	return s.machine.Run(c.emu[prog], &s.mem, uint64(uintptr(unsafe.Pointer(args))), maxSteps)
}
