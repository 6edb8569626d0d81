package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

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
	strict  bool
	threads int
	noFuse  bool
}

func (f *compileFlags) register(c *cobra.Command) {
	f.target.register(c)
	f.target.registerEmulate(c)
	registerLog(c, &f.log)
	registerThreads(c, &f.threads)
	c.Flags().BoolVar(&f.noFuse, "no-fuse", false, "compute the network operator by operator, every tensor of the file")
	c.Flags().BoolVar(&f.strict, "strict", false, "fail with exit status 3 where a schedule was not measured for this workload on this kind of machine")
}

// openForReading opens the log named by --log. Without that flag, a log that is
// not there is no error, but nil.
func openForReading(c *cobra.Command, path string) (*logs.Log, error) {
	l, err := logs.Open(path, logs.Options{ReadOnly: true, Warn: warner(c)})
	if errors.Is(err, fs.ErrNotExist) && !c.Flags().Changed("log") {
		return nil, nil
	}
	return l, err
}

// warner tells of damaged rows that were skipped.
func warner(c *cobra.Command) func(error) {
	return func(err error) { fmt.Fprintf(c.ErrOrStderr(), "skipped: %v\n", err) }
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
	log, err := openForReading(c, f.log)
	if err != nil {
		return nil, err
	}
	if log != nil {
		defer log.Close()
	}
	choose := logs.Chooser(c.Context(), log, schedules.HostMachine())
	m, err := module.Compile(g, module.Options{ISA: isa, Mode: mode, Choose: choose, Threads: f.threads, NoFuse: f.noFuse})
	if errors.As(err, new(*module.UnsupportedError)) {
		err = fmt.Errorf("%w; --outputs can cut the network before it", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s on %s: %s\n", path, isa, summariseSources(m.Layers()))
	if err := f.checkStrict(m, path); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// choose returns what compile would choose for one workload.
func (f *compileFlags) choose(c *cobra.Command, w schedules.Workload, isa schedules.ISA) (module.Choice, error) {
	log, err := openForReading(c, f.log)
	if err != nil {
		return module.Choice{}, err
	}
	if log != nil {
		defer log.Close()
	}
	return logs.Chooser(c.Context(), log, schedules.HostMachine())(w, isa)
}

// checkStrict fails where --strict is not met.
func (f *compileFlags) checkStrict(m *module.Module, path string) error {
	if !f.strict {
		return nil
	}
	bad, first := 0, ""
	for _, l := range m.Layers() {
		if l.Source > module.Exact {
			if bad++; bad == 1 {
				first = fmt.Sprintf("node %d %s (%s): %s", l.Node, l.Op, l.Source, l.Workload)
			}
		}
	}
	if bad == 0 {
		return nil
	}
	return statusError{fmt.Errorf("--strict: %s: %d layers without an exact record in %s, the first: %s", path, bad, f.log, first), statusNotStrict}
}

// countSources counts the layers with kernels by where their schedule came
// from. The four usual sources are always listed.
func countSources(layers []module.LayerInfo) map[string]int {
	counts := map[string]int{}
	for _, s := range []module.Source{module.Exact, module.OtherCPU, module.Nearest, module.Heuristic} {
		counts[s.String()] = 0
	}
	for _, l := range layers {
		if l.Source != module.NoSource {
			counts[l.Source.String()]++
		}
	}
	return counts
}

// summariseSources prints countSources as one line, best source first.
func summariseSources(layers []module.LayerInfo) string {
	counts := countSources(layers)
	var parts []string
	for s := module.Exact; s <= module.Heuristic; s++ {
		if n, listed := counts[s.String()]; listed {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(parts, " / ")
}
