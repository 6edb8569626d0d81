// Package model guesses what schedules take, from the trials that were made: of
// the same task, of the network's other tasks, and of other networks and CPUs.
//
// In: trials. Out: for a pool of schedules, the expected ln(time) and how far off
// that may be. Three layers, each fitted to what the one before leaves:
//
//	prior    boosted trees trained on a log, perhaps on another machine  prior.go
//	forest   boosted trees over the trials of all tasks of this run      forest.go
//	process  a Gaussian process over the trials of one task              process.go
//
// Trees carry over what tasks have in common, by features that mean the same for
// all (features.go). The process knows the task's own knobs, is right where
// something was measured, and says how little it knows elsewhere.
//
// Times are relative: ln of the time less ln of that of the task's first schedule,
// which is the default. A schedule far behind the task's best counts as just that
// far behind, so that the model's effort goes to the fast ones.
//
// A model is a function of its seed and what it was told, in that order. It never
// fails: where it has nothing to say, it says nothing.
package model

import (
	"math"

	"qtune/measure"
	"qtune/schedules"
)

// farBehind is the ln of the multiple of a task's best time beyond which all
// schedules are the same.
const farBehind = 0.8

// A Model learns from the trials of all tasks together. It is used by one
// goroutine at a time.
type Model struct {
	seed   uint64
	prior  *Prior
	tasks  []*Task
	rows   int // of all tasks
	fitted int // rows when the forest was last fitted
	forest *forest
}

// New makes a Model that knows what prior does, which may be nil.
func New(seed uint64, prior *Prior) *Model { return &Model{seed: seed, prior: prior} }

// A Task is the part of a Model that is about one workload on one target. The nil
// Task knows nothing and learns nothing.
type Task struct {
	model    *Model
	describe *Describer
	codec    codec
	points   []point
	rows     []*Features
	times    []float64 // ln, relative
	guessed  []float64 // by prior and forest, without having seen the row
	first    float64   // ln(time) of the first schedule
	best     float64   // of times
	process  *process  // nil until asked for
	chosen   choice
}

// Task adds a task.
func (m *Model) Task(w schedules.Workload, t schedules.Target) *Task {
	return m.TaskOf(NewDescriber(w, t))
}

// TaskOf adds a task with a Describer that it may share with tasks of other models.
func (m *Model) TaskOf(d *Describer) *Task {
	k := &Task{model: m, describe: d}
	m.tasks = append(m.tasks, k)
	return k
}

// Tell takes in what a schedule took; of failures (0) it learns nothing.
func (k *Task) Tell(s schedules.Schedule, t measure.Nanos) {
	if k == nil || t <= 0 {
		return
	}
	y := math.Log(float64(t))
	if len(k.rows) == 0 {
		k.first = y
	}
	y -= k.first
	k.best = min(k.best, y) // the first is 0
	k.points = append(k.points, k.codec.point(s))
	k.rows = append(k.rows, k.describe.features(s))
	k.times = append(k.times, y)
	k.process = nil
	k.model.rows++
}

// clipped is a row's time, as far behind the best as counts.
func (k *Task) clipped(i int) float64 { return min(k.times[i], k.best+farBehind) }

// base is what prior and forest say.
func (m *Model) base(f *Features) float64 {
	y := m.prior.predict(f)
	if m.forest != nil {
		y += m.forest.predict(f)
	}
	return y
}

// When the forest is fitted anew: where it has a few rows more, and as its rows
// become more, the seldomer.
const (
	firstFit  = 8
	fitGrowth = 16 // by 1/16
)

// fit fits the forest anew where enough is new, and notes what is said of rows by
// those trees that have not seen them.
func (m *Model) fit() {
	if m.rows >= firstFit && m.rows >= m.fitted+max(4, m.fitted/fitGrowth) {
		m.fitted = m.rows
		var rows []*Features
		var rest, prior []float64
		for _, k := range m.tasks {
			for i, f := range k.rows {
				p := m.prior.predict(f)
				rows, prior, rest = append(rows, f), append(prior, p), append(rest, k.clipped(i)-p)
			}
		}
		var unseen []float64
		m.forest, unseen = newForest(rows, rest, m.seed^uint64(m.rows), forestSize)
		at := 0
		for _, k := range m.tasks {
			k.guessed, k.process = k.guessed[:0], nil
			for range k.rows {
				k.guessed = append(k.guessed, prior[at]+unseen[at])
				at++
			}
		}
	}
	for _, k := range m.tasks {
		for i := len(k.guessed); i < len(k.rows); i++ {
			k.guessed = append(k.guessed, m.base(k.rows[i]))
		}
	}
}
