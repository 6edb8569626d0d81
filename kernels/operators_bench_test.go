package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qtune/kernels/pack"
	"qtune/qnn"
)

// operatorBench is an operator on buffers of its own.
type operatorBench struct {
	name  string
	bytes int // of the result, or of the operand where that is larger
	bind  func(o *Operators) ([][]Part, error)
}

// onePhase is what an operator of one phase returns.
func onePhase(parts []Part, err error) ([][]Part, error) { return [][]Part{parts}, err }

// pairwiseBenches are those of elements: 75,264 bytes, the largest ADD of
// MobileNet v2.
func pairwiseBenches() []operatorBench {
	const n = 75264
	r := rand.New(rand.NewPCG(1, 2))
	x, x2, y, floats := randomBytes(r, n), randomBytes(r, n), make([]byte, n), make([]byte, 4*n)
	bench := func(name string, bind func(o *Operators) ([]Part, error)) operatorBench {
		return operatorBench{name, n, func(o *Operators) ([][]Part, error) { return onePhase(bind(o)) }}
	}
	third := [3]float32{0.02, 0.02, 0.03}
	return []operatorBench{
		bench("lookup", func(o *Operators) ([]Part, error) { return o.Lookup((*[256]byte)(x), OneRow(n), x, y, 1) }),
		bench("sum", func(o *Operators) ([]Part, error) {
			return o.Sum(&pack.WeightedSum{A: 1 << 29, B: 1 << 28, Shift: 13, Hi: 255}, OneRow(n), x, x2, y, 1)
		}),
		bench("mul", func(o *Operators) ([]Part, error) {
			return o.Mul(&pack.Mul{Scales: third, Hi: 255}, OneRow(n), x, x2, y, 1)
		}),
		bench("prelu", func(o *Operators) ([]Part, error) {
			return o.PRelu(&pack.PRelu{Scales: third}, OneRow(n), x, x2, y, 1)
		}),
		bench("maximum", func(o *Operators) ([]Part, error) { return o.Maximum(OneRow(n), x, x2, y, 1) }),
		bench("pairs", func(o *Operators) ([]Part, error) {
			return o.Pairs((*[1 << 16]byte)(x), OneRow(n), x, x2, y, 1)
		}),
		bench("l2norm", func(o *Operators) ([]Part, error) {
			return o.L2Norm(&pack.L2Norm{Zero: 128}, Rows{Count: n / 128, Bytes: 128, Out: 128, In: 128}, x, y, 1)
		}),
		bench("quantize", func(o *Operators) ([]Part, error) { return o.Quantize(1, 0, OneRow(n), floats, y, 1) }),
		bench("dequantize", func(o *Operators) ([]Part, error) { return o.Dequantize(1, 0, OneRow(n), x, floats, 1) }),
	}
}

// spatialBenches are those of images: the pooling of Inception v3 and MobileNet,
// the head of DeepLab v3.
func spatialBenches() []operatorBench {
	var all []operatorBench
	for _, p := range []struct {
		name              string
		h, c, oh, k, s, p int
		average           bool
	}{{"max3x3s2-147x147x64", 147, 64, 73, 3, 2, 0, false}, {"avg3x3-35x35x192", 35, 192, 35, 3, 1, 1, true}, {"avg7x7-1x1x1280", 7, 1280, 1, 7, 1, 0, true}} {
		all = append(all, operatorBench{p.name, p.h * p.h * p.c, func(o *Operators) ([][]Part, error) {
			a := PoolArea{N: 1, H: p.h, W: p.h, C: p.c, OH: p.oh, OW: p.oh,
				Window: qnn.Window{KH: p.k, KW: p.k, StrideH: p.s, StrideW: p.s, PadTop: p.p, PadLeft: p.p}}
			return onePhase(o.Pool(a, PoolResult{Average: p.average, Max: 255}, NewView(1, p.h, p.h, p.c, Halo{}, 0), NewView(1, p.oh, p.oh, p.c, Halo{}, 0), 1))
		}})
	}
	image := func(h, c int) View { return NewView(1, h, h, c, Halo{}, 0) }
	resize := ResizeArea{N: 1, H: 65, W: 65, C: 21, OH: 513, OW: 513, Resize: qnn.Resize{AlignCorners: true}}
	return append(all,
		operatorBench{"mean7x7x1280", 49 * 1280, func(o *Operators) ([][]Part, error) {
			return o.Mean(&pack.Mean{Scales: [2]float32{1, 2}, Count: 49, Scaled: true}, 1, 7, 7, 1280, image(7, 1280), make([]byte, 1280), 1)
		}},
		operatorBench{"resize65to513x21", 513 * 513 * 21, func(o *Operators) ([][]Part, error) {
			return onePhase(o.ResizeBilinear(resize, false, image(65, 21), image(513, 21), 1))
		}},
		operatorBench{"resize-int8-65to513x21", 513 * 513 * 21, func(o *Operators) ([][]Part, error) {
			return onePhase(o.ResizeBilinear(resize, true, image(65, 21), image(513, 21), 1))
		}},
		operatorBench{"nearest65to513x21", 513 * 513 * 21, func(o *Operators) ([][]Part, error) {
			return onePhase(o.ResizeNearest(resize, image(65, 21), image(513, 21), 1))
		}},
		operatorBench{"argmax513x513x21", 513 * 513 * 21, func(o *Operators) ([][]Part, error) {
			return onePhase(o.ArgMax(1, 513, 513, 21, image(513, 21), make([]byte, 4*513*513), 4, 1))
		}},
		operatorBench{"softmax1001", 1001, func(o *Operators) ([][]Part, error) {
			s := &pack.Softmax{Scale: 0.1, Beta: 1, OutScale: 1. / 256}
			return onePhase(o.Softmax(s, OneRow(1001), make([]byte, 1001), make([]byte, 1001), 1))
		}},
		operatorBench{"transpose224x224x3", 224 * 224 * 3, func(o *Operators) ([][]Part, error) {
			m := Moves{Shape: []int{3, 224 * 224}, In: []int{1, 3}, Out: []int{224 * 224, 1}, Run: 1}
			return onePhase(o.Move(m, make([]byte, 224*224*3), make([]byte, 224*224*3), 1))
		}},
		operatorBench{"to-depth224x224x12", 224 * 224 * 12, func(o *Operators) ([][]Part, error) {
			m := Moves{Shape: []int{112, 112, 2}, In: []int{2 * 224 * 12, 24, 224 * 12}, Out: []int{112 * 48, 48, 24}, Run: 24}
			return onePhase(o.Move(m, make([]byte, 224*224*12), make([]byte, 224*224*12), 1))
		}},
	)
}

// BenchmarkOperators times operators without weights on one thread.
func BenchmarkOperators(b *testing.B) {
	for _, isa := range SupportedISAs() {
		o, err := NewOperators(isa, Native)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range append(pairwiseBenches(), spatialBenches()...) {
			b.Run(fmt.Sprintf("%s/%s", c.name, isa), func(b *testing.B) {
				phases, err := c.bind(o)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(c.bytes))
				b.ReportAllocs()
				for b.Loop() {
					for _, parts := range phases {
						for _, p := range parts {
							_ = p()
						}
					}
				}
			})
		}
		if err := o.Close(); err != nil {
			b.Error(err)
		}
	}
}

// TestPartsDoNotAllocate runs all that the benchmarks run.
func TestPartsDoNotAllocate(t *testing.T) {
	for _, isa := range SupportedISAs()[:min(1, len(SupportedISAs()))] {
		o, err := NewOperators(isa, Native)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range append(pairwiseBenches(), spatialBenches()...) {
			phases, err := c.bind(o)
			if err != nil {
				t.Fatal(err)
			}
			allocs := testing.AllocsPerRun(1, func() {
				for _, parts := range phases {
					runParts(t, parts, nil)
				}
			})
			if allocs > 0 {
				t.Errorf("%s allocates %v times", c.name, allocs)
			}
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}
