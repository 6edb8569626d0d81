package kernels

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"qtune/qnn"
)

func TestArgMax(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 200 {
			n, h, w, c := 1+r.IntN(2), 1+r.IntN(4), 1+r.IntN(4), 1+i%100
			if i%20 == 0 {
				c = 1 + r.IntN(3000)
			}
			in := NewView(n, h, w, c, Halo{Left: r.IntN(2)}, 255)
			x := randomBytes(r, n*h*w*c)
			if mask := pick[byte](r, 255, 1, 0, 3); mask != 255 { // many maxima
				base := byte(r.IntN(2) * 128)
				for k := range x {
					x[k] = x[k]&mask + base
				}
			}
			in.Write(x, n, h, w, c)
			size, y := 4, shaped(1, 0, n, h, w)
			if y.Type = qnn.Int32; i%2 == 0 {
				size, y.Type = 8, qnn.Int64
			}
			want := refNode(t, qnn.ArgMax{}, false, [][]byte{x, nil}, shaped(1, 0, n, h, w, c), intsTensor(3), y)
			got := blank(len(want) + 1)
			parts, err := o.ArgMax(n, h, w, c, in, got, size, 1+i%3)
			runParts(t, parts, err)
			if !bytes.Equal(got[:len(want)], want) || got[len(want)] != 0xa5 {
				t.Fatalf("%dx%dx%dx%d:\n x   %v\ngot  %v\nwant %v", n, h, w, c, x, got, want)
			}
		}
		if _, err := o.ArgMax(1, 1, 2, 3, NewView(1, 1, 2, 3, Halo{}, 0), make([]byte, 7), 4, 1); err == nil {
			t.Error("a short output was accepted")
		}
	})
}
