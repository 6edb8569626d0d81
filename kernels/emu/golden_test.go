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

// testable tells whether a program made by around can execute op as its one
// instruction. Control flow cannot stand there, but is in every such program.
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

// TestEveryInstruction makes sure that the tests below leave no instruction out.
func TestEveryInstruction(t *testing.T) {
	tested := map[x86.Op]bool{}
	for _, in := range around(x86.Inst{Op: x86.VZEROUPPER}, x86.AVX512VNNI).Insts {
		tested[in.Op] = true
	}
	forEachForm(x86.AVX512VNNI, func(f *x86.Form) { tested[f.Op()] = true })
	for op := range x86.Op(x86.NumOps()) {
		if !tested[op] {
			t.Errorf("%v is not tested", op)
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
	r.fill(tr.s)
	r.point(tr.s, &tr.in, tr.s.dataAddr()+uint64(r.offset(len(tr.s.data), f.MemSize())))
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
	got, err := tr.run(func(s *state) error { return s.emulate(c, s.data[:]) })
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
	forEachForm(x86.AVX512VNNI, func(f *x86.Form) {
		for round := range goldenRounds {
			want := "nothing more"
			if len(lines) > 0 {
				want, lines = lines[0], lines[1:]
			}
			tr := newTrial(f, x86.AVX512VNNI, round)
			if got := fmt.Sprintf("%v: %s", &tr.in, tr.emulate(t)); got != want {
				t.Fatalf("form %v, round %d:\n    got  %s\n    want %s\n"+
					"If only the instruction table has changed, run with -update.", f, round, got, want)
			}
		}
	})
	if len(lines) > 0 {
		t.Errorf("%s has %d lines more", goldenFile, len(lines))
	}
}
