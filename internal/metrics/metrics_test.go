package metrics

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	_ "modernc.org/sqlite"
)

// scrape reads metrics with Prometheus's own parser.
func scrape(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func sources(t testing.TB) Sources {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return Sources{
		Hashing:  func() (int, int, uint64) { return 1, 2, 3 },
		OwedMail: func(context.Context) (int, time.Duration, error) { return 4, 5 * time.Second, nil },
		Pools:    map[string]*sql.DB{"read": db, "write": db},
		Version:  "of \"a\\b\"\n",
	}
}

// TestRequests: whatever order they come in, from however many at once, every answer is counted once, and in every bound that it is below. What clients make up
// is counted together.
func TestRequests(t *testing.T) {
	m := New(sources(t))
	var all sync.WaitGroup
	for i := range 100 {
		for _, took := range []time.Duration{0, 500 * time.Microsecond, 501 * time.Microsecond, 10 * time.Second, time.Minute} {
			all.Go(func() {
				m.Request("/a/{id}/", "GET", 200+i%2*4, took)
				m.Request("", fmt.Sprint("BREW", i), 429, took)
			})
		}
	}
	all.Wait()
	families := scrape(t, m)
	counts := func(name string) map[string]float64 {
		if kind := families[name].GetType(); kind != dto.MetricType_COUNTER {
			t.Errorf("%s is a %v", name, kind)
		}
		counts := map[string]float64{}
		for _, c := range families[name].GetMetric() {
			var labels []string
			for _, l := range c.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			counts[strings.Join(labels, " ")] = c.GetCounter().GetValue()
		}
		return counts
	}
	want := map[string]float64{
		"method=GET route=/a/{id}/ status=200": 250, "method=GET route=/a/{id}/ status=204": 250, "method=other route=other status=429": 500,
	}
	if got := counts("latchkey_requests_total"); !maps.Equal(got, want) {
		t.Errorf("requests: %v, not %v", got, want)
	}
	if got, want := counts("latchkey_throttled_total"), map[string]float64{"route=other": 500}; !maps.Equal(got, want) {
		t.Errorf("refusals: %v, not %v", got, want)
	}
	durations := families["latchkey_request_seconds"]
	if durations.GetType() != dto.MetricType_HISTOGRAM || len(durations.GetMetric()) != 2 {
		t.Fatalf("the durations of two routes are %v", durations)
	}
	for _, d := range durations.GetMetric() {
		h := d.GetHistogram()
		if h.GetSampleCount() != 500 || h.GetSampleSum() < 7000 || h.GetSampleSum() > 7001 {
			t.Errorf("500 requests of 7000.1 seconds are %v", d)
		}
		var bounds []float64
		for _, b := range h.GetBucket() {
			bounds = append(bounds, b.GetUpperBound())
			want := uint64(300)
			switch {
			case b.GetUpperBound() == .0005:
				want = 200
			case b.GetUpperBound() == 10:
				want = 400
			case b.GetUpperBound() > 10:
				want = 500
			}
			if b.GetCumulativeCount() != want {
				t.Errorf("%d of them took up to %v seconds, not %d", want, b.GetUpperBound(), b.GetCumulativeCount())
			}
		}
		if !slices.Equal(bounds, []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, math.Inf(1)}) {
			t.Errorf("the bounds are %v", bounds)
		}
	}
}

// TestNames: the metrics have the names and kinds that dashboards for Go programs know, each is there once, and there are no others but of the process.
func TestNames(t *testing.T) {
	m := New(sources(t))
	m.Event("user.login")
	m.Token("access")
	m.Mail("sent")
	families := scrape(t, m)
	for kind, names := range map[dto.MetricType]string{
		dto.MetricType_COUNTER: "latchkey_events_total latchkey_tokens_total latchkey_mails_total latchkey_hash_refused_total go_sql_wait_count_total " +
			"go_sql_wait_duration_seconds_total go_sql_max_idle_closed_total go_sql_max_idle_time_closed_total go_sql_max_lifetime_closed_total " +
			"go_memstats_alloc_bytes_total go_memstats_mallocs_total go_memstats_frees_total process_cpu_seconds_total",
		dto.MetricType_GAUGE: "latchkey_hashing latchkey_hash_queue latchkey_mail_queue latchkey_mail_queue_oldest_seconds latchkey_build_info " +
			"go_sql_max_open_connections go_sql_open_connections go_sql_in_use_connections go_sql_idle_connections go_goroutines go_threads " +
			"go_gomaxprocs go_info go_memlimit_bytes go_memstats_sys_bytes go_memstats_alloc_bytes " +
			"go_memstats_heap_objects go_memstats_heap_alloc_bytes go_memstats_heap_sys_bytes go_memstats_heap_idle_bytes go_memstats_heap_inuse_bytes " +
			"go_memstats_heap_released_bytes go_memstats_stack_inuse_bytes go_memstats_stack_sys_bytes go_memstats_mspan_inuse_bytes " +
			"go_memstats_mspan_sys_bytes go_memstats_mcache_inuse_bytes go_memstats_mcache_sys_bytes go_memstats_buck_hash_sys_bytes " +
			"go_memstats_gc_sys_bytes go_memstats_other_sys_bytes go_memstats_next_gc_bytes go_memstats_last_gc_time_seconds " +
			"process_start_time_seconds process_virtual_memory_bytes process_resident_memory_bytes process_open_fds process_max_fds",
		dto.MetricType_SUMMARY: "go_gc_duration_seconds",
	} {
		for _, name := range strings.Fields(names) {
			family, ok := families[name]
			if !ok || family.GetType() != kind {
				t.Errorf("%s is no %s: %v", name, kind, family)
			}
			delete(families, name)
			if strings.HasPrefix(name, "go_sql_") && len(family.GetMetric()) != 2 {
				t.Errorf("two pools are %v", family)
			}
			if name == "latchkey_build_info" && family.GetMetric()[0].GetLabel()[0].GetValue() != "of \"a\\b\"\n" {
				t.Errorf("the version is %v", family)
			}
		}
	}
	for name := range families {
		if strings.HasPrefix(name, "latchkey_") || strings.HasPrefix(name, "go_sql_") || !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s is there, too", name)
		}
	}
}

// TestServers: of two servers in a process each counts what it did, and a mail queue that cannot be read is left out.
func TestServers(t *testing.T) {
	busy, idle := New(sources(t)), sources(t)
	idle.OwedMail = func(context.Context) (int, time.Duration, error) { return 0, 0, sql.ErrConnDone }
	busy.Request("/a/", "GET", 200, time.Second)
	for name, family := range scrape(t, New(idle)) {
		if strings.HasPrefix(name, "latchkey_request") || strings.HasPrefix(name, "latchkey_mail") {
			t.Errorf("a server that did nothing, and whose database is gone, tells of %v", family)
		}
	}
	if requests := scrape(t, busy)["latchkey_requests_total"].GetMetric(); len(requests) != 1 || requests[0].GetCounter().GetValue() != 1 {
		t.Errorf("a request is %v", requests)
	}
}

// TestProcess: what is told of the process is true of this one.
func TestProcess(t *testing.T) {
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1
	}
	families := scrape(t, New(sources(t)))
	value := func(name string) float64 { return families[name].GetMetric()[0].GetGauge().GetValue() }
	resident, all := value("process_resident_memory_bytes"), value("process_virtual_memory_bytes")
	if resident < 64<<20 || resident > 8<<30 || all < resident {
		t.Errorf("%v bytes of %v are resident", resident, all)
	}
	if heap := value("go_memstats_heap_inuse_bytes"); heap < 64<<20 || heap > resident+64<<20 {
		t.Errorf("the heap has %v of %v bytes", heap, resident)
	}
	if open, most := value("process_open_fds"), value("process_max_fds"); open < 3 || open > most {
		t.Errorf("%v of %v files are open", open, most)
	}
	since := float64(time.Now().Unix()) - value("process_start_time_seconds")
	cpu := families["process_cpu_seconds_total"].GetMetric()[0].GetCounter().GetValue()
	if since < -1 || since > 3600 || cpu < 0 || cpu > 100*since+100 {
		t.Errorf("%v seconds of processors in %v seconds", cpu, since)
	}
	runtime.KeepAlive(held)
}
