package module

import "qtune/qnn"

// A Cost is what a layer has to move and to compute in an inference, however its
// loops are ordered: each byte counts once. Bytes are zero for layers that have
// nothing to do because of where tensors lie; what is read while it is made does
// not count, as it stays in the nearest caches.
type Cost struct {
	WeightBytes          int   // packed weights and other constants of the kernel
	ReadBytes            int   // activations that some output depends on
	WrittenBytes         int   // activations
	EpilogueInstructions int64 // see kernels.Kernel; 0 for layers without a kernel
}

// Costs returns the cost of each of Layers.
func (m *Module) Costs() []Cost {
	costs := make([]Cost, len(m.steps))
	for i, s := range m.steps {
		c := &costs[i]
		if s.packed != nil {
			c.WeightBytes = s.packed.Bytes()
		}
		if s.code != nil {
			c.EpilogueInstructions = s.code.kernel.EpilogueInstructions()
		}
		c.ReadBytes, c.WrittenBytes = m.traffic(s)
	}
	return costs
}

// traffic returns the bytes of activations that s reads and writes.
func (m *Module) traffic(s *step) (read, written int) {
	n := s.node
	for _, id := range n.Outputs {
		if m.mem.computed[id] {
			written += m.graph.Tensors[id].Bytes()
		}
	}
	seen := map[qnn.TensorID]bool{}
	for k, id := range n.Inputs {
		if id == qnn.NoTensor || m.graph.Tensors[id].IsConst() || seen[id] {
			continue
		}
		seen[id] = true
		if !m.mem.computed[id] {
			continue
		}
		if m.isInPlace(s, k) {
			written -= m.graph.Tensors[id].Bytes()
			continue
		}
		read += m.needed(s, k)
	}
	switch n.Op.(type) {
	case qnn.Slice, qnn.StridedSlice, qnn.Gather, qnn.ResizeNearest: // may take a part
		read = min(read, written)
	}
	return read, written
}

// isInPlace tells whether operand k of s lies already where s would put it.
func (m *Module) isInPlace(s *step, k int) bool {
	if s.reshapes() {
		return true
	}
	held := m.mem.aliases.inPlace[s.node.Outputs[0]]
	return held != nil && held[k]
}

// needed returns the bytes of operand k of s that some output depends on: all,
// unless a window is moved by more than its size.
func (m *Module) needed(s *step, k int) int {
	t := &m.graph.Tensors[s.node.Inputs[k]]
	switch op := s.node.Op.(type) {
	case qnn.AveragePool:
		return underPool(t, op.Pool)
	case qnn.MaxPool:
		return underPool(t, op.Pool)
	}
	if l := s.layer; l != nil && k == s.data && l.Kind != qnn.DenseLayer {
		return underWindow(t, l.Window, l.H, l.W, l.OH, l.OW)
	}
	return t.Bytes()
}

func underPool(t *qnn.Tensor, p qnn.Pool) int {
	h, w := t.Shape[1], t.Shape[2]
	win, oh, ow, err := p.Over(h, w)
	if err != nil {
		panic("BUG: a pool that was compiled: " + err.Error())
	}
	return underWindow(t, win, h, w, oh, ow)
}

// underWindow returns the bytes of t, images of h x w pixels, that the window lies
// over at some of its oh x ow places.
func underWindow(t *qnn.Tensor, win qnn.Window, h, w, oh, ow int) int {
	rows := touched(h, oh, win.KH, win.StrideH, win.DilationH, win.PadTop)
	columns := touched(w, ow, win.KW, win.StrideW, win.DilationW, win.PadLeft)
	return t.Bytes() / (h * w) * rows * columns
}

// touched counts the cells of in that out places of a window of k cells, dilated
// by d, moved by s and beginning before cells before the first, lie over.
func touched(in, out, k, s, d, before int) int {
	hit := make([]bool, in)
	n := 0
	for o := range out {
		for i := range k {
			if at := o*s + i*d - before; at >= 0 && at < in && !hit[at] {
				hit[at] = true
				n++
			}
		}
	}
	return n
}
