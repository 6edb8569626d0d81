package kernels

import (
	"math/rand/v2"
	"testing"

	"qtune/kernels/x86"
	"qtune/schedules"
)

// Of convolutions whose reduction is loads and VPDPBUSD alone, all other vector
// instructions are the epilogue: it must be those that the emulator executes.
func TestEpilogueInstructionsAreExecuted(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	exact := 0
	for range 60 {
		w := randomConv(rng)
		w.WeightZero = false // no sums of windows
		isa := pick(rng, schedules.AVX512VNNI, schedules.AVXVNNI)
		space, err := schedules.SpaceFor(w, isa)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := space.Sample(rng)
		for ok && s.Str("form", "") == "stack" { // stacking rows takes vector instructions
			s, ok = space.Sample(rng)
		}
		if !ok {
			t.Fatalf("%s has no schedule", w)
		}
		k, err := Build(w, s, isa)
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewRig(k, w.Layer(1), Emulated, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Run(); err != nil {
			t.Fatal(err)
		}
		executed, moves := int64(0), int64(0)
		for op, n := range r.bounds[0].sandbox.machine.Counts() {
			switch {
			case op == x86.VMOVDQU: // loads, copies and stores alike
				moves += int64(n)
			case op < x86.VMOVDQU || op == x86.VPBROADCASTD || op == x86.VPDPBUSD || op == x86.VPXOR || op >= x86.KMOVB && op <= x86.KMOVQ:
			default:
				executed += int64(n)
			}
		}
		got := k.EpilogueInstructions()
		if s.Str("st", "pack") == "cvt" && isa == schedules.AVX512VNNI { // stores by VPMOVDB
			exact++
			moves = 0
		}
		if got < executed || got > executed+moves {
			t.Errorf("%s | %s | %s: %d instructions in the epilogue, executed are %d to %d", w, s, isa, got, executed, executed+moves)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if exact == 0 {
		t.Error("no schedule whose count is exact")
	}
}
