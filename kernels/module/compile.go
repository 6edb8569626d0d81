package module

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"qtune/kernels"
	"qtune/qnn"
	"qtune/qnn/pass"
	"qtune/schedules"
)

// Compile makes g, which must be valid, ready to run. Errors name the node.
func Compile(g *qnn.Graph, o Options) (*Module, error) {
	legal, err := pass.Run(g, Passes(o.NoFuse)...)
	if err != nil {
		return nil, err
	}
	for i := range legal.Nodes {
		n := &legal.Nodes[i]
		if op, ok := n.Op.(qnn.Unsupported); ok {
			return nil, &UnsupportedError{legal.Label(n), op.Reason}
		}
	}
	m := &Module{source: g, graph: legal, keepAll: o.KeepAll, noFuse: o.NoFuse, machine: schedules.HostMachine(), shared: &machineCode{}}
	m.oneThread = o.Mode == kernels.Emulated || o.ISA == schedules.Ref
	m.threads = 1
	if !m.oneThread {
		m.threads = max(o.Threads, 1)
	}
	m.shared.users.Add(1)
	if err := m.prepare(o); err != nil {
		return nil, errors.Join(err, m.shared.close())
	}
	if err := m.start(m.planMemory()); err != nil {
		return nil, errors.Join(err, m.shared.close())
	}
	return m, nil
}

// Passes are those that Compile applies.
func Passes(noFuse bool) []pass.Name {
	if noFuse {
		return pass.Minimal()
	}
	return pass.Default()
}

// prepare makes all that does not depend on memory: steps, code, constants.
func (m *Module) prepare(o Options) (err error) {
	for i := range m.graph.Nodes {
		s, err := newStep(m.graph, &m.graph.Nodes[i], o.ISA)
		if err != nil {
			return err
		}
		m.steps = append(m.steps, s)
	}
	if o.ISA == schedules.Ref {
		return nil
	}
	if m.shared.codes, err = m.chooseCodes(o); err != nil {
		return err
	}
	if m.shared.operators, err = kernels.NewOperators(o.ISA, o.Mode); err != nil {
		return err
	}
	if err := m.build(o.Mode); err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range m.steps {
		group.Go(func() error {
			if s.code != nil {
				return s.useKernel(m.graph, m.shared.operators)
			}
			return m.useOperator(s)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var layers []*kernels.Packed
	for _, s := range m.steps {
		if s.packed != nil {
			layers = append(layers, s.packed)
		}
	}
	kernels.MoveTogether(layers)
	return nil
}

// bind joins step i to the memory; those of a chain at the last.
func (m *Module) bind(i int) ([][]kernels.Part, error) {
	c := m.mem.chainOf[i]
	switch {
	case c == nil:
		return m.steps[i].bind(m.mem, m.threads)
	case c.last() != i:
		return nil, nil
	}
	b, err := m.bindChain(c)
	if err != nil {
		return nil, err
	}
	m.chains[i] = b
	return b.Phases(), nil
}

// start allocates memory by p, joins all steps to it and starts the threads.
func (m *Module) start(p *plan) error {
	m.mem = p.newMemory()
	m.phases, m.chains = make([][]*phase, len(m.steps)), map[int]*kernels.Chain{}
	for i, s := range m.steps {
		phases, err := m.bind(i)
		if err != nil {
			return fmt.Errorf("%s: %w", m.graph.Label(s.node), err)
		}
		if refill := p.refills[i]; refill != nil {
			phases = append(onePart(func() error {
				for _, id := range refill {
					m.mem.fillHalo(id)
				}
				return nil
			}), phases...)
		}
		for _, parts := range phases {
			if len(parts) > 0 {
				m.phases[i] = append(m.phases[i], newPhase(parts))
			}
		}
	}
	for _, id := range m.graph.Outputs {
		m.outputs = append(m.outputs, make([]byte, m.graph.Tensors[id].Bytes()))
	}
	m.team = newTeam(m.threads)
	return nil
}
