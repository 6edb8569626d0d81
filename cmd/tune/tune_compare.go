package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure"
	"qtune/qnn"
	"qtune/schedules"
	"qtune/tuner"
)

// endToEnd compares inferences with default and tuned schedules.
type endToEnd struct {
	Runs      int            `json:"runs"`
	DefaultNS int64          `json:"default_ns"` // medians
	TunedNS   int64          `json:"tuned_ns"`
	Sources   map[string]int `json:"schedules_from"`
	// Reverted are the workloads that have their default schedules after all: in
	// the network the tuned ones were slower.
	Reverted []string `json:"reverted,omitempty"`
}

// How long a comparison measures.
const (
	compareTime    = 2 * time.Second
	compareMinRuns = 5
	compareMaxRuns = 500
)

// compareLatency times whole inferences with default and with tuned schedules, in
// turn, so that both meet the same disturbances. A layer that is alone faster may
// not be so among others: where one lost, the log is told that the default won, and
// the network is compared once more.
func compareLatency(c *cobra.Command, f *tuneFlags, log *logs.Log, g *qnn.Graph, isa schedules.ISA, r *tuner.Report) (*endToEnd, error) {
	before, err := module.Compile(g, module.Options{ISA: isa, Threads: f.threads})
	if err != nil {
		return nil, err
	}
	defer before.Close()
	first, lost, err := compareOnce(c, f, log, g, isa, before)
	if err != nil || len(lost) == 0 {
		return first, err
	}
	var reverted []string
	for _, t := range r.Tasks {
		w := t.Task.Workload
		if l, ok := lost[w]; ok && t.Default > 0 {
			if err := revert(c, log, t, l, isa); err != nil {
				return nil, err
			}
			reverted = append(reverted, w.String())
		}
	}
	if len(reverted) == 0 {
		return first, nil
	}
	second, _, err := compareOnce(c, f, log, g, isa, before)
	if err == nil {
		second.Reverted = reverted
	}
	return second, err
}

// revert records that the default schedule of a task won its final in the network.
func revert(c *cobra.Command, log *logs.Log, t tuner.TaskReport, l module.LayerInfo, isa schedules.ISA) error {
	return log.RecordFinal(c.Context(), logs.Final{
		Workload: t.Task.Workload, Target: schedules.Target{ISA: isa, Machine: schedules.HostMachine()},
		Schedule: l.Schedule, Generator: kernels.Generator, Protocol: logs.InNetwork, TunedNS: float64(t.Default),
		DefaultSchedule: l.Schedule, DefaultNS: float64(t.Default), CodeHash: l.CodeHash, Time: time.Now().UTC(),
	})
}

// compareOnce compares with the network that has default schedules. It returns the
// default's layer of each workload that lost.
func compareOnce(c *cobra.Command, f *tuneFlags, log *logs.Log, g *qnn.Graph, isa schedules.ISA, before *module.Module) (*endToEnd, map[schedules.Workload]module.LayerInfo, error) {
	choose := logs.Chooser(c.Context(), log, schedules.HostMachine())
	after, err := module.Compile(g, module.Options{ISA: isa, Choose: choose, Threads: f.threads})
	if err != nil {
		return nil, nil, err
	}
	defer after.Close()
	fmt.Fprintf(c.ErrOrStderr(), "schedules of the network: %s\n", summariseSources(after.Layers()))
	teams := []*team{newTeam(before, f.threads), newTeam(after, f.threads)}
	inputs := randomInputs(g)
	start := time.Now()
	for n := 0; n < compareMaxRuns && (n < compareMinRuns || time.Since(start) < compareTime); n++ {
		for _, t := range teams {
			if err := t.time(inputs); err != nil {
				return nil, nil, err
			}
		}
	}
	lost := lostLayers(before.Layers(), after.Layers(), teams[0].layers, teams[1].layers)
	median := func(t *team) int64 {
		slices.Sort(t.whole)
		return t.whole[len(t.whole)/2].Nanoseconds()
	}
	return &endToEnd{Runs: len(teams[0].whole), DefaultNS: median(teams[0]), TunedNS: median(teams[1]),
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
