package qnn

// A Subpixel is a transposed convolution as a convolution of stride 1 with an
// output channel for each of StrideH x StrideW neighbours of the output and
// each of its channels:
//
//	made [N][h][w][StrideH][StrideW][OC]
//	output cell (StrideH*y + p - Top, StrideW*x + q - Left) = made (y, x, p, q)
//
// as far as that lies in the output. (Shi et al., "Real-Time Single Image and
// Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
// Network", arXiv:1609.05158.)
type Subpixel struct {
	Conv             *Layer // OC is StrideH*StrideW times the output's
	StrideH, StrideW int
	Top, Left        int // less than the strides
}

// Subpixel returns the convolution that does the work of l, a TransposeLayer
// (see ResolveTransposeConv). Weights that its window has more than l's stand for
// 0.
//
// Input row i and weight row k meet in output row i*s - pad + k. With output row
// o + pad = s*q + p, that is k = p + s*t and i = q - t: for each p, a convolution
// over t whose first output is that of q = pad/s.
func (l *Layer) Subpixel() Subpixel {
	s := Subpixel{StrideH: l.StrideH, StrideW: l.StrideW, Top: l.PadTop % l.StrideH, Left: l.PadLeft % l.StrideW}
	c := *l
	c.Kind = ConvLayer
	c.Window = Window{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
	c.H, c.OH, c.KH, c.PadTop, c.PadBottom = subpixelRows(l.H, l.OH, l.KH, l.StrideH, l.PadTop)
	c.W, c.OW, c.KW, c.PadLeft, c.PadRight = subpixelRows(l.W, l.OW, l.KW, l.StrideW, l.PadLeft)
	phases := l.StrideH * l.StrideW
	c.OC *= phases
	c.Weights, c.Bias, c.Requant.Mult = nil, nil, nil
	for range phases {
		c.Bias = append(c.Bias, l.Bias...)
		c.Requant.Mult = append(c.Requant.Mult, l.Requant.Mult...)
	}
	if len(l.Requant.Mult) == 1 {
		c.Requant.Mult = l.Requant.Mult
	}
	zero := make([]byte, l.C)
	for i := range zero {
		zero[i] = byte(l.WeightZero)
	}
	for phase := range phases {
		for o := range l.OC {
			for tap := range c.KH * c.KW {
				ky := phase/l.StrideW + l.StrideH*(c.KH-1-tap/c.KW)
				kx := phase%l.StrideW + l.StrideW*(c.KW-1-tap%c.KW)
				if ky < l.KH && kx < l.KW {
					c.Weights = append(c.Weights, l.Weights[((o*l.KH+ky)*l.KW+kx)*l.C:][:l.C]...)
				} else {
					c.Weights = append(c.Weights, zero...)
				}
			}
		}
	}
	s.Conv = &c
	return s
}

// subpixelRows returns for one dimension of a transposed convolution the input
// cells that reach the output, the cells that the convolution makes, the extent
// of its window, and its padding.
func subpixelRows(in, out, k, stride, pad int) (used, made, window, before, after int) {
	first, last := pad/stride, (out-1+pad)/stride
	window = (k + stride - 1) / stride
	used = min(in, last+1)
	return used, last - first + 1, window, window - 1 - first, last + 1 - used
}
