package replay

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"qtune/logs"
	"qtune/tuner/model"
	"qtune/tuner/strategy"
)

// A Study compares strategies on recordings.
type Study struct {
	Recordings []*Recording
	Strategies []string
	Seeds      int
	Trials     int // of each recording
	Batch      int // trials between two tells

	// Alone gives each recording a model of its own. Otherwise all are searched in
	// turns with one model, like the tasks of a network.
	Alone bool
	// Blind begins with a schedule drawn by the seed in place of the default.
	Blind bool
	// Prior is what models begin with; nil is nothing.
	Prior *model.Prior
	// Transfer gives each recording a prior trained on all others, and a model of
	// its own.
	Transfer bool
}

// A Curve is how a strategy did on a recording.
type Curve struct {
	Strategy   string
	Recording  *Recording
	Efficiency [][]float64 // [seed][trial-1]: how fast the choice is, 1 is the best of the space
}

// Run carries out the study: the curves of each strategy, in the order of the
// recordings. It is a function of the study alone.
func (s *Study) Run(ctx context.Context) ([]Curve, error) {
	priors, err := s.priors()
	if err != nil {
		return nil, err
	}
	var curves []Curve
	for _, name := range s.Strategies {
		for _, rec := range s.Recordings {
			curves = append(curves, Curve{name, rec, make([][]float64, s.Seeds)})
		}
	}
	tasks := make([]task, len(s.Recordings))
	for i, rec := range s.Recordings {
		tasks[i] = task{priors[i], model.NewDescriber(rec.Workload, rec.Target)}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	n := len(s.Recordings)
	for i, name := range s.Strategies {
		for seed := range s.Seeds {
			g.Go(func() error { return s.run(ctx, name, uint64(seed), tasks, curves[i*n:][:n]) })
		}
	}
	return curves, g.Wait()
}

// A task is what the models of all searches of a recording begin with.
type task struct {
	prior    *model.Prior
	describe *model.Describer
}

// priors returns what the model of each recording begins with.
func (s *Study) priors() ([]*model.Prior, error) {
	priors := make([]*model.Prior, len(s.Recordings))
	for i := range priors {
		priors[i] = s.Prior
		if !s.Transfer {
			continue
		}
		others := slices.Delete(slices.Clone(s.Recordings), i, i+1)
		var err error
		if priors[i], err = model.Train(Trials(others), 1); err != nil {
			return nil, fmt.Errorf("training on all but %s: %w", s.Recordings[i].Workload, err)
		}
	}
	return priors, nil
}

// Trials yields the rows of recordings.
func Trials(list []*Recording) iter.Seq2[logs.Trial, error] {
	return func(yield func(logs.Trial, error) bool) {
		for _, rec := range list {
			for s := range rec.Space.All() {
				if !yield(rec.rows[s], nil) {
					return
				}
			}
		}
	}
}

// run searches all recordings once.
func (s *Study) run(ctx context.Context, name string, seed uint64, tasks []task, curves []Curve) error {
	sims := make([]*simulation, len(s.Recordings))
	common := model.New(seed, s.Prior)
	for i, rec := range s.Recordings {
		if s.Blind {
			var err error
			if rec, err = rec.From(seed); err != nil {
				return err
			}
		}
		m := common
		if s.Alone || s.Transfer {
			m = model.New(seed, tasks[i].prior)
		}
		searched, err := strategy.New(name, rec.Space, seed, m.TaskOf(tasks[i].describe))
		if err != nil {
			return err
		}
		sims[i] = &simulation{rec: rec, strategy: searched, seed: seed}
	}
	for done, batch := 0, 1; done < s.Trials; done, batch = done+batch, s.Batch { // the default comes first, alone
		for _, sim := range sims {
			if err := ctx.Err(); err != nil {
				return err
			}
			sim.step(min(batch, s.Trials-done))
		}
	}
	for i, sim := range sims {
		for n := range s.Trials {
			curves[i].Efficiency[seed] = append(curves[i].Efficiency[seed], sim.after(n+1))
		}
	}
	return nil
}
