package qnn

import (
	"errors"
	"fmt"
)

// maxExtent bounds window sizes, strides, dilations and borders, so that
// products of two of them and an extent fit 64 bits.
const maxExtent = 1 << 20

// slide resolves one dimension of a sliding window: over in cells, k taps
// dilated by d, moved by stride s; an Explicit padding has low cells before the
// input and high after it. It returns the number of positions, the cells of
// padding before the input, and those read after it.
func slide(p Padding, low, high, in, k, s, d int) (out, before, after int, err error) {
	for _, v := range []int{k, s, d} {
		if v < 1 || v > maxExtent {
			return 0, 0, 0, fmt.Errorf("window size %d, stride %d, dilation %d: each must be between 1 and %d", k, s, d, maxExtent)
		}
	}
	reach := (k-1)*d + 1
	switch p {
	case Same:
		out = (in-1)/s + 1
		before = max(0, (out-1)*s+reach-in) / 2
	case Valid, Explicit:
		if min(low, high) < 0 || max(low, high) > maxExtent {
			return 0, 0, 0, fmt.Errorf("a border of %d and %d cells: each must be between 0 and %d", low, high, maxExtent)
		}
		if in+low+high < reach {
			return 0, 0, 0, fmt.Errorf("a window of %d cells does not fit %d cells without padding", reach, in+low+high)
		}
		out, before = (in+low+high-reach)/s+1, low
	default:
		return 0, 0, 0, fmt.Errorf("padding %s", p)
	}
	if p == Explicit && (before >= reach || (out-1)*s-before >= in) {
		return 0, 0, 0, fmt.Errorf("a border of %d and %d cells around %d: a window of %d cells, stride %d, lies outside the input", low, high, in, reach, s)
	}
	after = max(0, (out-1)*s+reach-before-in)
	return out, before, after, nil
}

// windowOf is the part of an operator's options that says how its window moves.
type windowOf struct {
	padding              Padding
	border               Border // zero unless the padding is Explicit
	kh, kw               int
	strideH, strideW     int
	dilationH, dilationW int
}

// over resolves the window over an h x w input and returns the output's extent.
func (o windowOf) over(h, w int) (win Window, oh, ow int, err error) {
	win = Window{
		KH: o.kh, KW: o.kw,
		StrideH: o.strideH, StrideW: o.strideW,
		DilationH: o.dilationH, DilationW: o.dilationW,
	}
	if o.padding != Explicit && o.border != (Border{}) {
		return Window{}, 0, 0, fmt.Errorf("padding %s with a border", o.padding)
	}
	oh, win.PadTop, win.PadBottom, err = slide(o.padding, o.border.Top, o.border.Bottom, h, o.kh, o.strideH, o.dilationH)
	if err != nil {
		return Window{}, 0, 0, fmt.Errorf("height: %w", err)
	}
	ow, win.PadLeft, win.PadRight, err = slide(o.padding, o.border.Left, o.border.Right, w, o.kw, o.strideW, o.dilationW)
	if err != nil {
		return Window{}, 0, 0, fmt.Errorf("width: %w", err)
	}
	return win, oh, ow, nil
}

// window says how the window of weights w [O][KH][KW][C] moves.
func (op Conv2D) window(w Shape) windowOf {
	return windowOf{op.Padding, op.Border, w[1], w[2], op.StrideH, op.StrideW, op.DilationH, op.DilationW}
}

// window says how the window of weights w [1][KH][KW][O] moves.
func (op Depthwise) window(w Shape) windowOf {
	return windowOf{op.Padding, op.Border, w[1], w[2], op.StrideH, op.StrideW, op.DilationH, op.DilationW}
}

var errNoBorder = errors.New("explicit padding is not defined here")

// Over resolves the window of a pooling operator over an h x w input and
// returns the extent of its output.
func (p Pool) Over(h, w int) (win Window, oh, ow int, err error) {
	if p.Padding == Explicit {
		return Window{}, 0, 0, errNoBorder
	}
	return windowOf{p.Padding, Border{}, p.FilterH, p.FilterW, p.StrideH, p.StrideW, 1, 1}.over(h, w)
}
