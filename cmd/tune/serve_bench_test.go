//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"qtune/kernels/module"
	"qtune/schedules"
	"qtune/service/api"
	"qtune/service/client"
)

// What BenchmarkServe puts on a service.
const (
	benchModelName = "zoo:inception_v3"
	benchTasks     = "28-31,33-39,41" // a trial of each takes about as long
	apiWatchers    = 100              // of events
	pageWatchers   = 100              // browsers: they fetch the live part of the page at each change
	lookUpEvery    = 20 * time.Millisecond
	modelLookUps   = 10              // one look-up of so many is of the whole network
	phaseTime      = 5 * time.Second // without and with all that, in turn
	warmTrials     = 500
	clockTicks     = 100 // a second, of /proc
)

// BenchmarkServe tunes a large network for real, in a process of its own, while 200
// watch and 50 look-ups a second are made. An operation is a look-up:
//
//	go test ./cmd/tune -run - -bench Serve -benchtime 2500x
func BenchmarkServe(b *testing.B) {
	isas := schedules.HostISAs()
	if len(isas) == 0 {
		b.Skip("this CPU executes no target")
	}
	p := &served{program: "tune", store: filepath.Join(b.TempDir(), "store"), address: freeAddress(b)}
	p.start(b)
	defer p.kill()
	l := &serveLoad{b: b, base: "http://" + p.address, pid: p.process.Process.Pid}
	l.submit(isas[0])
	for l.trials() < warmTrials {
		time.Sleep(100 * time.Millisecond)
	}
	var quiet, loud phases
	b.ResetTimer()
	for l.done < b.N {
		quiet.measure(l, func(until time.Time) { time.Sleep(time.Until(until)) })
		loud.measure(l, l.load)
	}
	b.StopTimer()
	var ratios []float64
	for i := range loud.rates {
		ratios = append(ratios, loud.rates[i]/quiet.rates[i])
	}
	for name, v := range map[string]float64{
		"p50-ms": at(l.lookUps, 0.5), "p99-ms": at(l.lookUps, 0.99), "model-p50-ms": at(l.models, 0.5), "model-p99-ms": at(l.models, 0.99),
		"quiet-trials/s": mean(quiet.rates), "loaded-trials/s": mean(loud.rates), "median-ratio": at(ratios, 0.5), "low-ratio": at(ratios, 0.1), "high-ratio": at(ratios, 0.9),
		"quiet-MB": slices.Max(quiet.memory), "loaded-MB": slices.Max(loud.memory), "quiet-cores": mean(quiet.cores), "loaded-cores": mean(loud.cores), "client-cores": mean(loud.clients),
		"fragments/s": float64(l.fragments.Load()) / (float64(len(loud.rates)) * phaseTime.Seconds()),
	} {
		b.ReportMetric(v, name)
	}
}

// phases are what the service did in phases of one kind.
type phases struct{ rates, memory, cores, clients []float64 }

func (p *phases) measure(l *serveLoad, f func(until time.Time)) {
	trials, used, own, begun := l.trials(), l.cpu(), ownCPU(l.b), time.Now()
	f(begun.Add(phaseTime))
	took := time.Since(begun).Seconds()
	p.rates = append(p.rates, (l.trials()-trials)/took)
	p.cores = append(p.cores, (l.cpu()-used)/took)
	p.clients = append(p.clients, (ownCPU(l.b)-own)/took)
	p.memory = append(p.memory, l.memory())
}

// ownCPU is what this process, the clients, has used, in seconds.
func ownCPU(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// at is a quantile.
func at(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0 // the benchmark's trial run is one look-up
	}
	slices.Sort(v)
	return v[int(q*float64(len(v)-1))]
}

// A serveLoad is what clients do to a service.
type serveLoad struct {
	b               *testing.B
	base            string
	pid             int
	job             int64
	model           string
	tasks           []schedules.Task
	done            int
	lookUps, models []float64 // ms
	fragments       atomic.Int64
}

// submit has the service tune a network for as long as it lives.
func (l *serveLoad) submit(isa schedules.ISA) {
	c, err := client.New(l.base, "", nil)
	if err != nil {
		l.b.Fatal(err)
	}
	file, name, err := modelBytes(benchModelName)
	if err != nil {
		l.b.Fatal(err)
	}
	for l.get("/readyz") != nil {
		time.Sleep(20 * time.Millisecond)
	}
	m, err := c.Upload(l.b.Context(), name, file)
	if err != nil {
		l.b.Fatal(err)
	}
	g, _, err := loadZoo(benchModelName)
	if err != nil {
		l.b.Fatal(err)
	}
	if _, l.tasks, _, err = module.Tasks(g, isa); err != nil {
		l.b.Fatal(err)
	}
	spec := api.DefaultSpec()
	spec.Model, spec.Trials, spec.Target = m.Hash, api.MaxTrials, string(isa)
	spec.Tasks, spec.Strategy = benchTasks, "evolve" // which finds no end
	j, err := c.Submit(l.b.Context(), spec)
	if err != nil {
		l.b.Fatal(err)
	}
	l.job, l.model = j.ID, m.Hash
}

// get reads an answer to its end. It takes it compressed, as browsers do, and leaves it
// so: the clients have the service's machine to share.
func (l *serveLoad) get(path string) error {
	r, err := http.NewRequest("GET", l.base+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 || n == 0 {
		return fmt.Errorf("%s: %s, %v", path, res.Status, err)
	}
	return nil
}

// trials are those that the service has measured.
func (l *serveLoad) trials() float64 {
	res, err := http.Get(l.base + "/metrics")
	if err != nil {
		l.b.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "qtune_trials_total "); ok {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				l.b.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// cpu is what the service's process has used, in seconds, without its children.
func (l *serveLoad) cpu() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", l.pid))
	if err != nil {
		l.b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	ticks := 0.0
	for _, f := range fields[11:13] { // utime and stime: proc(5)
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			l.b.Fatal(err)
		}
		ticks += n
	}
	return ticks / clockTicks
}

// memory is the resident set of the service's process, in MB.
func (l *serveLoad) memory() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", l.pid))
	if err != nil {
		l.b.Fatal(err)
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	if err != nil {
		l.b.Fatal(err)
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

// load watches and looks up until a point in time.
func (l *serveLoad) load(until time.Time) {
	ctx, cancel := context.WithCancel(l.b.Context())
	var watchers sync.WaitGroup
	for range apiWatchers {
		watchers.Go(func() {
			l.stream(ctx, fmt.Sprintf("/v1/jobs/%d/events", l.job), func(events io.Reader) {
				_, _ = io.Copy(io.Discard, events) // until it is stopped
			})
		})
	}
	for range pageWatchers {
		watchers.Go(func() {
			l.stream(ctx, fmt.Sprintf("/jobs/%d/events", l.job), func(events io.Reader) {
				for lines := bufio.NewScanner(events); lines.Scan() && ctx.Err() == nil; {
					if lines.Text() != "data: changed" {
						continue
					}
					if err := l.get(fmt.Sprintf("/jobs/%d/live", l.job)); err != nil {
						l.b.Error(err)
					}
					l.fragments.Add(1)
				}
			})
		})
	}
	every := time.NewTicker(lookUpEvery)
	defer every.Stop()
	for ; time.Now().Before(until); l.done++ {
		<-every.C
		path, times := "/v1/best?workload="+url.QueryEscape(l.tasks[l.done%len(l.tasks)].Workload.String()), &l.lookUps
		if l.done%modelLookUps == 0 {
			path, times = "/v1/models/"+l.model+"/best", &l.models
		}
		begun := time.Now()
		if err := l.get(path); err != nil {
			l.b.Fatal(err)
		}
		*times = append(*times, time.Since(begun).Seconds()*1e3)
	}
	cancel()
	watchers.Wait()
}

// stream gives f what comes until ctx ends.
func (l *serveLoad) stream(ctx context.Context, path string, f func(io.Reader)) {
	r, err := http.NewRequestWithContext(ctx, "GET", l.base+path, nil)
	if err != nil {
		l.b.Error(err)
		return
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return // it was stopped
	}
	defer res.Body.Close()
	f(res.Body)
}
