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
	legal, err := pass.Run(g, pass.Legalise, pass.Dead)
	if err != nil {
		return nil, err
	}
	for i := range legal.Nodes {
		n := &legal.Nodes[i]
		if op, ok := n.Op.(qnn.Unsupported); ok {
			return nil, fmt.Errorf("%s is not supported: %s", legal.Label(n), op.Reason)
		}
	}
	m := &Module{source: g, graph: legal, keepAll: o.KeepAll, team: newTeam(o.threads())}
	if err := m.compile(o); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (o *Options) threads() int {
	if o.Mode == kernels.Emulated || o.ISA == schedules.Ref {
		return 1
	}
	return max(o.Threads, 1)
}

func (m *Module) compile(o Options) error {
	for i := range m.graph.Nodes {
		s, err := newStep(m.graph, &m.graph.Nodes[i])
		if err != nil {
			return err
		}
		m.steps = append(m.steps, s)
	}
	if o.ISA != schedules.Ref {
		codes, err := m.chooseCodes(o)
		if err != nil {
			return err
		}
		if err := m.build(codes, o.Mode); err != nil {
			return err
		}
	}
	m.planMemory()
	if o.ISA == schedules.Ref {
		return nil
	}
	return m.bind()
}

// newStep resolves node n.
func newStep(g *qnn.Graph, n *qnn.Node) (*step, error) {
	s := &step{node: n, refill: qnn.NoTensor}
	s.info = LayerInfo{Node: n.Index, Op: n.Op.OpName(), Output: g.Output(n, 0).Name}
	switch n.Op.(type) {
	case qnn.Conv2D, qnn.Depthwise, qnn.Dense:
	default:
		return s, nil
	}
	var err error
	if s.layer, err = qnn.ResolveLayer(g, n); err != nil {
		return nil, err
	}
	s.info.MACs = s.layer.MACs()
	if s.info.Workload, err = schedules.WorkloadOf(s.layer); err != nil {
		return nil, fmt.Errorf("%s: %w", g.Label(n), err)
	}
	return s, nil
}

// A code is the machine code that all layers of one workload and schedule run.
type code struct {
	workload schedules.Workload
	schedule schedules.Schedule
	isa      schedules.ISA
	label    string // of the first node that needs it, for messages
	kernel   *kernels.Kernel
	exec     *kernels.Executable
}

// chooseCodes asks for the schedule of every layer, and returns the distinct
// codes in the order of their first use.
func (m *Module) chooseCodes(o Options) ([]*code, error) {
	choose := o.Choose
	if choose == nil {
		choose = Default
	}
	var codes []*code
	type key struct {
		w schedules.Workload
		s schedules.Schedule
	}
	known := map[key]*code{}
	for _, s := range m.steps {
		if s.layer == nil {
			continue
		}
		label := m.graph.Label(s.node)
		w := s.info.Workload
		c, err := choose(w, o.ISA)
		if err != nil {
			return nil, fmt.Errorf("%s: no schedule for %s: %w", label, w, err)
		}
		s.info.Schedule, s.info.Source = c.Schedule, c.Source
		k := key{w, c.Schedule}
		if known[k] == nil {
			known[k] = &code{workload: w, schedule: c.Schedule, isa: o.ISA, label: label}
			codes = append(codes, known[k])
		}
		s.code = known[k]
	}
	return codes, nil
}

// build generates and loads all codes, several at a time.
func (m *Module) build(codes []*code, mode kernels.Mode) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range codes {
		group.Go(func() error {
			if err := c.load(mode); err != nil {
				return fmt.Errorf("%s: %w", c.label, err)
			}
			return nil
		})
	}
	err := group.Wait()
	for _, c := range codes {
		if c.exec != nil {
			m.executables = append(m.executables, c.exec)
		}
	}
	for _, s := range m.steps {
		if s.code != nil && s.code.kernel != nil {
			s.info.CodeHash = s.code.kernel.CodeHash()
		}
	}
	return err
}

func (c *code) load(mode kernels.Mode) (err error) {
	if c.kernel, err = kernels.Build(c.workload, c.schedule, c.isa); err != nil {
		return err
	}
	c.exec, err = kernels.Load(c.kernel, mode)
	return err
}

// bind joins the kernels to their operands, and tabulates other operators.
func (m *Module) bind() error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range m.steps {
		group.Go(func() (err error) {
			if s.code != nil {
				err = m.bindKernel(s)
			} else {
				s.table, err = newTable(m.graph, s.node)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", m.graph.Label(s.node), err)
			}
			return nil
		})
	}
	return group.Wait()
}

// bindKernel packs the numbers of the layer of s and joins them to its buffers.
func (m *Module) bindKernel(s *step) error {
	packed, err := s.code.kernel.Pack(s.layer)
	if err != nil {
		return err
	}
	l, x, y := s.layer, s.node.Inputs[0], s.node.Outputs[0]
	in := m.layouts[x].view(m.buffers.Of(m.graph, x), l.N, l.H, l.W, l.C)
	out := m.layouts[y].view(m.buffers[y], l.N, l.OH, l.OW, l.OC)
	s.bound, err = s.code.exec.Bind(packed, in, out, m.team.n)
	return err
}
