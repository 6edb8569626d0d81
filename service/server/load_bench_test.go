package server

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qtune/measure/sim"
	"qtune/qnn/tflite"
	"qtune/qnn/zoo"
	"qtune/schedules"
	"qtune/service"
	"qtune/service/api"
)

// What BenchmarkLoad puts on a service.
const (
	loadWatchers = 200
	loadPause    = 20 * time.Millisecond // between look-ups: 50 a second
	loadPhase    = 4 * time.Second       // with and without load, in turn
)

// BenchmarkLoad tunes on a simulated machine while 200 watchers watch and 50
// look-ups a second are made, clients and service in one process. It reports times of
// look-ups, what the load costs the search, and memory. An operation is a look-up:
//
//	go test ./service/server -run - -bench Load -benchtime 1000x
func BenchmarkLoad(b *testing.B) {
	h, s := newServer(b, func(sc *service.Config, _ *Config) {
		sc.Runner, sc.MaxModel = sim.New(sim.Config{Seed: 3, Slots: 1, Delay: 8 * time.Millisecond}), 0
	})
	c := newClient(b, h, "")
	m := must(c.Upload(b.Context(), "net", must(tflite.Export(must(zoo.Build("mobilenet_v1_0.25_128"))))))
	spec := api.DefaultSpec()
	spec.Model, spec.Trials, spec.Strategy = m.Hash, api.MaxTrials, "evolve"
	j := must(c.Submit(b.Context(), spec))
	tasks := must(s.Tasks(b.Context(), m.Hash, schedules.AVX2))
	for s.Load().Trials < int64(4*len(tasks)) {
		time.Sleep(10 * time.Millisecond)
	}
	heap := heapBytes()
	var took, models, quiet, loud sample
	b.ResetTimer()
	for done := 0; done < b.N; {
		quiet.measure(s, func() { time.Sleep(loadPhase) })
		loud.measure(s, func() {
			stop := startWatchers(b, h.URL, j.ID)
			defer stop()
			for end := time.Now().Add(loadPhase); time.Now().Before(end) && done < b.N; done++ {
				path := "/v1/best?workload=" + url.QueryEscape(tasks[done%len(tasks)].Workload.String())
				if done%10 == 0 {
					path = "/v1/models/" + m.Hash + "/best"
				}
				begun := time.Now()
				get(b, h.URL+path)
				if done%10 == 0 {
					models.times = append(models.times, time.Since(begun))
				} else {
					took.times = append(took.times, time.Since(begun))
				}
				time.Sleep(loadPause)
			}
			took.heap = max(took.heap, heapBytes())
		})
	}
	b.StopTimer()
	b.ReportMetric(took.at(0.5), "p50-ms")
	b.ReportMetric(took.at(0.99), "p99-ms")
	b.ReportMetric(models.at(0.5), "model-p50-ms")
	b.ReportMetric(models.at(0.99), "model-p99-ms")
	b.ReportMetric(quiet.perSecond(), "quiet-trials/s")
	b.ReportMetric(loud.perSecond(), "loaded-trials/s")
	b.ReportMetric(float64(took.heap-heap)/(1<<20), "more-MB")
}

// A sample collects what phases of a benchmark measure.
type sample struct {
	times  []time.Duration
	heap   int64
	trials int64
	time   time.Duration
}

func (m *sample) measure(s *service.Service, f func()) {
	trials, begun := s.Load().Trials, time.Now()
	f()
	m.trials += s.Load().Trials - trials
	m.time += time.Since(begun)
}

// at is a quantile of the times, in milliseconds.
func (m *sample) at(q float64) float64 {
	if len(m.times) == 0 {
		return 0 // the benchmark's trial run is one look-up
	}
	slices.Sort(m.times)
	return m.times[int(q*float64(len(m.times)-1))].Seconds() * 1e3
}

func (m *sample) perSecond() float64 { return float64(m.trials) / m.time.Seconds() }

func heapBytes() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func get(b *testing.B, url string) {
	res, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 || n == 0 {
		b.Fatalf("%s: %s, %v", url, res.Status, err)
	}
}

// startWatchers begins to watch, and returns when all do.
func startWatchers(b *testing.B, base string, id int64) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	var ready atomic.Int64
	for range loadWatchers {
		all.Go(func() {
			r, err := http.NewRequestWithContext(ctx, "GET", base+"/v1/jobs/"+strconv.FormatInt(id, 10)+"/events", nil)
			if err != nil {
				b.Error(err)
				return
			}
			res, err := http.DefaultClient.Do(r)
			ready.Add(1)
			if err != nil {
				return // it was stopped
			}
			defer res.Body.Close()
			_, _ = io.Copy(io.Discard, res.Body) // until it is stopped
		})
	}
	for ready.Load() < loadWatchers {
		time.Sleep(time.Millisecond)
	}
	return func() { cancel(); all.Wait() }
}
