package logs

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/kernels/module"
	"qtune/schedules"
)

// Schedules of convA for AVX-512 VNNI: two with a border around the input, two
// that copy it, one with a knob that nobody knows.
const (
	halo6   = "form=rows mr=6 nv=4 u=1 order=cyx op=reg pad=halo st=pack split=y"
	halo5   = "form=rows mr=5 nv=4 u=1 order=cyx op=reg pad=halo st=pack split=y"
	copy5   = "form=rows mr=5 nv=4 u=1 order=cyx op=reg pad=copy st=pack split=y"
	copy6   = "form=rows mr=6 nv=2 u=1 order=cyx op=reg pad=copy st=pack split=y"
	unknown = "form=rows mr=6 nv=4 u=1 order=cyx op=reg pad=halo st=pack split=y warp=9"
)

// measured returns a trial of a schedule with the code of this generator.
func measured(t *testing.T, w schedules.Workload, m schedules.Machine, text string, ns float64) Trial {
	t.Helper()
	r := trial(w, m, 1, ns)
	r.Target.ISA, r.Schedule, r.Generator, r.CodeHash = schedules.AVX512VNNI, schedule(text), kernels.Generator, ""
	if k, err := kernels.Build(w, r.Schedule, r.Target.ISA); err == nil {
		r.CodeHash = k.CodeHash()
	}
	return r
}

// choiceLog holds what choices are made of: finals that disagree, layouts, other
// machines, older generators, unknown knobs, failures.
func choiceLog(t *testing.T) *Log {
	l := newLog(t)
	old := measured(t, convB, zen4, halo5, 700)
	old.Generator = "older"
	add(t, l,
		measured(t, convA, zen4, halo6, 1000), measured(t, convA, zen4, halo5, 1100), measured(t, convA, zen4, copy5, 1300), measured(t, convA, zen4, copy6, 1400),
		measured(t, convA, icx, copy6, 900), measured(t, convB, zen4, halo6, 800), old,
		measured(t, convC, icx, unknown, 300), failure(convC, zen4, 1, "crash"))
	for i, text := range []string{halo5, halo6} {
		r := measured(t, convA, zen4, text, 950)
		f := Final{
			Workload: convA, Target: r.Target, Schedule: r.Schedule, Generator: r.Generator, Protocol: r.Protocol,
			TunedNS: 950, DefaultSchedule: schedule(copy5), DefaultNS: 1000 + 200*float64(1-i), CodeHash: r.CodeHash, Time: r.Time.Add(time.Duration(i) * time.Hour),
		}
		if err := l.RecordFinal(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// choices asks for every workload on every machine, and for one that is unknown.
func choices(t *testing.T, l *Log) []module.Choice {
	t.Helper()
	var all []module.Choice
	near := convA
	near.C += 4
	for _, m := range []schedules.Machine{zen4, zen3, icx} {
		for _, w := range []schedules.Workload{convA, convB, convC, near, fc} {
			c, err := Chooser(t.Context(), l, m)(w, schedules.AVX512VNNI)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
	}
	return all
}

func exportBest(t *testing.T, l *Log) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.ExportBest(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExportBest(t *testing.T) {
	l := choiceLog(t)
	want := choices(t, l)
	if c := want[0]; c.Schedule.String() != halo5 || c.Source != module.Exact || len(c.Others) != 1 || c.Others[0].Schedule.String() != copy5 {
		t.Errorf("the log itself: %+v", c)
	}
	text := exportBest(t, l)
	for _, absent := range []string{`"session"`, `"status":"crash"`, copy6 + `","generator":"` + kernels.Generator + `","protocol":"samples=3","seed":9223372036854775813,"status":"ok","center_ns":1400`} {
		if strings.Contains(text, absent) {
			t.Errorf("it has %s:\n%s", absent, text)
		}
	}
	copied := newLog(t)
	if s := importText(t, copied, text); s.Bad != 0 || s.Cut || s.Known != 0 {
		t.Errorf("import: %+v", s)
	}
	if got := choices(t, copied); !reflect.DeepEqual(got, want) {
		t.Errorf("choices differ:\n%+v\nwant\n%+v", got, want)
	}
	if again := exportBest(t, copied); again != text {
		t.Errorf("exported again:\n%s\nwant:\n%s", again, text)
	}
	// Importing the rest changes nothing either.
	if s := importText(t, copied, export(t, l)); s.Bad != 0 {
		t.Errorf("import of all: %+v", s)
	}
	if got := export(t, copied); got != export(t, l) {
		t.Errorf("all:\n%s\nwant:\n%s", got, export(t, l))
	}
}

// However few trials are kept, the choices stay.
func TestPruneKeepsChoices(t *testing.T) {
	l := choiceLog(t)
	want := choices(t, l)
	if n, err := l.Prune(t.Context(), 1); err != nil || n != 3 {
		t.Errorf("removed %d, %v", n, err)
	}
	if got := choices(t, l); !reflect.DeepEqual(got, want) {
		t.Errorf("choices differ:\n%+v\nwant\n%+v", got, want)
	}
}

// A time holds where the code is the same, whatever the generator's version.
func TestStale(t *testing.T) {
	for _, c := range []struct {
		name, generator, hash, schedule string
		source                          module.Source
		want                            string
		usable, stale                   bool
		why                             string
	}{
		{"this generator", kernels.Generator, "", halo6, module.Exact, halo6, true, false, ""},
		{"the same code", "older", "", halo6, module.Exact, halo6, true, false, "the code is the same"},
		{"other code", "older", "0000000000000000", halo6, module.Stale, halo6, true, true, "the code of this schedule changed (0000000000000000, now"},
		{"unknown knob", "newer", "0123456789abcdef", unknown, module.Stale, halo6, false, true, "warp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLog(t)
			r := measured(t, convA, zen4, c.schedule, 1000)
			r.Generator = c.generator
			if c.hash != "" {
				r.CodeHash = c.hash
			}
			add(t, l, r)
			choice, err := Chooser(t.Context(), l, zen4)(convA, schedules.AVX512VNNI)
			if err != nil || choice.Source != c.source || choice.Schedule.String() != c.want {
				t.Errorf("%s, %v, %v", choice.Schedule, choice.Source, err)
			}
			audits, err := l.Audit(t.Context())
			if err != nil || len(audits) != 1 {
				t.Fatal(audits, err)
			}
			if a := audits[0]; a.Usable != c.usable || a.Stale != c.stale || !strings.Contains(a.Why, c.why) {
				t.Errorf("%+v", a)
			}
		})
	}
}

// What is exact goes before what is stale, even the winner of a final.
func TestExactBeforeStale(t *testing.T) {
	l := newLog(t)
	f := measured(t, convA, zen4, halo6, 500)
	err := l.RecordFinal(t.Context(), Final{
		Workload: convA, Target: f.Target, Schedule: f.Schedule, Generator: "older", Protocol: f.Protocol, TunedNS: 500, CodeHash: "0000000000000000", Time: f.Time,
	})
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, measured(t, convA, zen4, copy5, 900))
	c, err := Chooser(t.Context(), l, zen4)(convA, schedules.AVX512VNNI)
	if err != nil || c.Source != module.Exact || c.Schedule.String() != copy5 {
		t.Errorf("%s, %v, %v", c.Schedule, c.Source, err)
	}
}

// Schedules of similar workloads are worth something, those of others are not.
func TestNearIsNotFar(t *testing.T) {
	l := newLog(t)
	add(t, l, measured(t, convA, zen4, halo5, 1000))
	near, far := convA, convA
	near.C, near.O = 96, 96
	far.H, far.W, far.C, far.O = 4, 4, 64, 64
	for _, k := range []struct {
		w      schedules.Workload
		source module.Source
	}{{near, module.Nearest}, {far, module.Heuristic}} {
		c, err := Chooser(t.Context(), l, zen4)(k.w, schedules.AVX512VNNI)
		if err != nil || c.Source != k.source {
			t.Errorf("%s: %+v, %v", k.w, c, err)
		}
		if d := Distance(convA, k.w); c.Source == module.Nearest && (c.Loss != TransferLoss(d) || c.Loss <= 0 || c.Estimate != time.Duration(1000*float64(k.w.MACs())/float64(convA.MACs()))) {
			t.Errorf("distance %g: %+v", d, c)
		}
	}
}
