package pass

import "qtune/qnn"

// SaturateWeights returns g with the weights of every layer moved to within
// int8's reach of their zero point, and how many weights that changed. It is no
// pass: the network that it returns computes something else. Kernels for it need
// no window sums, since the differences that they multiply with fit int8: it is
// the network that a quantisation with symmetric weights would have given, as far
// as speed goes. What asymmetric weights cost is the difference.
func SaturateWeights(g *qnn.Graph) (*qnn.Graph, int) {
	out, changed := g.Clone(), 0
	for i := range out.Nodes {
		n := &out.Nodes[i]
		switch n.Op.(type) {
		case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
		default:
			continue
		}
		if w := out.Input(n, 1); w.Type == qnn.Uint8 {
			changed += saturate(w)
		}
	}
	return out, changed
}

// saturate gives w new data, and returns how many weights differ.
func saturate(w *qnn.Tensor) int {
	data, changed, zero := make([]byte, len(w.Data)), 0, w.Quant.Zero[0]
	for i, v := range w.Data {
		data[i] = byte(min(max(int32(v), zero-128), zero+127))
		if data[i] != v {
			changed++
		}
	}
	w.Data = data
	return changed
}
