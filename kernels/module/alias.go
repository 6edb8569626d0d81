package module

import (
	"slices"

	"qtune/qnn"
)

// Tensors may be part of another one's memory, so that an operator that only
// moves bytes has nothing to do:
//
//	RESHAPE and its like          the result is its operand
//	CONCATENATION, last axis      an operand is some channels of each pixel of the result
//	CONCATENATION, outermost axis an operand is a run of bytes of the result
//
// A concatenation takes in only operands that are quantised as its result is,
// that nothing else reads, and whose producers can write there.
type aliases struct {
	of          []qnn.TensorID // the tensor that holds this one; NoTensor: it has memory of its own
	place       []aliasPlace
	isHeldWhole []bool                  // some other tensor is all of this one's bytes
	inPlace     map[qnn.TensorID][]bool // of a concatenation: which operands it holds
}

// An aliasPlace says where a tensor lies in the one that holds it.
type aliasPlace struct {
	channels bool // some channels of each pixel, else bytes in a row
	at       int  // first channel, or byte
}

// findAliases decides for the steps of m, whose producers and consumers are
// all.
func (m *Module) findAliases(all []uses) *aliases {
	n := len(m.graph.Tensors)
	a := &aliases{of: make([]qnn.TensorID, n), place: make([]aliasPlace, n), isHeldWhole: make([]bool, n), inPlace: map[qnn.TensorID][]bool{}}
	for id := range a.of {
		a.of[id] = qnn.NoTensor
	}
	for _, s := range m.steps {
		if !s.reshapes() {
			continue
		}
		x, y := s.node.Inputs[0], s.node.Outputs[0]
		if !m.graph.Tensors[x].IsConst() {
			a.of[y] = a.root(x)
			a.isHeldWhole[a.of[y]] = true
		}
	}
	for i, s := range slices.Backward(m.steps) { // the outermost first
		if op, ok := s.node.Op.(qnn.Concat); ok {
			m.aliasConcat(a, all, i, op)
		}
	}
	return a
}

// root is the tensor whose memory holds id.
func (a *aliases) root(id qnn.TensorID) qnn.TensorID {
	for a.of[id] != qnn.NoTensor {
		id = a.of[id]
	}
	return id
}

// aliasConcat takes operands into the result of step i.
func (m *Module) aliasConcat(a *aliases, all []uses, i int, op qnn.Concat) {
	s := m.steps[i]
	y := s.node.Outputs[0]
	shape := m.graph.Tensors[y].Shape
	axis := op.Axis
	if axis < 0 {
		axis += len(shape)
	}
	inner := qnn.Shape(shape[axis+1:]).Elems() * m.graph.Tensors[y].Type.Size()
	inARow := qnn.Shape(shape[:axis]).Elems() == 1
	inChannels := axis == 3 && len(shape) == 4 && m.graph.Tensors[y].Type.Is8Bit()
	if !inARow && !inChannels || op.Activation != qnn.NoActivation {
		return
	}
	at := 0
	a.inPlace[y] = make([]bool, len(s.node.Inputs))
	for k, x := range s.node.Inputs {
		size := m.graph.Tensors[x].Shape[axis] * inner
		place := aliasPlace{channels: !inARow, at: at}
		if held := a.root(x); m.canHold(a, all, i, x, held, place) {
			a.of[held], a.place[held] = y, place
			a.inPlace[y][k] = true
		}
		at += size
	}
}

// canHold tells whether the result of the concatenation i can hold the tensor
// held, which is its operand x or has all of x's bytes.
func (m *Module) canHold(a *aliases, all []uses, i int, x, held qnn.TensorID, place aliasPlace) bool {
	s := m.steps[i]
	tx, ty := &m.graph.Tensors[x], m.graph.Output(s.node, 0)
	u := &all[held]
	switch {
	case u.producer < 0 || u.isInput || held == s.node.Outputs[0]:
		return false
	case a.of[held] != qnn.NoTensor:
		return false
	case tx.Type.Is8Bit() && !sameQuant(tx, ty):
		return false
	case count(s.node.Inputs, x) != 1:
		return false
	case !place.channels:
		return m.graph.Tensors[held].Bytes() == tx.Bytes()
	}
	// Whoever else reads or reshapes x would have to step over other channels.
	return held == x && !a.isHeldWhole[x] && len(u.consumers) == 1 && m.steps[u.producer].writes&gapPixels != 0
}

func sameQuant(x, y *qnn.Tensor) bool {
	return slices.Equal(x.Quant.Scale, y.Quant.Scale) && slices.Equal(x.Quant.Zero, y.Quant.Zero)
}

func count(ids []qnn.TensorID, id qnn.TensorID) int {
	n := 0
	for _, x := range ids {
		if x == id {
			n++
		}
	}
	return n
}
