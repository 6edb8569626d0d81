package measure

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/schedules"
)

func TestStatusText(t *testing.T) {
	for _, s := range Statuses() {
		if got, err := ParseStatus(s.String()); err != nil || got != s {
			t.Errorf("ParseStatus(%q) = %v, %v", s, got, err)
		}
	}
	if _, err := ParseStatus("fine"); err == nil {
		t.Error("an unknown status was read")
	}
}

func TestNanosString(t *testing.T) {
	for n, want := range map[Nanos]string{0: "0.00 ns", 3.456: "3.46 ns", 99.5: "99.5 ns", 1234: "1.23 us", 567e6: "567 ms", 2.5e9: "2.50 s"} {
		if got := n.String(); got != want {
			t.Errorf("%g prints as %q, want %q", float64(n), got, want)
		}
	}
}

func TestProtocolText(t *testing.T) {
	const want = "warmup=1 samples=5 min=100us cache=weights-cold threads=1 core=any"
	if got := DefaultProtocol().String(); got != want {
		t.Errorf("default is %q, want %q", got, want)
	}
	for _, bad := range []string{"", "warmup=1", want + " ", want + " x=1",
		"warmup=01 samples=5 min=100us cache=warm threads=1 core=any",
		"warmup=1 samples=0 min=100us cache=warm threads=1 core=any",
		"warmup=1 samples=5 min=100us cache=hot threads=1 core=any",
		"warmup=1 samples=5 min=-1us cache=warm threads=1 core=any",
		"warmup=1 samples=5 min=1h cache=warm threads=1 core=any",
		"warmup=1 samples=5 min=100us cache=warm threads=0 core=any",
		"warmup=1 samples=5 min=100us cache=warm threads=1 core=-2",
		"samples=5 warmup=1 min=100us cache=warm threads=1 core=any",
	} {
		if p, err := ParseProtocol(bad); err == nil {
			t.Errorf("%q was read as %v", bad, p)
		}
	}
}

func FuzzParseProtocol(f *testing.F) {
	f.Add(DefaultProtocol().String())
	f.Add(Protocol{WarmUp: 0, Samples: 40, MinSample: 1500 * time.Microsecond, Cache: Warm, Threads: 8, Core: 3}.String())
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProtocol(text)
		if err != nil {
			return
		}
		if p.String() != text {
			t.Errorf("%q prints as %q", text, p)
		}
	})
}

func TestJobWire(t *testing.T) {
	w := schedules.Workload{Op: schedules.Dense, N: 1, H: 1, W: 1, C: 16, O: 8,
		Window: qnn.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}}
	s, err := schedules.ParseSchedule("nv=2 u=4")
	if err != nil {
		t.Fatal(err)
	}
	want := Job{ID: 7, Workload: w, Schedule: s, ISA: schedules.AVX2, Mode: kernels.Emulated,
		Protocol: DefaultProtocol(), Seed: math.MaxUint64, GiveUp: 12.5}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Job
	if err := json.Unmarshal(b, &got); err != nil || got != want {
		t.Errorf("%s is read as %+v, %v", b, got, err)
	}
	for _, field := range []string{"Workload", "Schedule", "ISA", "Protocol"} {
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		m[field] = "?"
		bad, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(bad, &got); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestSummarise(t *testing.T) {
	if got := Summarise(nil); got.N != 0 || got.Center != 0 {
		t.Errorf("of nothing: %+v", got)
	}
	if got := Summarise([]float64{5}); got.Center != 5 || got.Lo != 5 || got.Hi != 5 || got.N != 1 {
		t.Errorf("of one: %+v", got)
	}
	// Five samples, of which an interrupt hit one and another came early.
	if got := Summarise([]float64{101, 900, 100, 90, 103}); got.Center != 100 || got.Lo != 90 || got.N != 5 {
		t.Errorf("of five: %+v", got)
	}
}

// TestConfidence draws from a distribution with a known lower quartile, and
// counts how often the interval holds it.
func TestConfidence(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 5, 9, 20, 64} {
		const tries = 4000
		quartile := -math.Log(0.75) // of the exponential distribution
		hits, claimed := 0, 0.0
		for range tries {
			samples := make([]float64, n)
			for i := range samples {
				samples[i] = rng.ExpFloat64()
			}
			s := Summarise(samples)
			if s.Lo > s.Center || s.Center > s.Hi {
				t.Fatalf("out of order: %+v", s)
			}
			if float64(s.Lo) <= quartile && quartile <= float64(s.Hi) {
				hits++
			}
			claimed = s.Confidence
		}
		if share := float64(hits) / tries; math.Abs(share-claimed) > 0.03 {
			t.Errorf("%d samples: claims %.2f, holds in %.2f", n, claimed, share)
		}
		if n >= 20 && claimed < confidence {
			t.Errorf("%d samples: confidence %.2f", n, claimed)
		}
	}
}

func TestCompare(t *testing.T) {
	// A machine whose speed wanders by 30 % within the samples.
	rng := rand.New(rand.NewPCG(3, 4))
	pairs := func(ratio float64) (a, b []float64) {
		for range 40 {
			load := 1 + 0.3*rng.Float64()
			a = append(a, 100*ratio*load*(1+0.01*rng.Float64()))
			b = append(b, 100*load*(1+0.01*rng.Float64()))
		}
		return a, b
	}
	for _, c := range []struct {
		ratio       float64
		faster, tie bool
	}{{0.5, true, false}, {0.97, true, false}, {0.995, false, true}, {1, false, true}, {1.05, false, false}} {
		got := Compare(pairs(c.ratio))
		if got.Faster(NoiseFloor) != c.faster || got.Tie(NoiseFloor) != c.tie {
			t.Errorf("ratio %v: %+v: faster %v, tie %v", c.ratio, got, got.Faster(NoiseFloor), got.Tie(NoiseFloor))
		}
	}
	for _, n := range []int{0, 1, 4} {
		few := Compare(slices.Repeat([]float64{1}, n), slices.Repeat([]float64{2}, n))
		if few.Faster(NoiseFloor) || !few.Tie(NoiseFloor) {
			t.Errorf("%d samples decide: %+v", n, few)
		}
	}
}

// TestVariation takes half the distance of the quartiles: what is far out does not
// count.
func TestVariation(t *testing.T) {
	for _, c := range []struct {
		samples []float64
		want    float64
	}{
		{nil, 0}, {[]float64{1, 2, 3}, 0}, {[]float64{7, 7, 7, 7}, 0},
		{[]float64{104, 100, 96, 98, 102}, 0.02}, {[]float64{104, 100, 5, 98, 102, 900, 96}, 0.02},
	} {
		if got := Variation(c.samples); math.Abs(got-c.want) > 0.011 {
			t.Errorf("%v: %v, want about %v", c.samples, got, c.want)
		}
	}
}
