package zoo

import (
	"hash/fnv"

	"qtune/qnn"
)

// A stream yields pseudo-random numbers that are a function of its name alone,
// on every machine and under every version of Go, as math/rand does not promise.
// It is SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
// Generators", 2014).
type stream struct{ state uint64 }

func newStream(name string) *stream {
	h := fnv.New64a()
	h.Write([]byte(name)) // a hash does not fail
	return &stream{h.Sum64()}
}

func (s *stream) next() uint64 {
	s.state += 0x9e3779b97f4a7c15
	z := s.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// intn returns an integer in [0, n) for a small n.
func (s *stream) intn(n int) int { return int(s.next() >> 32 * uint64(n) >> 32) }

// uniform returns a number in [lo, hi), one of 2^20 evenly spaced.
func (s *stream) uniform(lo, hi float64) float64 {
	return lo + float64((hi-lo)*(float64(s.next()>>44)/(1<<20)))
}

// gaussSD is the standard deviation of gauss: sqrt(8 * (256*256-1) / 12).
const gaussSD = 209.02

// gauss returns an integer that is nearly normally distributed around 0: the
// sum of eight bytes less its mean. It is at most 1020 from 0.
func (s *stream) gauss() int {
	const odd = 0x00ff00ff00ff00ff
	z := s.next()
	pairs := z&odd + z>>8&odd // four sums of two bytes
	return int(pairs*0x0001000100010001>>48) - 8*255/2
}

// normal returns a nearly normally distributed number of mean 0 and deviation 1.
func (s *stream) normal() float64 { return float64(s.gauss()) / gaussSD }

// Noise is an image of independent bytes for a network of Build: a worst case
// for whatever depends on values, and the input of which testdata has hashes of
// what TensorFlow Lite computes.
func Noise(g *qnn.Graph) []byte {
	s := newStream(g.Name + "/noise")
	b := make([]byte, g.Tensors[g.Inputs[0]].Bytes())
	for i := range b {
		b[i] = byte(s.next() >> 56)
	}
	return b
}
