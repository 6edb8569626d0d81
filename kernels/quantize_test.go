package kernels

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"qtune/qnn"
)

// randomFloats draws n numbers around the range of a scale: ties and their
// neighbours, any bits at all, and now and then what is no number.
func randomFloats(r *rand.Rand, n int, scale float32) []byte {
	var b []byte
	for range n {
		tie := float32((float64(r.IntN(600)-300) + 0.5) * float64(scale))
		x := pick(r, tie, math.Nextafter32(tie, -1e9), math.Nextafter32(tie, 1e9), scale*(r.Float32()*600-300),
			math.Float32frombits(r.Uint32()), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 0, -0.49999997*scale)
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// floatTensor is a tensor of n float32.
func floatTensor(n int) qnn.Tensor { return qnn.Tensor{Type: qnn.Float32, Shape: qnn.Shape{n}} }

func TestQuantize(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 120 {
			n := 1 + i
			if i%40 == 0 {
				n = 5000
			}
			scale, zero := pick(r, 1, 0.0123456, 1./255, 1e-38, 1e-42, 1e30, r.Float32()+0.01), pick(r, 0, 255, int32(r.IntN(256)))
			in, got := randomFloats(r, n, scale), blank(n+1)
			want := refNode(t, qnn.Quantize{}, i%2 == 0, [][]byte{in}, floatTensor(n), quantisedTensor(qnn.Uint8, n, scale, zero))
			parts, err := o.Quantize(scale, zero, OneRow(n), in, got, 1+i%3)
			runParts(t, parts, err)
			for k, y := range want {
				if got[k] != y {
					t.Fatalf("scale %v, zero %d, n %d: %v makes %d, want %d", scale, zero, n, math.Float32frombits(binary.LittleEndian.Uint32(in[4*k:])), got[k], y)
				}
			}
			if got[n] != 0xa5 {
				t.Fatalf("%d: a byte too many was written", n)
			}
		}
		if _, err := o.Quantize(1, 0, OneRow(3), make([]byte, 11), make([]byte, 3), 1); err == nil {
			t.Error("a short input was accepted")
		}
	})
}

func TestDequantize(t *testing.T) {
	eachOperators(t, func(t *testing.T, o *Operators, r *rand.Rand) {
		for i := range 120 {
			rows := Rows{Count: 1 + r.IntN(3), Bytes: 1 + i}
			if i%40 == 0 {
				rows.Bytes = 5000
			}
			rows.In, rows.Out = rows.Bytes+r.IntN(3), 4*rows.Bytes+r.IntN(3)
			scale, zero := pick(r, 1, 0.0123456, 1e-42, 1e38, r.Float32()), pick(r, 0, 255, int32(r.IntN(256)))
			in, got := randomBytes(r, rows.span(rows.In)), blank((rows.Count-1)*rows.Out+4*rows.Bytes)
			want := blank(len(got))
			for y := range rows.Count {
				copy(want[y*rows.Out:], refNode(t, qnn.Dequantize{}, i%2 == 0, [][]byte{in[y*rows.In:][:rows.Bytes]}, quantisedTensor(qnn.Uint8, rows.Bytes, scale, zero), floatTensor(rows.Bytes)))
			}
			parts, err := o.Dequantize(scale, zero, rows, in, got, 1+i%3)
			runParts(t, parts, err)
			if !bytes.Equal(got, want) {
				t.Fatalf("%+v, scale %v, zero %d: wrong", rows, scale, zero)
			}
		}
	})
}
