package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"qtune/kernels/module"
	"qtune/logs"
	"qtune/qnn"
	"qtune/schedules"
)

// defaultLog is the log in the current folder.
const defaultLog = "tune.db"

// compileFlags are the flags of commands that compile networks with what the
// log knows.
type compileFlags struct {
	target  targetFlags
	log     string
	machine string
	strict  bool
	frozen  bool
	threads int
	noFuse  bool
	remote  cacheFlags
}

func (f *compileFlags) register(c *cobra.Command) {
	f.target.register(c)
	f.target.registerEmulate(c)
	registerLog(c, &f.log)
	registerThreads(c, &f.threads)
	c.Flags().BoolVar(&f.noFuse, "no-fuse", false, "compute the network operator by operator, every tensor of the file")
	registerMachine(c, &f.machine)
	f.remote.register(c)
	c.Flags().BoolVar(&f.strict, "strict", false, "fail with exit status 3 where a schedule was not measured for this workload on this kind of machine")
	c.Flags().BoolVar(&f.frozen, "frozen", false, "the log must be there and stays as it is, with no file beside it; nothing is measured to choose a schedule")
}

// open opens what knows schedules for reading: the log, or what the service says.
// Without --log or --frozen, a log that is not there is no error, but nil.
func (f *compileFlags) open(c *cobra.Command, w wanted) (l *logs.Log, done func(), err error) {
	if f.remote.used() {
		return f.remote.open(c, w)
	}
	l, err = logs.Open(f.log, logs.Options{ReadOnly: true, Frozen: f.frozen, Warn: warner(c)})
	if errors.Is(err, fs.ErrNotExist) && !c.Flags().Changed("log") && !f.frozen {
		return nil, func() {}, nil
	}
	return l, func() { l.Close() }, err
}

// chooser returns what chooses schedules by the log, which is closed by done.
func (f *compileFlags) chooser(c *cobra.Command, w wanted) (choose module.Chooser, done func(), err error) {
	log, done, err := f.open(c, w)
	if err != nil {
		return nil, nil, err
	}
	machine, err := machineOf(c.Context(), log, f.machine)
	if err != nil {
		done()
		return nil, nil, err
	}
	return logs.Chooser(c.Context(), log, machine), done, nil
}

// warner tells of damaged rows that were skipped, and of clocks.
func warner(c *cobra.Command) func(error) {
	return func(err error) {
		what := "warning"
		if errors.As(err, new(*logs.RowError)) {
			what = "skipped"
		}
		fmt.Fprintf(c.ErrOrStderr(), "%s: %v\n", what, err)
	}
}

// compile compiles g, read from path, and prints where the schedules came from.
func (f *compileFlags) compile(c *cobra.Command, g *qnn.Graph, path string) (*module.Module, error) {
	isa, mode, err := f.target.resolve()
	if err != nil {
		return nil, err
	}
	if err := checkThreads(f.threads); err != nil {
		return nil, err
	}
	choose, done, err := f.chooser(c, wanted{model: path, isa: isa})
	if err != nil {
		return nil, err
	}
	defer done()
	m, err := module.Compile(g, module.Options{ISA: isa, Mode: mode, Choose: choose, Threads: f.threads, NoFuse: f.noFuse})
	if errors.As(err, new(*module.UnsupportedError)) {
		err = fmt.Errorf("%w; --outputs can cut the network before it", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s on %s: %s\n", path, isa, summariseSources(m.Layers()))
	if err := f.checkStrict(c, m.Layers(), path, isa); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// choose returns what compile would choose for one workload.
func (f *compileFlags) choose(c *cobra.Command, w schedules.Workload, isa schedules.ISA) (module.Choice, error) {
	choose, done, err := f.chooser(c, wanted{workload: w, isa: isa})
	if err != nil {
		return module.Choice{}, err
	}
	defer done()
	return choose(w, isa)
}
