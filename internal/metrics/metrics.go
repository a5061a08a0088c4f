// Package metrics counts what the server does, for Prometheus. No label holds what a client chose: routes are patterns, and what is served nowhere is "other".
package metrics

import (
	"context"
	"database/sql"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one server. Without them, nil, nothing is counted.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	throttled *prometheus.CounterVec
	events    *prometheus.CounterVec
	tokens    *prometheus.CounterVec
	mails     *prometheus.CounterVec
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
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_requests_total", Help: "Requests answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "latchkey_request_seconds", Help: "How long requests took, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_throttled_total", Help: "Requests refused because there were too many, by route.",
		}, []string{"route"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_events_total", Help: "What happened to accounts, by the event's name: user.login and login.failed, for instance.",
		}, []string{"event"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_tokens_total", Help: "Tokens handed out, by kind.",
		}, []string{"kind"}),
		mails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_mails_total", Help: "Attempts to send mail, by result: sent, retried or given_up.",
		}, []string{"result"}),
	}
	m.registry.MustRegister(m.requests, m.durations, m.throttled, m.events, m.tokens, m.mails,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &read{sources: s})
	for name, pool := range s.Pools {
		m.registry.MustRegister(collectors.NewDBStatsCollector(pool, name))
	}
	return m
}

// Handler answers Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Request counts an answer.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	if m == nil {
		return
	}
	if route == "" {
		route = "other"
	}
	m.requests.WithLabelValues(route, methodOf(method), strconv.Itoa(status)).Inc()
	m.durations.WithLabelValues(route).Observe(took.Seconds())
	if status == http.StatusTooManyRequests {
		m.throttled.WithLabelValues(route).Inc()
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
		m.events.WithLabelValues(name).Inc()
	}
}

// Token counts a token that is handed out.
func (m *Metrics) Token(kind string) {
	if m != nil {
		m.tokens.WithLabelValues(kind).Inc()
	}
}

// Mail counts an attempt to send one.
func (m *Metrics) Mail(result string) {
	if m != nil {
		m.mails.WithLabelValues(result).Inc()
	}
}

// read collects what is looked up when somebody asks.
type read struct{ sources Sources }

var (
	hashing = prometheus.NewDesc("latchkey_hashing", "Passwords being hashed.", nil, nil)
	waiting = prometheus.NewDesc("latchkey_hash_queue", "Passwords that wait to be hashed.", nil, nil)
	refused = prometheus.NewDesc("latchkey_hash_refused_total", "Passwords that found the queue full; their requests were answered 503.", nil, nil)
	owed    = prometheus.NewDesc("latchkey_mail_queue", "Mails that wait to be sent.", nil, nil)
	oldest  = prometheus.NewDesc("latchkey_mail_queue_oldest_seconds", "How long the oldest of them has waited.", nil, nil)
	build   = prometheus.NewDesc("latchkey_build_info", "The running version; always 1.", []string{"version"}, nil)
)

// Describe names what Collect collects.
func (r *read) Describe(names chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{hashing, waiting, refused, owed, oldest, build} {
		names <- d
	}
}

// Collect reads it. While the database does not answer, the mail queue is left out.
func (r *read) Collect(values chan<- prometheus.Metric) {
	running, queue, full := r.sources.Hashing()
	values <- prometheus.MustNewConstMetric(hashing, prometheus.GaugeValue, float64(running))
	values <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(queue))
	values <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, float64(full))
	values <- prometheus.MustNewConstMetric(build, prometheus.GaugeValue, 1, r.sources.Version)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if mails, age, err := r.sources.OwedMail(ctx); err == nil {
		values <- prometheus.MustNewConstMetric(owed, prometheus.GaugeValue, float64(mails))
		values <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, age.Seconds())
	}
}
