package module

import (
	"math/rand/v2"
	"testing"
)

// Spans cover each byte of the result once, from the right bytes of the
// operands, whatever gaps and broadcasting there are.
func TestSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		shape := [4]int{1 + r.IntN(3), 1 + r.IntN(4), 1 + r.IntN(4), 1 + r.IntN(5)}
		out, a, b := randomCells(r, shape, false), randomCells(r, shape, true), randomCells(r, shape, true)
		in2 := &b
		if r.IntN(3) == 0 {
			in2 = nil
		}
		made := map[int][2]int{}
		for _, s := range spans(shape, out, a, in2) {
			for row := range s.Count {
				for i := range s.Bytes {
					at := s.out + row*s.Out + i
					if _, twice := made[at]; twice {
						t.Fatalf("%v: byte %d is made twice", shape, at)
					}
					made[at] = [2]int{s.in + row*s.In + i, s.in2 + row*s.In2 + i}
				}
			}
		}
		if n := shape[0] * shape[1] * shape[2] * shape[3]; len(made) != n {
			t.Fatalf("%v: %d bytes made, want %d", shape, len(made), n)
		}
		each(shape[:], func(index []int) {
			got, c := made[out.offset(index[:3])+index[3]], index[3]
			if want := a.offset(index[:3]) + c; got[0] != want {
				t.Fatalf("%v at %v: from byte %d, want %d", shape, index, got[0], want)
			}
			if want := b.offset(index[:3]) + c; in2 != nil && got[1] != want {
				t.Fatalf("%v at %v: second operand from byte %d, want %d", shape, index, got[1], want)
			}
		})
	}
}

// randomCells lays out a tensor of shape, or one that is broadcast to it.
func randomCells(r *rand.Rand, shape [4]int, broadcast bool) cells {
	c := cells{at: r.IntN(9)}
	stride := shape[3] + r.IntN(2)*r.IntN(3)
	for d := 2; d >= 0; d-- {
		c.strides[d] = stride
		stride = stride*shape[d] + r.IntN(2)*r.IntN(3)
		if broadcast && r.IntN(4) == 0 {
			c.strides[d] = 0
		}
	}
	return c
}

func TestSpansAreFew(t *testing.T) {
	dense := cells{0, [3]int{60, 20, 5}}
	if got := spans([4]int{2, 3, 4, 5}, dense, dense, nil); len(got) != 1 || got[0].Bytes != 120 {
		t.Errorf("a dense tensor takes %+v", got)
	}
	halo := cells{10, [3]int{90, 30, 5}}
	if got := spans([4]int{2, 3, 4, 5}, halo, dense, nil); len(got) != 1 || got[0].Bytes != 20 || got[0].Count != 6 {
		t.Errorf("a tensor with a halo takes %+v", got)
	}
}
