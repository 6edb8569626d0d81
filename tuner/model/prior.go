package model

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"

	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
)

// A Prior is what was learned from a log, of other workloads or on another CPU. It
// is immutable. The nil Prior knows nothing.
type Prior struct{ forest forest }

// maxRows bounds the trials of one workload that a prior is trained on.
const maxRows = 400

// Train makes a Prior of trials. The oldest of a workload on a target that worked
// is what the others of the same protocol are compared with: in a log that is the
// default. Failures are passed over.
func Train(trials iter.Seq2[logs.Trial, error], seed uint64) (*Prior, error) {
	var list []logs.Trial
	for t, err := range trials {
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	slices.SortStableFunc(list, func(a, b logs.Trial) int { return a.Time.Compare(b.Time) })
	m := New(seed, nil)
	for _, rows := range byTask(list, rand.New(rand.NewPCG(seed, 0))) {
		k := m.Task(rows[0].Workload, rows[0].Target)
		for _, t := range rows {
			k.Tell(t.Schedule, measure.Nanos(t.CenterNS))
		}
	}
	if m.rows == 0 {
		return nil, errors.New("no trials to learn from")
	}
	var rows []*Features
	var y []float64
	for _, k := range m.tasks {
		for i, f := range k.rows {
			rows, y = append(rows, f), append(y, k.clipped(i))
		}
	}
	f, _ := newForest(rows, y, seed, priorSize)
	return &Prior{*f}, nil
}

// byTask returns the trials of each workload, target and protocol: the oldest, the
// fastest, and as many others as are used.
func byTask(list []logs.Trial, rng *rand.Rand) [][]logs.Trial {
	type key struct {
		workload schedules.Workload
		target   schedules.Target
		protocol string
	}
	at := map[key]int{}
	var tasks [][]logs.Trial
	for _, t := range list {
		if t.CenterNS <= 0 {
			continue
		}
		k := key{t.Workload, t.Target, t.Protocol}
		i, ok := at[k]
		if !ok {
			i = len(tasks)
			at[k] = i
			tasks = append(tasks, nil)
		}
		tasks[i] = append(tasks[i], t)
	}
	for i, rows := range tasks {
		rest := rows[1:]
		rng.Shuffle(len(rest), func(a, b int) { rest[a], rest[b] = rest[b], rest[a] })
		fastest := slices.MinFunc(rows, func(a, b logs.Trial) int { return cmp.Compare(a.CenterNS, b.CenterNS) })
		tasks[i] = append(rows[:min(len(rows), maxRows)], fastest)
	}
	return tasks
}

// file is the stored form of a Prior, one JSON object.
type file struct {
	Model    int      `json:"model"` // version of the format
	Features []string `json:"features"`
	Trees    [][]tree `json:"trees"` // [member][round]
}

const (
	fileFormat = 1
	maxFile    = 64 << 20 // bytes of a model
)

// FileStart is what a saved model begins with.
const FileStart = `{"model":`

// Save writes p as JSON.
func (p *Prior) Save(w io.Writer) error {
	return json.NewEncoder(w).Encode(file{fileFormat, layout[:], p.forest.members})
}

// Load reads what Save wrote. A file of other features is refused: its trees would
// split by the wrong ones.
func Load(r io.Reader) (*Prior, error) {
	var f file
	if err := json.NewDecoder(io.LimitReader(r, maxFile)).Decode(&f); err != nil {
		return nil, fmt.Errorf("not a model: %w", err)
	}
	if f.Model != fileFormat || !slices.Equal(f.Features, layout[:]) {
		return nil, errors.New("a model of another version of this program: train it again")
	}
	for _, member := range f.Trees {
		for _, t := range member {
			for _, feature := range t.Feature {
				if int(feature) >= len(layout) {
					return nil, fmt.Errorf("a damaged model: feature %d", feature)
				}
			}
		}
	}
	if len(f.Trees) == 0 {
		return nil, errors.New("a damaged model: no trees")
	}
	return &Prior{forest{f.Trees}}, nil
}

func (p *Prior) predict(f *Features) float64 {
	if p == nil {
		return 0
	}
	return p.forest.predict(f)
}
