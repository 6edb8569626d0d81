package zoo

import "qtune/qnn"

// A Size says how large a network is.
type Size struct {
	Input      qnn.Shape
	MACs       int64 // multiply-accumulate steps of an inference, padding included
	Parameters int64 // weights and biases; batch normalisation is folded into them
}

// SizeOf returns the size of the network of the given name without building it.
func SizeOf(name string) (Size, error) {
	g, err := draw(name)
	if err != nil {
		return Size{}, err
	}
	size := Size{Input: g.Tensors[g.Inputs[0]].Shape}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if !isLayer(n.Op) {
			continue
		}
		w, b, y := g.Input(n, 1), g.Input(n, 2), g.Output(n, 0)
		size.Parameters += int64(w.Shape.Elems() + b.Shape.Elems())
		size.MACs += int64(y.Shape.Elems()) * int64(bankOf(n.Op, w).taps)
	}
	return size, nil
}

// isLayer tells whether the operator has weights.
func isLayer(op qnn.Op) bool {
	switch op.(type) {
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
		return true
	}
	return false
}
