package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/schedules"
)

// targetFlags are the flags that say what code is generated for.
type targetFlags struct {
	target  string
	emulate bool
}

func (f *targetFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.target, "target", "", "instruction set: avx512vnni, avxvnni, avx2 or ref (default: the best of this CPU)")
}

// registerEmulate adds --emulate, for commands that can go on without the CPU.
func (f *targetFlags) registerEmulate(c *cobra.Command) {
	c.Flags().BoolVar(&f.emulate, "emulate", false, "interpret the generated code: exact, slow, any target on any machine")
}

// parse returns the instruction set asked for, whether or not this CPU executes
// it; by default the best of this CPU, or Ref.
func (f *targetFlags) parse() (schedules.ISA, error) {
	if f.target == "" {
		return append(schedules.HostISAs(), schedules.Ref)[0], nil
	}
	isa, err := schedules.ParseISA(f.target)
	if err != nil {
		return "", usageErrorf("--target: %w", err)
	}
	return isa, nil
}

// resolve is parse for commands that run the code.
func (f *targetFlags) resolve() (schedules.ISA, kernels.Mode, error) {
	isa, err := f.parse()
	switch {
	case err != nil:
		return "", 0, err
	case f.emulate && isa != schedules.Ref:
		return isa, kernels.Emulated, nil
	case isa != schedules.Ref && !slices.Contains(schedules.HostISAs(), isa):
		return "", 0, fmt.Errorf("--target %s: this CPU does not execute it (it executes %s); --emulate interprets the code where a command has that flag",
			isa, hostISANames())
	}
	return isa, kernels.Native, nil
}

func hostISANames() string {
	var names []string
	for _, isa := range append(schedules.HostISAs(), schedules.Ref) {
		names = append(names, string(isa))
	}
	return strings.Join(names, ", ")
}
