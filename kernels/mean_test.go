package kernels

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"qtune/kernels/pack"
	"qtune/qnn"
)

// shaped is quantisedTensor in four dimensions.
func shaped(scale float32, zero int32, shape ...int) qnn.Tensor {
	t := quantisedTensor(qnn.Uint8, 0, scale, zero)
	t.Shape = shape
	return t
}

// intsTensor is a constant int32 tensor.
func intsTensor(v ...int32) qnn.Tensor {
	t := qnn.Tensor{Type: qnn.Int32, Shape: qnn.Shape{len(v)}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(x))
	}
	return t
}

// TestMean compares all kinds of means with the reference.
func TestMean(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 120 {
			n, h, w, c := 1+r.IntN(2), 1+r.IntN(20), 1+r.IntN(20), 1+r.IntN(150)
			if i%30 == 0 {
				h, w, c = 100, 50, 1+r.IntN(20)
			}
			keep, fromInt8 := i%3 == 0, i%2 == 0
			scales, zeros := randomQuant(r)
			m := &pack.Mean{Scales: [2]float32(scales[:]), Zeros: [2]int32(zeros[:]), Count: h * w, Scaled: keep, FromInt8: fromInt8}
			if i%5 == 0 {
				m.Scales[1], m.Zeros[1] = m.Scales[0], m.Zeros[0]
			}
			in := NewView(n, h, w, c, Halo{Left: r.IntN(2)}, 0)
			x := randomBytes(r, n*h*w*c)
			if v := pick[byte](r, 0, 255, 1); i%4 == 0 { // extremes and ties
				for k := range x {
					x[k] = v ^ x[k]&1
				}
			}
			in.Write(x, n, h, w, c)
			y := shaped(m.Scales[1], m.Zeros[1], n, c)
			if keep {
				y.Shape = qnn.Shape{n, 1, 1, c}
			}
			want := refNode(t, qnn.Mean{KeepDims: keep}, fromInt8, [][]byte{x, nil}, shaped(m.Scales[0], m.Zeros[0], n, h, w, c), intsTensor(1, 2), y)
			got := blank(n*c + 1)
			phases, err := o.Mean(m, n, h, w, c, in, got, 1+i%3)
			if err != nil {
				t.Fatal(err)
			}
			for _, parts := range phases {
				runParts(t, parts, nil)
			}
			if !bytes.Equal(got[:n*c], want) || got[n*c] != 0xa5 {
				t.Fatalf("%dx%dx%dx%d %+v:\ngot  %v\nwant %v", n, h, w, c, *m, got, want)
			}
		}
	})
}

// TestMeanShares: two threads share the sums of one large image.
func TestMeanShares(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, _ *rand.Rand) {
		m := &pack.Mean{Scales: [2]float32{1, 1}, Count: 64 * 64}
		phases, err := o.Mean(m, 1, 64, 64, 16, NewView(1, 64, 64, 16, Halo{}, 0), make([]byte, 16), 2)
		if err != nil || len(phases[0]) < 2 {
			t.Errorf("%d parts: %v", len(phases[0]), err)
		}
		bad := &pack.Mean{Scales: [2]float32{1e30, 1e-30}, Count: 1}
		if _, err := o.Mean(bad, 1, 1, 1, 1, NewView(1, 1, 1, 1, Halo{}, 0), make([]byte, 1), 1); err == nil {
			t.Error("an infinite scale was accepted")
		}
		m.Count++
		if _, err := o.Mean(m, 1, 64, 64, 16, NewView(1, 64, 64, 16, Halo{}, 0), make([]byte, 16), 2); err == nil {
			t.Error("a wrong count was accepted")
		}
	})
}
