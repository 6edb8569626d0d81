package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qtune/kernels"
	"qtune/measure/remote"
	"qtune/schedules"
)

// count asks the workers how they are, and keeps those of the Runner's kind.
func (r *Runner) count(ctx context.Context) error {
	all, err := remote.Census(ctx, r.cfg.Conn)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.mu.peers {
		p.here = false
	}
	for _, s := range all {
		if serves(s, r.cfg.Kind) {
			r.mu.peers[s.Identity.Name] = &peer{status: s, here: true}
		}
	}
	return nil
}

// serves tells whether a worker takes batches of a kind.
func serves(s remote.Status, k remote.Kind) bool {
	return s.Identity.Generator == k.Generator && s.Identity.Machine.Class() == k.Class && slices.Contains(s.ISAs, k.ISA)
}

// Choose picks the kind of the workers to tune with: of instruction set isa, or the
// best that any has; of the machine whose text begins with machine, or the one of
// most workers. Times of different machines do not mix, so the others are left out:
// rest says which.
func Choose(workers []remote.Status, isa schedules.ISA, machine string) (target schedules.Target, rest []string, err error) {
	counts := map[schedules.Target]int{}
	var reasons []string
	for _, s := range workers {
		m := s.Identity.Machine
		switch {
		case s.Identity.Generator != kernels.Generator:
			reasons = append(reasons, fmt.Sprintf("worker %s generates code of version %s, this program of %s", s.Identity.Name, s.Identity.Generator, kernels.Generator))
		case machine != "" && !strings.HasPrefix(m.String()+" ", machine+" ") && m.Class() != machine:
			reasons = append(reasons, fmt.Sprintf("worker %s is %s", s.Identity.Name, m))
		case isa != "" && !slices.Contains(s.ISAs, isa):
			reasons = append(reasons, fmt.Sprintf("worker %s does not execute %s", s.Identity.Name, isa))
		default:
			best := isa
			if best == "" {
				best = bestOf(s.ISAs)
			}
			counts[schedules.Target{ISA: best, Machine: m}]++
		}
	}
	if len(counts) == 0 {
		return schedules.Target{}, nil, errors.New(strings.Join(append([]string{"no worker to measure with"}, reasons...), "; "))
	}
	return pick(workers, counts, reasons)
}

// pick returns the target of the most workers, counted by class: the instruction
// set that comes first, then the text, decide between equals.
func pick(workers []remote.Status, counts map[schedules.Target]int, reasons []string) (schedules.Target, []string, error) {
	of := func(t schedules.Target) (n int) {
		for u, c := range counts {
			if u.ISA == t.ISA && u.Machine.Class() == t.Machine.Class() {
				n += c
			}
		}
		return n
	}
	var best schedules.Target
	for t := range counts {
		if best.ISA == "" || better(of(t), of(best), t, best) {
			best = t
		}
	}
	for _, s := range workers {
		if m := s.Identity.Machine; s.Identity.Generator == kernels.Generator && m.Class() != best.Machine.Class() {
			reasons = append(reasons, fmt.Sprintf("worker %s is another kind of machine: %s", s.Identity.Name, m))
		}
	}
	slices.Sort(reasons)
	return best, slices.Compact(reasons), nil
}

func better(n, most int, t, best schedules.Target) bool {
	order := schedules.ISAs()
	a, b := slices.Index(order, t.ISA), slices.Index(order, best.ISA)
	switch {
	case n != most:
		return n > most
	case a != b:
		return a < b
	}
	return t.String() < best.String()
}

// bestOf is the first of the instruction sets that schedules lists.
func bestOf(isas []schedules.ISA) schedules.ISA {
	for _, isa := range schedules.ISAs() {
		if slices.Contains(isas, isa) {
			return isa
		}
	}
	return ""
}

// Serving counts the workers that take batches of a kind.
func Serving(workers []remote.Status, k remote.Kind) int {
	n := 0
	for _, s := range workers {
		if serves(s, k) {
			n++
		}
	}
	return n
}
