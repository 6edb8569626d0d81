package kernels

import (
	"testing"

	"qtune/schedules"
)

// TestCountInstructions counts those of a tile of 3 pixels and 4 vectors: a step of
// the reduction loads 4 vectors of weights, broadcasts 3 times and has 12 dot steps,
// and there are two steps.
func TestCountInstructions(t *testing.T) {
	w, err := schedules.ParseWorkload("conv2d n1 h2 w3 c8 k1x1 o64 s1x1 d1x1 p0,0,0,0 wz=0 perch=0 round=double sign=0 mult=lt1")
	if err != nil {
		t.Fatal(err)
	}
	space, err := schedules.SpaceFor(w, schedules.AVX512VNNI)
	if err != nil {
		t.Fatal(err)
	}
	s := space.Start().With("form", "rows").With("mr", "3").With("nv", "4").With("u", "1").With("op", "reg")
	if err := space.Validate(s); err != nil {
		t.Fatal(err)
	}
	c, err := CountInstructions(w, s, schedules.AVX512VNNI)
	if err != nil {
		t.Fatal(err)
	}
	k, err := Build(w, s, schedules.AVX512VNNI)
	if err != nil {
		t.Fatal(err)
	}
	if c.Dots%12 != 0 || c.Dots == 0 || c.Loads < c.Dots*7/12 || c.Stores < 3 || c.All <= c.Dots+c.Loads || c.Epilogue != k.EpilogueInstructions() {
		t.Errorf("%+v, %d of them in the epilogue", c, k.EpilogueInstructions())
	}
	w.O = 512
	if _, err := CountInstructions(w, s.With("nv", "16"), schedules.AVX512VNNI); err == nil {
		t.Error("a tile that no registers hold was generated")
	}
}
