package worker

import (
	"fmt"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/measure"
	"qtune/measure/remote"
	"qtune/measure/sim"
	"qtune/schedules"
)

// testLease is what most tests lend for: long enough for a busy machine.
const testLease = 20 * time.Second

func TestBatchesAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2, schedules.AVX512VNNI)
	runner := sim.New(sim.Config{Seed: 1, Noise: 0.02})
	w := start(t, h.url(), Config{Runner: runner, ISAs: []schedules.ISA{schedules.AVX512VNNI, schedules.AVXVNNI, schedules.AVX2}}, nil)

	batches := map[string]*remote.Batch{}
	for i := range 20 {
		isa := []schedules.ISA{schedules.AVX2, schedules.AVX512VNNI}[i%2]
		b := u.batch(fmt.Sprintf("batch-%d", i), isa, 8)
		batches[b.ID] = b
		u.put(b)
	}
	for range len(batches) {
		a := u.answer()
		b := batches[a.Batch]
		if b == nil {
			t.Fatalf("an answer to %s, which was answered or is no batch", a.Batch)
		}
		delete(batches, a.Batch)
		if err := a.Fits(b, "worker-1"); err != nil {
			t.Fatal(err)
		}
		if a.Refused != "" || a.Attempt != 1 {
			t.Fatalf("batch %s: refused %q, attempt %d", a.Batch, a.Refused, a.Attempt)
		}
		want, err := runner.Measure(t.Context(), b.Jobs)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if fmt.Sprint(a.Results[i]) != fmt.Sprint(want[i]) {
				t.Errorf("batch %s, job %d: %v, want %v", a.Batch, i, a.Results[i], want[i])
			}
		}
	}
	u.finished()
	w.end()
	if a := u.answerWithin(10 * time.Millisecond); a != nil {
		t.Errorf("a second answer to %s", a.Batch)
	}
	s := u.state("worker-1", remote.Gone)
	if s.Trials != 160 || s.Failures != 0 || s.Lost != 0 || s.PerSecond <= 0 {
		t.Errorf("status of 160 trials: %+v", s)
	}
}

// A worker may be there before any tuner.
func TestWorkerWaitsForATuner(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	start(t, h.url(), Config{Runner: sim.New(sim.Config{})}, nil)
	time.Sleep(100 * time.Millisecond)
	u := newTuner(t, h, testLease, schedules.AVX2)
	u.put(u.batch("b", schedules.AVX2, 3))
	if a := u.answer(); a.Batch != "b" || len(a.Results) != 3 {
		t.Errorf("answer %+v", a)
	}
	// When the last tuner leaves all streams go; the next makes them again.
	if err := remote.Leave(t.Context(), u.js, u.name); err != nil {
		t.Fatal(err)
	}
	u = newTuner(t, h, testLease, schedules.AVX2)
	u.put(u.batch("c", schedules.AVX2, 3))
	if a := u.answer(); a.Batch != "c" {
		t.Errorf("answer %+v", a)
	}
}

func TestFailuresOfTrialsAreAnswered(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	fail := func(j measure.Job) (measure.Status, string) {
		if j.ID == 2 {
			return measure.Crash, "SIGSEGV in the candidate"
		}
		return measure.OK, ""
	}
	w := start(t, h.url(), Config{Runner: sim.New(sim.Config{Fail: fail})}, nil)
	u.put(u.batch("b", schedules.AVX2, 3))
	a := u.answer()
	if r := a.Results[1]; r.Status != measure.Crash || r.Message != "SIGSEGV in the candidate" {
		t.Errorf("result %+v", r)
	}
	w.end()
	if s := u.state("worker-1", remote.Gone); s.Trials != 3 || s.Failures != 1 {
		t.Errorf("status %+v", s)
	}
}

func TestEveryWorkerSaysItsStatus(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	u := newTuner(t, h, testLease, schedules.AVX2)
	for _, name := range []string{"one", "two"} {
		start(t, h.url(), Config{Runner: sim.New(sim.Config{}), Labels: map[string]string{"rack": "7"}, Identity: remote.Identity{Name: name, Version: "v1"}}, nil)
	}
	for _, name := range []string{"one", "two"} {
		u.state(name, remote.Idle)
	}
	inbox := u.nc.NewRespInbox()
	sub, err := u.nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.nc.PublishRequest(remote.StatusSubject, inbox, nil); err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for range 2 {
		msg, err := sub.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		s, err := remote.DecodeStatus(msg.Data)
		if err != nil {
			t.Fatal(err)
		}
		if s.State != remote.Idle || s.Labels["rack"] != "7" || s.Identity.Generator != kernels.Generator || s.Identity.Version != "v1" ||
			s.Identity.Machine != testMachine || len(s.ISAs) != 1 || s.Started.IsZero() {
			t.Errorf("status %+v", s)
		}
		said[s.Identity.Name] = true
	}
	if len(said) != 2 {
		t.Errorf("%v have answered", said)
	}
}

// BenchmarkBatch is a batch's way through the hub and back, one after the other,
// where measuring takes no time.
func BenchmarkBatch(b *testing.B) {
	h := newHub(b)
	u := newTuner(b, h, testLease, schedules.AVX2)
	start(b, h.url(), Config{Runner: fakeRunner{slots: 2, measure: measured}}, nil)
	id := 0
	for b.Loop() {
		id++
		u.put(u.batch(fmt.Sprint(id), schedules.AVX2, 8))
		u.answer()
	}
}

// BenchmarkBatches has many waiting, in one of the queues that there are.
func BenchmarkBatches(b *testing.B) {
	for _, isas := range [][]schedules.ISA{{schedules.AVX2}, schedules.ISAs()} {
		b.Run(fmt.Sprint(len(isas), "-queues"), func(b *testing.B) {
			h := newHub(b)
			u := newTuner(b, h, testLease, isas...)
			for i := range b.N {
				u.put(u.batch(fmt.Sprint(i), schedules.AVX2, 8))
			}
			b.ResetTimer()
			start(b, h.url(), Config{Runner: fakeRunner{slots: 2, measure: measured}, ISAs: isas}, nil)
			for range b.N {
				u.answer()
			}
		})
	}
}
