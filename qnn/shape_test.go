package qnn

import (
	"math"
	"testing"
)

func TestElems(t *testing.T) {
	for _, c := range []struct {
		s    Shape
		want int
	}{
		{nil, 1},
		{Shape{1, 224, 224, 3}, 150528},
		{Shape{0, 5}, 0},
		{Shape{-1, -1}, 0},
		{Shape{math.MaxInt, 0}, 0},
		{Shape{math.MaxInt, 1}, math.MaxInt},
		{Shape{math.MaxInt, 2}, math.MaxInt},
		{Shape{1 << 32, 1 << 32}, math.MaxInt},
		{Shape{1 << 31, 1 << 31, 1 << 31, 4}, math.MaxInt},
		{Shape{1 << 31, 1 << 31}, 1 << 62},
	} {
		if got := c.s.Elems(); got != c.want {
			t.Errorf("%v has %d elements, want %d", c.s, got, c.want)
		}
	}
}

func TestBytes(t *testing.T) {
	for _, c := range []struct {
		typ   DType
		shape Shape
		want  int
	}{
		{Uint8, Shape{3, 5}, 15},
		{Int32, Shape{3, 5}, 60},
		{Int64, Shape{1 << 62}, math.MaxInt},
		{Int4, Shape{5}, 3},
		{Int4, Shape{4}, 2},
		{String, Shape{4}, 0},
		{Float32, nil, 4},
	} {
		x := Tensor{Type: c.typ, Shape: c.shape}
		if got := x.Bytes(); got != c.want {
			t.Errorf("%s %s has %d bytes, want %d", c.shape, c.typ, got, c.want)
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Shape{1, 224, 224, 3}.String(), "1x224x224x3"},
		{Shape{}.String(), "scalar"},
		{Uint8.String(), "uint8"},
		{DType(99).String(), "99?"},
		{Relu6.String(), "relu6"},
		{ReluN1To1.String(), "relu_n1_to_1"},
		{Valid.String(), "valid"},
		{Single.String(), "single"},
		{DenseLayer.String(), "dense"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestParseDType(t *testing.T) {
	for d := Float32; d <= Int4; d++ {
		if got, err := ParseDType(d.String()); got != d || err != nil {
			t.Errorf("%s: %v, %v", d, got, err)
		}
	}
	for _, s := range []string{"", "invalid", "uint9"} {
		if d, err := ParseDType(s); err == nil {
			t.Errorf("%q parses as %s", s, d)
		}
	}
}

func TestBroadcast(t *testing.T) {
	for _, c := range []struct{ a, b, want Shape }{
		{Shape{1, 4, 4, 3}, Shape{3}, Shape{1, 4, 4, 3}},
		{Shape{3}, Shape{2, 1}, Shape{2, 3}},
		{Shape{}, Shape{2, 3}, Shape{2, 3}},
		{Shape{2, 1, 5}, Shape{1, 4, 1}, Shape{2, 4, 5}},
		{Shape{2, 3}, Shape{2}, nil},
	} {
		for _, swap := range []bool{false, true} {
			a, b := c.a, c.b
			if swap {
				a, b = b, a
			}
			if got, ok := Broadcast(a, b); ok != (c.want != nil) || !got.Equal(c.want) {
				t.Errorf("%s with %s: %s, %t, want %s", a, b, got, ok, c.want)
			}
		}
	}
}

// TestSlide compares the closed forms with what they mean: every position's
// cells, counted.
func TestSlide(t *testing.T) {
	for _, p := range []Padding{Same, Valid} {
		for in := 1; in <= 12; in++ {
			for k := 1; k <= 5; k++ {
				for s := 1; s <= 4; s++ {
					for d := 1; d <= 3; d++ {
						checkSlide(t, p, in, k, s, d)
					}
				}
			}
		}
	}
}

func checkSlide(t *testing.T, p Padding, in, k, s, d int) {
	t.Helper()
	reach := (k-1)*d + 1
	out, before, after, err := slide(p, in, k, s, d)
	if p == Valid && reach > in {
		if err == nil {
			t.Errorf("a window of %d fits %d cells", reach, in)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	positions, first, last := 0, 0, 0
	for at := 0; ; at += s { // positions whose first cell, or all cells, are inside
		if p == Same && at >= in || p == Valid && at+reach > in {
			break
		}
		positions++
	}
	total := max(0, (positions-1)*s+reach-in)
	if p == Same {
		first = -(total / 2)
		last = max(0, first+(positions-1)*s+reach-in)
	}
	if out != positions || before != -first || after != last {
		t.Errorf("%s in=%d k=%d s=%d d=%d: out %d before %d after %d, want %d %d %d",
			p, in, k, s, d, out, before, after, positions, -first, last)
	}
}
