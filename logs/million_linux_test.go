package logs

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/schedules"
)

// BenchmarkMillionRows is a log of a million trials: 250 workloads with two
// instruction sets on two machines, a thousand trials each. It takes a few
// minutes, so it has to be asked for; where QTUNE_MILLION names a file, the log is
// made there, or is there from the last time:
//
//	go test ./logs -run - -bench MillionRows -benchtime 2s
//
// Besides the time it tells the processor's, which others disturb less, and the
// median and fastest tenth of single operations.
func BenchmarkMillionRows(b *testing.B) {
	m := newMillion(b)
	if _, err := os.Stat(m.path); err != nil {
		b.Run("append", m.benchAppend)
	}
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprintf("grow%d", size), func(b *testing.B) { m.benchGrow(b, size) })
	}
	b.Run("open", m.benchOpen)
	b.Run("best", m.benchBest)
	b.Run("first", m.benchFirst)
	b.Run("choose", m.benchChoose)
	b.Run("nearest", m.benchNearest)
	b.Run("export", m.benchExport)
}

type million struct {
	path   string
	tasks  []millionTask
	random *rand.Rand
}

type millionTask struct {
	workload schedules.Workload
	target   schedules.Target
	space    *schedules.Space
}

func newMillion(b *testing.B) *million {
	m := &million{path: millionPath(b), random: rand.New(rand.NewPCG(1, 2))}
	for i := range 250 {
		size := 7 + i%25
		w := workload(fmt.Sprintf("conv2d n1 h%d w%d c%d k3x3 o%d s1x1 d1x1 p1,1,1,1 wz=1 perch=0 round=double sign=0 mult=lt1",
			size, size, 16*(1+i%7), 16*(1+i%11)))
		for _, isa := range []schedules.ISA{schedules.AVX2, schedules.AVX512VNNI} {
			space, err := schedules.SpaceFor(w, isa)
			if err != nil {
				b.Fatal(err)
			}
			for _, machine := range []schedules.Machine{zen4, icx} {
				m.tasks = append(m.tasks, millionTask{w, schedules.Target{ISA: isa, Machine: machine}, space})
			}
		}
	}
	return m
}

// trial is number n of a task.
func (m *million) trial(b *testing.B, t millionTask, n int) Trial {
	s, ok := t.space.Sample(m.random)
	if !ok {
		b.Fatal("no sample of ", t.workload)
	}
	tr := trial(t.workload, t.target.Machine, 1, 1000+float64(m.random.IntN(1e6)))
	tr.Target, tr.Schedule, tr.Generator = t.target, s, kernels.Generator
	tr.Protocol = "warmup=3 inner=auto samples=15 cache=weights-cold threads=1"
	tr.SamplesNS = []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	tr.Time = tr.Time.Add(time.Duration(n) * time.Second)
	return tr
}

// benchAppend fills the log, in batches of a thousand as a tuner of several
// networks would: a round over the tasks is ten trials of each.
func (m *million) benchAppend(b *testing.B) {
	l := open(b, m.path, Options{})
	batch := make([]Trial, 0, 1000)
	writing := time.Duration(0)
	defer processorTime(b)()
	for n := 0; n < 1000; n += 10 {
		for _, t := range m.tasks {
			for i := range 10 {
				batch = append(batch, m.trial(b, t, n+i))
			}
			if len(batch) == cap(batch) {
				start := time.Now()
				add(b, l, batch...)
				writing += time.Since(start)
				batch = batch[:0]
			}
		}
	}
	for _, t := range m.tasks {
		r := m.trial(b, t, 1000)
		err := l.RecordFinal(b.Context(), Final{
			Workload: t.workload, Target: t.target, Schedule: r.Schedule, Generator: r.Generator, Protocol: r.Protocol, TunedNS: 900,
			DefaultSchedule: t.space.Start(), DefaultNS: 950, CodeHash: r.CodeHash, Time: r.Time,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	c, err := l.Stats(b.Context())
	if err != nil || c.Trials < 990_000 {
		b.Fatal(c, err)
	}
	b.ReportMetric(float64(c.Trials)/writing.Seconds(), "rows/s")
	b.ReportMetric(float64(c.Trials), "rows")
}

// benchGrow appends to a copy of the log, in batches of a size, ten trials of each
// task in turn.
func (m *million) benchGrow(b *testing.B, size int) {
	file, err := os.ReadFile(m.path)
	path := filepath.Join(b.TempDir(), "tune.db")
	if err == nil {
		err = os.WriteFile(path, file, 0o666)
	}
	if err != nil {
		b.Fatal(err)
	}
	l := open(b, path, Options{})
	var took latencies
	batch := make([]Trial, 0, size)
	n := 0
	for b.Loop() {
		b.StopTimer()
		for batch = batch[:0]; len(batch) < size; n++ {
			batch = append(batch, m.trial(b, m.tasks[n/10%len(m.tasks)], 1000+n))
		}
		b.StartTimer()
		start := time.Now()
		add(b, l, batch...)
		took.since(start)
	}
	took.report(b)
	b.ReportMetric(float64(size)/took.part(0.5).Seconds(), "median-rows/s")
}

func (m *million) benchOpen(b *testing.B) {
	defer processorTime(b)()
	for b.Loop() {
		l, err := Open(m.path, Options{ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := l.Best(b.Context(), m.query(0)); err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}

// query is one for task i, its order shuffled.
func (m *million) query(i int) Query {
	t := m.tasks[i*7919%len(m.tasks)]
	return Query{Workload: t.workload, Target: t.target, Generator: kernels.Generator}
}

func (m *million) benchBest(b *testing.B) {
	l := open(b, m.path, Options{ReadOnly: true})
	var took latencies
	used := processorTime(b)
	i := 0
	for b.Loop() {
		q := m.query(i)
		start := time.Now()
		if _, source, err := l.Best(b.Context(), q); err != nil || source != Exact {
			b.Fatal(source, err)
		}
		took.since(start)
		i++
	}
	used()
	took.report(b)
}

// benchFirst looks up the workloads of a network in a log that was just opened.
func (m *million) benchFirst(b *testing.B) {
	const network = 60 // workloads
	var took latencies
	i := 0
	for b.Loop() {
		b.StopTimer()
		l := open(b, m.path, Options{ReadOnly: true})
		b.StartTimer()
		for range network {
			q := m.query(i)
			start := time.Now()
			if _, source, err := l.Best(b.Context(), q); err != nil || source != Exact {
				b.Fatal(source, err)
			}
			took.since(start)
			i++
		}
		l.Close()
	}
	took.report(b)
}

func (m *million) benchChoose(b *testing.B) {
	l := open(b, m.path, Options{ReadOnly: true})
	var took latencies
	used := processorTime(b)
	i := 0
	for b.Loop() {
		q := m.query(i)
		start := time.Now()
		if _, err := Chooser(b.Context(), l, q.Target.Machine)(q.Workload, q.Target.ISA); err != nil {
			b.Fatal(err)
		}
		took.since(start)
		i++
	}
	used()
	took.report(b)
}

func (m *million) benchNearest(b *testing.B) {
	l := open(b, m.path, Options{ReadOnly: true})
	defer processorTime(b)()
	i := 0
	for b.Loop() {
		q := m.query(i)
		q.Workload.C += 3
		if near, err := l.Nearest(b.Context(), q, neighbours); err != nil || len(near) != neighbours {
			b.Fatal(near, err)
		}
		i++
	}
}

func (m *million) benchExport(b *testing.B) {
	l := open(b, m.path, Options{ReadOnly: true})
	defer processorTime(b)()
	for b.Loop() {
		if err := l.Export(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// latencies are those of single operations: others on the machine disturb their
// mean more than their median, and the fastest tenth hardly.
type latencies []time.Duration

func (l *latencies) since(start time.Time) { *l = append(*l, time.Since(start)) }

// part is the latency that a part of the operations do not exceed.
func (l latencies) part(of float64) time.Duration {
	slices.Sort(l)
	return l[int(of*float64(len(l)-1))]
}

func (l latencies) report(b *testing.B) {
	b.ReportMetric(float64(l.part(0.5)), "median-ns")
	b.ReportMetric(float64(l.part(0.1)), "p10-ns")
}

// processorTime starts to count the time that this process uses; the function
// that it returns reports it per operation.
func processorTime(b *testing.B) (report func()) {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	return func() { b.ReportMetric(float64((used()-start).Nanoseconds())/float64(b.N), "cpu-ns/op") }
}

func millionPath(b *testing.B) string {
	if p := os.Getenv("QTUNE_MILLION"); p != "" {
		return p
	}
	return filepath.Join(b.TempDir(), "tune.db")
}
