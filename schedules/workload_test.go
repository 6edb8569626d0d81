package schedules

import (
	"strings"
	"testing"

	"qtune/qnn"
)

// sampleWorkloads returns workloads of every operator and class.
func sampleWorkloads() []Workload {
	var ws []Workload
	shapes := []Workload{
		{Op: Conv2D, N: 1, H: 17, W: 17, C: 128, O: 128, Window: qnn.Window{KH: 1, KW: 7, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadLeft: 3, PadRight: 3}},
		{Op: Conv2D, N: 2, H: 9, W: 8, C: 3, O: 33, Window: qnn.Window{KH: 3, KW: 3, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, PadTop: 1, PadBottom: 1, PadRight: 1}},
		{Op: Conv2D, N: 1, H: 5, W: 5, C: 40, O: 24, Window: pointWindow},
		{Op: Depthwise, N: 1, H: 14, W: 14, C: 32, O: 32, Multiplier: 1, Window: qnn.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilationH: 2, DilationW: 2, PadTop: 2, PadLeft: 2, PadBottom: 2, PadRight: 2}},
		{Op: Depthwise, N: 1, H: 6, W: 7, C: 5, O: 10, Multiplier: 2, Window: qnn.Window{KH: 2, KW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}},
		{Op: Dense, N: 1, H: 1, W: 1, C: 1024, O: 1001, Window: pointWindow},
		{Op: Dense, N: 3, H: 1, W: 1, C: 7, O: 2, Window: pointWindow},
	}
	for _, w := range shapes {
		for bits := range 64 {
			w.Class = Class{
				WeightZero: bits&1 != 0, PerChannel: bits&2 != 0, General: bits&4 != 0,
				Sign: bits&8 != 0, Round: qnn.Rounding(bits >> 4 & 1), Float: bits&32 != 0,
			}
			if w.Validate() == nil {
				ws = append(ws, w)
			}
		}
	}
	return ws
}

func TestWorkloadText(t *testing.T) {
	for text, want := range map[string]string{
		"conv2d n1 h17 w17 c128 k1x7 o128 s1x1 d1x1 p0,3,0,3 wz=1 perch=0 round=double sign=0 mult=lt1":   "conv2d",
		"depthwise n1 h112 w112 c32 k3x3 m1 s2x2 d1x1 p0,0,1,1 wz=0 perch=1 round=double sign=1 mult=any": "depthwise",
		"dense n1 c1024 o1001 wz=0 perch=0 round=single sign=0 mult=lt1":                                  "dense",
	} {
		w, err := ParseWorkload(text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if w.String() != text || string(w.Op) != want {
			t.Errorf("%s: prints as %s", text, w)
		}
	}
	ws := sampleWorkloads()
	// sign=1 goes with double rounding only, which is 3/4 of 48
	if len(ws) != 7*36 {
		t.Errorf("%d workloads", len(ws))
	}
	for _, w := range ws {
		got, err := ParseWorkload(w.String())
		if err != nil || got != w {
			t.Errorf("%s: read as %s, %v", w, got, err)
		}
	}
}

func TestParseWorkloadRefuses(t *testing.T) {
	const good = "conv2d n1 h17 w17 c128 k1x7 o128 s1x1 d1x1 p0,3,0,3 wz=1 perch=0 round=double sign=0 mult=lt1"
	for _, c := range []struct{ old, new, message string }{
		{"n1 ", "", "words"},
		{"n1", "n0", "n0: must be between"},
		{"n1", "n01", "bad number"},
		{"n1", "n+1", "bad number"},
		{"n1", "n-1", "bad number"},
		{"n1", "b1", "where n... is expected"},
		{"h17", "h99999999999999999999", "too large"},
		{"h17", "h65537", "must be between"},
		{"conv2d", "conv3d", "unknown operator"},
		{"k1x7", "k7", "1 numbers, want 2"},
		{"k1x7", "k1x24", "does not fit"},
		{"p0,3,0,3", "p0,3,0", "3 numbers"},
		{"p0,3,0,3", "p0,3,0,99999", "padding"},
		{"s1x1", "s1x2", ""},
		{"s1x1", "s4x1", ""},
		{"s1x1", "s1x5", "of which windows read"},
		{"h17 w17", "h65536 w65536", "input bytes"},
		{"wz=1", "wz=2", "one of 0, 1"},
		{"round=double", "round=triple", "one of double, single"},
		{"round=double sign=0", "round=single sign=1", "sign=1"},
		{"o128", "o1", ""},
		{"o128", "o0", "must be between"},
		{" mult=lt1", "", "words"},
		{" mult=lt1", " mult=lt1 ", "where sat=... is expected"},
		{" mult=lt1", " mult=lt1 sat=often", "one of usual, some, rare"},
		{" mult=lt1", " mult=lt1 sat=usual", "not canonical"},
		{" mult=lt1", " mult=lt1 sat=rare", ""},
		{" mult=lt1", " mult=lt1 sat=rare x", "words"},
		{"conv2d ", "conv2d  ", "n... is expected"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		_, err := ParseWorkload(text)
		if c.message == "" && err != nil || c.message != "" && (err == nil || !strings.Contains(err.Error(), c.message)) {
			t.Errorf("%s: %v, want %q", text, err, c.message)
		}
	}
	if _, err := ParseWorkload("dense n1 c8 o1 wz=0 perch=1 round=double sign=0 mult=lt1"); err == nil {
		t.Error("per-channel with one output channel is accepted")
	}
	if _, err := ParseWorkload(strings.Repeat("x", 1e6)); err == nil || len(err.Error()) > 400 {
		t.Errorf("long text: %v", err)
	}
}

func TestWorkloadSizes(t *testing.T) {
	w, err := ParseWorkload("conv2d n2 h9 w8 c3 k3x3 o33 s2x2 d1x1 p1,0,1,1 wz=0 perch=0 round=double sign=0 mult=lt1")
	if err != nil {
		t.Fatal(err)
	}
	got := [...]int{w.OH(), w.OW(), w.Taps(), w.WeightBytes(), w.InputBytes(), w.OutputBytes(), int(w.MACs())}
	if want := [...]int{5, 4, 27, 33 * 27, 2 * 9 * 8 * 3, 2 * 5 * 4 * 33, 2 * 5 * 4 * 33 * 27}; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzParseWorkload(f *testing.F) {
	for _, w := range sampleWorkloads() {
		f.Add(w.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWorkload(text)
		if err != nil {
			return
		}
		if w.String() != text {
			t.Fatalf("%q prints as %q", text, w)
		}
		if w.MACs() <= 0 || w.MACs() >= maxMACs || w.InputBytes() <= 0 || w.OutputBytes() <= 0 || w.WeightBytes() <= 0 {
			t.Fatalf("%s: sizes overflow", text)
		}
	})
}
