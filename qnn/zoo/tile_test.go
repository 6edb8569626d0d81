package zoo

import (
	"slices"
	"testing"

	"qtune/qnn"
)

// TestAccumulate compares with the definition, one cell, channel and tap after
// the other, for values up to the extremes.
func TestAccumulate(t *testing.T) {
	for _, interleaved := range []bool{false, true} {
		for _, s := range []slides{{1, 1, 1, 1}, {3, 3, 1, 1}, {3, 3, 2, 2}, {1, 7, 1, 1}, {5, 2, 1, 2}} {
			for _, shape := range [][3]int{{1, 1, 1}, {3, 3, 2}, {4, 5, 3}, {2, 7, 5}} {
				for _, extreme := range []bool{false, true} {
					checkAccumulate(t, s, shape, interleaved, extreme)
				}
			}
		}
	}
}

func checkAccumulate(t *testing.T, s slides, shape [3]int, interleaved, extreme bool) {
	t.Helper()
	random := newStream("accumulate")
	x := newTile(shape[0], shape[1], shape[2])
	for i := range x.v {
		x.v[i] = int32(random.intn(511)) - 255
		if extreme {
			x.v[i] = int32(random.intn(2))*510 - 255
		}
	}
	b := bank{channels: 7, taps: s.kh * s.kw * x.c}
	if interleaved {
		b = bank{channels: 2 * x.c, taps: s.kh * s.kw, interleaved: true}
	}
	weights := make([]byte, b.channels*b.taps)
	for i := range weights {
		weights[i] = byte(random.intn(2) * 255)
		if !extreme {
			weights[i] = byte(random.intn(256))
		}
	}
	for _, typ := range []qnn.DType{qnn.Uint8, qnn.Int8} {
		l := layerTile{s, b, weights, typ, 0}
		if typ == qnn.Uint8 {
			l.zero = 131
		}
		for c, got := range l.accumulate(x) {
			if want := slowAccumulate(l, x, c); !slices.Equal(got, want) {
				t.Fatalf("%+v over %v, interleaved %v, %s, channel %d: %v, want %v", s, shape, interleaved, typ, c, got, want)
			}
		}
	}
}

// slowAccumulate computes channel c of accumulate.
func slowAccumulate(l layerTile, x tile, c int) []int32 {
	var out []int32
	h, w := l.extent(x)
	for cell := range h * w {
		sum := int32(0)
		for tap := range l.taps {
			k, from := tap/x.c, tap%x.c
			if l.interleaved {
				k, from = tap, c/(l.channels/x.c)
			}
			weight := int32(l.weights[l.at(c, tap)]) - l.zero
			if l.signed == qnn.Int8 {
				weight = int32(int8(l.weights[l.at(c, tap)]))
			}
			sum += weight * l.cell(x, cell/w, cell%w, k/l.kw, k%l.kw)[from]
		}
		out = append(out, sum)
	}
	return out
}

// TestPool: windows end at the edges of a tile; those of layers wrap around.
func TestPool(t *testing.T) {
	x := tile{3, 3, 1, []int32{
		9, 1, 2,
		3, 4, 5,
		6, 7, 8,
	}}
	for _, c := range []struct {
		name   string
		got    tile
		h, w   int
		values []int32
	}{
		{"max 3x3", maxPool(x, square(3, 1).pool()), 3, 3, []int32{9, 9, 5, 9, 9, 8, 7, 8, 8}},
		{"max 3x3/2", maxPool(x, square(3, 2).pool()), 2, 2, []int32{9, 5, 7, 8}},
		{"avg 3x3", averagePool(x, square(3, 1).pool()), 3, 3, []int32{4, 4, 3, 5, 5, 4, 5, 5, 6}},
		{"avg of rows", averageRows(x), 3, 1, []int32{4, 4, 7}},
		{"concat", concat([]tile{x, x}), 3, 3, []int32{9, 9, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8}},
	} {
		if c.got.h != c.h || c.got.w != c.w || !slices.Equal(c.got.v, c.values) {
			t.Errorf("%s: %+v, want %dx%d %v", c.name, c.got, c.h, c.w, c.values)
		}
	}
	s := slides{3, 3, 1, 1}
	if got := s.cell(x, 0, 0, 0, 0)[0]; got != 8 {
		t.Errorf("above and left of the first cell there is %d, want the last, 8", got)
	}
}

// TestConstantSample: a sample without any deviation still gives a multiplier.
func TestConstantSample(t *testing.T) {
	for _, perChannel := range []bool{false, true} {
		want := aim{spread: 64, mean: 16, wobbles: 20}
		multipliers, bias := want.solve([][]int32{{5, 5}, {5, 5}}, perChannel, newStream("constant"))
		for _, m := range multipliers {
			if !(m > 0 && m <= 64) {
				t.Errorf("multipliers %v", multipliers)
			}
		}
		if len(bias) != 2 {
			t.Errorf("%d biases", len(bias))
		}
	}
}
