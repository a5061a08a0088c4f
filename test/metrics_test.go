package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"latchkey/internal/testenv"
)

// TestMetrics reads what Prometheus would, after requests of every kind.
func TestMetrics(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, database string) {
		metrics := freeAddress(t)
		p := everyDialect(t, database, "metrics_listen: "+metrics, "login_delay_after: 2")
		p.signUp("ann")
		access, refresh := p.pair("ann")
		p.call("POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": refresh}, 200)
		p.call("GET", "/auth/users/me/", access, nil, 200)
		for range 3 {
			p.refuses("a wrong password", "POST", "/auth/jwt/create/", "", credentials("", "ann", "wrong"))
		}
		p.ask("GET", "/auth/users/17/", "Bearer "+access, nil)
		p.ask("BREW", "/teapot/"+emailPassword+"/", "", nil)
		p.call("POST", "/auth/users/reset_password/", "", map[string]string{"email": "ann@example.com"}, 204)
		p.activationLink("ann@example.com")

		var text string
		through := func() bool { // the row of a mail goes after it is counted as sent
			return strings.Contains(text, `latchkey_mails_total{result="sent"} 1`) && strings.Contains(text, "latchkey_mail_queue 0\n")
		}
		for end := time.Now().Add(20 * time.Second); !through() && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			text = scrape(t, metrics)
		}
		for _, want := range []string{
			`latchkey_requests_total{method="POST",route="/auth/users/",status="201"} 1`,
			`latchkey_requests_total{method="GET",route="/auth/users/me/",status="200"} 1`,
			`latchkey_requests_total{method="GET",route="/auth/users/{id}/",status="404"} 1`,
			`latchkey_requests_total{method="other",route="other",status="404"} 1`,
			`latchkey_requests_total{method="POST",route="/auth/jwt/create/",status="401"} 2`,
			`latchkey_requests_total{method="POST",route="/auth/jwt/create/",status="429"} 1`,
			`latchkey_throttled_total{route="/auth/jwt/create/"} 1`,
			`latchkey_request_seconds_count{route="/auth/users/me/"} 1`,
			`latchkey_events_total{event="user.registered"} 1`,
			`latchkey_events_total{event="user.login"} 1`,
			`latchkey_events_total{event="login.failed"} 2`,
			`latchkey_tokens_total{kind="refresh"} 1`,
			`latchkey_tokens_total{kind="access"} 2`,
			`latchkey_mails_total{result="sent"} 1`,
			`latchkey_mail_queue 0`,
			`latchkey_hash_queue 0`,
			`latchkey_hash_refused_total 0`,
			`latchkey_build_info{version="`,
			`go_sql_open_connections{db_name="`,
			`go_goroutines `,
			`process_resident_memory_bytes `,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the metrics lack %s", want)
			}
		}
		for _, secret := range []string{emailPassword, access, refresh, "ann", "teapot", "/17/"} {
			if strings.Contains(text, secret) {
				t.Errorf("the metrics hold %q", secret)
			}
		}
		if status, _ := p.ask("GET", "/metrics", "", nil); status != http.StatusNotFound {
			t.Errorf("the API's own port answers /metrics with %d", status)
		}
		if t.Failed() {
			t.Log(regexp.MustCompile(`(?m)^(go_|process_|#).*\n`).ReplaceAllString(text, ""))
		}
	})
}

func scrape(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", answer.StatusCode, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation) // Prometheus's own
	if _, err := parser.TextToMetricFamilies(bytes.NewReader(data)); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return string(data)
}

// TestMonitoringFiles: the dashboard and the alerts ask for metrics that there are.
func TestMonitoringFiles(t *testing.T) {
	metrics := freeAddress(t)
	p := everyDialect(t, testenv.SQLite(t), "metrics_listen: "+metrics, "login_delay_after: 1")
	p.signUp("ann")
	p.pair("ann")
	p.refuses("a wrong password", "POST", "/auth/jwt/create/", "", credentials("", "ann", "wrong"))
	p.refuses("another", "POST", "/auth/jwt/create/", "", credentials("", "ann", "wrong"))
	p.call("POST", "/auth/users/reset_password/", "", map[string]string{"email": "ann@example.com"}, 204)
	p.activationLink("ann@example.com")
	text := scrape(t, metrics)
	for _, name := range []string{"grafana.json", "prometheus-rules.yaml"} {
		file := readFile(t, filepath.Join("../deploy", name))
		if strings.HasSuffix(name, ".json") {
			var dashboard struct {
				Title  string
				Panels []struct{ Title string }
			}
			if err := json.Unmarshal(file, &dashboard); err != nil || len(dashboard.Panels) < 8 {
				t.Errorf("%s is no dashboard: %v", name, err)
			}
		}
		found := regexp.MustCompile(`\b(?:latchkey|go|process)_[a-z_]+\b`).FindAllString(string(file), -1)
		if len(found) < 5 {
			t.Errorf("%s asks for %d metrics", name, len(found))
		}
		for _, metric := range found {
			if !strings.Contains(text, "\n"+metric+"{") && !strings.Contains(text, "\n"+metric+" ") {
				t.Errorf("%s asks for %s, which there is not", name, metric)
			}
		}
	}
	if _, err := os.Stat("../docs/monitoring.md"); err != nil {
		t.Error(err)
	}
	for _, alert := range regexp.MustCompile(`(?m)- alert: (\w+)`).FindAllStringSubmatch(string(readFile(t, "../deploy/prometheus-rules.yaml")), -1) {
		if !strings.Contains(string(readFile(t, "../docs/monitoring.md")), fmt.Sprintf("`%s`", alert[1])) {
			t.Errorf("docs/monitoring.md says nothing of the alert %s", alert[1])
		}
	}
}
