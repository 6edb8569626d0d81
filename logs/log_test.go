package logs

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"qtune/schedules"
)

var (
	zen4 = machine("amd-25-17 cores=2 l1d=32768 l2=1048576 l3=33554432 brand=AMD EPYC")
	zen3 = machine("amd-25-1 cores=8 l1d=32768 l2=524288 l3=33554432")
	icx  = machine("intel-6-106 cores=4 l1d=49152 l2=1310720 l3=50331648")

	convA = workload("conv2d n1 h17 w17 c128 k1x7 o128 s1x1 d1x1 p0,3,0,3 wz=1 perch=0 round=double sign=0 mult=lt1")
	convB = workload("conv2d n1 h17 w17 c160 k1x7 o160 s1x1 d1x1 p0,3,0,3 wz=1 perch=0 round=double sign=0 mult=lt1")
	convC = workload("conv2d n1 h8 w8 c448 k3x3 o384 s1x1 d1x1 p1,1,1,1 wz=0 perch=0 round=single sign=0 mult=lt1")
	fc    = workload("dense n1 c1024 o1001 wz=0 perch=1 round=single sign=0 mult=any")
)

func workload(s string) schedules.Workload {
	w, err := schedules.ParseWorkload(s)
	if err != nil {
		panic(err)
	}
	return w
}

func machine(s string) schedules.Machine {
	m, err := schedules.ParseMachine(s)
	if err != nil {
		panic(err)
	}
	return m
}

func schedule(s string) schedules.Schedule {
	c, err := schedules.ParseSchedule(s)
	if err != nil {
		panic(err)
	}
	return c
}

// trial returns a successful trial of a schedule "mr=<mr>" at ns.
func trial(w schedules.Workload, m schedules.Machine, mr int, ns float64) Trial {
	return Trial{
		Workload: w, Target: schedules.Target{ISA: schedules.AVX2, Machine: m},
		Schedule: schedule(fmt.Sprintf("mr=%d nv=2", mr)), Generator: "g1", Protocol: "samples=3",
		Seed: 1<<63 + 5, Status: StatusOK, SamplesNS: []float64{ns + 0.25, ns, ns + 1},
		CenterNS: ns, LoNS: ns - 0.5, HiNS: ns + 1,
		CodeHash: "0123456789abcdef", Time: time.Date(2026, 3, 4, 5, 6, 7, mr, time.UTC),
	}
}

// failure returns a trial that failed.
func failure(w schedules.Workload, m schedules.Machine, mr int, status string) Trial {
	t := trial(w, m, mr, 1)
	t.Status, t.SamplesNS, t.CenterNS, t.LoNS, t.HiNS = status, nil, 0, 0, 0
	return t
}

func open(t testing.TB, path string, o Options) *Log {
	t.Helper()
	if o.Warn == nil {
		o.Warn = func(err error) { t.Errorf("damaged: %v", err) }
	}
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func newLog(t testing.TB) *Log { return open(t, filepath.Join(t.TempDir(), "tune.db"), Options{}) }

func add(t testing.TB, l *Log, trials ...Trial) {
	t.Helper()
	if err := l.Append(t.Context(), trials); err != nil {
		t.Fatal(err)
	}
}

func allTrials(t testing.TB, l *Log) []Trial {
	t.Helper()
	var all []Trial
	for tr, err := range l.AllTrials(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, tr)
	}
	return all
}

func TestAppendAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%41.db") // all of it is the name
	l := open(t, path, Options{})
	s, err := l.BeginSession(t.Context(), "tune --model x", 1<<63+1)
	if err != nil {
		t.Fatal(err)
	}
	a, failed := trial(convA, zen4, 8, 100), failure(convA, zen4, 9, "crash")
	a.Session, failed.Message = s.ID, "signal\nSIGSEGV"
	ref := trial(fc, zen4, 1, 7)
	ref.Target.ISA, ref.Schedule = schedules.Ref, schedules.Schedule{}
	want := []Trial{a, failed, ref}
	add(t, l, want...)
	add(t, l, a, failed) // known
	if got := allTrials(t, l); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := l.EndSession(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	l.Close()

	l = open(t, path, Options{ReadOnly: true})
	if got := allTrials(t, l); !reflect.DeepEqual(got, want) {
		t.Errorf("after opening again: %+v", got)
	}
	sessions, err := l.Sessions(t.Context())
	if err != nil || len(sessions) != 1 || sessions[0].Key != s.Key || sessions[0].Seed != 1<<63+1 || sessions[0].Ended.IsZero() {
		t.Errorf("sessions %+v, %v", sessions, err)
	}
	c, err := l.Stats(t.Context())
	if want := (Counts{1, 2, 1, 3, 1, 0}); c != want || err != nil {
		t.Errorf("stats %+v, %v", c, err)
	}
	if err := l.Append(t.Context(), want); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("append to a log opened for reading: %v", err)
	}
}

func TestTrialsOfOneTask(t *testing.T) {
	l := newLog(t)
	sameClass := zen4
	sameClass.Cores = 64
	want := []Trial{trial(convA, zen4, 9, 100), trial(convA, sameClass, 8, 90)}
	add(t, l, trial(convB, zen4, 1, 1), want[0], trial(convA, zen3, 2, 2), want[1])
	other := trial(convA, zen4, 3, 3)
	other.Target.ISA = schedules.AVXVNNI
	add(t, l, other)
	var got []Trial
	for tr, err := range l.Trials(t.Context(), convA, want[0].Target) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, tr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestAppendRefuses(t *testing.T) {
	l := newLog(t)
	for message, spoil := range map[string]func(*Trial){
		"no status":        func(tr *Trial) { tr.Status = "" },
		"no generator":     func(tr *Trial) { tr.Generator = "" },
		"no protocol":      func(tr *Trial) { tr.Protocol = "" },
		"not printable":    func(tr *Trial) { tr.Protocol = "a\nb" },
		"a time of NaN":    func(tr *Trial) { tr.SamplesNS[1] = nan() },
		"center of 0":      func(tr *Trial) { tr.CenterNS = 0 },
		"the time 0001":    func(tr *Trial) { tr.Time = time.Time{} },
		"unknown operator": func(tr *Trial) { tr.Workload = schedules.Workload{} },
		"unknown target":   func(tr *Trial) { tr.Target.ISA = "avx9" },
		"samples, at most": func(tr *Trial) { tr.SamplesNS = make([]float64, maxSamples+1) },
		"FOREIGN KEY":      func(tr *Trial) { tr.Session = 77 },
	} {
		tr := trial(convA, zen4, 8, 100)
		spoil(&tr)
		err := l.Append(t.Context(), []Trial{trial(convA, zen4, 1, 1), tr})
		if err == nil || !strings.Contains(err.Error(), message) && !strings.Contains(err.Error(), "must be between") {
			t.Errorf("%s: %v", message, err)
		}
	}
	if got := allTrials(t, l); len(got) != 0 {
		t.Errorf("%d trials of refused transactions are stored", len(got))
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func TestLongMessageIsCut(t *testing.T) {
	l := newLog(t)
	tr := trial(convA, zen4, 1, 1)
	tr.Status, tr.Message = "crash", strings.Repeat("é", maxMessage)
	add(t, l, tr)
	if got := allTrials(t, l)[0].Message; len(got) > maxMessage || !strings.HasPrefix(tr.Message, got) || len(got) < maxMessage-2 {
		t.Errorf("%d bytes", len(got))
	}
}

// A schedule can be measured again, after a failure or a success; the same
// measurement is stored once.
func TestRepeatedTrials(t *testing.T) {
	l := newLog(t)
	lost, first := failure(convA, zen4, 8, "worker-lost"), trial(convA, zen4, 8, 100)
	again := trial(convA, zen4, 8, 90)
	again.Time = again.Time.Add(time.Hour)
	add(t, l, lost, first, again, lost)
	add(t, l, again, first)
	if got := allTrials(t, l); len(got) != 3 || got[2].CenterNS != 90 {
		t.Errorf("got %+v", got)
	}
	if r, _, err := l.Best(t.Context(), query(convA, zen4)); err != nil || r.CenterNS != 90 {
		t.Errorf("best is %+v, %v", r, err)
	}
}

func TestDamagedRowsAreSkipped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	l := open(t, path, Options{})
	for i := range 5 {
		add(t, l, trial(convA, zen4, i+1, float64(100-i)))
	}
	recordFinal(t, l, convA, zen4, 50, 70)
	l.Close()
	damage(t, path,
		"UPDATE trials SET center_ns = 1 WHERE id = 2",
		"UPDATE trials SET samples = x'00' WHERE id = 3",
		"UPDATE trials SET schedule = 'no schedule' WHERE id = 5", // the fastest but for 2
		"UPDATE finals SET tuned_ns = tuned_ns + 1",
	)
	var warned []string
	l = open(t, path, Options{Warn: func(err error) { warned = append(warned, err.Error()) }})
	if got := allTrials(t, l); len(got) != 2 {
		t.Errorf("%d rows are whole", len(got))
	}
	if len(warned) != 3 || !strings.Contains(strings.Join(warned, "\n"), "tune.db: trials row 2: its checksum does not match") {
		t.Errorf("warnings %q", warned)
	}
	r, source, err := l.Best(t.Context(), query(convA, zen4))
	if err != nil || source != Exact || r.CenterNS != 97 || r.Final {
		t.Errorf("best is %+v, %v, %v", r, source, err)
	}
	found, err := l.Verify(t.Context())
	if err != nil || len(found) != 4 {
		t.Errorf("verify: %v, %v", found, err)
	}
	var row *RowError
	for _, e := range found {
		if !asRowError(e, &row) {
			t.Errorf("verify: %v is no RowError", e)
		}
	}
}

func damage(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tune.db")
	l := open(t, path, Options{})
	var trials []Trial
	for i := range 2000 {
		trials = append(trials, trial(convA, zen4, i+1, float64(i+1)))
	}
	add(t, l, trials...)
	l.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []int{len(data) / 4, len(data) / 2, 3 * len(data) / 4} {
		for i := range 4096 {
			data[from/4096*4096+i] ^= 0x5a
		}
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	l, err = Open(path, Options{Warn: func(error) {}})
	if err != nil {
		checkOneLine(t, err, path)
		return
	}
	defer l.Close()
	read, failed := 0, error(nil)
	for _, err := range l.trials(t.Context(), "") {
		if err != nil {
			failed = err
		} else {
			read++
		}
	}
	if failed == nil && read == len(trials) {
		t.Error("the damage is not noticed")
	}
	if failed != nil {
		checkOneLine(t, failed, path)
	}
	if found, err := l.Verify(t.Context()); len(found) == 0 {
		t.Errorf("verify finds nothing, %v", err)
	}
}

func checkOneLine(t *testing.T, err error, path string) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, path) || len(text) > 400 {
		t.Errorf("not one line that names the file: %s", text)
	}
}

func TestPrune(t *testing.T) {
	l := newLog(t)
	for i := range 10 {
		add(t, l, trial(convA, zen4, i+1, float64(100-i)), trial(convA, zen3, i+1, float64(100+i)))
	}
	add(t, l, failure(convB, zen4, 1, "crash"))
	recordFinal(t, l, convA, zen4, 50, 70)
	n, err := l.Prune(t.Context(), 2)
	if err != nil || n != 17 {
		t.Fatalf("removed %d, %v", n, err)
	}
	var got []float64
	for _, tr := range allTrials(t, l) {
		got = append(got, tr.CenterNS)
	}
	slices.Sort(got)
	if !slices.Equal(got, []float64{91, 92, 100, 101}) {
		t.Errorf("left are %v", got)
	}
	if c, err := l.Stats(t.Context()); c.Finals != 1 || err != nil {
		t.Errorf("stats %+v, %v", c, err)
	}
	if _, err := l.Prune(t.Context(), 0); err == nil {
		t.Error("prune to nothing is accepted")
	}
}

func recordFinal(t testing.TB, l *Log, w schedules.Workload, m schedules.Machine, tuned, def float64) {
	t.Helper()
	err := l.RecordFinal(context.Background(), Final{
		Workload: w, Target: schedules.Target{ISA: schedules.AVX2, Machine: m},
		Schedule: schedule("mr=6 nv=2"), Generator: "g1", Protocol: "samples=3", TunedNS: tuned,
		DefaultSchedule: schedule("mr=4 nv=1"), DefaultNS: def,
		CodeHash: "00ff", Time: time.Date(2026, 3, 4, 6, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func query(w schedules.Workload, m schedules.Machine) Query {
	return Query{Workload: w, Target: schedules.Target{ISA: schedules.AVX2, Machine: m}, Generator: "g1"}
}
