package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"qtune/service"
	"qtune/service/api"
)

// metrics are what Prometheus reads, in a registry of their own.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

func newMetrics(s *service.Service, watches chan struct{}) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "qtune_http_request_seconds", Help: "Time to answer a request, by route.",
			Buckets: []float64{0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60},
		}, []string{"route", "status"}),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	counter := func(name, help string, value func() int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	m.registry.MustRegister(m.requests, jobCounts{s},
		gauge("qtune_batches_measured", "Batches of trials that are measured now.", func() float64 { return float64(s.Load().Running) }),
		gauge("qtune_batches_waiting", "Batches of trials that wait for a slot.", func() float64 { return float64(s.Load().Queued) }),
		gauge("qtune_watchers", "Watchers of jobs.", func() float64 { return float64(len(watches)) }),
		counter("qtune_trials_total", "Trials that were stored.", func() int64 { return s.Load().Trials }),
		counter("qtune_trials_failed_total", "Trials of these that failed.", func() int64 { return s.Load().Failures }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request counts one. Routes are few, paths are not.
func (m *metrics) request(r *http.Request, status int, took time.Duration) {
	route := r.Pattern
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// jobCounts are the numbers of jobs by state.
type jobCounts struct{ service *service.Service }

var jobsDesc = prometheus.NewDesc("qtune_jobs", "Jobs by state.", []string{"state"}, nil)

// Describe is part of prometheus.Collector.
func (c jobCounts) Describe(ch chan<- *prometheus.Desc) { ch <- jobsDesc }

// Collect is part of prometheus.Collector.
func (c jobCounts) Collect(ch chan<- prometheus.Metric) {
	counts, err := c.service.CountJobs(context.Background())
	if err != nil {
		ch <- prometheus.NewInvalidMetric(jobsDesc, err)
		return
	}
	for _, state := range []api.State{api.Queued, api.Running, api.Paused, api.Done, api.Failed, api.Cancelled} {
		ch <- prometheus.MustNewConstMetric(jobsDesc, prometheus.GaugeValue, float64(counts[state]), string(state))
	}
}
