package pass

import "qtune/qnn"

// SaturateWeights returns g with every uint8 weight moved to within int8's reach
// of its zero point, and how many weights that changed. It is no pass: what it
// returns computes something else. It is as fast as the network would be if it
// had been quantised with symmetric weights, since kernels need no window sums
// where the differences from the zero point fit int8; so it shows what asymmetric
// weights cost.
func SaturateWeights(g *qnn.Graph) (*qnn.Graph, int) {
	out, changed := g.Clone(), 0
	for i := range out.Nodes {
		n := &out.Nodes[i]
		switch n.Op.(type) {
		case qnn.Conv2D, qnn.Depthwise, qnn.Dense, qnn.TransposeConv:
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
