package schedules

import (
	"bytes"
	"testing"
	"time"

	"qtune/qnn"
)

func TestLayerHasItsWorkload(t *testing.T) {
	for _, w := range sampleWorkloads() {
		seeds := uint64(20)
		if w.WeightBytes() < 100 { // enough to meet each of 256 zero points
			seeds = 700
		}
		if w.Float { // takes longer: a form has to be found
			seeds = 20
		}
		for seed := range seeds {
			l := w.Layer(seed)
			got, err := WorkloadOf(l, AVX2)
			if err != nil || !w.Holds(got) {
				t.Fatalf("%s, seed %d: the layer is %s, %v", w, seed, got, err)
			}
			if r := l.Requant; r.Lo < 0 || r.Hi > 255 || r.Lo >= r.Hi || r.Zero < 0 || r.Zero > 255 {
				t.Fatalf("%s, seed %d: requantisation zero %d, %d..%d", w, seed, r.Zero, r.Lo, r.Hi)
			}
		}
	}
}

func TestLayerIsDeterministic(t *testing.T) {
	w := sampleWorkloads()[0]
	a, b, other := w.Layer(7), w.Layer(7), w.Layer(8)
	if !bytes.Equal(a.Weights, b.Weights) || a.Requant.Mult[0] != b.Requant.Mult[0] {
		t.Error("the same seed gives two layers")
	}
	if bytes.Equal(a.Weights, other.Weights) {
		t.Error("two seeds give the same weights")
	}
}

// Extreme zero points are where kernels fail: seeds must reach them.
func TestLayerReachesExtremes(t *testing.T) {
	w := sampleWorkloads()[1] // weight zero
	if !w.WeightZero {
		t.Fatalf("%s has no weight zero point", w)
	}
	inputs, weights := map[int32]bool{}, map[int32]bool{}
	for seed := range uint64(100) {
		l := w.Layer(seed)
		inputs[l.InputZero] = true
		weights[l.WeightZero] = true
	}
	for _, z := range []int32{0, 255} {
		if !inputs[z] || !weights[z] {
			t.Errorf("100 seeds never take zero point %d", z)
		}
	}
}

// Outputs must not be the same few values: a kernel would pass by accident.
func TestLayerSpreadsOutputs(t *testing.T) {
	for _, w := range sampleWorkloads() {
		if w.Taps() < 4 {
			continue
		}
		for seed := range uint64(4) {
			l := w.Layer(seed)
			clamped, distinct := outputSpread(w, l)
			most, least := 0.4, 24
			if w.General {
				most, least = 0.995, 3
			}
			least = min(least, int(l.Requant.Hi-l.Requant.Lo)/4)
			if clamped > most || distinct < least {
				t.Errorf("%s, seed %d (clamp %d..%d): %.0f %% of the outputs are clamped, %d distinct values",
					w, seed, l.Requant.Lo, l.Requant.Hi, 100*clamped, distinct)
			}
		}
	}
}

// outputSpread computes outputs of windows inside the input, on random input.
func outputSpread(w Workload, l *qnn.Layer) (clamped float64, distinct int) {
	const samples = 400
	x := RandomInput(samples*w.Taps(), 3)
	seen := map[int32]bool{}
	n := 0
	for i := range samples {
		c := i % w.O
		acc := l.Bias[c]
		for k, v := range x[i*w.Taps():][:w.Taps()] {
			at := c*w.Taps() + k
			if w.Op == Depthwise {
				at = k*w.O + c
			}
			wt := int32(l.Weights[at]) - l.WeightZero
			if l.WeightSigned {
				wt = int32(int8(l.Weights[at]))
			}
			acc += (int32(v) - l.InputZero) * wt
		}
		y := l.Requant.Apply(acc, c)
		seen[y] = true
		if y == l.Requant.Lo || y == l.Requant.Hi {
			n++
		}
	}
	return float64(n) / samples, len(seen)
}

func TestRandomInput(t *testing.T) {
	counts := [256]int{}
	const n = 1<<16 + 5
	for _, b := range RandomInput(n, 1) {
		counts[b]++
	}
	for v, c := range counts {
		if c < n/256*3/4 || c > n/256*5/4 {
			t.Errorf("value %d comes %d times of %d", v, c, n)
		}
	}
	if bytes.Equal(RandomInput(100, 1), RandomInput(100, 2)) {
		t.Error("two seeds give the same input")
	}
}

func BenchmarkLayer(b *testing.B) {
	w := Workload{Op: Conv2D, N: 1, H: 8, W: 8, C: 448, O: 384, Window: qnn.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}}
	b.SetBytes(int64(w.WeightBytes()))
	for b.Loop() {
		w.Layer(1)
	}
}

func TestLayerIsFast(t *testing.T) {
	w := Workload{Op: Dense, N: 1, H: 1, W: 1, C: 4096, O: 1024, Window: pointWindow}
	start := time.Now()
	w.Layer(1)
	if d := time.Since(start); d > time.Second { // about 10 ms
		t.Errorf("4 M weights took %v", d)
	}
}
