package tuner

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
	"qtune/tuner/replay"
)

// recorded reads recordings of package replay, by the names of their files.
func recorded(t testing.TB, names ...string) []*replay.Recording {
	t.Helper()
	var list []*replay.Recording
	for _, name := range names {
		more, err := replay.ReadFile(filepath.Join("replay", "testdata", name+".jsonl.gz"))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, more...)
	}
	return list
}

// replayConfig tunes recordings as if they were a network.
func replayConfig(list []*replay.Recording, store Store, trials, slots int) Config {
	cfg := Config{Target: list[0].Target, Store: store, Trials: trials, Seed: 5,
		Runner: replay.NewRunner(list, 1, slots), SpaceFor: replay.SpaceFor(list)}
	for i, r := range list {
		cfg.Tasks = append(cfg.Tasks, schedules.Task{Workload: r.Workload, Count: 1 + 3*i, MACs: int64(1+3*i) * r.Workload.MACs()})
	}
	return cfg
}

// timeless removes what differs between runs that do the same.
func timeless(trials []logs.Trial) []logs.Trial {
	out := slices.Clone(trials)
	for i := range out {
		out[i].Time = time.Time{}
	}
	return out
}

// interrupting stops a tuning when its store has so many trials.
type interrupting struct {
	*memory
	after int
	stop  context.CancelFunc
}

func (s interrupting) Append(ctx context.Context, trials []logs.Trial) error {
	err := s.memory.Append(ctx, trials)
	if len(s.trials) >= s.after {
		s.stop()
	}
	return err
}

// TestResumeExactly interrupts a tuning again and again: the trials, their order
// and the outcome are those of one that was not.
func TestResumeExactly(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and some minutes under the race detector")
	}
	list := recorded(t, "dw_28x192", "c3x3_17_s2", "fc_1280")
	for _, strategy := range []string{"model", "evolve", "descent"} {
		whole := &memory{}
		cfg := replayConfig(list, whole, 120, 1)
		cfg.Strategy = strategy
		want := tune(t, cfg)

		parts := &memory{}
		for _, after := range []int{3, 40, 41, 97} {
			ctx, stop := context.WithCancel(t.Context())
			cfg := replayConfig(list, interrupting{parts, after, stop}, 120, 1)
			cfg.Strategy = strategy
			cfg.saveEvery = time.Microsecond // every batch
			if r, err := Tune(ctx, cfg); err != nil || !r.Interrupted {
				t.Fatalf("%s: not interrupted: %v", strategy, err)
			}
			stop()
		}
		cfg = replayConfig(list, parts, 120, 1)
		cfg.Strategy = strategy
		got := tune(t, cfg)
		if !reflect.DeepEqual(timeless(parts.trials), timeless(whole.trials)) {
			t.Errorf("%s: other trials than without interruption", strategy)
		}
		for i := range want.Tasks {
			if got.Tasks[i].Schedule != want.Tasks[i].Schedule || got.Tasks[i].Trials != want.Tasks[i].Trials {
				t.Errorf("%s: task %d ends with %+v, want %+v", strategy, i, got.Tasks[i], want.Tasks[i])
			}
		}
	}
}

// TestResumeOther continues with another seed: what is known is not tried again,
// and counts.
func TestResumeOther(t *testing.T) {
	list := recorded(t, "dw_28x192", "fc_1280")
	store := &memory{}
	tune(t, replayConfig(list, store, 80, 2))
	cfg := replayConfig(list, store, 120, 2)
	cfg.Seed = 6
	r := tune(t, cfg)
	if r.Counts.Known != 80 || r.Counts.New != 40 || len(store.trials) != 120 {
		t.Errorf("%d known and %d new trials, %d stored", r.Counts.Known, r.Counts.New, len(store.trials))
	}
	seen := map[string]bool{}
	for _, row := range store.trials {
		key := row.Workload.String() + row.Schedule.String()
		if seen[key] {
			t.Errorf("tried twice: %s", key)
		}
		seen[key] = true
	}
}

// TestFlat gives a task with a small space more trials than it is worth: its search
// ends before the budget is spent, and says why.
func TestFlat(t *testing.T) {
	list := recorded(t, "dw_28x192")
	store := &memory{}
	r := tune(t, replayConfig(list, store, 400, 1))
	e := r.Tasks[0]
	if n := len(store.trials); n < flatTrials || n > 300 || !strings.Contains(e.Ended, "flat") {
		t.Errorf("%d trials, ended: %q", n, e.Ended)
	}
	if got := list[0].Efficiency(e.Schedule); got < 0.98 {
		t.Errorf("flat at %.3f of the best", got)
	}
}

// TestReachable plans for the trials that the time allows.
func TestReachable(t *testing.T) {
	tn, err := newTuner(testConfig(t, &memory{}, 1000))
	if err != nil {
		t.Fatal(err)
	}
	tn.started = time.Now().Add(-10 * time.Second)
	tn.counts.Known, tn.counts.New = 50, 100
	if n := tn.reachable(); n != 1000 {
		t.Errorf("%d trials without a limit, want all", n)
	}
	tn.cfg.Time = 20 * time.Second
	if n := tn.reachable(); n < 240 || n > 250 {
		t.Errorf("%d trials in 20 s after 100 in 10 s and 50 before, want 250", n)
	}
	tn.cfg.Time = time.Hour
	if n := tn.reachable(); n != 1000 {
		t.Errorf("%d trials in an hour, want all", n)
	}
}

func bySchedule(a, b logs.Trial) int {
	return strings.Compare(a.Schedule.String(), b.Schedule.String())
}

// fastest is the schedule of the fastest trial of a workload.
func fastest(trials []logs.Trial, w schedules.Workload) schedules.Schedule {
	var best logs.Trial
	for _, row := range trials {
		if row.Workload == w && row.Status == measure.OK.String() && (best.CenterNS == 0 || row.CenterNS < best.CenterNS) {
			best = row
		}
	}
	return best.Schedule
}

// TestStale begins with all of an earlier search by another code generator: of each
// task its fastest schedules are tried right after the default, and going on from
// anywhere is as exact as ever.
func TestStale(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and some minutes under the race detector")
	}
	list := recorded(t, "dw_28x192", "c3x3_17_s2", "fc_1280")
	old := &memory{}
	tune(t, replayConfig(list, old, 150, 1))
	for i := range old.trials {
		old.trials[i].Generator = "0"
	}
	const trials = 40
	search := func(stored []logs.Trial) ([]logs.Trial, *Report, Resumed) {
		store := &memory{trials: append(slices.Clone(old.trials), stored...)}
		cfg := replayConfig(list, store, trials, 2)
		var first Resumed
		cfg.Listen = func(e Event) {
			if r, ok := e.(Resumed); ok {
				first = r
			}
		}
		r := tune(t, cfg)
		return store.trials[len(old.trials):], r, first
	}
	whole, r, first := search(nil)
	if first.Trials != 0 || first.Suggested != len(list)*maxSuggested || first.Ignored != len(old.trials) {
		t.Errorf("resumed: %+v", first)
	}
	for i, rec := range list {
		var of []logs.Trial
		for _, row := range whole {
			if row.Workload == rec.Workload {
				of = append(of, row)
			}
		}
		best := slices.IndexFunc(of, func(row logs.Trial) bool { return row.Schedule == fastest(old.trials, rec.Workload) })
		if best < 0 || best > maxSuggested {
			t.Errorf("task %d: what was fastest earlier is trial %d", i, best)
		}
		got := 0.0
		for _, row := range of[:1+maxSuggested] {
			got = max(got, rec.Efficiency(row.Schedule))
		}
		if twice := slices.CompactFunc(slices.SortedFunc(slices.Values(of), bySchedule), func(a, b logs.Trial) bool { return a.Schedule == b.Schedule }); len(twice) < len(of) {
			t.Errorf("task %d: a schedule was tried twice", i)
		}
		if got < rec.Efficiency(fastest(old.trials, rec.Workload)) {
			t.Errorf("task %d: %.3f of the best after %d trials", i, got, 1+maxSuggested)
		}
	}
	for n := 0; n <= len(whole); n += 3 {
		rows, again, _ := search(whole[:n])
		searchOf(again, rows).check(t, fmt.Sprintf("from %d trials", n), searchOf(r, whole))
	}
}
