// Package viewstest makes logs for tests of views and of what shows them: of a
// network whose names are hostile, tuned on a simulated machine.
package viewstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qtune/internal/chart"
	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure"
	"qtune/measure/sim"
	"qtune/qnn"
	"qtune/qnn/zoo"
	"qtune/schedules"
	"qtune/service/views"
	"qtune/tuner"
)

// Hostile is a name as no model should have one.
const Hostile = `<script>alert("1")</script><img src=x onerror=alert(2)> & 'x'`

// Target is the simulated machine.
var Target = schedules.Target{ISA: schedules.AVX2, Machine: schedules.Machine{Vendor: "sim", Family: 1, Model: 2, Cores: 1, L1D: 32768}}

// Machine is what it can do at most.
func Machine() *views.Machine {
	return &views.Machine{
		Peaks:  []chart.Peak{{Step: "VPMADDWD + VPADDD ymm", GMACs: 100, Main: true}, {Step: "VPDPBUSD zmm", GMACs: 250}},
		Levels: []chart.Level{{Name: "L1", GBs: 150}, {Name: "L2", GBs: 60}, {Name: "memory", GBs: 10}},
	}
}

// Graph is a small network, whose tensors have hostile names.
func Graph() (*qnn.Graph, error) {
	g, err := zoo.Build("mobilenet_v1_0.25_32")
	if err != nil {
		return nil, err
	}
	for i := range g.Tensors {
		g.Tensors[i].Name += Hostile
	}
	return g, nil
}

// Tune makes a log, in which the convolutions of the graph are tuned, while its
// depthwise layers have no record. A few trials fail, with hostile messages.
func Tune(path string, g *qnn.Graph) (*logs.Log, error) {
	_, tasks, _, err := module.Tasks(g, Target.ISA)
	if err != nil {
		return nil, err
	}
	convolutions := slices.DeleteFunc(tasks, func(t schedules.Task) bool { return t.Workload.Op != schedules.Conv2D })
	l, err := logs.Open(path, logs.Options{})
	if err != nil {
		return nil, err
	}
	_, err = tuner.Tune(context.Background(), tuner.Config{
		Tasks: convolutions, Target: Target, Store: l, Trials: 12 * len(convolutions), Seed: 7,
		Runner: sim.New(sim.Config{Seed: 3, Noise: 0.02, Slots: 1, Fail: Fail}),
	})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Fail lets some schedules fail, but never the default ones.
func Fail(j measure.Job) (measure.Status, string) {
	space, err := schedules.SpaceFor(j.Workload, j.ISA)
	if err != nil || j.Schedule == space.Start() || !strings.Contains(j.Schedule.String(), "u=2") {
		return measure.OK, ""
	}
	return measure.WrongAnswer, fmt.Sprintf("at 3,4: %s", Hostile)
}
