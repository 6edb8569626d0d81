package module

import (
	"bytes"
	"fmt"

	"qtune/qnn"
)

// setInputs copies the network's inputs into the arena.
func (m *Module) setInputs(inputs [][]byte) error {
	if len(inputs) != len(m.graph.Inputs) {
		return fmt.Errorf("%d inputs, the network has %d", len(inputs), len(m.graph.Inputs))
	}
	for i, id := range m.graph.Inputs {
		t := &m.graph.Tensors[id]
		if len(inputs[i]) != t.Bytes() {
			return fmt.Errorf("input %d has %d bytes, a %s %s has %d", i, len(inputs[i]), t.Shape, t.Type, t.Bytes())
		}
		l := m.layouts[id]
		if !l.isDense() {
			m.fillHalo(id) // its memory may have had another use since
		}
		l.scatter(m.buffers[id], inputs[i])
	}
	return nil
}

// getOutputs copies the network's outputs out of the arena.
func (m *Module) getOutputs() {
	for i, id := range m.graph.Outputs {
		m.layouts[id].gather(m.outputs[i], m.buffers.Of(m.graph, id))
	}
}

// Tensor returns what the last Run computed for tensor id of the source graph:
// a copy, dense, in the tensor's own type, also where the compiled network
// holds an int8 tensor as uint8. The Module must have been compiled with
// KeepAll. It fails for tensors that no step of the compiled network makes.
func (m *Module) Tensor(id qnn.TensorID) ([]byte, error) {
	t := &m.source.Tensors[id]
	switch {
	case !m.keepAll:
		return nil, fmt.Errorf("%s: the memory was used again; compile with KeepAll", t)
	case m.buffers[id] == nil:
		return nil, fmt.Errorf("%s is not computed", t)
	}
	out := bytes.Clone(m.buffers[id])
	if l := m.layouts[id]; !l.isDense() {
		out = make([]byte, t.Bytes())
		l.gather(out, m.buffers[id])
	}
	if t.Type == qnn.Int8 && m.graph.Tensors[id].Type == qnn.Uint8 {
		for i := range out {
			out[i] -= 128
		}
	}
	return out, nil
}
