package emu_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"qtune/kernels/emu"
	"qtune/kernels/x86"
)

var update = flag.Bool("update", false, "write testdata/golden.txt from this CPU, which needs AVX512_VNNI")

const goldenFile = "testdata/golden.txt"

// goldenRounds is the number of instructions per form in the golden file.
const goldenRounds = 3

// testable tells whether a program made by around can execute op: the jumps
// and RET are in every such program, the rest of the control flow is not.
func testable(op x86.Op) bool {
	return op != x86.LABEL && op != x86.ALIGN && op != x86.RET && op != x86.JMP &&
		!slices.Contains(jumps[:], op)
}

// forEachForm calls do for all forms that the ISA has.
func forEachForm(isa x86.ISA, do func(f *x86.Form)) {
	for op := range x86.Op(x86.NumOps()) {
		forms := x86.Forms(op)
		for i := range forms {
			if f := &forms[i]; testable(op) && f.Needs()&^isa.Features() == 0 {
				do(f)
			}
		}
	}
}

// A trial is one instruction with a start state.
type trial struct {
	in     x86.Inst
	prog   *x86.Program
	before state
	s      *state // where it runs
}

// newTrial makes the trial of form f that round stands for.
func newTrial(f *x86.Form, isa x86.ISA, round int) *trial {
	r := randomFor(f, round)
	tr := &trial{in: r.inst(f), s: new(state)}
	tr.prog = around(tr.in, isa)
	r.fill(tr.s, &tr.in, f.MemSize())
	tr.before = *tr.s
	return tr
}

// run returns what execute, which gets a fresh start state, changes.
func (tr *trial) run(execute func(s *state) error) (string, error) {
	*tr.s = tr.before
	if err := execute(tr.s); err != nil {
		return "", fmt.Errorf("%v: %w", &tr.in, err)
	}
	return tr.s.changes(&tr.before), nil
}

// emulate is run in the emulator.
func (tr *trial) emulate(t *testing.T) string {
	t.Helper()
	c, err := emu.Compile(tr.prog)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tr.run(func(s *state) error { return s.emulate(c) })
	if err != nil {
		t.Error(err)
	}
	return got
}

// TestGolden compares all forms with what a CPU with AVX512_VNNI did: each
// line has the form, the instruction and what it changed.
func TestGolden(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	file, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(file), "\n"), "\n")
	next := 0
	forEachForm(x86.AVX512VNNI, func(f *x86.Form) {
		for round := range goldenRounds {
			tr := newTrial(f, x86.AVX512VNNI, round)
			got := fmt.Sprintf("%v: %s", &tr.in, tr.emulate(t))
			if next >= len(lines) || got != lines[next] {
				t.Fatalf("%v, round %d: line %d of %s:\ngot  %s\nwant %s",
					f, round, next+1, goldenFile, got, slices.Concat(lines, make([]string, next+1))[next])
			}
			next++
		}
	})
	if next != len(lines) {
		t.Errorf("%s has %d lines more", goldenFile, len(lines)-next)
	}
}
