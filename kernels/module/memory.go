package module

import (
	"qtune/kernels"
	"qtune/kernels/pack"
	"qtune/qnn"
	"qtune/qnn/ref"
)

// A plan says where each tensor of a network lies. All clones share it.
type plan struct {
	graph     *qnn.Graph
	aliases   *aliases
	computed  []bool // by tensor: has memory
	roots     []qnn.TensorID
	layouts   []layout
	blocks    []*block // of roots, else nil
	size      int      // of the arena
	peak      int      // bytes of blocks that are in use at the same time, at most
	refills   map[int][]qnn.TensorID
	inputHalo []qnn.TensorID // inputs whose halo is shared memory
	chainOf   []*chain       // of each step that is part of one
}

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

// planMemory decides where every tensor lies.
func (m *Module) planMemory() *plan {
	n := len(m.graph.Tensors)
	p := &plan{
		graph: m.graph, computed: make([]bool, n), roots: make([]qnn.TensorID, n),
		layouts: make([]layout, n), blocks: make([]*block, n),
		refills: map[int][]qnn.TensorID{}, chainOf: make([]*chain, len(m.steps)),
	}
	chains := m.findChains()
	for _, c := range chains {
		for _, i := range c.steps {
			p.chainOf[i] = c
		}
	}
	all := m.findUses()
	a := m.findAliases(all)
	p.aliases = a
	for id := range n {
		p.computed[id] = all[id].isInput || all[id].producer >= 0 && p.runsAt(all[id].producer) == all[id].producer
		p.roots[id] = a.root(qnn.TensorID(id))
	}
	p.planLayouts(a, m.halos(all, a))
	p.planBlocks(m, all, chains)
	return p
}

// halos returns the border that each tensor with memory of its own gets: what
// the consumers of all that it holds ask for, if the producers can leave gaps
// between rows and all consumers can read past them. Run itself can, when it
// copies an input of the network.
func (m *Module) halos(all []uses, a *aliases) []kernels.Halo {
	halos := make([]kernels.Halo, len(all))
	never := make([]bool, len(all))
	for i := range all {
		id, u := qnn.TensorID(i), &all[i]
		root := a.root(id)
		t := &m.graph.Tensors[id]
		if len(t.Shape) != 4 || !t.Type.Is8Bit() || a.of[id] != qnn.NoTensor && !a.place[id].channels ||
			u.producer >= 0 && m.steps[u.producer].writes&gapRows == 0 {
			never[root] = true
			continue
		}
		for _, c := range u.consumers {
			if m.steps[c].reads&gapRows == 0 {
				never[root] = true
				break
			}
			if s := m.steps[c]; s.code != nil && id == s.node.Inputs[s.data] {
				halos[root] = larger(halos[root], s.code.kernel.InputHalo())
			}
		}
	}
	for id := range halos {
		if never[id] {
			halos[id] = kernels.Halo{}
		}
	}
	return halos
}

func larger(a, b kernels.Halo) kernels.Halo {
	return kernels.Halo{
		Top: max(a.Top, b.Top), Left: max(a.Left, b.Left),
		Bottom: max(a.Bottom, b.Bottom), Right: max(a.Right, b.Right),
	}
}

func (p *plan) planLayouts(a *aliases, halos []kernels.Halo) {
	done := make([]bool, len(p.layouts))
	var plan func(id qnn.TensorID)
	plan = func(id qnn.TensorID) {
		if done[id] {
			return
		}
		done[id] = true
		l := denseLayout(&p.graph.Tensors[id])
		if of := a.of[id]; of != qnn.NoTensor {
			plan(of)
			if place := a.place[id]; place.channels {
				l = p.layouts[of].slice(place.at, l.c)
			} else {
				l.first = p.layouts[of].first + place.at
			}
		} else {
			l.halo = halos[id]
		}
		p.layouts[id] = l
	}
	for id := range p.layouts {
		plan(qnn.TensorID(id))
	}
}

// planBlocks places the tensors that have memory of their own.
func (p *plan) planBlocks(m *Module, all []uses, chains []*chain) {
	var live []*block
	for _, c := range chains {
		c.block = &block{bytes: c.plan.Bytes(), first: c.last(), last: c.last()}
		live = append(live, c.block)
	}
	for id := range all {
		u, root := &all[id], p.roots[id]
		if !p.computed[id] {
			continue
		}
		b := p.blocks[root]
		if b == nil {
			b = &block{bytes: p.layouts[root].bytes(), first: u.producer, last: -1}
			p.blocks[root] = b
			live = append(live, b)
		}
		b.first = min(b.first, u.producer)
		b.last = max(b.last, p.lastUse(u))
	}
	p.size = place(live, !m.keepAll)
	p.peak = peakOf(live, len(m.steps))
	for id, b := range p.blocks {
		if b == nil || !b.shared || p.layouts[id].halo == (kernels.Halo{}) {
			continue
		}
		if b.first < 0 {
			p.inputHalo = append(p.inputHalo, qnn.TensorID(id))
		} else {
			p.refills[b.first] = append(p.refills[b.first], qnn.TensorID(id))
		}
	}
}

// runsAt returns the step at whose place step i is computed.
func (p *plan) runsAt(i int) int {
	if c := p.chainOf[i]; c != nil {
		return c.last()
	}
	return i
}

// lastUse is the last step at which a tensor must be kept.
func (p *plan) lastUse(u *uses) int {
	if u.isOutput {
		return max(u.producer, len(p.chainOf))
	}
	last := u.producer
	for _, i := range u.consumers {
		last = max(last, p.runsAt(i))
	}
	return last
}

// A memory is the arena of one clone.
type memory struct {
	*plan
	arena   []byte
	buffers ref.Values // by tensor: the memory that holds it, of the tensor alone where it is dense; nil if constant or not computed
}

// newMemory allocates the arena. All halos hold zero points.
func (p *plan) newMemory() *memory {
	arena := pack.Aligned(p.size)
	mem := &memory{plan: p, arena: arena, buffers: make(ref.Values, len(p.layouts))}
	for id, l := range p.layouts {
		if !p.computed[id] {
			continue
		}
		b := p.blocks[p.roots[id]]
		data := arena[b.offset : b.offset+b.bytes : b.offset+b.bytes]
		if l.isDense() {
			data = data[l.first : l.first+l.tensorBytes() : l.first+l.tensorBytes()]
		}
		mem.buffers[id] = data
	}
	for id, l := range p.layouts {
		if p.blocks[id] != nil && l.halo != (kernels.Halo{}) {
			mem.fillHalo(qnn.TensorID(id))
		}
	}
	return mem
}

// bytes returns the bytes of a tensor that is dense, or constant.
func (mem *memory) bytes(id qnn.TensorID) []byte { return mem.buffers.Of(mem.graph, id) }

// layout is that of id in what bytes returns.
func (mem *memory) layout(id qnn.TensorID) layout {
	l := mem.layouts[id]
	if l.isDense() {
		l.first = 0
	}
	return l
}

// view returns tensor id as an image.
func (mem *memory) view(id qnn.TensorID) kernels.View { return mem.layout(id).view(mem.bytes(id)) }

// viewAs is view of a tensor whose shape may also be read as n x h x w x c.
func (mem *memory) viewAs(id qnn.TensorID, n, h, w, c int) kernels.View {
	return mem.layout(id).as(n, h, w, c).view(mem.bytes(id))
}

func (mem *memory) fillHalo(id qnn.TensorID) {
	mem.layouts[id].fillHalo(mem.buffers[id], byte(mem.graph.Tensors[id].Quant.Zero[0]))
}
