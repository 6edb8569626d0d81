package kernels

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"qtune/kernels/pack"
	"qtune/qnn"
)

func TestL2Norm(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 120 {
			rows := randomRows(r, 1+i)
			l := &pack.L2Norm{Zero: pick(r, 0, 128, 255, int32(r.IntN(256))), FromInt8: i%2 == 0}
			in, out := randomBytes(r, rows.span(rows.In)), blank(rows.span(rows.Out))
			if i%5 == 0 { // short vectors, zero ones
				for k := range in {
					in[k] = byte(l.Zero) ^ in[k]&1
				}
			}
			want := blank(len(out))
			for y := range rows.Count {
				n := rows.Bytes
				copy(want[y*rows.Out:], refNode(t, qnn.L2Norm{}, l.FromInt8, [][]byte{in[y*rows.In:][:n]}, quantisedTensor(qnn.Uint8, n, 0.1, l.Zero), quantisedTensor(qnn.Uint8, n, 1./128, 128)))
			}
			parts, err := o.L2Norm(l, rows, in, out, 1+i%3)
			if runParts(t, parts, err); !bytes.Equal(out, want) {
				t.Fatalf("%+v %+v:\ngot  %v\nwant %v", rows, *l, out, want)
			}
		}
	})
}
