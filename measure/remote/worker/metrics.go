package worker

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"qtune/measure"
	"qtune/measure/remote"
)

// metrics are what the worker counts, in a registry of its own.
type metrics struct {
	registry    *prometheus.Registry
	trials      *prometheus.CounterVec // by status
	batches     *prometheus.CounterVec // by outcome
	seconds     prometheus.Counter
	calibration prometheus.Gauge
	states      *prometheus.GaugeVec
}

// newMetrics makes the metrics of a worker that can tell whether it is connected.
func newMetrics(connected func() bool) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		trials: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qtune_worker_trials_total", Help: "Trials, by status."}, []string{"status"}),
		batches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qtune_worker_batches_total", Help: "Batches, by what became of them."}, []string{"outcome"}),
		seconds: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "qtune_worker_measuring_seconds_total", Help: "Time that batches took to be checked and timed; those under way together count each."}),
		calibration: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "qtune_worker_calibration_seconds", Help: "Time of the calibration kernel in the last batch; 0 = not known."}),
		states: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "qtune_worker_state", Help: "1 for the state that the worker is in."}, []string{"state"}),
	}
	m.registry.MustRegister(m.trials, m.batches, m.seconds, m.calibration, m.states, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "qtune_worker_connected", Help: "1 while there is a connection to the hub."}, func() float64 { return number(connected()) }))
	for _, s := range measure.Statuses() {
		m.trials.WithLabelValues(s.String())
	}
	for _, o := range outcomes {
		m.batches.WithLabelValues(string(o))
	}
	return m
}

func (m *metrics) state(now remote.State) {
	for _, s := range []remote.State{remote.Idle, remote.Measuring, remote.Waiting, remote.Aside, remote.Draining, remote.Gone} {
		m.states.WithLabelValues(string(s)).Set(number(s == now))
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Handler serves /metrics, in Prometheus's format, and /healthz: 200 with the state
// while there is a connection to the hub, else 503.
func (w *Worker) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) {
		if !w.connected() {
			http.Error(out, "no connection to the hub", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(out, w.board.status().State)
	})
	return mux
}
