package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"qtune/kernels/module"
	"qtune/schedules"
)

// A sourcesReport says where the schedules of a network came from.
type sourcesReport struct {
	Sources   map[string]int     `json:"schedules_from"`
	Estimated map[string]float64 `json:"estimated_time_from"` // parts of the whole
}

func reportSources(layers []module.LayerInfo) sourcesReport {
	return sourcesReport{countSources(layers), estimateSources(layers)}
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

// estimateSources returns the part of the estimated time of all layers with
// kernels that is spent in those of each source.
func estimateSources(layers []module.LayerInfo) map[string]float64 {
	total := time.Duration(0)
	for _, l := range layers {
		total += l.Estimate
	}
	parts := map[string]float64{}
	for _, l := range layers {
		if l.Source != module.NoSource && total > 0 {
			parts[l.Source.String()] += float64(l.Estimate) / float64(total)
		}
	}
	return parts
}

// predictedLoss is the mean over the layers of a source, weighted by time.
func predictedLoss(layers []module.LayerInfo, s module.Source) float64 {
	lost, total := 0.0, time.Duration(0)
	for _, l := range layers {
		if l.Source == s {
			lost += l.Loss * float64(l.Estimate)
			total += l.Estimate
		}
	}
	return lost / max(float64(total), 1)
}

// summariseSources prints all that as one line, best source first:
//
//	12 exact (91.0%) / 0 other cpu / 2 nearest (8.0%, predicted loss 1.5%) / 1 heuristic (1.0%) of the estimated time
func summariseSources(layers []module.LayerInfo) string {
	counts, shares := countSources(layers), estimateSources(layers)
	var parts []string
	for s := module.Exact; s <= module.Heuristic; s++ {
		n, listed := counts[s.String()]
		if !listed {
			continue
		}
		text := fmt.Sprintf("%d %s", n, s)
		switch share := percent(shares[s.String()], 1); {
		case n > 0 && s == module.Nearest:
			text += fmt.Sprintf(" (%s, predicted loss %s)", share, percent(predictedLoss(layers, s), 1))
		case n > 0:
			text += fmt.Sprintf(" (%s)", share)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " / ") + " of the estimated time"
}

// trialsToFill is the budget of each workload in the command that fills a gap.
const trialsToFill = 100

// checkStrict fails where --strict is not met, and prints what is missing and
// how to get it.
func (f *compileFlags) checkStrict(c *cobra.Command, layers []module.LayerInfo, path string, isa schedules.ISA) error {
	if !f.strict {
		return nil
	}
	var missing []schedules.Workload
	bad := 0
	t := newTable("from", "workload")
	for _, l := range layers {
		if l.Source <= module.Exact {
			continue
		}
		bad++
		if !slices.Contains(missing, l.Workload) {
			missing = append(missing, l.Workload)
			t.add(l.Source.String(), l.Workload.String())
		}
	}
	if bad == 0 {
		return nil
	}
	w := c.ErrOrStderr()
	where, how := f.log, fillCommand(missing, f.log, isa)
	if f.remote.server != "" {
		where, how = f.remote.server, submitLine(f.remote.server, path, len(missing), isa)
	}
	fmt.Fprintf(w, "%s without an exact record in %s:\n", plural(len(missing), "workload"), where)
	if err := t.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "to measure them, on the machine that they are for:\n%s\n", how)
	return statusError{fmt.Errorf("--strict: %s: %s without an exact record in %s", path, plural(bad, "layer"), where), statusNotStrict}
}

// submitLine is the command that has a service tune a network.
func submitLine(server, path string, missing int, isa schedules.ISA) string {
	return fmt.Sprintf("    tune submit --server %s --model %s --target %s --trials %d --watch", shellQuote(server), shellQuote(path), isa, trialsToFill*missing)
}

// fillCommand is the command that tunes workloads.
func fillCommand(missing []schedules.Workload, log string, isa schedules.ISA) string {
	text := fmt.Sprintf("    tune --log %s --target %s --trials %d", shellQuote(log), isa, trialsToFill*len(missing))
	for _, w := range missing {
		text += fmt.Sprintf(" \\\n        --workload '%s'", w)
	}
	return text
}

// shellQuote makes a file name one word of a shell.
func shellQuote(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-", r)
	}) && name != "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
