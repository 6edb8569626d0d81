package module

import (
	"qtune/kernels"
	"qtune/kernels/pack"
	"qtune/qnn"
	"qtune/qnn/ref"
)

// uses says which steps touch a tensor.
type uses struct {
	producer  int // step, or -1: an input of the network or a constant
	consumers []int
	isInput   bool
	isOutput  bool
}

// findUses returns the uses of every tensor.
func (m *Module) findUses() []uses {
	all := make([]uses, len(m.graph.Tensors))
	for id := range all {
		all[id].producer = -1
	}
	for i, s := range m.steps {
		for _, id := range s.node.Inputs {
			if id != qnn.NoTensor {
				all[id].consumers = append(all[id].consumers, i)
			}
		}
		for _, id := range s.node.Outputs {
			all[id].producer = i
		}
	}
	for _, id := range m.graph.Inputs {
		all[id].isInput = true
	}
	for _, id := range m.graph.Outputs {
		all[id].isOutput = true
	}
	return all
}

// planMemory decides the layout of every tensor and allocates the arena.
func (m *Module) planMemory() {
	tensors := m.graph.Tensors
	m.layouts = make([]layout, len(tensors))
	m.buffers = make(ref.Values, len(tensors))
	blocks := make([]*block, len(tensors)) // nil: not in the arena
	var live []*block
	all := m.findUses()
	for id := range tensors {
		t, u := &tensors[id], &all[id]
		m.layouts[id] = denseLayout(t)
		if u.producer < 0 && !u.isInput {
			continue // constant, or dropped by a pass
		}
		m.layouts[id].halo = m.haloOf(qnn.TensorID(id), u)
		blocks[id] = &block{bytes: m.layouts[id].bytes(), first: u.producer, last: m.lastUse(u)}
		live = append(live, blocks[id])
	}
	arena := pack.Aligned(place(live, !m.keepAll))
	for id, b := range blocks {
		if b != nil {
			m.buffers[id] = arena[b.offset : b.offset+b.bytes : b.offset+b.bytes]
			m.initHalo(qnn.TensorID(id), &all[id], b.shared)
		}
	}
	for _, id := range m.graph.Outputs {
		m.outputs = append(m.outputs, make([]byte, m.graph.Tensors[id].Bytes()))
	}
}

// lastUse is the last step at which a tensor must be kept.
func (m *Module) lastUse(u *uses) int {
	if u.isOutput || len(u.consumers) == 0 {
		return max(u.producer, len(m.steps))
	}
	return u.consumers[len(u.consumers)-1]
}

// haloOf returns the border that tensor id gets: what its consumers ask for,
// if the producer can leave gaps between rows and every consumer can read past
// them. Run itself can, when it copies an input of the network.
func (m *Module) haloOf(id qnn.TensorID, u *uses) kernels.Halo {
	none := kernels.Halo{}
	if t := &m.graph.Tensors[id]; len(t.Shape) != 4 || !t.Type.Is8Bit() {
		return none
	}
	if u.producer >= 0 && !canWriteRows(m.steps[u.producer]) {
		return none
	}
	halo := none
	for _, i := range u.consumers {
		if !canReadRows(m.steps[i]) {
			return none
		}
		h := m.steps[i].code.kernel.InputHalo()
		halo.Top, halo.Bottom = max(halo.Top, h.Top), max(halo.Bottom, h.Bottom)
		halo.Left, halo.Right = max(halo.Left, h.Left), max(halo.Right, h.Right)
	}
	return halo
}

// canWriteRows tells whether s can write its output with gaps between rows.
func canWriteRows(s *step) bool {
	return s.code != nil && s.layer.Kind != qnn.DenseLayer && !s.code.kernel.ContiguousOutput()
}

// canReadRows tells whether s can read its input with gaps between rows.
func canReadRows(s *step) bool {
	return s.code != nil && s.layer.Kind != qnn.DenseLayer && !s.code.kernel.ContiguousInput()
}

// initHalo fills the halo of tensor id, and where the memory is shared makes
// its producer do so before each run. Inputs are refilled by setInputs.
func (m *Module) initHalo(id qnn.TensorID, u *uses, shared bool) {
	if m.layouts[id].isDense() {
		return
	}
	m.fillHalo(id)
	if shared && u.producer >= 0 {
		m.steps[u.producer].refill = id
	}
}

func (m *Module) fillHalo(id qnn.TensorID) {
	m.layouts[id].fillHalo(m.buffers[id], byte(m.graph.Tensors[id].Quant.Zero[0]))
}
