package fleet

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"qtune/kernels"
	"qtune/measure"
	"qtune/measure/remote"
	"qtune/measure/remote/hub"
	"qtune/measure/remote/worker"
	"qtune/measure/sim"
	"qtune/schedules"
)

// core is a Runner of one core, on which every trial takes trialTime.
type core struct {
	mu   sync.Mutex
	sim  *sim.Runner
	once sync.Once
	last []measure.Result // of the only batch that there is: making it up takes longer than all the rest
}

var trialTime = time.Millisecond

func (c *core) Slots() int { return 2 }

func (c *core) Measure(ctx context.Context, jobs []measure.Job) ([]measure.Result, error) {
	c.mu.Lock()
	time.Sleep(time.Duration(len(jobs)) * trialTime)
	c.mu.Unlock()
	if len(jobs) == 1 { // the worker's self-check
		return c.sim.Measure(ctx, jobs)
	}
	c.once.Do(func() { c.last, _ = c.sim.Measure(context.WithoutCancel(ctx), jobs) }) // does not fail
	return c.last, nil
}

// startWorkers starts a hub and workers in this process; it returns the hub's URL.
func startWorkers(tb testing.TB, n int) string {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h, err := hub.New(ctx, hub.Config{Listen: "127.0.0.1:0", Store: filepath.Join(tb.TempDir(), "hub")})
	if err != nil {
		cancel()
		tb.Fatal(err)
	}
	var workers, hubs sync.WaitGroup
	hubContext, endHub := context.WithCancel(context.Background())
	hubs.Go(func() { _ = h.Run(hubContext) })
	for i := range n {
		w, err := worker.New(worker.Config{
			Hub: remote.Options{URL: h.URL()}, ISAs: []schedules.ISA{schedules.AVX2}, Runner: &core{sim: sim.New(sim.Config{Seed: 3})},
			Identity: remote.Identity{Name: fmt.Sprintf("w%d", i), Version: "bench", Generator: kernels.Generator, Machine: testMachine},
		})
		if err != nil {
			tb.Fatal(err)
		}
		workers.Go(func() { _ = w.Run(ctx) })
	}
	tb.Cleanup(func() { cancel(); workers.Wait(); endHub(); hubs.Wait() })
	return h.URL()
}

func dialBench(tb testing.TB, url string) *Runner {
	tb.Helper()
	nc, err := remote.Dial(remote.Options{URL: url, Name: "tuner"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	r, err := New(context.Background(), Config{Conn: nc, Kind: testKind()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Close)
	return r
}

// BenchmarkOverhead is what a batch of 8 trials takes beyond measuring, from end to
// end, when nothing else is under way.
func BenchmarkOverhead(b *testing.B) {
	r := dialBench(b, startWorkers(b, 1))
	jobs := testJobs(b, 16, 8)
	if _, err := r.Measure(b.Context(), jobs); err != nil { // the worker is there
		b.Fatal(err)
	}
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := r.Measure(b.Context(), jobs); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start)-time.Duration(len(jobs))*trialTime)
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "ms-median")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "ms-p99")
}

// BenchmarkMemory is by how much the memory of hub, worker and tuner together has
// grown when 8 trials in each of b.N batches are done; none takes any time.
func BenchmarkMemory(b *testing.B) {
	r := dialBench(b, startWorkers(b, 1))
	jobs := testJobs(b, 16, 8)
	for i := range jobs {
		jobs[i].Protocol.Samples = 1
	}
	measured := func(batches int) {
		limit := make(chan struct{}, 8)
		var wg sync.WaitGroup
		for range batches {
			limit <- struct{}{}
			wg.Go(func() {
				defer func() { <-limit }()
				if _, err := r.Measure(b.Context(), jobs); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	trialTime = 0
	defer func() { trialTime = time.Millisecond }()
	measured(500)
	before := inUse()
	b.ResetTimer()
	measured(b.N)
	b.StopTimer()
	b.ReportMetric(float64(inUse()-before)/(1<<20), "MiB-grown")
	b.ReportMetric(float64(inUse())/(1<<20), "MiB")
}

// inUse is what is in use, in bytes.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkThroughput is how much of their time workers measure, whose trials take a
// millisecond each.
func BenchmarkThroughput(b *testing.B) {
	for _, workers := range []int{1, 4, 8} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			r := dialBench(b, startWorkers(b, workers))
			jobs := testJobs(b, 16, 8)
			if _, err := r.Measure(b.Context(), jobs); err != nil {
				b.Fatal(err)
			}
			time.Sleep(2 * time.Second) // the other workers have come
			limit := make(chan struct{}, 3*workers)
			var wg sync.WaitGroup
			start := time.Now()
			for b.Loop() {
				limit <- struct{}{}
				wg.Go(func() {
					defer func() { <-limit }()
					if _, err := r.Measure(b.Context(), jobs); err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
			perSecond := float64(b.N*len(jobs)) / time.Since(start).Seconds()
			b.ReportMetric(perSecond, "trials/s")
			b.ReportMetric(100*perSecond*trialTime.Seconds()/float64(workers), "%-of-ideal")
		})
	}
}
