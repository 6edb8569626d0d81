package pass

import (
	"slices"

	"qtune/qnn"
)

// pad moves PAD into the CONV_2D and DEPTHWISE_CONV_2D nodes that read its
// result, each of which gets explicit padding; the PAD stays if something else
// reads it too. The cells that PAD adds hold its output's zero point, and those
// around a convolution's input hold the input's, so the two must be quantised
// alike, and rows and columns only be padded.
//
// Pooling does not count cells outside of its input, so it is left alone.
func pad(g *qnn.Graph) {
	l := newLinks(g)
	for i := range g.Nodes {
		for fuseInput(g, l, &g.Nodes[i]) { // PAD may follow PAD
		}
	}
	gone := make([]bool, len(g.Nodes))
	for i, n := range slices.Backward(g.Nodes) {
		if _, ok := n.Op.(qnn.Pad); ok && l.uses[n.Outputs[0]] == 0 {
			gone[i] = true
			l.uses[n.Inputs[0]]--
		}
	}
	remove(g, gone)
}

// fuseInput moves the PAD that makes input 0 of n into n, and tells whether it
// did.
func fuseInput(g *qnn.Graph, l *links, n *qnn.Node) bool {
	if len(n.Inputs) == 0 || n.Inputs[0] == qnn.NoTensor || l.maker[n.Inputs[0]] < 0 {
		return false
	}
	padded := n.Inputs[0]
	before := &g.Nodes[l.maker[padded]]
	border, ok := borderOf(g, before)
	if !ok || !fusePad(g, n, before.Inputs[0], border) {
		return false
	}
	l.uses[padded]--
	l.uses[before.Inputs[0]]++
	return true
}

// borderOf returns the cells that n adds, if it is a PAD of rows and columns.
func borderOf(g *qnn.Graph, n *qnn.Node) (qnn.Border, bool) {
	if _, ok := n.Op.(qnn.Pad); !ok || !alike(g.Input(n, 0), g.Output(n, 0)) {
		return qnn.Border{}, false
	}
	cells, err := g.Paddings(n)
	if err != nil || len(cells) != 4 || cells[0] != [2]int{} || cells[3] != [2]int{} {
		return qnn.Border{}, false
	}
	return qnn.Border{Top: cells[1][0], Bottom: cells[1][1], Left: cells[2][0], Right: cells[2][1]}, true
}

// fusePad lets n, which reads the result of a PAD, read its input x within the
// border. It tells whether n is a convolution for which that is possible.
func fusePad(g *qnn.Graph, n *qnn.Node, x qnn.TensorID, border qnn.Border) bool {
	switch n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise:
	default:
		return false
	}
	l, err := qnn.ResolveLayer(g, n)
	if err != nil {
		return false
	}
	s := g.Tensors[x].Shape
	all := qnn.Border{
		Top: border.Top + l.PadTop, Bottom: needed(s[1], border.Top+l.PadTop, l.OH, l.KH, l.StrideH, l.DilationH),
		Left: border.Left + l.PadLeft, Right: needed(s[2], border.Left+l.PadLeft, l.OW, l.KW, l.StrideW, l.DilationW),
	}
	fused := *n
	fused.Inputs = append([]qnn.TensorID{x}, n.Inputs[1:]...)
	switch op := n.Op.(type) {
	case qnn.Conv2D:
		op.Padding, op.Border = qnn.Explicit, all
		fused.Op = op
	case qnn.Depthwise:
		op.Padding, op.Border = qnn.Explicit, all
		fused.Op = op
	}
	// A border as wide as the window is an error; the PAD stays then.
	if shape, err := g.InferShape(&fused); err != nil || !shape.Equal(g.Output(n, 0).Shape) {
		return false
	}
	*n = fused
	return true
}

// needed counts the cells after in that out windows of k cells, dilated by d and
// moved by s, read if there are before cells before it.
func needed(in, before, out, k, s, d int) int {
	return max(0, (out-1)*s+(k-1)*d+1-before-in)
}
