package module

import (
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
	}
	for _, id := range m.mem.inputHalo {
		m.mem.fillHalo(id)
	}
	for i, id := range m.graph.Inputs {
		m.mem.layout(id).scatter(m.mem.buffers[id], inputs[i])
	}
	return nil
}

// getOutputs copies the network's outputs out of the arena.
func (m *Module) getOutputs() {
	for i, id := range m.graph.Outputs {
		m.mem.layout(id).gather(m.outputs[i], m.mem.bytes(id))
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
	case m.mem.buffers[id] == nil:
		return nil, fmt.Errorf("%s is not computed", t)
	}
	out := make([]byte, t.Bytes())
	m.mem.layout(id).gather(out, m.mem.buffers[id])
	if t.Type == qnn.Int8 && m.graph.Tensors[id].Type == qnn.Uint8 {
		for i := range out {
			out[i] -= 128
		}
	}
	return out, nil
}
