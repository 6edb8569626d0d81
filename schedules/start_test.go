package schedules

import (
	"strings"
	"testing"
)

// TestStartConv: which form, and which epilogue.
func TestStartConv(t *testing.T) {
	for _, c := range []struct {
		shape string
		want  map[ISA]string // parts of the start
	}{
		{"h299 w299 c3 k3x3 o32 s2x2 d1x1 p0,0,0,0", map[ISA]string{
			AVX512VNNI: "form=stack pad=none st=late", AVXVNNI: "form=stack pad=none st=pack", AVX2: "form=stack pad=none st=pack"}},
		{"h224 w224 c3 k7x7 o64 s2x2 d1x1 p3,3,2,2", map[ISA]string{ // 37 steps; of int16 74 for 77
			AVX512VNNI: "form=stack pad=halo st=pack", AVXVNNI: "form=stack pad=halo st=pack", AVX2: "form=rows st=pack"}},
		{"h112 w112 c8 k3x3 o32 s1x1 d1x1 p1,1,1,1", map[ISA]string{ // no step is saved
			AVX512VNNI: "form=stack pad=halo st=late", AVXVNNI: "form=rows pad=halo st=pack", AVX2: "form=rows st=pack"}},
		{"h56 w56 c16 k3x3 o64 s1x1 d1x1 p1,1,1,1", map[ISA]string{
			AVX512VNNI: "form=rows st=pack", AVXVNNI: "form=rows st=pack", AVX2: "form=rows st=pack"}},
		{"h112 w112 c32 k1x1 o64 s1x1 d1x1 p0,0,0,0", map[ISA]string{
			AVX512VNNI: "form=flat st=late", AVXVNNI: "st=pack", AVX2: "st=pack"}},
		{"h56 w56 c256 k1x1 o64 s1x1 d1x1 p0,0,0,0", map[ISA]string{
			AVX512VNNI: "st=pack", AVXVNNI: "st=pack", AVX2: "st=pack"}},
	} {
		for isa, want := range c.want {
			s := spaceOf(t, c.shape, isa).Start()
			for _, part := range strings.Fields(want) {
				if name, value, _ := strings.Cut(part, "="); s.Str(name, "") != value {
					t.Errorf("%s, %s: starts with %s, want %s", c.shape, isa, s, part)
				}
			}
		}
	}
}

// A single row is the same work in both forms.
func TestOtherFormsCost(t *testing.T) {
	for _, isa := range ISAs() {
		others := spaceOf(t, "h1 w56 c32 k1x1 o64 s1x1 d1x1 p0,0,0,0", isa).Others()
		if len(others) != 1 || others[0].Cost != 1 {
			t.Errorf("%s: %v", isa, others)
		}
	}
}

// TestConvRefuses: decisions that do not go together.
func TestConvRefuses(t *testing.T) {
	const stem, point = "h224 w224 c3 k3x3 o32 s2x2 d1x1 p0,0,1,1", "h56 w56 c64 k1x1 o64 s1x1 d1x1 p0,0,0,0"
	for _, c := range []struct {
		shape string
		isa   ISA
		knobs string // of the start, changed
		want  string // in the message
	}{
		{stem, AVX2, "form=rows pad=halo dot=s16", "pad=halo: the rows must be copied"},
		{stem, AVX2, "form=stack mr=5 nv=1 dot=u8x1", "form=stack: only with dot=s16"},
		{stem, AVX512VNNI, "form=rows", "st=late: the reduction"},
		{stem, AVX512VNNI, "u=2", "st=late: there is no loop"},
		{stem, AVX512VNNI, "order=yxc", "st=late: order=yxc"},
		{point, AVX512VNNI, "nv=4 mr=4", "vector registers"},
		{stem, AVXVNNI, "st=late", "st=late: must be one of"},
		{"h56 w56 c16 k3x3 o64 s1x1 d1x1 p1,1,1,1", AVX512VNNI, "form=stack", "form=stack: must be one of"},
		{"h56 w3 c3 k3x3 o64 s1x1 d1x1 p1,1,1,1", AVX512VNNI, "form=stack", "form=stack: must be one of"}, // rows of 15 bytes
	} {
		space := spaceOf(t, c.shape, c.isa)
		s := space.Start()
		for _, knob := range strings.Fields(c.knobs) {
			name, value, _ := strings.Cut(knob, "=")
			s = s.With(name, value)
		}
		if err := space.Validate(s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", s, err, c.want)
		}
	}
}

func spaceOf(t *testing.T, shape string, isa ISA) *Space {
	t.Helper()
	w, err := ParseWorkload("conv2d n1 " + shape + " wz=1 perch=0 round=double sign=0 mult=f32")
	if err != nil {
		t.Fatal(err)
	}
	space, err := SpaceFor(w, isa)
	if err != nil {
		t.Fatal(err)
	}
	return space
}
