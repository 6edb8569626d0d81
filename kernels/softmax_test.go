package kernels

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"qtune/kernels/pack"
	"qtune/qnn"
)

func TestSoftmax(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 150 {
			rows := randomRows(r, 1+i%70)
			if i%20 == 0 {
				rows = randomRows(r, 1+r.IntN(1500))
			}
			s := &pack.Softmax{Scale: pick(r, 0.001, 0.1, 1, 30, 0.003+r.Float32()), Beta: pick[float32](r, 1, 1, 0.5, 2, 0),
				OutScale: pick[float32](r, 1./256, 1./256, 1./255, 1e-3, 1, 1e-30), OutZero: pick(r, 0, 0, 255, int32(r.IntN(256)))}
			fromInt8 := i%2 == 0
			if !fromInt8 { // see qnn.SoftmaxZero
				s.OutZero = 0
			}
			in, out := randomBytes(r, rows.span(rows.In)), blank(rows.span(rows.Out))
			if mask := pick[byte](r, 255, 1, 0, 15); mask != 255 {
				for k := range in {
					in[k] = in[k]&mask + 200
				}
			}
			parts, err := o.Softmax(s, rows, in, out, 1+i%3)
			runParts(t, parts, err)
			for y := range rows.Count {
				n := rows.Bytes
				want := refNode(t, qnn.Softmax{Beta: s.Beta}, fromInt8, [][]byte{in[y*rows.In:][:n]}, quantisedTensor(qnn.Uint8, n, s.Scale, 100), quantisedTensor(qnn.Uint8, n, s.OutScale, s.OutZero))
				if got := out[y*rows.Out:][:n]; !bytes.Equal(got, want) {
					t.Fatalf("%+v %+v: row %d of %v\ngot  %v\nwant %v", rows, *s, y, in, got, want)
				}
				if gap := out[y*rows.Out+n : min(len(out), (y+1)*rows.Out)]; !bytes.Equal(gap, blank(len(gap))) {
					t.Fatalf("%+v: bytes after row %d were written", rows, y)
				}
			}
		}
		for _, s := range []pack.Softmax{{Scale: 1, Beta: -1, OutScale: 1}, {Scale: 1, Beta: 1, OutScale: 1e-40}} {
			if _, err := o.Softmax(&s, OneRow(1), []byte{0}, []byte{0}, 1); err == nil {
				t.Errorf("%+v was accepted", s)
			}
		}
	})
}
