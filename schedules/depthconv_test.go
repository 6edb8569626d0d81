package schedules

import (
	"bytes"
	"fmt"
	"testing"

	"qtune/qnn"
	"qtune/qnn/ref"
)

// A depthwise layer of one channel and the convolution that it becomes give the
// same bytes, whatever the weights' type and the rounding.
func TestDepthwiseOfOneChannel(t *testing.T) {
	for _, numbers := range []string{
		"wz=1 perch=0 round=double sign=0 mult=lt1", "wz=0 perch=1 round=double sign=1 mult=any", "wz=1 perch=0 round=double sign=1 mult=any",
	} {
		for _, shape := range []string{
			"n1 h9 w7 c1 k3x3 m8 s1x1 d1x1 p1,1,1,1", "n2 h12 w12 c1 k3x3 m5 s2x2 d1x1 p0,0,1,1",
			"n1 h11 w7 c1 k5x2 m3 s1x2 d2x1 p3,0,2,1", "n1 h5 w5 c1 k1x1 m17 s1x1 d1x1 p0,0,0,0",
		} {
			w, err := ParseWorkload(fmt.Sprintf("depthwise %s %s", shape, numbers))
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(4) {
				l := w.Layer(seed)
				c := l.Convolution()
				if c.Kind != qnn.ConvLayer || c.Requant.Round != l.Requant.Round {
					t.Fatalf("%v becomes %v, rounding %v", w, c.Kind, c.Requant.Round)
				}
				x := RandomInput(w.InputBytes(), seed)
				want, got := make([]byte, w.OutputBytes()), make([]byte, w.OutputBytes())
				ref.Layer(l, x, want)
				ref.Layer(c, x, got)
				if !bytes.Equal(want, got) {
					t.Errorf("%v, seed %d: the convolution gives other bytes", w, seed)
				}
			}
		}
	}
	w, err := ParseWorkload("depthwise n1 h9 w7 c2 k3x3 m8 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1")
	if err != nil {
		t.Fatal(err)
	}
	if l := w.Layer(1); l.Convolution() != l {
		t.Error("a layer of two channels became another one")
	}
}
