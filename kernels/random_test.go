package kernels

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"qtune/qnn/ref"
	"qtune/schedules"
)

// modes lists how isa's kernels can be executed here: always emulated, and
// natively where the CPU can.
func modes(isa schedules.ISA) []Mode {
	for _, native := range SupportedISAs() {
		if native == isa {
			return []Mode{Emulated, Native}
		}
	}
	return []Mode{Emulated}
}

// check compares a kernel with the reference on random numbers.
func check(t *testing.T, w schedules.Workload, s schedules.Schedule, isa schedules.ISA, seed uint64) {
	t.Helper()
	name := fmt.Sprintf("%s | %s | %s | seed %d", w, s, isa, seed)
	k, err := Build(w, s, isa)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	l := w.Layer(seed)
	in := schedules.RandomInput(w.N*w.H*w.W*w.C, seed)
	want := make([]byte, w.N*w.OH()*w.OW()*w.O)
	ref.Layer(l, in, want)
	for _, m := range modes(isa) {
		r, err := newRig(nil, k, l, m, 2, 1+int(seed%3))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r.SetInput(in)
		for range 2 {
			if err := r.Run(); err != nil {
				t.Fatalf("%s: mode %d: %v", name, m, err)
			}
			if got := r.Output(); !bytes.Equal(got, want) {
				t.Fatalf("%s: mode %d: %s", name, m, firstDifference(got, want, w))
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func firstDifference(got, want []byte, w schedules.Workload) string {
	n, first := 0, -1
	for i := range want {
		if got[i] != want[i] {
			if n++; first < 0 {
				first = i
			}
		}
	}
	return fmt.Sprintf("%d of %d bytes differ, first at y %d x %d channel %d: %d, want %d", n, len(want),
		first/w.O/w.OW(), first/w.O%w.OW(), first%w.O, got[first], want[first])
}

func pick[T any](r *rand.Rand, v ...T) T { return v[r.IntN(len(v))] }

// drawClass draws a quantisation class.
func drawClass(r *rand.Rand, w *schedules.Workload) {
	w.PerChannel, w.General = w.O > 1 && r.IntN(2) == 0, r.IntN(4) == 0
	w.WeightZero = r.IntN(2) == 0
	if r.IntN(3) == 0 && w.Op != schedules.Depthwise {
		w.Round = 1
	} else {
		w.Sign = r.IntN(2) == 0
	}
	w.Float = !w.General && !w.Sign && r.IntN(2) == 0
	w.Saturation = pick(r, schedules.UsualSaturation, schedules.SomeSaturation, schedules.RareSaturation)
}

// randomConv draws a small convolution with tails, strides, dilations and
// paddings.
func randomConv(r *rand.Rand) schedules.Workload {
	w := schedules.Workload{Op: schedules.Conv2D, N: pick(r, 1, 1, 1, 2), C: pick(r, 1, 2, 3, 4, 5, 7, 8, 16, 17, 33, 64, 70),
		O: pick(r, 1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 50, 63, 64, 65, 100, 130)}
	w.KH, w.KW = pick(r, 1, 1, 2, 3, 3, 5), pick(r, 1, 1, 2, 3, 3, 5, 7)
	w.StrideH, w.StrideW = pick(r, 1, 1, 2, 3), pick(r, 1, 1, 2, 3)
	w.DilationH, w.DilationW = pick(r, 1, 1, 1, 2), pick(r, 1, 1, 1, 2, 3)
	if r.IntN(3) == 0 {
		w.KH, w.KW, w.StrideH, w.StrideW = 1, 1, 1, 1
	}
	eh, ew := (w.KH-1)*w.DilationH+1, (w.KW-1)*w.DilationW+1
	oh, ow := 1+r.IntN(5), 1+r.IntN(19)
	w.H, w.W = (oh-1)*w.StrideH+eh, (ow-1)*w.StrideW+ew
	if eh > 1 && r.IntN(2) == 0 {
		w.PadTop = r.IntN(min(eh, w.H))
		w.PadBottom = r.IntN(min(eh, w.H-w.PadTop))
		w.H -= w.PadTop + w.PadBottom
	}
	if ew > 1 && r.IntN(2) == 0 {
		w.PadLeft = r.IntN(min(ew, w.W))
		w.PadRight = r.IntN(min(ew, w.W-w.PadLeft))
		w.W -= w.PadLeft + w.PadRight
	}
	drawClass(r, &w)
	return w
}

func randomDense(r *rand.Rand) schedules.Workload {
	w := schedules.Workload{Op: schedules.Dense, N: pick(r, 1, 1, 2, 3, 5, 13), H: 1, W: 1,
		C: pick(r, 1, 2, 3, 4, 5, 15, 16, 31, 64, 100, 255), O: 1 + r.IntN(150)}
	w.KH, w.KW, w.StrideH, w.StrideW, w.DilationH, w.DilationW = 1, 1, 1, 1, 1, 1
	drawClass(r, &w)
	return w
}

func randomDepthwise(r *rand.Rand) schedules.Workload {
	w := randomConv(r)
	w.Op, w.C, w.Multiplier = schedules.Depthwise, pick(r, 1, 2, 3, 7, 8, 15, 16, 17, 24, 32, 33, 40, 64, 65, 72, 96, 130), pick(r, 1, 1, 1, 1, 2, 3, 8)
	w.O = w.C * w.Multiplier
	w.PerChannel, w.Saturation = w.PerChannel && w.O > 1, 0
	if w.Round == 1 {
		w.Round = 0
	}
	return w
}

// TestRandom compares kernels of random (workload, schedule) pairs with the
// reference on every target.
func TestRandom(t *testing.T) {
	families := []struct {
		name  string
		draw  func(*rand.Rand) schedules.Workload
		pairs int
	}{{"conv2d", randomConv, 300}, {"dense", randomDense, 200}, {"depthwise", randomDepthwise, 400}}
	for _, f := range families {
		for _, isa := range schedules.ISAs() {
			t.Run(f.name+"/"+string(isa), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(1, uint64(len(isa))))
				for i := range f.pairs {
					w := f.draw(r)
					space, err := schedules.SpaceFor(w, isa)
					if err != nil {
						t.Fatalf("%s: %v", w, err)
					}
					s := space.Start()
					if i%4 != 0 {
						s, _ = space.Sample(r)
					}
					check(t, w, s, isa, uint64(i))
				}
			})
		}
	}
}
