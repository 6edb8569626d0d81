package pass

import (
	"encoding/binary"
	"slices"

	"qtune/qnn"
)

// pad moves PAD into the CONV_2D and DEPTHWISE_CONV_2D nodes that read its
// result, each of which gets explicit padding; the PAD stays if something else
// reads it too. The cells that PAD adds hold its output's zero point, and those
// around a convolution's input hold the input's, so the two must be quantised
// alike, and rows and columns only be padded. PADV2 with that value is the same.
// PADs in a row become one first.
//
// Pooling does not count cells outside of its input, so it is left alone.
func pad(g *qnn.Graph) {
	l := newLinks(g)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		border, x, ok := paddingBefore(g, l, n)
		if !ok {
			continue
		}
		padded := n.Inputs[0]
		if own, both := borderOf(g, n); both {
			joinPads(g, n, x, own, border)
		} else if !fusePad(g, n, x, border) {
			continue
		}
		l.uses[padded]--
		l.uses[x]++
	}
	gone := make([]bool, len(g.Nodes))
	for i, n := range slices.Backward(g.Nodes) {
		if isPad(n.Op) && l.uses[n.Outputs[0]] == 0 {
			gone[i] = true
			l.uses[n.Inputs[0]]--
		}
	}
	remove(g, gone)
}

// paddingBefore returns what the PAD that makes input 0 of n reads, and the
// cells that it adds, if there is such a PAD.
func paddingBefore(g *qnn.Graph, l *links, n *qnn.Node) (border qnn.Border, x qnn.TensorID, ok bool) {
	if len(n.Inputs) == 0 || n.Inputs[0] == qnn.NoTensor || l.maker[n.Inputs[0]] < 0 {
		return border, x, false
	}
	before := &g.Nodes[l.maker[n.Inputs[0]]]
	border, ok = borderOf(g, before)
	return border, before.Inputs[0], ok
}

// joinPads lets n, a PAD that adds the cells a around a PAD of x that adds b,
// read x.
func joinPads(g *qnn.Graph, n *qnn.Node, x qnn.TensorID, a, b qnn.Border) {
	t := g.Tensors[n.Inputs[1]]
	t.Name, t.Type, t.Data = g.Output(n, 0).Name+"/paddings", qnn.Int32, nil
	for _, v := range []int{0, 0, a.Top + b.Top, a.Bottom + b.Bottom, a.Left + b.Left, a.Right + b.Right, 0, 0} {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(v))
	}
	g.Tensors = append(g.Tensors, t)
	n.Op, n.Inputs = qnn.Pad{}, []qnn.TensorID{x, qnn.TensorID(len(g.Tensors) - 1)}
}

func isPad(op qnn.Op) bool {
	switch op.(type) {
	case qnn.Pad, qnn.PadValue:
		return true
	}
	return false
}

// borderOf returns the cells that n adds, if it pads rows and columns with its
// input's zero point.
func borderOf(g *qnn.Graph, n *qnn.Node) (qnn.Border, bool) {
	if !isPad(n.Op) || !alike(g.Input(n, 0), g.Output(n, 0)) || !padsZero(g, n) {
		return qnn.Border{}, false
	}
	cells, err := g.Paddings(n)
	if err != nil || len(cells) != 4 || cells[0] != [2]int{} || cells[3] != [2]int{} {
		return qnn.Border{}, false
	}
	return qnn.Border{Top: cells[1][0], Bottom: cells[1][1], Left: cells[2][0], Right: cells[2][1]}, true
}

// padsZero tells whether n, which pads, does so with the zero point.
func padsZero(g *qnn.Graph, n *qnn.Node) bool {
	if _, ok := n.Op.(qnn.PadValue); !ok {
		return true
	}
	v, y := g.Input(n, 2), g.Output(n, 0)
	return v.Type == y.Type && len(v.Data) == 1 && len(y.Quant.Zero) == 1 && v.Data[0] == byte(y.Quant.Zero[0])
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
