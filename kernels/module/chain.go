package module

import (
	"time"

	"qtune/kernels"
	"qtune/kernels/peak"
	"qtune/qnn"
	"qtune/schedules"
)

// A chain is steps each of which makes what only the next one reads. They are
// computed together, at the place of the last, band by band of its output: what is
// between them has no memory but for the rows that are needed at the time, and
// threads do not wait for each other in between.
type chain struct {
	steps []int
	band  int // output rows of the last step
	plan  *kernels.ChainPlan
	block *block // of the plan's memory
}

func (c *chain) last() int { return c.steps[len(c.steps)-1] }

// What decides which steps are chained, measured on Zen 5.
const (
	phaseNS    = 1200 // until all threads have ended a phase and begun the next
	bytesPerNS = 400  // between steps, that no longer leave the nearest caches
	dotsPerNS  = 4    // of a thread, in convolutions
	slowDots   = 4    // as many times longer takes a dot step of depthwise layers
	leastEven  = 0.97 // share of the threads' time that is used with whole rows
	mostSteps  = 3    // of a chain: more gain nothing
)

// bandRows are the heights of bands, the best first. More rows gain nothing, and
// fewer cost more for the beginning of each call than nearer caches save.
var bandRows = []int{16, 12, 8}

// findChains returns the chains of m with its number of threads that gain most.
func (m *Module) findChains() []*chain {
	if m.keepAll || m.noFuse {
		return nil
	}
	all := m.findUses()
	after := make([]int, len(m.steps)) // the follower of each step
	follows := make([]bool, len(m.steps))
	for i := range m.steps {
		if after[i] = m.follower(all, i); after[i] >= 0 {
			follows[after[i]] = true
		}
	}
	var chains []*chain
	for i := range m.steps {
		if follows[i] || after[i] < 0 {
			continue
		}
		path := []int{i}
		for next := after[i]; next >= 0; next = after[next] {
			path = append(path, next)
		}
		chains = append(chains, m.cutPath(path)...)
	}
	return chains
}

// cutPath cuts steps, each of which can follow the one before, into the chains that
// gain most together.
func (m *Module) cutPath(path []int) []*chain {
	type cut struct {
		gain  float64
		chain *chain // the last; nil: a step by itself
	}
	best := make([]cut, len(path)+1) // of the steps before
	for end := 1; end <= len(path); end++ {
		best[end].gain = best[end-1].gain
		for first := max(end-mostSteps, 0); first < end-1; first++ {
			c := m.newChain(path[first:end])
			if c == nil {
				continue
			}
			if gain := best[first].gain + m.gain(c); gain > best[end].gain {
				best[end] = cut{gain, c}
			}
		}
	}
	var chains []*chain
	for end := len(path); end > 0; {
		c := best[end].chain
		if c == nil {
			end--
			continue
		}
		chains = append(chains, c)
		end -= len(c.steps)
	}
	return chains
}

// follower returns the step that alone reads what step i makes, and can do so while
// it is made; -1 if there is none.
func (m *Module) follower(all []uses, i int) int {
	s := m.steps[i]
	id := s.node.Outputs[0]
	if u := &all[id]; s.code == nil || s.subpixel != nil || s.node.Residual != nil || u.isOutput || len(u.consumers) != 1 {
		return -1
	}
	next := all[id].consumers[0]
	n := m.steps[next]
	switch {
	case n.code == nil || n.subpixel != nil || n.add != nil || n.layer.Kind == qnn.DenseLayer:
		return -1
	case n.node.Inputs[n.data] != id || !n.code.kernel.CanFollow(s.code.kernel):
		return -1
	}
	return next
}

// newChain plans a chain; nil where bands would be too low, or threads have unequal
// shares.
func (m *Module) newChain(steps []int) *chain {
	w := m.steps[steps[len(steps)-1]].info.Workload
	rows := (w.N*w.OH() + m.threads - 1) / m.threads
	if float64(w.N*w.OH()) < leastEven*float64(rows*m.threads) {
		return nil
	}
	rows = min(rows, w.OH())
	var list []*kernels.Kernel
	weights, macs := 0, int64(0) // of one step, for a row of the last one's output
	for _, i := range steps {
		k := m.steps[i].code.kernel
		list = append(list, k)
		weights += k.Workload.WeightBytes() * schedules.WeightBytes(k.ISA, k.Schedule)
		macs = max(macs, k.Workload.MACs()/int64(w.N*w.OH()))
	}
	l2 := peak.Levels(m.machine, 1)[1].Bytes
	for _, most := range bandRows {
		bands := (rows + most - 1) / most
		band := (rows + bands - 1) / bands
		if float64(macs)*float64(band) > schedules.MaxCallMACs || bands > 1 && weights > l2/4 { // read in each band
			continue
		}
		c := &chain{steps: steps, band: band, plan: kernels.PlanChain(list, m.threads, band, m.steps[steps[len(steps)-1]].sum != nil)}
		if c.plan.Bytes()/m.threads <= l2*3/8 {
			return c
		}
	}
	return nil
}

// gain estimates how many nanoseconds less a chain takes than its steps: phases and
// bytes that are saved, less what threads make twice.
func (m *Module) gain(c *chain) float64 {
	saved := 0.0
	if m.threads > 1 {
		saved = float64(len(c.steps)-1) * phaseNS
	}
	for _, i := range c.steps[:len(c.steps)-1] {
		saved += float64(m.graph.Output(m.steps[i].node, 0).Bytes()) / bytesPerNS / float64(m.threads)
	}
	slowest := 0.0
	for _, rows := range c.plan.Rows() {
		ns := 0.0
		for k, i := range c.steps {
			w, isa := m.steps[i].info.Workload, m.steps[i].code.isa
			_, lanes := schedules.Registers(isa)
			all := float64(w.N * w.OH())
			dots := float64(w.MACs()) / all * float64(schedules.ElementBytes(isa, m.steps[i].code.schedule)) / float64(4*lanes)
			if w.Op == schedules.Depthwise {
				dots *= slowDots
			}
			ns += (float64(rows[k]) - all/float64(m.threads)) * dots / dotsPerNS
		}
		slowest = max(slowest, ns)
	}
	return saved - slowest
}

// bindChain joins a chain to memory.
func (m *Module) bindChain(c *chain) (*kernels.Chain, error) {
	var layers []kernels.ChainLayer
	for _, i := range c.steps {
		layers = append(layers, kernels.ChainLayer{Executable: m.steps[i].code.exec, Packed: m.steps[i].packed})
	}
	first, last := m.steps[c.steps[0]], m.steps[c.last()]
	if last.sum != nil {
		layers[len(layers)-1].Residual = last.residual(m.mem)
	}
	return c.plan.Bind(layers, first.input(m.mem), last.output(m.mem), m.mem.arena[c.block.offset:][:c.block.bytes])
}

func (m *Module) timeChains(on bool) {
	for _, c := range m.chains {
		c.Time(on)
	}
}

// share divides the time of a chain, that of its last step, among its steps.
func (m *Module) share(c *chain, times []time.Duration) {
	all := times[c.last()]
	for k, part := range m.chains[c.last()].Spent() {
		times[c.steps[k]] = time.Duration(part * float64(all))
	}
}
