package views_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/logs"
	"qtune/measure"
	"qtune/schedules"
	"qtune/service/views"
	"qtune/service/views/viewstest"
)

// The report of a tuned network: its parts add up, and every task says what won and
// why the next did not.
func TestReport(t *testing.T) {
	ctx := context.Background()
	g, err := viewstest.Graph()
	if err != nil {
		t.Fatal(err)
	}
	log, err := viewstest.Tune(filepath.Join(t.TempDir(), "tune.db"), g)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r, err := views.NewReport(ctx, log, g, "net", viewstest.Target, viewstest.Machine())
	if err != nil {
		t.Fatal(err)
	}
	shares, layers, gradeShares := 0.0, 0, 0.0
	for i, l := range r.Layers {
		shares += l.Share
		if i > 0 && l.Share > r.Layers[i-1].Share {
			t.Errorf("layer %d takes more than the one before", i)
		}
		if tuned := l.Workload.Op == schedules.Conv2D; tuned != (l.Source == module.Exact && l.Final && l.Tuned > 0 && l.OfPeak > 0 && l.Gain >= 1) {
			t.Errorf("%v: %+v", l.Workload, l.Choice)
		}
		if len(l.Tensors) != l.Count {
			t.Errorf("%d names of %d layers", len(l.Tensors), l.Count)
		}
	}
	for _, grade := range r.Grades {
		layers += grade.Layers
		gradeShares += grade.Share
	}
	if math.Abs(shares-1) > 1e-9 || math.Abs(gradeShares-1) > 1e-9 || layers != r.Occurrences {
		t.Errorf("shares are %v and %v in all, %d layers of %d have a grade", shares, gradeShares, layers, r.Occurrences)
	}
	if r.Gain() <= 1 || r.Compared >= r.Occurrences || r.Roofline == nil {
		t.Errorf("gain %v, %d of %d compared", r.Gain(), r.Compared, r.Occurrences)
	}
	gained := r.MostGained(3, false)
	if len(gained) != 3 || float64(gained[0].Count)*float64(gained[0].Default-gained[0].Tuned) < float64(gained[1].Count)*float64(gained[1].Default-gained[1].Tuned) {
		t.Errorf("gained most: %+v", gained)
	}
	if lost := r.MostGained(3, true); len(lost) != 0 {
		t.Errorf("lost: %+v", lost)
	}
	if len(r.Failures) != 1 || r.Failures[0].Status != "wrong-answer" {
		t.Errorf("failures %+v", r.Failures)
	}
	for i := range r.Tasks {
		checkTask(t, &r.Tasks[i])
	}
	i := slices.IndexFunc(r.Tasks, func(k views.Task) bool { return len(k.Knobs) > 1 })
	if i < 0 {
		t.Fatal("no task has tried two knobs")
	}
	checkKnob(t, log, &r.Tasks[i])
	k := &r.Tasks[i]
	j, err := views.NewJobTask(ctx, log, k.Workload, viewstest.Target)
	if err != nil {
		t.Fatal(err)
	}
	if j.Trials != k.Trials || j.Failed != k.Trials-len(k.Points) || j.Best != k.Curve[len(k.Curve)-1] || j.Default == 0 || j.Gain() < 1 || j.Noise != k.Spread.Median || j.Noise <= 0 || !slices.Equal(j.Curve, k.Curve) {
		t.Errorf("the task of a job is %+v", j)
	}
}

func checkTask(t *testing.T, k *views.Task) {
	t.Helper()
	if k.Workload.Op != schedules.Conv2D {
		if k.Trials != 0 || k.Second != nil || k.Best != nil || k.Scatter != nil || k.Code != nil {
			t.Errorf("%v was not measured, but has trials or code", k.Workload)
		}
		return
	}
	if k.Code == nil || !strings.Contains(k.Code.Plan, "schedule     "+k.Schedule.String()) || !strings.Contains(k.Code.Assembly, "instructions") {
		t.Errorf("%v: no code of the chosen schedule", k.Workload)
	}
	failed := 0
	for _, f := range k.Failures {
		failed += f.Count
	}
	if k.Trials != len(k.Points)+failed || len(k.Curve) != k.Trials || k.Best == nil {
		t.Errorf("%v: %d trials, %d worked, %d failed, %d in the curve", k.Workload, k.Trials, len(k.Points), failed, len(k.Curve))
	}
	for i := 1; i < len(k.Curve); i++ {
		if k.Curve[i-1] != 0 && k.Curve[i] > k.Curve[i-1] {
			t.Errorf("%v: the best time rises", k.Workload)
		}
	}
	if last := k.Steps[len(k.Steps)-1]; last.Time != k.Curve[len(k.Curve)-1] {
		t.Errorf("%v: the last step is to %v", k.Workload, last.Time)
	}
	if len(k.Points) < 2 {
		return // the budget went elsewhere
	}
	dots := 0
	for _, s := range k.Scatter.Series {
		dots += len(s.Points)
	}
	if dots != len(k.Points) {
		t.Errorf("%v: %d dots of %d trials", k.Workload, dots, len(k.Points))
	}
	for i := 1; i < len(k.Knobs); i++ {
		if k.Knobs[i].Effect > k.Knobs[i-1].Effect {
			t.Errorf("%v: knobs are not sorted by effect", k.Workload)
		}
	}
	if k.Second == nil || k.Second.Schedule == k.Schedule || k.Second.Why == "" {
		t.Errorf("%v: second best %+v", k.Workload, k.Second)
	}
}

// A knob is chosen by name; an unknown one is no error.
func checkKnob(t *testing.T, log *logs.Log, first *views.Task) {
	t.Helper()
	name := first.Knobs[len(first.Knobs)-1].Name
	k, err := views.NewTask(context.Background(), log, first.Workload, viewstest.Target, name)
	if err != nil {
		t.Fatal(err)
	}
	if k.Knob.Name != name || first.Knob.Name != first.Knobs[0].Name {
		t.Errorf("asked for %q: %q; for none: %q", name, k.Knob.Name, first.Knob.Name)
	}
	sum := 0
	for _, v := range k.Knob.Values {
		sum += v.Trials
		if v.Best > v.Median {
			t.Errorf("%+v", v)
		}
	}
	if sum != len(k.Points) {
		t.Errorf("the values have %d trials of %d", sum, len(k.Points))
	}
}

// Why the second lost: each rule, from trials and finals made for it.
func TestSecond(t *testing.T) {
	ctx := context.Background()
	w, err := schedules.ParseWorkload("conv2d n1 h28 w28 c192 k3x3 o64 s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=1 mult=lt1")
	if err != nil {
		t.Fatal(err)
	}
	space, err := schedules.SpaceFor(w, viewstest.Target.ISA)
	if err != nil {
		t.Fatal(err)
	}
	start := space.Start()
	var others []schedules.Schedule
	for s := range space.All() {
		if s != start && start.Distance(s) == len(others)+1 {
			others = append(others, s) // one and two knobs away
		}
		if len(others) == 2 {
			break
		}
	}
	near, far := others[0], others[1]
	for name, c := range map[string]struct {
		times            map[schedules.Schedule]float64
		winner           schedules.Schedule // of the final; zero: there is none
		tuned, byDefault float64
		protocol         string // of the final; empty: the trials'
		want             string
	}{
		"no final":           {map[schedules.Schedule]float64{start: 110, near: 100}, schedules.Schedule{}, 0, 0, "", "There was no final"},
		"slower":             {map[schedules.Schedule]float64{start: 150, near: 100, far: 120}, near, 100, 150, "", "slower by more than the noise"},
		"tie":                {map[schedules.Schedule]float64{start: 150, near: 100, far: 99.5}, near, 100, 150, "", "a tie"},
		"lucky in search":    {map[schedules.Schedule]float64{start: 150, near: 100, far: 80}, near, 100, 150, "", "faster in the search only"},
		"default second":     {map[schedules.Schedule]float64{start: 110, near: 100}, near, 100, 110, "", "It is the default schedule"},
		"default stays":      {map[schedules.Schedule]float64{start: 100, near: 95}, start, 100, 100, "", "then the default stays"},
		"in a whole network": {map[schedules.Schedule]float64{start: 100, near: 95}, start, 100, 100, logs.InNetwork, "In the whole network"},
	} {
		log, err := logs.Open(t.TempDir()+"/tune.db", logs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		for s, ns := range c.times {
			if err := log.Append(ctx, []logs.Trial{{Workload: w, Target: viewstest.Target, Schedule: s, Generator: kernels.Generator, Protocol: "p",
				Status: logs.StatusOK, SamplesNS: []float64{ns}, CenterNS: ns, LoNS: ns, HiNS: ns, Time: at}}); err != nil {
				t.Fatal(err)
			}
		}
		if c.tuned > 0 {
			if c.protocol == "" {
				c.protocol = "p"
			}
			if err := log.RecordFinal(ctx, logs.Final{Workload: w, Target: viewstest.Target, Schedule: c.winner, Generator: kernels.Generator, Protocol: c.protocol,
				TunedNS: c.tuned, DefaultSchedule: start, DefaultNS: c.byDefault, Time: at.Add(time.Second)}); err != nil {
				t.Fatal(err)
			}
		}
		k, err := views.NewTask(ctx, log, w, viewstest.Target, "")
		if err != nil {
			t.Fatal(err)
		}
		if k.Second == nil || !strings.Contains(k.Second.Why, c.want) {
			t.Errorf("%s: %+v, want %q", name, k.Second, c.want)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAddFailures(t *testing.T) {
	var kinds []views.FailureKind
	for _, status := range []string{"crash", "timeout", "timeout"} {
		kinds = views.AddFailures(kinds, views.FailureKind{Status: status, Count: 1, Message: status + " it was"})
	}
	want := []views.FailureKind{{Status: "timeout", Count: 2, Message: "timeout it was"}, {Status: "crash", Count: 1, Message: "crash it was"}}
	if !slices.Equal(kinds, want) {
		t.Errorf("%+v, want %+v", kinds, want)
	}
}

func TestJob(t *testing.T) {
	j := views.Job{Done: 30, Budget: 20, Default: 300, Network: 200, Tasks: []views.JobTask{{Trials: 15}, {Trials: 45}}}
	if j.Progress() != 1 || j.Gain() != 1.5 || j.IsOver() || j.Share(j.Tasks[0]) != 0.25 {
		t.Errorf("progress %v, gain %v", j.Progress(), j.Gain())
	}
	for _, c := range []struct {
		state           string
		done            int
		inFinals, early bool
	}{{"running", 5, false, false}, {"running", 9, true, false}, {"done", 5, false, true}, {"done", 9, false, false}, {"cancelled", 5, false, false}} {
		if j := (views.Job{State: c.state, Done: c.done, Budget: 9}); j.InFinals() != c.inFinals || j.EndedEarly() != c.early {
			t.Errorf("%+v: in finals %v, ended early %v", c, j.InFinals(), j.EndedEarly())
		}
	}
	if (&views.Job{}).Progress() != 0 || (&views.Job{Network: measure.Nanos(5)}).Gain() != 0 || (&views.Job{}).Share(views.JobTask{}) != 0 {
		t.Error("a job that has not begun has done something")
	}
}
