package kernels

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"qtune/kernels/pack"
	"qtune/qnn/ref"
	"qtune/schedules"
)

// TestResidual adds random convolutions and dense layers to other tensors, with
// gaps in both where the schedule allows them.
func TestResidual(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(5, uint64(len(isa))))
			for i := range 150 {
				w := randomConv(r)
				if i%4 == 0 {
					w = randomDense(r)
				}
				space, err := schedules.SpaceFor(w, isa)
				if err != nil {
					t.Fatal(err)
				}
				s, _ := space.Sample(r)
				for _, m := range modes(isa) {
					checkResidual(t, r, w, s, isa, m)
				}
			}
		})
	}
}

// fittingSum draws a sum that has a short form.
func fittingSum(r *rand.Rand) (*pack.WeightedSum, *[1 << 16]byte) {
	for {
		s := randomSum(r)
		table := s.Table()
		if w := s.Fit(table); w != nil {
			return w, table
		}
	}
}

// gappedView is a tensor with a halo, and other channels beside its own.
func gappedView(r *rand.Rand, n, h, w, c int, rows, pixels bool) View {
	halo, others := Halo{}, 0
	if rows {
		halo = Halo{r.IntN(2), r.IntN(3), r.IntN(2), r.IntN(3)}
	}
	if pixels {
		others = r.IntN(20)
	}
	v := NewView(n, h, w, c+others, halo, 99)
	v.Offset += others / 2
	return v
}

func checkResidual(t *testing.T, r *rand.Rand, w schedules.Workload, s schedules.Schedule, isa schedules.ISA, m Mode) {
	t.Helper()
	name := fmt.Sprintf("%s | %s | %s", w, s, isa)
	k, err := Build(w, s, isa)
	if err != nil {
		t.Fatal(err)
	}
	x, err := Load(k, m)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	o, err := NewOperators(isa, m)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	l := w.Layer(r.Uint64())
	p, err := k.Pack(l)
	if err != nil {
		t.Fatal(err)
	}
	in := NewView(w.N, w.H, w.W, w.C, k.InputHalo(), byte(l.InputZero))
	image := schedules.RandomInput(w.N*w.H*w.W*w.C, r.Uint64())
	in.Write(image, w.N, w.H, w.W, w.C)
	out := gappedView(r, w.N, w.OH(), w.OW(), w.O, !k.ContiguousOutput(), true)
	other := gappedView(r, w.N, w.OH(), w.OW(), w.O, !k.ContiguousOutput(), true)
	others := randomBytes(r, w.N*w.OH()*w.OW()*w.O)
	other.Write(others, w.N, w.OH(), w.OW(), w.O)
	sum, table := fittingSum(r)
	b, err := x.BindResidual(p, in, out, 1+r.IntN(3), Residual{o, sum, other})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	want := make([]byte, len(others))
	ref.Layer(l, image, want)
	for i, v := range want {
		want[i] = table[int(v)<<8|int(others[i])]
	}
	before := bytes.Clone(out.Data)
	for range 2 { // with what the first run left
		if err := b.Run(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := out.Read(w.N, w.OH(), w.OW(), w.O); !bytes.Equal(got, want) {
			t.Fatalf("%s: mode %d: %s", name, m, firstDifference(got, want, w))
		}
	}
	out.Write(make([]byte, len(want)), w.N, w.OH(), w.OW(), w.O)
	blank := View{Data: before, Offset: out.Offset, ImageStride: out.ImageStride, RowStride: out.RowStride, PixelStride: out.PixelStride}
	blank.Write(make([]byte, len(want)), w.N, w.OH(), w.OW(), w.O)
	if !bytes.Equal(before, out.Data) {
		t.Fatalf("%s: bytes beside the output changed", name)
	}
}

// Only a convolution adds, and only what has its shape.
func TestResidualErrors(t *testing.T) {
	w := schedules.Workload{Op: schedules.Conv2D, N: 1, H: 4, W: 4, C: 8, O: 16}
	w.KH, w.KW, w.StrideH, w.StrideW, w.DilationH, w.DilationW = 1, 1, 1, 1, 1, 1
	dw := w
	dw.Op, dw.C, dw.Multiplier = schedules.Depthwise, 16, 1
	r := rand.New(rand.NewPCG(1, 2))
	sum, _ := fittingSum(r)
	for name, c := range map[string]struct {
		w    schedules.Workload
		view View
	}{
		"depthwise":   {dw, NewView(1, 4, 4, 16, Halo{}, 0)},
		"short":       {w, NewView(1, 4, 3, 16, Halo{}, 0)},
		"few pixels":  {w, NewView(1, 4, 4, 8, Halo{}, 0)},
		"row strides": {w, View{Data: make([]byte, 64), PixelStride: 16}},
	} {
		space, err := schedules.SpaceFor(c.w, schedules.AVX2)
		if err != nil {
			t.Fatal(err)
		}
		k, err := Build(c.w, space.Start(), schedules.AVX2)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := Load(k, Emulated)
		p, err := k.Pack(c.w.Layer(1))
		if err != nil {
			t.Fatal(err)
		}
		o, _ := NewOperators(schedules.AVX2, Emulated)
		in := NewView(1, 4, 4, c.w.C, k.InputHalo(), 0)
		if _, err := x.BindResidual(p, in, NewView(1, 4, 4, 16, Halo{}, 0), 1, Residual{o, sum, c.view}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
