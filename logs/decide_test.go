package logs

import (
	"testing"
	"time"
)

const plain = "mr=4 nv=1" // the default schedule of the finals below

// heldFinal returns a final of a schedule that took tuned where the default took def.
func heldFinal(text string, day int, tuned, def float64) Final {
	return Final{
		Workload: convA, Target: query(convA, zen4).Target, Schedule: schedule(text), Generator: "g1", Protocol: "samples=3",
		TunedNS: tuned, DefaultSchedule: schedule(plain), DefaultNS: def, CodeHash: "00ff", Time: time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC),
	}
}

func inNetwork(f Final) Final {
	f.Protocol = InNetwork
	return f
}

// sessionTrial returns a trial of a session with a small error.
func sessionTrial(text string, day int, session int64, ns float64) Trial {
	t := trial(convA, zen4, 1, ns)
	t.Schedule, t.Session, t.LoNS, t.HiNS, t.Time = schedule(text), session, ns*0.99, ns*1.01, time.Date(2026, 3, day, 0, 0, 0, len(text), time.UTC)
	return t
}

func TestFinalsThatDisagree(t *testing.T) {
	for _, c := range []struct {
		name   string
		finals []Final
		trials [][3]any // schedule, session, time
		want   string
	}{
		{"the larger gain, although older and slower in its session",
			[]Final{heldFinal("mr=6 nv=2", 1, 200, 250), heldFinal("mr=8 nv=2", 2, 95, 100)}, nil, "mr=6 nv=2"},
		{"a tie goes to the latest",
			[]Final{heldFinal("mr=6 nv=2", 1, 90, 100), heldFinal("mr=8 nv=2", 2, 91, 100)}, nil, "mr=8 nv=2"},
		{"a tie with the default goes to the default",
			[]Final{heldFinal(plain, 1, 100, 100), heldFinal("mr=8 nv=2", 2, 99, 100)}, nil, plain},
		{"one in a network overrules those before it",
			[]Final{heldFinal("mr=6 nv=2", 1, 80, 100), inNetwork(heldFinal(plain, 2, 100, 100))}, nil, plain},
		{"but not those behind it",
			[]Final{inNetwork(heldFinal(plain, 1, 100, 100)), heldFinal("mr=6 nv=2", 2, 80, 100)}, nil, "mr=6 nv=2"},
		{"many finals outweigh a lucky one",
			[]Final{heldFinal("mr=6 nv=2", 1, 90, 100), heldFinal("mr=6 nv=2", 2, 100, 100), heldFinal("mr=6 nv=2", 3, 100, 100), heldFinal("mr=8 nv=2", 4, 92, 100)},
			nil, "mr=8 nv=2"},
		{"trials of the same session decide where a final says nothing",
			[]Final{heldFinal("mr=6 nv=2", 1, 90, 0), heldFinal("mr=8 nv=2", 2, 80, 0)},
			[][3]any{{plain, 1, 100.}, {"mr=6 nv=2", 1, 50.}, {"mr=8 nv=2", 1, 80.}}, "mr=6 nv=2"},
		{"trials of different sessions do not compare",
			[]Final{heldFinal("mr=6 nv=2", 1, 90, 0), heldFinal("mr=8 nv=2", 2, 80, 0)},
			[][3]any{{plain, 1, 100.}, {"mr=6 nv=2", 2, 50.}}, "mr=8 nv=2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLog(t)
			for range 2 {
				if _, err := l.BeginSession(t.Context(), "tune", 1); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range c.finals {
				if err := l.RecordFinal(t.Context(), f); err != nil {
					t.Fatal(err)
				}
			}
			for i, tr := range c.trials {
				add(t, l, sessionTrial(tr[0].(string), i+1, int64(tr[1].(int)), tr[2].(float64)))
			}
			r, source, err := l.Best(t.Context(), query(convA, zen4))
			if err != nil || source != Exact || r.Schedule.String() != c.want {
				t.Errorf("best is %s, %v, %v; want %s", r.Schedule, source, err, c.want)
			}
		})
	}
}

// Which log is merged into which does not matter.
func TestMergeIsSymmetric(t *testing.T) {
	logs := [2]*Log{newLog(t), newLog(t)}
	for i, f := range []Final{heldFinal("mr=6 nv=2", 1, 200, 250), heldFinal("mr=8 nv=2", 2, 95, 100)} {
		if err := logs[i].RecordFinal(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		add(t, logs[i], sessionTrial(f.Schedule.String(), i+1, 0, f.TunedNS), sessionTrial(plain, i+1, 0, f.DefaultNS), trial(fc, icx, i, 5))
	}
	var exports [2]string
	for i := range logs {
		l := newLog(t)
		for k := range logs {
			if _, err := l.Merge(t.Context(), logs[(i+k)%2]); err != nil {
				t.Fatal(err)
			}
		}
		exports[i] = export(t, l)
		conflicts, err := l.Conflicts(t.Context())
		if err != nil || len(conflicts) != 1 || conflicts[0].Workload != convA || conflicts[0].Winner.Schedule.String() != "mr=6 nv=2" || len(conflicts[0].Estimates) != 2 {
			t.Errorf("conflicts %+v, %v", conflicts, err)
		}
	}
	if exports[0] != exports[1] {
		t.Errorf("%s\nis not\n%s", exports[0], exports[1])
	}
}

// A task that one log knows, or knows otherwise, is a change; times are not.
func TestDiff(t *testing.T) {
	a, b := newLog(t), newLog(t)
	add(t, a, trial(convA, zen4, 1, 10), trial(convB, zen4, 1, 10), trial(convC, zen4, 1, 10))
	add(t, b, trial(convA, zen4, 1, 12), trial(convB, zen4, 2, 10), trial(convC, zen3, 1, 10))
	changes, err := Diff(t.Context(), a, b)
	if err != nil || len(changes) != 3 {
		t.Fatalf("%+v, %v", changes, err)
	}
	if c := changes[0]; c.Workload != convB || c.Old.Schedule.Int("mr", 0) != 1 || c.New.Schedule.Int("mr", 0) != 2 {
		t.Errorf("changed: %+v", c)
	}
	if c := changes[1]; c.Workload != convC || c.Target.Machine != zen3 || c.Old != nil || c.New == nil {
		t.Errorf("added: %+v", c)
	}
	if c := changes[2]; c.Workload != convC || c.Target.Machine != zen4 || c.Old == nil || c.New != nil {
		t.Errorf("removed: %+v", c)
	}
	if same, err := Diff(t.Context(), a, a); err != nil || len(same) != 0 {
		t.Errorf("a log and itself: %+v, %v", same, err)
	}
}
