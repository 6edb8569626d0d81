package kernels

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
	"qtune/schedules"
)

// TestRequantBoundaries sends boundary accumulators through every
// multiplier: a dense layer whose weights are zero outputs the requantised
// bias, one (accumulator, multiplier) pair a channel.
func TestRequantBoundaries(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		for _, round := range []qnn.Rounding{qnn.Double, qnn.Single} {
			for _, general := range []bool{false, true} {
				for _, sign := range []bool{false, true} {
					if sign && round == qnn.Single {
						continue
					}
					name := fmt.Sprintf("%s/%v/general=%v/sign=%v", isa, round, general, sign)
					t.Run(name, func(t *testing.T) { checkBoundaries(t, isa, round, general, sign) })
				}
			}
		}
	}
}

func checkBoundaries(t *testing.T, isa schedules.ISA, round qnn.Rounding, general, sign bool) {
	mults := boundaryMultipliers(general)
	l := &qnn.Layer{Kind: qnn.DenseLayer, N: 1, H: 1, W: 1, C: 4, OH: 1, OW: 1, WeightSigned: true,
		Window:  qnn.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1},
		Requant: qnn.Requantise{Round: round, Lo: 0, Hi: 255}}
	if sign || round == qnn.Single {
		l.Requant.Zero = 100
	}
	r := rand.New(rand.NewPCG(7, 7))
	most := int32(math.MaxInt32)
	if !general { // what short forms can take; see schedules.Class
		most -= int32(l.C)*255*255 + qnn.MaxShortBias
	}
	for _, m := range mults {
		q := l.Requant
		q.Mult = []qnn.Multiplier{m}
		if _, short := q.ShortForm(0); !short && !general && !sign { // one or two
			continue
		}
		for _, acc := range boundaryAccumulators(r, m) {
			if !general {
				acc = min(max(acc, -most), most)
			}
			l.Bias = append(l.Bias, acc)
			l.Requant.Mult = append(l.Requant.Mult, m)
		}
	}
	l.OC = len(l.Bias)
	l.Weights = make([]byte, l.OC*l.C)
	if w, err := schedules.WorkloadOf(l, isa); err != nil || w.General != general || w.Sign != sign {
		t.Fatalf("%s, %v", w, err)
	}
	compareLayer(t, l, isa, make([]byte, l.C))
}

// boundaryMultipliers covers every exponent with mantissas at the ends.
func boundaryMultipliers(general bool) []qnn.Multiplier {
	var list []qnn.Multiplier
	first, last := int32(-22), int32(-1)
	if general {
		first, last = -31, 30
	}
	for exp := first; exp <= last; exp++ {
		for _, m := range []int32{1 << 30, 1<<30 + 1, math.MaxInt32 - 1, math.MaxInt32, 0x5a827999} {
			list = append(list, qnn.Multiplier{M: m, Exp: exp})
		}
	}
	return append(list, qnn.Multiplier{}, qnn.QuantizeMultiplier(0.0078125), qnn.QuantizeMultiplier(1.0/3))
}

// boundaryAccumulators returns the extremes of int32, small values, and values
// around those whose product with m ends in a tie that reaches an output.
func boundaryAccumulators(r *rand.Rand, m qnn.Multiplier) []int32 {
	list := []int32{0, 1, -1, 2, -2, math.MaxInt32, math.MinInt32, math.MaxInt32 - 1, math.MinInt32 + 1, 1 << 30, -1 << 30, 1<<30 - 1}
	for range 24 {
		list = append(list, int32(r.Uint32()), int32(r.Uint32())>>r.IntN(31))
		if m.M != 0 { // y + 1/2, for outputs y around the clamp's ends and in between
			y := float64(r.IntN(600)-300) + 0.5
			x := y / math.Ldexp(float64(m.M), int(m.Exp)-31)
			if math.Abs(x) < math.MaxInt32-2 {
				list = append(list, int32(x)-1, int32(x), int32(x)+1)
			}
		}
	}
	return list
}

// TestFloatBoundaries does the same, for one multiplier at a time, with layers
// that have float forms: accumulators around all steps of the output, and far
// beyond.
func TestFloatBoundaries(t *testing.T) {
	for _, isa := range schedules.ISAs() {
		t.Run(string(isa), func(t *testing.T) {
			r := rand.New(rand.NewPCG(8, 8))
			layers, signed := 0, 0
			for try := range 90 {
				q := qnn.Requantise{Round: qnn.Rounding(try % 2), Hi: 255, Mult: []qnn.Multiplier{{M: 1<<30 + r.Int32N(1<<30), Exp: -1 - r.Int32N(12)}}}
				if try%3 != 0 {
					q.Zero = r.Int32N(256)
				}
				if _, ok := q.FloatForm(0); ok {
					layers++
					if q.Signed() {
						signed++
					}
					compareSteps(t, q, isa)
				}
			}
			if layers < 40 || signed < 15 {
				t.Errorf("only %d layers, %d signed", layers, signed)
			}
		})
	}
}

// compareSteps compares a dense layer of one multiplier with the reference, an
// accumulator a channel.
func compareSteps(t *testing.T, q qnn.Requantise, isa schedules.ISA) {
	l := &qnn.Layer{Kind: qnn.DenseLayer, N: 1, H: 1, W: 1, C: 4, OH: 1, OW: 1, WeightSigned: true,
		Window: qnn.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}, Requant: q}
	scale := math.Ldexp(float64(q.Mult[0].M), int(q.Mult[0].Exp)-31)
	for y := int32(-3); y <= 258; y++ {
		at := int32((float64(y-q.Zero) - 0.5) / scale)
		l.Bias = append(l.Bias, at-1, at, at+1, at+2)
	}
	l.Bias = append(l.Bias, 1<<30, -1<<30, 1<<24+1, -1<<24-1, 0)
	l.OC = len(l.Bias)
	l.Weights = make([]byte, l.OC*l.C)
	if w, err := schedules.WorkloadOf(l, isa); err != nil || !w.Float {
		t.Fatalf("%s, %v", w, err)
	}
	compareLayer(t, l, isa, make([]byte, l.C))
}

// compareLayer runs the heuristic's kernel of a layer against the reference.
func compareLayer(t *testing.T, l *qnn.Layer, isa schedules.ISA, in []byte) {
	t.Helper()
	w, err := schedules.WorkloadOf(l, isa)
	if err != nil {
		t.Fatal(err)
	}
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		t.Fatal(err)
	}
	compareSchedule(t, l, w, space.Start(), isa, in)
}

func compareSchedule(t *testing.T, l *qnn.Layer, w schedules.Workload, s schedules.Schedule, isa schedules.ISA, in []byte) {
	t.Helper()
	k, err := Build(w, s, isa)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, w.N*w.OH()*w.OW()*w.O)
	ref.Layer(l, in, want)
	for _, m := range modes(isa) {
		r, err := NewRig(k, l, m, 1)
		if err != nil {
			t.Fatal(err)
		}
		r.SetInput(in)
		if err := r.Run(); err != nil {
			t.Fatal(err)
		}
		if got := r.Output(); !bytes.Equal(got, want) {
			t.Errorf("%s | %s | %s mode %d: %s", w, s, isa, m, firstDifference(got, want, w))
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestExtremes takes all weights, inputs and zero points to their ends.
func TestExtremes(t *testing.T) {
	shapes := []string{
		"conv2d n1 h5 w7 c19 k3x3 o21 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1",
		"conv2d n1 h4 w5 c130 k1x1 o70 s1x1 d1x1 p0,0,0,0 wz=0 perch=1 round=double sign=1 mult=lt1",
		"depthwise n1 h5 w7 c70 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1",
		"depthwise n1 h9 w7 c16 k3x3 m2 s2x2 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1",
		"dense n3 c67 o33 wz=0 perch=0 round=single sign=0 mult=lt1",
		"dense n1 c16449 o5 wz=1 perch=0 round=double sign=0 mult=lt1", // window sums of more than two words
		"conv2d n1 h3 w4 c50 k3x3 o21 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		"conv2d n1 h5 w16 c3 k3x3 o34 s2x2 d1x1 p0,0,0,1 wz=1 perch=0 round=double sign=0 mult=lt1", // stacked, concluded late
	}
	for _, shape := range shapes {
		w, err := schedules.ParseWorkload(shape)
		if err != nil {
			t.Fatal(err)
		}
		for _, isa := range schedules.ISAs() {
			t.Run(string(w.Op)+"/"+string(isa), func(t *testing.T) {
				r := rand.New(rand.NewPCG(3, 3))
				for _, zero := range []int32{0, 1, 127, 128, 254, 255} {
					for _, fill := range []byte{0, 127, 128, 255} {
						extremeCase(t, w.Layer(uint64(fill)), isa, r, zero, fill)
					}
				}
			})
		}
	}
}

func extremeCase(t *testing.T, l *qnn.Layer, isa schedules.ISA, r *rand.Rand, zero int32, fill byte) {
	l.InputZero = []int32{0, 255, 128}[r.IntN(3)]
	l.WeightZero, l.WeightSigned = zero, false
	if r.IntN(4) == 0 {
		l.WeightZero, l.WeightSigned = 0, true
	}
	for i := range l.Weights {
		l.Weights[i] = fill
	}
	for i := 0; i < len(l.Weights); i += 1 + r.IntN(40) { // some of the other end
		l.Weights[i] = ^fill
	}
	in := make([]byte, l.N*l.H*l.W*l.C)
	for i := range in {
		in[i] = []byte{fill, 255 - fill, 0, 255, 255}[r.IntN(5)]
	}
	w, err := schedules.WorkloadOf(l, isa)
	if err != nil {
		t.Fatal(err)
	}
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		t.Fatal(err)
	}
	compareSchedule(t, l, w, space.Start(), isa, in)
	s, _ := space.Sample(r)
	compareSchedule(t, l, w, s, isa, in)
	for _, s := range ofEachDot(space) {
		compareSchedule(t, l, w, s, isa, in)
	}
}

// ofEachDot returns a schedule with each value of dot, where there is a choice.
func ofEachDot(space *schedules.Space) []schedules.Schedule {
	var list []schedules.Schedule
	for _, k := range space.Knobs() {
		if k.Name != "dot" || space.Workload().Op == schedules.Depthwise {
			continue
		}
		for _, v := range k.Values {
			for s := range space.All() {
				if s.Str("dot", "") == v && s.Int("nv", 0) == 2 {
					list = append(list, s)
					break
				}
			}
		}
	}
	return list
}

// TestViews binds kernels to views with gaps: wider halos than needed, pixels
// apart, rows apart. Bytes between the output's pixels must stay.
func TestViews(t *testing.T) {
	for _, shape := range []string{
		"conv2d n2 h5 w7 c6 k3x3 o21 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		"conv2d n2 h5 w7 c8 k1x1 o21 s1x1 d1x1 p0,0,0,0 wz=1 perch=0 round=double sign=0 mult=lt1",
		"conv2d n2 h6 w9 c3 k3x2 o21 s2x1 d1x1 p1,1,0,1 wz=1 perch=0 round=double sign=0 mult=lt1",
		"depthwise n2 h5 w7 c40 k3x3 m1 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=double sign=0 mult=lt1",
	} {
		w, err := schedules.ParseWorkload(shape)
		if err != nil {
			t.Fatal(err)
		}
		for _, isa := range schedules.ISAs() {
			for _, gap := range []int{0, 3} {
				t.Run(fmt.Sprintf("%s_%dx%d/%s/gap%d", w.Op, w.KH, w.KW, isa, gap), func(t *testing.T) {
					checkViews(t, w, isa, gap)
				})
			}
		}
	}
}

func checkViews(t *testing.T, w schedules.Workload, isa schedules.ISA, gap int) {
	l := w.Layer(5)
	x := schedules.RandomInput(w.N*w.H*w.W*w.C, 5)
	want := make([]byte, w.N*w.OH()*w.OW()*w.O)
	ref.Layer(l, x, want)
	space, err := schedules.SpaceFor(w, isa)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 12 {
		s, _ := space.Sample(r)
		k, err := Build(w, s, isa)
		if err != nil {
			t.Fatal(err)
		}
		p, err := k.Pack(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range modes(isa) {
			in := NewView(w.N, w.H, w.W, w.C+gap, Halo{2, 3, 1, 2}, byte(l.InputZero))
			in.Write(x, w.N, w.H, w.W, w.C)
			out := NewView(w.N, w.OH(), w.OW(), w.O+gap, Halo{}, 0xa5)
			exe, err := Load(k, m)
			if err != nil {
				t.Fatal(err)
			}
			b, err := exe.Bind(p, in, out, 1+r.IntN(3))
			if gap > 0 && k.plan.densePixels() {
				if err == nil {
					t.Errorf("%s: bound to an output with gaps between pixels", s)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Run(); err != nil {
				t.Fatal(err)
			}
			if got := out.Read(w.N, w.OH(), w.OW(), w.O); !bytes.Equal(got, want) {
				t.Errorf("%s | %s mode %d: %s", w, s, m, firstDifference(got, want, w))
			}
			for i, v := range out.Data {
				if i%(w.O+gap) >= w.O && v != 0xa5 {
					t.Fatalf("%s | %s mode %d: byte %d between pixels was written", w, s, m, i)
				}
			}
			if err := exe.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestBuildErrors: schedules outside of the space are refused with the knob.
func TestBuildErrors(t *testing.T) {
	w, err := schedules.ParseWorkload("dense n1 c64 o64 wz=0 perch=0 round=double sign=0 mult=lt1")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"mr=1", "mr=9 nv=4 sets=1 u=1 order=cyx op=mem pad=none st=pack split=c"} {
		s, err := schedules.ParseSchedule(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Build(w, s, schedules.AVX2); err == nil {
			t.Errorf("%q was built", text)
		}
	}
}

// TestDeterministic: the same three inputs give the same bytes.
func TestDeterministic(t *testing.T) {
	w := randomConv(rand.New(rand.NewPCG(9, 9)))
	for _, isa := range schedules.ISAs() {
		space, err := schedules.SpaceFor(w, isa)
		if err != nil {
			t.Fatal(err)
		}
		hash := ""
		for range 5 {
			k, err := Build(w, space.Start(), isa)
			if err != nil {
				t.Fatal(err)
			}
			if hash != "" && k.CodeHash() != hash {
				t.Errorf("%s: code differs from build to build", isa)
			}
			hash = k.CodeHash()
		}
	}
}
