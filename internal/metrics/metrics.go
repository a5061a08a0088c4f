// Package metrics counts what the server does, for Prometheus. No label holds what a client chose: routes are patterns, and what is served nowhere is "other".
package metrics

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	victoria "github.com/VictoriaMetrics/metrics"
)

// Metrics are those of one server. Without them, nil, nothing is counted.
type Metrics struct {
	set      *victoria.Set // of its own: there may be several servers in a process
	sources  Sources
	requests *vector[request, answers]
	events   *vector[string, victoria.Counter]
	tokens   *vector[string, victoria.Counter]
	mails    *vector[string, victoria.Counter]
}

// Sources are what metrics are read from when somebody asks for them.
type Sources struct {
	// Hashing tells how many passwords are being hashed, how many wait, and how many were refused since the start.
	Hashing func() (running, waiting int, refused uint64)
	// OwedMail counts the mails that wait and tells how long the oldest has.
	OwedMail func(context.Context) (mails int, oldest time.Duration, err error)
	// Pools are the database's connections, by what they are for.
	Pools map[string]*sql.DB
	// Version is that of the program.
	Version string
}

// New makes the metrics of a server.
func New(s Sources) *Metrics {
	victoria.ExposeMetadata(true) // it is the process's: without it no metric tells its type
	set := victoria.NewSet()
	counters := func(name, label string) *vector[string, victoria.Counter] {
		return newVector(func(value string) *victoria.Counter {
			return set.NewCounter(fmt.Sprintf("%s{%s=%q}", name, label, value))
		})
	}
	return &Metrics{
		set:      set,
		sources:  s,
		requests: newVector(func(r request) *answers { return newAnswers(set, r) }),
		events:   counters("latchkey_events_total", "event"),
		tokens:   counters("latchkey_tokens_total", "kind"),
		mails:    counters("latchkey_mails_total", "result"),
	}
}

// Handler answers Prometheus.
func (m *Metrics) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		m.set.WritePrometheus(w)
		m.sources.write(r.Context(), w)
		victoria.WriteGoMetrics(w)
		victoria.WriteProcMetrics(w)
		victoria.WriteFDMetrics(w)
	})
}

// request is what requests are told apart by.
type request struct {
	route, method string
	status        int
}

// answers count those to one kind of request.
type answers struct {
	all       *victoria.Counter
	durations *victoria.PrometheusHistogram // shared by all of the route
	throttled *victoria.Counter             // nil but for the status 429; shared by all of the route
}

func newAnswers(set *victoria.Set, r request) *answers {
	a := &answers{
		all: set.NewCounter(fmt.Sprintf(`latchkey_requests_total{method=%q,route=%q,status="%d"}`, r.method, r.route, r.status)),
		durations: set.GetOrCreatePrometheusHistogramExt(fmt.Sprintf("latchkey_request_seconds{route=%q}", r.route),
			[]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}),
	}
	if r.status == http.StatusTooManyRequests {
		a.throttled = set.GetOrCreateCounter(fmt.Sprintf("latchkey_throttled_total{route=%q}", r.route))
	}
	return a
}

// Request counts an answer.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	if m == nil {
		return
	}
	if route == "" {
		route = "other"
	}
	a := m.requests.of(request{route, methodOf(method), status})
	a.all.Inc()
	a.durations.Update(took.Seconds())
	if a.throttled != nil {
		a.throttled.Inc()
	}
}

// methodOf keeps made-up methods from becoming labels.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// Event counts what happened to an account.
func (m *Metrics) Event(name string) {
	if m != nil {
		m.events.of(name).Inc()
	}
}

// Token counts a token that is handed out.
func (m *Metrics) Token(kind string) {
	if m != nil {
		m.tokens.of(kind).Inc()
	}
}

// Mail counts an attempt to send one.
func (m *Metrics) Mail(result string) {
	if m != nil {
		m.mails.of(result).Inc()
	}
}

// A vector is what is counted by the values of labels, each made when it is first asked for: the set would find it by its name alone, which a request need not spell.
type vector[Labels comparable, Metric any] struct {
	add func(Labels) *Metric

	made atomic.Pointer[map[Labels]*Metric] // never changed, but replaced: those who ask need no lock
	mu   sync.Mutex                         // of who adds
}

func newVector[Labels comparable, Metric any](add func(Labels) *Metric) *vector[Labels, Metric] {
	v := &vector[Labels, Metric]{add: add}
	v.made.Store(&map[Labels]*Metric{})
	return v
}

// of is the one with these labels.
func (v *vector[Labels, Metric]) of(labels Labels) *Metric {
	if m, ok := (*v.made.Load())[labels]; ok {
		return m
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	made := *v.made.Load()
	m, ok := made[labels]
	if !ok {
		made = maps.Clone(made)
		m = v.add(labels)
		made[labels] = m
		v.made.Store(&made)
	}
	return m
}

// write tells what is looked up when somebody asks. While the database does not answer, the mail queue is left out.
func (s *Sources) write(ctx context.Context, w io.Writer) {
	running, waiting, refused := s.Hashing()
	victoria.WriteGaugeUint64(w, "latchkey_hashing", uint64(running))
	victoria.WriteGaugeUint64(w, "latchkey_hash_queue", uint64(waiting))
	victoria.WriteCounterUint64(w, "latchkey_hash_refused_total", refused)
	victoria.WriteGaugeUint64(w, fmt.Sprintf("latchkey_build_info{version=%q}", s.Version), 1)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if mails, oldest, err := s.OwedMail(ctx); err == nil {
		victoria.WriteGaugeUint64(w, "latchkey_mail_queue", uint64(mails))
		victoria.WriteGaugeFloat64(w, "latchkey_mail_queue_oldest_seconds", oldest.Seconds())
	}
	s.writePools(w)
}

// writePools tells of the database's connections, by the names that Prometheus's client for Go gives.
func (s *Sources) writePools(w io.Writer) {
	stats := map[string]sql.DBStats{}
	for name, pool := range s.Pools {
		stats[name] = pool.Stats()
	}
	for _, metric := range []struct {
		name, kind string
		value      func(sql.DBStats) float64
	}{
		{"go_sql_max_open_connections", "gauge", func(s sql.DBStats) float64 { return float64(s.MaxOpenConnections) }},
		{"go_sql_open_connections", "gauge", func(s sql.DBStats) float64 { return float64(s.OpenConnections) }},
		{"go_sql_in_use_connections", "gauge", func(s sql.DBStats) float64 { return float64(s.InUse) }},
		{"go_sql_idle_connections", "gauge", func(s sql.DBStats) float64 { return float64(s.Idle) }},
		{"go_sql_wait_count_total", "counter", func(s sql.DBStats) float64 { return float64(s.WaitCount) }},
		{"go_sql_wait_duration_seconds_total", "counter", func(s sql.DBStats) float64 { return s.WaitDuration.Seconds() }},
		{"go_sql_max_idle_closed_total", "counter", func(s sql.DBStats) float64 { return float64(s.MaxIdleClosed) }},
		{"go_sql_max_idle_time_closed_total", "counter", func(s sql.DBStats) float64 { return float64(s.MaxIdleTimeClosed) }},
		{"go_sql_max_lifetime_closed_total", "counter", func(s sql.DBStats) float64 { return float64(s.MaxLifetimeClosed) }},
	} {
		victoria.WriteMetadataIfNeeded(w, metric.name, metric.kind)
		for _, pool := range slices.Sorted(maps.Keys(stats)) {
			fmt.Fprintf(w, "%s{db_name=%q} %g\n", metric.name, pool, metric.value(stats[pool]))
		}
	}
}
