package zoo

import (
	"runtime"
	"sync"

	"qtune/qnn"
)

// A tile is a small sample of an activation, [H][W][C], as differences from the
// zero point. It wraps around: beyond each edge lies the opposite one, so
// that a few cells have the statistics of a large map's interior. The padding of
// operators therefore does not matter here, and a window with a stride divides
// the extent, rounding up.
type tile struct {
	h, w, c int
	v       []int32
}

func newTile(h, w, c int) tile { return tile{h, w, c, make([]int32, h*w*c)} }

// slides is a window over a tile.
type slides struct{ kh, kw, strideH, strideW int }

// extent returns the extent of what the window makes of t.
func (s slides) extent(t tile) (h, w int) {
	return (t.h + s.strideH - 1) / s.strideH, (t.w + s.strideW - 1) / s.strideW
}

// cell returns the channels under tap (ky, kx) of the window at output (y, x).
func (s slides) cell(t tile, y, x, ky, kx int) []int32 {
	iy := wrap(y*s.strideH+ky-(s.kh-1)/2, t.h)
	ix := wrap(x*s.strideW+kx-(s.kw-1)/2, t.w)
	return t.v[(iy*t.w+ix)*t.c:][:t.c]
}

// wrap returns i modulo n, for i of either sign.
func wrap(i, n int) int { return (i%n + n) % n }

// pool applies a pooling window, combining values with f and finishing sums.
// Unlike those of layers, its windows end at the edges: one that wrapped around
// would see the whole of a tile of its own extent from everywhere.
func pool(t tile, p qnn.Pool, combine func(a, b int32) int32, finish func(v, cells int32) int32) tile {
	s := slides{p.FilterH, p.FilterW, p.StrideH, p.StrideW}
	h, w := s.extent(t)
	out := newTile(h, w, t.c)
	for y := range h {
		for x := range w {
			dst, cells := out.v[(y*w+x)*t.c:][:t.c], int32(0)
			y0, x0 := y*s.strideH-(s.kh-1)/2, x*s.strideW-(s.kw-1)/2
			for iy := max(y0, 0); iy < min(y0+s.kh, t.h); iy++ {
				for ix := max(x0, 0); ix < min(x0+s.kw, t.w); ix++ {
					for c, v := range t.v[(iy*t.w+ix)*t.c:][:t.c] {
						if cells == 0 {
							dst[c] = v
						} else {
							dst[c] = combine(dst[c], v)
						}
					}
					cells++
				}
			}
			for c, v := range dst {
				dst[c] = finish(v, cells)
			}
		}
	}
	return out
}

func maxPool(t tile, p qnn.Pool) tile {
	return pool(t, p, func(a, b int32) int32 { return max(a, b) }, func(v, _ int32) int32 { return v })
}

func averagePool(t tile, p qnn.Pool) tile {
	return pool(t, p, func(a, b int32) int32 { return a + b }, func(v, n int32) int32 { return v / n })
}

// averageRows stands for the average over a whole map: it averages each row,
// which gives several samples where the map itself gives one.
func averageRows(t tile) tile {
	out := newTile(t.h, 1, t.c)
	for i, v := range t.v {
		out.v[i/(t.w*t.c)*t.c+i%t.c] += v
	}
	for i := range out.v {
		out.v[i] /= int32(t.w)
	}
	return out
}

// concat joins tiles of equal extent along the channels.
func concat(parts []tile) tile {
	c := 0
	for _, p := range parts {
		c += p.c
	}
	out, first := newTile(parts[0].h, parts[0].w, c), 0
	for _, p := range parts {
		for cell := range p.h * p.w {
			copy(out.v[cell*c+first:], p.v[cell*p.c:][:p.c])
		}
		first += p.c
	}
	return out
}

// A layerTile is a convolution, depthwise or dense layer over a tile.
type layerTile struct {
	slides
	bank
	weights []byte
	signed  qnn.DType
	zero    int32
}

// accumulate returns the sums of products of each channel, [channels][cells].
// It calls each processor's share of the channels concurrently.
func (l layerTile) accumulate(t tile) [][]int32 {
	h, w := l.extent(t)
	acc := make([][]int32, l.channels)
	var patches []pairs
	if !l.interleaved {
		patches = l.gather(t)
	}
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		wg.Go(func() {
			filter := make([]int32, l.taps)
			for c := worker; c < l.channels; c += workers {
				l.filter(l.weights, l.signed, l.zero, c, filter)
				acc[c] = make([]int32, h*w)
				if l.interleaved {
					l.depthwise(t, filter, c, acc[c])
				} else {
					multiply(patches, filter, acc[c])
				}
			}
		})
	}
	wg.Wait()
	return acc
}

// depthwise computes channel c of a depthwise layer.
func (l layerTile) depthwise(t tile, filter []int32, c int, acc []int32) {
	_, w := l.extent(t)
	from := c / (l.channels / t.c) // the input channel
	for i := range acc {
		for tap, f := range filter {
			acc[i] += f * l.cell(t, i/w, i%w, tap/l.kw, tap%l.kw)[from]
		}
	}
}

// pairs holds what the window sees at two cells, the first in the low and the
// second in the high half of each element, so that one 64-bit multiplication
// serves both.
type pairs []int64

// gather collects what the window sees at all cells.
func (l layerTile) gather(t tile) []pairs {
	h, w := l.extent(t)
	out := make([]pairs, (h*w+1)/2)
	for i := range h * w {
		shift := 32 * (i % 2)
		if shift == 0 {
			out[i/2] = make(pairs, l.taps)
		}
		for k := range l.kh * l.kw {
			dst := out[i/2][k*t.c:][:t.c]
			for c, v := range l.cell(t, i/w, i%w, k/l.kw, k%l.kw) {
				dst[c] += int64(v) << shift
			}
		}
	}
	return out
}

// multiply computes one filter at all cells.
func multiply(patches []pairs, filter, acc []int32) {
	for i, p := range patches {
		sum := dot(p, filter)
		low := int32(sum)
		acc[2*i] = low
		if 2*i+1 < len(acc) {
			acc[2*i+1] = int32((sum - int64(low)) >> 32)
		}
	}
}

// dot multiplies and adds. Both halves are exact, as their sums fit 32 bits.
func dot(p pairs, filter []int32) int64 {
	var s0, s1 int64
	for len(p) >= 4 && len(filter) >= 4 {
		s0 += p[0]*int64(filter[0]) + p[1]*int64(filter[1])
		s1 += p[2]*int64(filter[2]) + p[3]*int64(filter[3])
		p, filter = p[4:], filter[4:]
	}
	for i, f := range filter {
		s0 += p[i] * int64(f)
	}
	return s0 + s1
}
