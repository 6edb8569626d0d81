package kernels

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"qtune/qnn"
)

// randomResize draws a small image of any number of channels.
func randomResize(r *rand.Rand) ResizeArea {
	return ResizeArea{N: 1 + r.IntN(2), H: 1 + r.IntN(9), W: 1 + r.IntN(9), OH: 1 + r.IntN(20), OW: 1 + r.IntN(20),
		C:      pick(r, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 21, 31, 33, 64, 1+r.IntN(100)),
		Resize: pick(r, qnn.Resize{}, qnn.Resize{AlignCorners: true}, qnn.Resize{HalfPixel: true})}
}

// checkResize compares with the reference, and that nothing else was written.
func checkResize(t *testing.T, r *rand.Rand, a ResizeArea, op qnn.Op, fromInt8 bool, bind func(in, out View) ([]Part, error)) {
	t.Helper()
	in, out := NewView(a.N, a.H, a.W, a.C, Halo{Right: r.IntN(2)}, 0), NewView(a.N, a.OH, a.OW, a.C, Halo{Left: 1, Bottom: 1}, 0xa5)
	x := randomBytes(r, a.N*a.H*a.W*a.C)
	if r.IntN(3) == 0 { // ties and extremes
		for i := range x {
			x[i] = pick[byte](r, 0, 255, 127, 128)
		}
	}
	in.Write(x, a.N, a.H, a.W, a.C)
	zero := pick(r, 0, int32(r.IntN(256)))
	want := refNode(t, op, fromInt8, [][]byte{x, nil}, shaped(1, zero, a.N, a.H, a.W, a.C), intsTensor(int32(a.OH), int32(a.OW)), shaped(1, zero, a.N, a.OH, a.OW, a.C))
	parts, err := bind(in, out)
	runParts(t, parts, err)
	got := out.Read(a.N, a.OH, a.OW, a.C)
	if !bytes.Equal(got, want) {
		t.Fatalf("%+v, from int8 %v:\ngot  %v\nwant %v", a, fromInt8, got, want)
	}
	out.Write(bytes.Repeat([]byte{0xa5}, len(got)), a.N, a.OH, a.OW, a.C)
	if !bytes.Equal(out.Data, blank(len(out.Data))) {
		t.Fatalf("%+v: a byte outside of the result was written", a)
	}
}

func TestResizeBilinear(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 100 {
			a := randomResize(r)
			checkResize(t, r, a, qnn.ResizeBilinear{Resize: a.Resize}, i%2 == 0, func(in, out View) ([]Part, error) {
				return o.ResizeBilinear(a, i%2 == 0, in, out, 1+i%3)
			})
		}
		a := ResizeArea{N: 1, H: 2, W: 2, C: 3, OH: 4, OW: 4}
		if _, err := o.ResizeBilinear(a, false, NewView(1, 2, 2, 3, Halo{}, 0), NewView(1, 4, 3, 3, Halo{}, 0), 1); err == nil {
			t.Error("a short output was accepted")
		}
	})
}
