package module

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"qtune/kernels"
)

// Whatever the halo, the tensor comes back as it was, and every byte of the
// buffer belongs either to the tensor or to the halo.
func TestLayoutKeepsTensorAndHaloApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		l := layout{
			n: rng.IntN(3) + 1, h: rng.IntN(5) + 1, w: rng.IntN(5) + 1, c: rng.IntN(4) + 1,
			halo: kernels.Halo{Top: rng.IntN(3), Left: rng.IntN(3), Bottom: rng.IntN(3), Right: rng.IntN(3)},
		}
		l.pixel = l.c
		dense := make([]byte, l.tensorBytes())
		for i := range dense {
			dense[i] = byte(i%100 + 1)
		}
		data := make([]byte, l.bytes())
		l.fillHalo(data, 200)
		l.scatter(data, dense)
		if n := bytes.Count(data, []byte{0}); n != 0 {
			t.Fatalf("%+v: %d bytes belong to nobody", l, n)
		}
		l.fillHalo(data, 201)
		if n := bytes.Count(data, []byte{201}); n != len(data)-len(dense) {
			t.Fatalf("%+v: a halo of %d bytes, want %d", l, n, len(data)-len(dense))
		}
		got := make([]byte, len(dense))
		l.gather(got, data)
		if !bytes.Equal(got, dense) {
			t.Fatalf("%+v: the tensor changed", l)
		}
		if v := l.view(data); data[v.Offset] != dense[0] {
			t.Fatalf("%+v: the view starts at the wrong cell", l)
		}
	}
}
