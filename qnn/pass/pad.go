package pass

import "qtune/qnn"

// pad moves PAD into the convolutions and depthwise convolutions that read it,
// as explicit padding: the cells that PAD adds hold the zero point, which adds
// nothing to a sum. Each reader gets its own; a PAD that nobody else reads is
// then dead. It stays in front of a convolution with a window wholly outside
// the input.
func pad(g *qnn.Graph) {
	u := usesOf(g)
	for i := range g.Nodes {
		for takePad(g, &u, &g.Nodes[i]) {
		}
	}
}

// takePad moves the PAD before n, if there is one, into n.
func takePad(g *qnn.Graph, u *uses, n *qnn.Node) bool {
	switch n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise:
	default:
		return false
	}
	from := u.makerOf(g, n.Inputs[0])
	if from == nil {
		return false
	}
	cells, ok := spatialPad(g, from)
	if !ok {
		return false
	}
	m := *n
	m.Inputs = append([]qnn.TensorID{from.Inputs[0]}, n.Inputs[1:]...)
	l, err := qnn.ResolveLayer(g, n)
	if err != nil {
		return false
	}
	m.Op = withBorder(n.Op, cells, l.Window)
	if _, err := g.InferShapes(&m); err != nil {
		return false
	}
	*n = m
	return true
}

// spatialPad returns the cells that n adds, if it is a PAD of height and width
// only whose cells hold the zero point of its input.
func spatialPad(g *qnn.Graph, n *qnn.Node) (qnn.Border, bool) {
	if _, ok := n.Op.(qnn.Pad); !ok || !quantisedEqually(g.Input(n, 0), g.Output(n, 0)) {
		return qnn.Border{}, false
	}
	p, err := g.Paddings(n)
	if err != nil || len(p) != 4 || p[0] != [2]int{} || p[3] != [2]int{} {
		return qnn.Border{}, false
	}
	return qnn.Border{Top: p[1][0], Left: p[2][0], Bottom: p[1][1], Right: p[2][1]}, true
}

// withBorder gives op, whose window over the padded input is win, the cells of
// padding b beside its own.
func withBorder(op qnn.Op, b qnn.Border, win qnn.Window) qnn.Op {
	add := func(p qnn.Padding, own qnn.Border) qnn.Border {
		if p != qnn.Explicit {
			own = qnn.Border{Top: win.PadTop, Left: win.PadLeft, Bottom: win.PadBottom, Right: win.PadRight}
		}
		return qnn.Border{Top: own.Top + b.Top, Left: own.Left + b.Left, Bottom: own.Bottom + b.Bottom, Right: own.Right + b.Right}
	}
	switch op := op.(type) {
	case qnn.Conv2D:
		op.Border, op.Padding = add(op.Padding, op.Border), qnn.Explicit
		return op
	case qnn.Depthwise:
		op.Border, op.Padding = add(op.Padding, op.Border), qnn.Explicit
		return op
	}
	return op
}
