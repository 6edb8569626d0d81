package schedules

import "encoding/binary"

// random is xorshift64* (Vigna, "An experimental exploration of Marsaglia's
// xorshift generators, scrambled", 2016): fast, and the same everywhere, so
// that workers agree on a layer's numbers from its seed.
type random struct{ state uint64 }

func newRandom(seed uint64) *random {
	// A step of splitmix64 spreads near seeds; the state must not be 0.
	z := seed + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return &random{(z ^ z>>31) | 1}
}

func (r *random) next() uint64 {
	r.state ^= r.state >> 12
	r.state ^= r.state << 25
	r.state ^= r.state >> 27
	return r.state * 0x2545f4914f6cdd1d
}

// below returns a number in [0,n), for n up to 2^32.
func (r *random) below(n int) int { return int((r.next() >> 32) * uint64(n) >> 32) }

// unit returns a number in [0,1).
func (r *random) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// normal returns a number of a normal distribution of deviation 1, nearly: the sum
// of 12 equally likely ones.
func (r *random) normal() float64 {
	sum := -6.0
	for range 3 {
		x := r.next()
		for range 4 {
			sum += float64(x&0xffff) / (1 << 16)
			x >>= 16
		}
	}
	return sum
}

// fill stores bytes of values in [lo,hi], as int8 or uint8.
func (r *random) fill(b []byte, lo, hi int32) {
	n, base := uint64(hi-lo+1), byte(lo)
	for len(b) >= 4 { // 16 random bits a value
		x := r.next()
		b[0] = base + byte((x&0xffff)*n>>16)
		b[1] = base + byte((x>>16&0xffff)*n>>16)
		b[2] = base + byte((x>>32&0xffff)*n>>16)
		b[3] = base + byte((x>>48)*n>>16)
		b = b[4:]
	}
	for i := range b {
		b[i] = base + byte(r.next()>>48*n>>16)
	}
}

// RandomInput returns n seeded bytes, all values equally likely.
func RandomInput(n int, seed uint64) []byte {
	r := newRandom(seed)
	b := make([]byte, n)
	rest := b
	for ; len(rest) >= 8; rest = rest[8:] {
		binary.LittleEndian.PutUint64(rest, r.next())
	}
	x := r.next()
	for i := range rest {
		rest[i] = byte(x >> (8 * i))
	}
	return b
}
