package zoo

import (
	"testing"

	"qtune/qnn"
)

// TestActivationsFillTheirRange: in no layer are values constant or saturated,
// for a photograph as for noise.
func TestActivationsFillTheirRange(t *testing.T) {
	for _, name := range []string{
		"mobilenet_v1_0.25_128", "mobilenet_v1_0.25_128_int8", "mobilenet_v2_0.35_96", "mobilenet_v2_0.35_96_int8",
		"inception_v1", "resnet_50_int8",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			small := isSmall(t, name)
			if !small && testing.Short() {
				t.Skip("a large network")
			}
			g := mustBuild(t, name)
			checkRanges(t, g, photograph(g))
			if small {
				checkRanges(t, g, Noise(g))
			}
		})
	}
}

func checkRanges(t *testing.T, g *qnn.Graph, input []byte) {
	t.Helper()
	vals := mustRun(t, g, input)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if _, ok := n.Op.(qnn.Softmax); !ok { // of a thousand probabilities most are 0
			checkRange(t, g.Output(n, 0), vals[n.Outputs[0]])
		}
	}
}

// checkRange checks how the values of one activation are distributed. Where the
// lower bound is the zero point, it is what ReLU makes of negative values.
func checkRange(t *testing.T, y *qnn.Tensor, values []byte) {
	t.Helper()
	lo, hi := y.Type.Limits()
	counts := histogram(values)
	share := func(v int32) float64 { return float64(counts[byte(v)]) / float64(len(values)) }
	if got, want := distinct(values), min(100, len(values)/16); got < want {
		t.Errorf("%s: %d distinct values, want %d", y, got, want)
	}
	if s := share(hi); s > 0.06 {
		t.Errorf("%s: %.3f of the values are at the upper bound", y, s)
	}
	most := 0.06
	if y.Quant.Zero[0] == lo {
		most = 0.65
	}
	if s := share(lo); s > most {
		t.Errorf("%s: %.3f of the values are at the lower bound", y, s)
	}
}

func histogram(values []byte) (counts [256]int) {
	for _, v := range values {
		counts[v]++
	}
	return counts
}

func distinct(values []byte) int {
	n := 0
	for _, count := range histogram(values) {
		n += min(count, 1)
	}
	return n
}

// TestWeightZeroPoints: uint8 weights have zero points other than 128 and use
// the whole range; int8 weights have a scale for each channel.
func TestWeightZeroPoints(t *testing.T) {
	for _, name := range []string{"mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96_int8"} {
		g := mustBuild(t, name)
		for i := range g.Nodes {
			n := &g.Nodes[i]
			if !isLayer(n.Op) {
				continue
			}
			w := g.Input(n, 1)
			if w.Type == qnn.Int8 {
				if len(w.Quant.Scale) != bankOf(n.Op, w).channels {
					t.Errorf("%s: %d scales", w, len(w.Quant.Scale))
				}
				continue
			}
			if z := w.Quant.Zero[0]; z == 128 || len(w.Quant.Zero) != 1 {
				t.Errorf("%s: zero points %v", w, w.Quant.Zero)
			}
			least, most := byte(255), byte(0)
			for _, v := range w.Data {
				least, most = min(least, v), max(most, v)
			}
			if least != 0 || most != 255 {
				t.Errorf("%s: weights in [%d, %d]", w, least, most)
			}
		}
	}
}

// TestEverySize: any width and resolution gives a network that infers, down to
// where every layer has its least channels and the deepest maps are one cell.
func TestEverySize(t *testing.T) {
	for _, size := range []string{"0.001_32", "0.3_96"} {
		for _, family := range []string{"mobilenet_v1_", "mobilenet_v2_"} {
			for _, suffix := range []string{"", int8Suffix} {
				name := family + size + suffix
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					g := mustBuild(t, name)
					if g.Name != name {
						t.Errorf("it is called %s", g.Name)
					}
					logits := g.Nodes[len(g.Nodes)-2].Outputs[0]
					values := mustRun(t, g, photograph(g))[logits]
					if n := distinct(values); n < 50 {
						t.Errorf("%d distinct logits", n)
					}
				})
			}
		}
	}
}
