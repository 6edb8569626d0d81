package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure"
	"qtune/qnn"
	"qtune/schedules"
	"qtune/service/api"
)

// How long a comparison measures.
const (
	compareTime    = 2 * time.Second
	compareMinRuns = 5
	compareMaxRuns = 500
)

// A comparison is of a network with default and with tuned schedules, on this
// machine.
type comparison struct {
	graph   *qnn.Graph
	log     *logs.Log
	session int64 // in which the log is told of what it shows
	isa     schedules.ISA
	threads int
	tasks   []api.TaskResult // what was tuned
	say     func(string)     // where the schedules came from
}

// run times whole inferences with default and with tuned schedules, in turn, so that
// both meet the same disturbances. A layer that is alone faster may not be so among
// others: where one lost, the log is told that the default won, and the network is
// compared once more.
func (p *comparison) run(ctx context.Context) (*api.Latency, error) {
	before, err := module.Compile(p.graph, module.Options{ISA: p.isa, Threads: p.threads})
	if err != nil {
		return nil, err
	}
	defer before.Close()
	first, lost, err := p.once(ctx, before)
	if err != nil || len(lost) == 0 {
		return first, err
	}
	var reverted []string
	for _, t := range p.tasks {
		w, err := schedules.ParseWorkload(t.Workload)
		if err != nil {
			return nil, err
		}
		if l, ok := lost[w]; ok && t.DefaultNS > 0 {
			if err := p.revert(ctx, w, t.DefaultNS, l); err != nil {
				return nil, err
			}
			reverted = append(reverted, t.Workload)
		}
	}
	if len(reverted) == 0 {
		return first, nil
	}
	second, _, err := p.once(ctx, before)
	if err == nil {
		second.Reverted = reverted
	}
	return second, err
}

// revert records that the default schedule of a workload won its final in the
// network.
func (p *comparison) revert(ctx context.Context, w schedules.Workload, defaultNS float64, l module.LayerInfo) error {
	return p.log.RecordFinal(ctx, logs.Final{
		Workload: w, Target: schedules.Target{ISA: p.isa, Machine: schedules.HostMachine()}, Session: p.session,
		Schedule: l.Schedule, Generator: kernels.Generator, Protocol: logs.InNetwork, TunedNS: defaultNS,
		DefaultSchedule: l.Schedule, DefaultNS: defaultNS, CodeHash: l.CodeHash, Time: time.Now().UTC(),
	})
}

// once compares with the network that has default schedules. It returns the
// default's layer of each workload that lost.
func (p *comparison) once(ctx context.Context, before *module.Module) (*api.Latency, map[schedules.Workload]module.LayerInfo, error) {
	choose := logs.Chooser(ctx, p.log, schedules.HostMachine())
	after, err := module.Compile(p.graph, module.Options{ISA: p.isa, Choose: choose, Threads: p.threads})
	if err != nil {
		return nil, nil, err
	}
	defer after.Close()
	p.say("schedules of the network: " + summariseSources(after.Layers()))
	teams := []*team{newTeam(before, p.threads), newTeam(after, p.threads)}
	inputs := randomInputs(p.graph)
	start := time.Now()
	for n := 0; n < compareMaxRuns && (n < compareMinRuns || time.Since(start) < compareTime); n++ {
		for _, t := range teams {
			if err := errors.Join(ctx.Err(), t.time(inputs)); err != nil {
				return nil, nil, err
			}
		}
	}
	lost := lostLayers(before.Layers(), after.Layers(), teams[0].layers, teams[1].layers)
	median := func(t *team) int64 {
		slices.Sort(t.whole)
		return t.whole[len(t.whole)/2].Nanoseconds()
	}
	return &api.Latency{Runs: len(teams[0].whole), DefaultNS: median(teams[0]), TunedNS: median(teams[1]),
		Sources: countSources(after.Layers())}, lost, nil
}

// inNetworkNoise is by how much a layer must be slower among others to have lost.
const inNetworkNoise = 0.03

// lostLayers compares the layers of a network with default and with tuned
// schedules, and the times of each in the same runs. It returns the default's layer
// of each workload whose layers together are slower beyond noise when tuned.
func lostLayers(before, after []module.LayerInfo, plain, tuned [][]time.Duration) map[schedules.Workload]module.LayerInfo {
	if len(before) != len(after) {
		return nil // layers were joined in another way: there are no pairs
	}
	type pair struct {
		layer        module.LayerInfo
		plain, tuned []float64 // of each run
	}
	pairs := map[schedules.Workload]*pair{}
	for i, l := range before {
		if l.MACs == 0 || l.Schedule == after[i].Schedule || l.Workload != after[i].Workload {
			continue
		}
		p := pairs[l.Workload]
		if p == nil {
			p = &pair{l, make([]float64, len(plain[i])), make([]float64, len(plain[i]))}
			pairs[l.Workload] = p
		}
		for run := range p.plain {
			p.plain[run] += float64(plain[i][run])
			p.tuned[run] += float64(tuned[i][run])
		}
	}
	lost := map[schedules.Workload]module.LayerInfo{}
	for w, p := range pairs {
		if measure.Compare(p.plain, p.tuned).Faster(inNetworkNoise) {
			lost[w] = p.layer
		}
	}
	return lost
}
