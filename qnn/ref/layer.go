package ref

import "qtune/qnn"

// Layer computes a whole layer: in is [N][H][W][C], out [N][OH][OW][OC].
func Layer(l *qnn.Layer, in, out []byte) {
	w := widenWeights(l)
	size := l.OH * l.OW * l.OC
	for image := range l.N {
		layerRows(l, w, in, out[image*size:(image+1)*size], image, 0, l.OH)
	}
}

// residual computes a convolution with an ADD in it, one after the other.
func residual(g *qnn.Graph, n *qnn.Node, l *qnn.Layer, vals Values, out []byte) {
	mid := make([]byte, len(out))
	Layer(l, vals.Of(g, n.Inputs[0]), mid)
	last := newOperand(g, n, vals, len(n.Inputs)-1)
	add(decodeOperand(n, g.LayerOutput(n), mid), last, newResult(g, n, out), n.Residual.Activation)
}

// LayerRows computes the output rows y0 <= y < y1 of one image of the batch.
// in is the input of the whole layer; out receives those rows only:
// [y1-y0][OW][OC]. Each call prepares all weights of the layer anew.
func LayerRows(l *qnn.Layer, in, out []byte, image, y0, y1 int) {
	layerRows(l, widenWeights(l), in, out, image, y0, y1)
}

func layerRows(l *qnn.Layer, w []int32, in, out []byte, image, y0, y1 int) {
	patch := make([]int32, l.KH*l.KW*l.C)
	acc := make([]int32, l.OC)
	for y := y0; y < y1; y++ {
		for x := range l.OW {
			gather(l, in, patch, image, y, x)
			copy(acc, l.Bias)
			if l.Kind == qnn.DepthwiseLayer {
				multiplyEach(l, patch, w, acc)
			} else {
				multiplyAll(patch, w, acc)
			}
			row := out[((y-y0)*l.OW+x)*l.OC:][:l.OC]
			for c, a := range acc {
				row[c] = byte(l.Requant.Apply(a, c))
			}
		}
	}
}

// widenWeights returns weight - zero point, in the order of the file.
func widenWeights(l *qnn.Layer) []int32 {
	w := make([]int32, len(l.Weights))
	for i, b := range l.Weights {
		if l.WeightSigned {
			w[i] = int32(int8(b))
		} else {
			w[i] = int32(b) - l.WeightZero
		}
	}
	return w
}

// gather collects the cells under the window at output position (y, x), as
// value - zero point in [KH][KW][C]. Cells outside the input are 0.
func gather(l *qnn.Layer, in []byte, patch []int32, image, y, x int) {
	for ky := range l.KH {
		iy := y*l.StrideH - l.PadTop + ky*l.DilationH
		for kx := range l.KW {
			ix := x*l.StrideW - l.PadLeft + kx*l.DilationW
			cell := patch[(ky*l.KW+kx)*l.C:][:l.C]
			if iy < 0 || iy >= l.H || ix < 0 || ix >= l.W {
				clear(cell)
				continue
			}
			src := in[((image*l.H+iy)*l.W+ix)*l.C:][:l.C]
			for c, b := range src {
				if l.Signed {
					cell[c] = int32(int8(b)) - l.InputZero
				} else {
					cell[c] = int32(b) - l.InputZero
				}
			}
		}
	}
}

// multiplyAll adds to each output channel the product of the patch with its
// weights, w[OC][KH*KW*C].
func multiplyAll(patch, w, acc []int32) {
	n := len(patch)
	for c := range acc {
		acc[c] += dot(patch, w[c*n:(c+1)*n])
	}
}

// dot keeps four sums; int32 addition wraps, so their order does not matter.
func dot(a, b []int32) int32 {
	var s0, s1, s2, s3 int32
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return s0 + s1 + s2 + s3
}

// multiplyEach adds to output channel c*Multiplier+j the product of input
// channel c with its weights, w[KH][KW][OC].
func multiplyEach(l *qnn.Layer, patch, w, acc []int32) {
	for tap := range l.KH * l.KW {
		cell := patch[tap*l.C:][:l.C]
		weights := w[tap*l.OC:][:l.OC]
		if l.Multiplier == 1 {
			for c, v := range cell {
				acc[c] += v * weights[c]
			}
			continue
		}
		for c, v := range cell {
			for j := c * l.Multiplier; j < (c+1)*l.Multiplier; j++ {
				acc[j] += v * weights[j]
			}
		}
	}
}
