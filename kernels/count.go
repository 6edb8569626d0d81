package kernels

import (
	"fmt"

	"qtune/kernels/x86"
	"qtune/schedules"
)

// InstructionCounts are of a kernel's code: what a cost model knows of a schedule
// without running it.
type InstructionCounts struct {
	// As the code stands: loops count once.
	All    int
	Dots   int // dot steps
	Loads  int // of vectors, also as operands of others
	Stores int // of vectors
	// Epilogue are those that run for a whole output; see EpilogueInstructions.
	Epilogue int64
}

// CountInstructions plans and writes the code of w under s, which its space is
// known to accept, but does not encode it.
func CountInstructions(w schedules.Workload, s schedules.Schedule, isa schedules.ISA) (c InstructionCounts, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("generating %s, schedule %q, %s: %v", w, s, isa, r)
		}
	}()
	p := planFor(w, s, isa)
	for _, program := range p.programs() {
		for i := range program.Insts {
			c.add(&program.Insts[i])
		}
		program.Release()
	}
	c.Epilogue = p.EpilogueInstructions()
	return c, nil
}

func (c *InstructionCounts) add(in *x86.Inst) {
	switch in.Op {
	case x86.LABEL, x86.ALIGN:
		return
	case x86.VPDPBUSD, x86.VPDPWSSD, x86.VPMADDWD, x86.VPMADDUBSW:
		c.Dots++
	}
	c.All++
	vector, memory := false, -1
	for i, a := range in.Args[:in.N] {
		vector = vector || a.Kind == x86.KindVec
		if a.Kind == x86.KindMem {
			memory = i
		}
	}
	switch {
	case vector && memory == 0:
		c.Stores++
	case vector && memory > 0:
		c.Loads++
	}
}
