package qnn

import "fmt"

// maxExtent bounds window sizes, strides and dilations, so that products of
// two of them and an extent fit 64 bits.
const maxExtent = 1 << 20

// slide resolves one dimension of a sliding window: over in cells, k taps
// dilated by d, moved by stride s. It returns the number of positions, the
// cells of padding before the input, and those read after it.
func slide(p Padding, in, k, s, d int) (out, before, after int, err error) {
	return slideBorder(p, [2]int{}, in, k, s, d)
}

// slideBorder is slide with border cells before and after the input, which only
// Explicit padding has. They are fewer than the window spans, so that it always
// lies over some cell of the input.
func slideBorder(p Padding, border [2]int, in, k, s, d int) (out, before, after int, err error) {
	for _, v := range []int{k, s, d} {
		if v < 1 || v > maxExtent {
			return 0, 0, 0, fmt.Errorf("window size %d, stride %d, dilation %d: each must be between 1 and %d", k, s, d, maxExtent)
		}
	}
	reach := (k-1)*d + 1
	switch {
	case p > Explicit:
		return 0, 0, 0, fmt.Errorf("padding %s", p)
	case p != Explicit && border != [2]int{}:
		return 0, 0, 0, fmt.Errorf("%s padding with a border of %v cells", p, border)
	case min(border[0], border[1]) < 0 || max(border[0], border[1]) >= reach:
		return 0, 0, 0, fmt.Errorf("a border of %v cells for a window of %d", border, reach)
	}
	if p == Same {
		out = (in-1)/s + 1
		before = max(0, (out-1)*s+reach-in) / 2
	} else {
		all := border[0] + in + border[1]
		if all < reach {
			return 0, 0, 0, fmt.Errorf("a window of %d cells does not fit %d cells without padding", reach, all)
		}
		out = (all-reach)/s + 1
		before = border[0]
	}
	return out, before, max(0, (out-1)*s+reach-before-in), nil
}

// windowOf is the part of an operator's options that says how its window moves.
type windowOf struct {
	padding              Padding
	border               Border
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
	oh, win.PadTop, win.PadBottom, err = slideBorder(o.padding, [2]int{o.border.Top, o.border.Bottom}, h, o.kh, o.strideH, o.dilationH)
	if err != nil {
		return Window{}, 0, 0, fmt.Errorf("height: %w", err)
	}
	ow, win.PadLeft, win.PadRight, err = slideBorder(o.padding, [2]int{o.border.Left, o.border.Right}, w, o.kw, o.strideW, o.dilationW)
	if err != nil {
		return Window{}, 0, 0, fmt.Errorf("width: %w", err)
	}
	return win, oh, ow, nil
}

// Over resolves the window of a pooling operator over an h x w input and
// returns the extent of its output.
func (p Pool) Over(h, w int) (win Window, oh, ow int, err error) {
	if p.Padding == Explicit {
		return Window{}, 0, 0, fmt.Errorf("explicit padding is for convolutions only")
	}
	return windowOf{p.Padding, Border{}, p.FilterH, p.FilterW, p.StrideH, p.StrideW, 1, 1}.over(h, w)
}
