package module

import (
	"fmt"
	"strings"

	"qtune/kernels"
	"qtune/qnn"
)

// Describe returns a line for each step, with where its result lies:
//
//	3 CONV_2D "conv2" 8x8x4+1,1 @1024..1664
//	4 CONV_2D "conv3" 8x8x4 in "concat" channel 12
//	5 CONCATENATION "concat" 8x8x16 @0..1024
//
// +1,1 is a halo of columns left and right, @ are bytes of the arena. What is read
// while it is made has no place of its own:
//
//	0 DEPTHWISE_CONV_2D "dw1" 112x112x32 in bands, for step 1
func (m *Module) Describe() string {
	var b strings.Builder
	for _, id := range m.graph.Inputs {
		fmt.Fprintf(&b, "input %s\n", m.mem.describe(id))
	}
	for i, s := range m.steps {
		fmt.Fprintf(&b, "%d %s", i, s.info.Op)
		if m.mem.runsAt(i) != i {
			t := m.graph.Output(s.node, 0)
			fmt.Fprintf(&b, " %q %s in bands, for step %d\n", t.Name, t.Shape, m.mem.runsAt(i))
			continue
		}
		for _, id := range s.node.Outputs {
			fmt.Fprintf(&b, " %s", m.mem.describe(id))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "arena %d bytes, %d in use at a time\n", m.mem.size, m.mem.peak)
	return b.String()
}

// describe says where tensor id lies.
func (p *plan) describe(id qnn.TensorID) string {
	t := &p.graph.Tensors[id]
	text := fmt.Sprintf("%q %s", t.Name, t.Shape)
	if of := p.aliases.of[id]; of != qnn.NoTensor {
		what := "byte"
		if p.aliases.place[id].channels {
			what = "channel"
		}
		return fmt.Sprintf("%s in %q %s %d", text, p.graph.Tensors[of].Name, what, p.aliases.place[id].at)
	}
	if h := p.layouts[id].halo; h != (kernels.Halo{}) {
		text += fmt.Sprintf("+%d,%d", h.Left, h.Right)
	}
	return fmt.Sprintf("%s @%d..%d", text, p.blocks[id].offset, p.blocks[id].offset+p.blocks[id].bytes)
}
