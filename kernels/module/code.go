package module

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"qtune/kernels"
	"qtune/schedules"
)

// A code is the machine code that all layers of one workload and schedule run.
type code struct {
	workload schedules.Workload
	schedule schedules.Schedule
	isa      schedules.ISA
	label    string // of the first node that needs it, for messages
	kernel   *kernels.Kernel
	exec     *kernels.Executable
}

// machineCode is what a module and its clones run.
type machineCode struct {
	users     atomic.Int32 // modules that are not closed
	codes     []*code
	operators *kernels.Operators // nil without machine code
}

// close drops a user; the last one releases the memory.
func (c *machineCode) close() error {
	if c.users.Add(-1) > 0 {
		return nil
	}
	var errs []error
	for _, k := range c.codes {
		if k.exec != nil {
			errs = append(errs, k.exec.Close())
		}
	}
	if c.operators != nil {
		errs = append(errs, c.operators.Close())
	}
	return errors.Join(errs...)
}

// chooseCodes asks for the schedule of every layer, and lists the distinct
// codes in the order of their first use.
func (m *Module) chooseCodes(o Options) ([]*code, error) {
	choose := o.Choose
	if choose == nil {
		choose = Default
	}
	choices := make([]Choice, len(m.steps))
	for i, s := range m.steps {
		if s.layer == nil {
			continue
		}
		var err error
		if choices[i], err = choose(s.info.Workload, o.ISA); err != nil {
			return nil, fmt.Errorf("%s: no schedule for %s: %w", m.graph.Label(s.node), s.info.Workload, err)
		}
	}
	m.settle(choices)
	var codes []*code
	type key struct {
		w schedules.Workload
		s schedules.Schedule
	}
	known := map[key]*code{}
	for i, s := range m.steps {
		if s.layer == nil {
			continue
		}
		w, c := s.info.Workload, choices[i]
		s.info.Schedule, s.info.Source, s.info.Estimate, s.info.Loss, s.measured = c.Schedule, c.Source, c.Estimate, c.Loss, c.CodeHash
		k := key{w, c.Schedule}
		if known[k] == nil {
			known[k] = &code{workload: w, schedule: c.Schedule, isa: o.ISA, label: m.graph.Label(s.node)}
			codes = append(codes, known[k])
		}
		s.code = known[k]
	}
	return codes, nil
}

// build generates and loads all codes, several at a time.
func (m *Module) build(mode kernels.Mode) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range m.shared.codes {
		group.Go(func() error {
			if err := c.load(mode); err != nil {
				return fmt.Errorf("%s: %w", c.label, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, s := range m.steps {
		if s.code == nil {
			continue
		}
		s.info.CodeHash = s.code.kernel.CodeHash()
		if s.info.Source == Exact && s.measured != "" && s.measured != s.info.CodeHash {
			s.info.Source = Stale
		}
	}
	return nil
}

func (c *code) load(mode kernels.Mode) (err error) {
	if c.kernel, err = kernels.Build(c.workload, c.schedule, c.isa); err != nil {
		return err
	}
	c.exec, err = kernels.Load(c.kernel, mode)
	return err
}
