package qnn

import (
	"strings"
	"testing"
)

// TestBorder: explicit padding means the windows that fit the padded input, and
// counts after it only what they read.
func TestBorder(t *testing.T) {
	for in := 1; in <= 7; in++ {
		for k := 1; k <= 4; k++ {
			for s := 1; s <= 3; s++ {
				for d := 1; d <= 2; d++ {
					reach := (k-1)*d + 1
					for top := range reach {
						for bottom := range reach {
							checkBorder(t, [2]int{top, bottom}, in, k, s, d)
						}
					}
				}
			}
		}
	}
}

func checkBorder(t *testing.T, border [2]int, in, k, s, d int) {
	t.Helper()
	reach := (k-1)*d + 1
	out, before, after, err := slideBorder(Explicit, border, in, k, s, d)
	positions, last := 0, 0
	for at := -border[0]; at+reach <= in+border[1]; at += s {
		positions++
		last = max(0, at+reach-in)
		if at+reach <= 0 || at >= in {
			t.Errorf("border %v in=%d k=%d s=%d d=%d: a window lies outside", border, in, k, s, d)
		}
	}
	if positions == 0 {
		if err == nil {
			t.Errorf("border %v in=%d k=%d s=%d d=%d: no window fits", border, in, k, s, d)
		}
		return
	}
	if err != nil || out != positions || before != border[0] || after != last {
		t.Errorf("border %v in=%d k=%d s=%d d=%d: out %d before %d after %d, %v; want %d %d %d",
			border, in, k, s, d, out, before, after, err, positions, border[0], last)
	}
}

func TestBorderErrors(t *testing.T) {
	for _, c := range []struct {
		padding Padding
		border  Border
		want    string
	}{
		{Explicit, Border{Top: 2, Bottom: 1}, ""},
		{Explicit, Border{Top: 3}, "height: a border of [3 0] cells for a window of 3"},
		{Explicit, Border{Right: 1 << 60}, "width: a border of"},
		{Explicit, Border{Left: -1}, "width: a border of [-1 0]"},
		{Same, Border{Top: 1}, "same padding with a border of [1 0] cells"},
		{Explicit + 1, Border{}, "padding 3?"},
	} {
		g := smallGraph()
		op := g.Nodes[0].Op.(Conv2D)
		op.Padding, op.Border = c.padding, c.border
		g.Nodes[0].Op = op
		_, err := g.InferShape(&g.Nodes[0])
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %v: error %v, want %q", c.padding, c.border, err, c.want)
		}
	}
	if _, _, _, err := (Pool{Padding: Explicit, FilterH: 2, FilterW: 2, StrideH: 1, StrideW: 1}).Over(4, 4); err == nil {
		t.Error("a pool with explicit padding")
	}
}
