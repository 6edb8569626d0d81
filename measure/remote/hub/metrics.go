package hub

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"qtune/measure/remote"
)

// Handler serves /metrics, in Prometheus's format, and /healthz: 200 while the hub
// stores messages, else 503 with the reason. It names users and streams, so it is
// not for strangers: it has neither encryption nor credentials.
func (h *Hub) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{h})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) {
		if why := h.sick(); why != "" {
			http.Error(out, why, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(out, "ok")
	})
	return mux
}

// A collector asks the server when it is scraped.
type collector struct{ h *Hub }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("qtune_hub_"+name, help, labels, nil)
}

var (
	healthyDesc     = describe("healthy", "1 while the hub stores messages.")
	usersDesc       = describe("users", "Users that may connect, by role.", "role")
	connectionsDesc = describe("connections", "Connections, by role; local where the hub wants no credentials.", "role")
	messagesDesc    = describe("stream_messages", "Messages in a stream.", "stream")
	bytesDesc       = describe("stream_bytes", "Bytes in a stream.", "stream")
	pendingDesc     = describe("batches_pending", "Batches that no worker has taken, by queue.", "stream", "consumer")
	takenDesc       = describe("batches_taken", "Batches that workers have, by queue.", "stream", "consumer")
	redeliveredDesc = describe("batches_redelivered", "Batches that went to a second worker and are not done, by queue.", "stream", "consumer")
	waitingDesc     = describe("pulls_waiting", "Workers' requests that wait for a batch, by queue.", "stream", "consumer")
	freeDesc        = describe("store_free_bytes", "Space left on the file system of the hub.")
	expiryDesc      = describe("certificate_expiry_timestamp_seconds", "When the server's certificate ends.")
	reloadsDesc     = describe("reloads_total", "How often changes of the folder were applied.")
	restartsDesc    = describe("restarts_total", "How often the server was started again because it could not store.")
)

func (c collector) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, to) }

func (c collector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	counter(reloadsDesc, c.h.reloads.Load())
	counter(restartsDesc, c.h.restarts.Load())
	healthy := 0.0
	if c.h.sick() == "" {
		healthy = 1
	}
	gauge(healthyDesc, healthy)
	if free, err := freeBytes(c.h.store); err == nil {
		gauge(freeDesc, float64(free))
	}
	if c.h.secure {
		gauge(expiryDesc, float64(c.h.plan.certificate.Load().Leaf.NotAfter.Unix()))
	}
	roles := c.h.roles()
	for role, n := range count(roles) {
		gauge(usersDesc, float64(n), role)
	}
	e := c.h.embedded()
	if e == nil {
		return
	}
	for role, n := range e.connections(roles, c.h.secure) {
		gauge(connectionsDesc, float64(n), role)
	}
	for _, s := range e.streams() {
		gauge(messagesDesc, float64(s.State.Msgs), s.Name)
		gauge(bytesDesc, float64(s.State.Bytes), s.Name)
		if !strings.HasPrefix(s.Name, remote.JobsStreamPrefix) {
			continue // consumers of results are named by the run: too many names
		}
		for _, q := range s.Consumer {
			gauge(pendingDesc, float64(q.NumPending), s.Name, q.Name)
			gauge(takenDesc, float64(q.NumAckPending), s.Name, q.Name)
			gauge(redeliveredDesc, float64(q.NumRedelivered), s.Name, q.Name)
			gauge(waitingDesc, float64(q.NumWaiting), s.Name, q.Name)
		}
	}
}

// roles are those of users, by key.
func (h *Hub) roles() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	roles := map[string]string{}
	for _, u := range h.users {
		roles[u.Key] = u.Role
	}
	return roles
}

// count counts users, also of roles that nobody has.
func count(roles map[string]string) map[string]int {
	n := map[string]int{remote.WorkerRole: 0, remote.TunerRole: 0}
	for _, role := range roles {
		n[role]++
	}
	return n
}

// connections counts who is connected, apart from the hub itself.
func (e *embedded) connections(roles map[string]string, secure bool) map[string]int {
	if !secure {
		return map[string]int{"local": max(e.server.NumClients()-1, 0)}
	}
	n := count(nil)
	for offset := 0; ; {
		page, err := e.server.Connz(&server.ConnzOptions{Username: true, Offset: offset})
		if err != nil || len(page.Conns) == 0 {
			return n
		}
		for _, c := range page.Conns {
			if role := roles[c.AuthorizedUser]; role != "" {
				n[role]++
			}
		}
		offset += len(page.Conns)
	}
}

// streams returns the streams with their consumers.
func (e *embedded) streams() []server.StreamDetail {
	const most = 1000 // accounts
	info, err := e.server.Jsz(&server.JSzOptions{Accounts: true, Streams: true, Consumer: true, Limit: most})
	if err != nil {
		return nil
	}
	var all []server.StreamDetail
	for _, a := range info.AccountDetails {
		all = append(all, a.Streams...)
	}
	return all
}
