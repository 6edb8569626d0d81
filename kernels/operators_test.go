package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qtune/kernels/pack"
	"qtune/qnn"
	"qtune/schedules"
)

// eachOperators runs f for every instruction set, emulated and where the CPU
// can natively.
func eachOperators(t *testing.T, f func(t *testing.T, o *Operators, r *rand.Rand)) {
	for _, isa := range schedules.ISAs() {
		for _, m := range modes(isa) {
			t.Run(fmt.Sprintf("%s/%d", isa, m), func(t *testing.T) {
				t.Parallel()
				o, err := NewOperators(isa, m)
				if err != nil {
					t.Fatal(err)
				}
				f(t, o, rand.New(rand.NewPCG(1, 2)))
				if err := o.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// oneLongRow is OneRow with the strides that checkRows wants.
var oneLongRow = Rows{Count: 1, Bytes: 1 << 16, Out: 1 << 16, In: 1 << 16, In2: 1 << 16}

func runParts(t *testing.T, parts []Part, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if err := p(); err != nil {
			t.Fatal(err)
		}
	}
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// randomRows draws rows of n bytes with gaps.
func randomRows(r *rand.Rand, n int) Rows {
	return Rows{Count: 1 + r.IntN(4), Bytes: n, Out: n + r.IntN(3), In: n + r.IntN(3), In2: pick(r, 0, n, n+1)}
}

// checkRows compares each byte of out with want(a, b); between rows nothing was
// written.
func checkRows(t *testing.T, rows Rows, a, b, out []byte, want func(a, b byte) byte) {
	t.Helper()
	for y := range rows.Count {
		for x := range rows.Out {
			at := y*rows.Out + x
			switch {
			case at >= len(out):
			case rows.Count > 1 && x >= rows.Bytes || x >= rows.Bytes:
				if out[at] != 0xa5 {
					t.Fatalf("%+v: byte %d of row %d was written", rows, x, y)
				}
			default:
				va, vb := a[y*rows.In+rows.column(0, x)], byte(0)
				if b != nil {
					vb = b[y*rows.In2+rows.column(1, x)]
				}
				if out[at] != want(va, vb) {
					t.Fatalf("%+v: row %d byte %d: %d and %d make %d, want %d", rows, y, x, va, vb, out[at], want(va, vb))
				}
			}
		}
	}
}

// column is where the byte of an operand is that makes byte x of a row.
func (r Rows) column(operand, x int) int {
	if r.Repeat[operand] {
		return 0
	}
	return x
}

func blank(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xa5
	}
	return b
}

func TestLookup(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		table := (*[256]byte)(randomBytes(r, 256))
		for n := range 200 {
			n += 1 + n/199*5000
			rows := randomRows(r, n)
			in, out := randomBytes(r, rows.span(rows.In)), blank(rows.span(rows.Out))
			parts, err := o.Lookup(table, rows, in, out, 1+n%3)
			runParts(t, parts, err)
			checkRows(t, rows, in, nil, out, func(v, _ byte) byte { return table[v] })
		}
		if _, err := o.Lookup(table, OneRow(9), make([]byte, 8), make([]byte, 9), 1); err == nil {
			t.Error("a short input was accepted")
		}
		if _, err := o.Lookup(table, Rows{Count: 1, Bytes: 9, Repeat: [2]bool{true}}, make([]byte, 1), make([]byte, 9), 1); err == nil {
			t.Error("a repeated operand was accepted")
		}
	})
}

// randomSum draws an ADD or SUB with scales from nearly equal to far apart.
func randomSum(r *rand.Rand) pack.Sum {
	scale := func() float32 { return 0.001 + r.Float32()*pick[float32](r, 0.01, 0.1, 1) }
	s := pack.Sum{Scales: [3]float32{scale(), scale(), scale()}, Minus: r.IntN(2) == 0}
	switch r.IntN(4) {
	case 0: // ties
		s.Scales[1] = s.Scales[0]
		s.Scales[2] = s.Scales[0] * pick[float32](r, 1, 2, 4, 0.5)
	case 1: // nearly the same, as in a network
		s.Scales[1], s.Scales[2] = s.Scales[0]*(0.5+r.Float32()), s.Scales[0]*(0.5+r.Float32())
	}
	for i := range s.Zeros {
		s.Zeros[i] = pick(r, 0, 255, 128, int32(r.IntN(256)))
	}
	s.Lo = pick(r, 0, s.Zeros[2], int32(r.IntN(100)))
	s.Hi = pick(r, 255, min(255, s.Lo+int32(r.IntN(100))))
	return s
}

// TestSum adds all pairs of bytes, and odd lengths.
func TestSum(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		unfit := 0
		for i := range 60 {
			s := randomSum(r)
			table := s.Table()
			w := s.Fit(table)
			if w == nil { // see pack.TestFitShare
				unfit++
				continue
			}
			rows := randomRows(r, 1+r.IntN(300))
			if i%4 == 0 {
				rows = oneLongRow
			}
			a, b, out := randomBytes(r, rows.span(rows.In)), randomBytes(r, rows.span(rows.In2)), blank(rows.span(rows.Out))
			if i%4 == 0 {
				for k := range a {
					a[k], b[k] = byte(k), byte(k>>8)
				}
			}
			parts, err := o.Sum(w, rows, a, b, out, 1+i%3)
			runParts(t, parts, err)
			checkRows(t, rows, a, b, out, func(a, b byte) byte { return table[int(a)<<8|int(b)] })
		}
		if unfit > 2 {
			t.Errorf("%d sums have no fit", unfit)
		}
	})
}

func TestPool(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 150 {
			p := qnn.Pool{Padding: qnn.Padding(r.IntN(2)), StrideH: 1 + r.IntN(3), StrideW: 1 + r.IntN(3), FilterH: 1 + r.IntN(5), FilterW: 1 + r.IntN(5)}
			if i%10 == 0 {
				p.FilterH, p.FilterW = 6+r.IntN(10), 6+r.IntN(10)
			}
			h, w := p.FilterH+r.IntN(6), p.FilterW+r.IntN(6)
			win, oh, ow, err := p.Over(h, w)
			if err != nil {
				t.Fatal(err)
			}
			a := PoolArea{N: 1 + r.IntN(2), H: h, W: w, C: pick(r, 1, 2, 3, 5, 8, 17, 31, 32, 63, 64, 65, 96, 130, 200, 320, 400), OH: oh, OW: ow, Window: win}
			res := PoolResult{Average: i%3 > 0, AwayFrom: pick(r, 0, 128), Least: byte(r.IntN(40)), Max: byte(200 + r.IntN(56))}
			checkPool(t, o, r, a, res, i)
		}
	})
}

func checkPool(t *testing.T, o *Operators, r *rand.Rand, a PoolArea, res PoolResult, seed int) {
	t.Helper()
	halo := Halo{Top: r.IntN(2), Left: r.IntN(2), Right: r.IntN(2)}
	in, out := NewView(a.N, a.H, a.W, a.C, halo, 77), NewView(a.N, a.OH, a.OW, a.C, Halo{Left: r.IntN(2)}, 0xa5)
	x := randomBytes(r, a.N*a.H*a.W*a.C)
	switch seed % 5 {
	case 0: // nearly all alike: ties and extremes
		v := pick[byte](r, 0, 127, 255)
		for i := range x {
			x[i] = v
			if r.IntN(4) == 0 {
				x[i]++
			}
		}
	}
	in.Write(x, a.N, a.H, a.W, a.C)
	parts, err := o.Pool(a, res, in, out, 1+seed%3)
	runParts(t, parts, err)
	got := out.Read(a.N, a.OH, a.OW, a.C)
	for i, y := range got {
		if want := slowPool(a, res, x, i); y != want {
			t.Fatalf("%+v %+v: element %d is %d, want %d", a, res, i, y, want)
		}
	}
}

// slowPool computes output element i.
func slowPool(a PoolArea, res PoolResult, x []byte, i int) byte {
	c, ox, oy, n := i%a.C, i/a.C%a.OW, i/a.C/a.OW%a.OH, i/a.C/a.OW/a.OH
	sum, count, top := 0, 0, 0
	for ky := range a.Window.KH {
		for kx := range a.Window.KW {
			y, w := oy*a.Window.StrideH-a.Window.PadTop+ky, ox*a.Window.StrideW-a.Window.PadLeft+kx
			if y >= 0 && y < a.H && w >= 0 && w < a.W {
				v := int(x[((n*a.H+y)*a.W+w)*a.C+c])
				sum, count, top = sum+v-res.AwayFrom, count+1, max(top, v)
			}
		}
	}
	if res.Average {
		half := count / 2
		if sum < 0 {
			half = -half
		}
		top = (sum+half)/count + res.AwayFrom
	}
	return byte(min(max(top, int(res.Least)), int(res.Max)))
}

// TestPoolShares: threads share one output pixel; the windows of a large image
// take the memory of a few lines.
func TestPoolShares(t *testing.T) {
	one := PoolArea{N: 1, H: 8, W: 8, C: 256, OH: 1, OW: 1, Window: qnn.Window{KH: 8, KW: 8, StrideH: 8, StrideW: 8}}
	large := PoolArea{N: 2, H: 500, W: 40, C: 3, OH: 500, OW: 40, Window: qnn.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1}}
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		parts, err := o.Pool(one, PoolResult{Average: true, Max: 255}, NewView(1, 8, 8, 256, Halo{}, 0), NewView(1, 1, 1, 256, Halo{}, 0), 2)
		if err != nil || len(parts) < 2 {
			t.Errorf("%d parts: %v", len(parts), err)
		}
		checkPool(t, o, r, large, PoolResult{Average: true, Max: 255}, 1)
	})
	in, out := NewView(2, 500, 40, 3, Halo{}, 0), NewView(2, 500, 40, 3, Halo{}, 0)
	if all, windows := large.layout(in, out); len(all) != 6 || len(windows) != 2*40 {
		t.Errorf("%d runs of lines, %d windows", len(all), len(windows))
	}
}
