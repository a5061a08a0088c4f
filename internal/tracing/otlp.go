package tracing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// An exporter sends spans as OTLP's JSON over HTTP, which every collector takes (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). The exporter of
// OpenTelemetry's own brings gRPC along, a quarter of this program.
type exporter struct {
	url     string
	headers map[string]string
	failed  func(error)
}

// exportTimeout bounds one sending, tries included.
const exportTimeout = 10 * time.Second

type (
	message struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   attributes   `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	attributes struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name string `json:"name"`
	}
	// span has its ids in hexadecimal and its times in nanoseconds since 1970, written as texts.
	span struct {
		TraceID           string     `json:"traceId"`
		SpanID            string     `json:"spanId"`
		ParentSpanID      string     `json:"parentSpanId,omitempty"`
		TraceState        string     `json:"traceState,omitempty"`
		Flags             uint32     `json:"flags"`
		Name              string     `json:"name"`
		Kind              int        `json:"kind"` // numbered as in the Go package
		StartTimeUnixNano string     `json:"startTimeUnixNano"`
		EndTimeUnixNano   string     `json:"endTimeUnixNano"`
		Attributes        []keyValue `json:"attributes,omitempty"`
		Status            status     `json:"status"`
	}
	status struct {
		Code int `json:"code,omitempty"`
	}
	keyValue struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		StringValue *string `json:"stringValue,omitempty"`
		IntValue    *string `json:"intValue,omitempty"`
	}
)

// ExportSpans sends spans, once more where the collector is busy or does not answer.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	body, err := json.Marshal(encode(spans))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	again, err := e.send(ctx, body)
	if again {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
			_, err = e.send(ctx, body)
		}
	}
	if err != nil && e.failed != nil {
		e.failed(err)
		return nil // it is told
	}
	return err
}

// Shutdown has nothing to do: the batcher before it has sent all.
func (*exporter) Shutdown(context.Context) error { return nil }

// send sends a message, and tells whether it may be sent again.
func (e *exporter) send(ctx context.Context, body []byte) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range e.headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return true, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)) // the connection is used again
	err = errors.Join(err, answer.Body.Close())
	switch code := answer.StatusCode; {
	case code < 300:
		return false, err
	case code == http.StatusTooManyRequests, code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		return true, fmt.Errorf("the collector answers %d", code)
	default:
		return false, fmt.Errorf("the collector answers %d", code)
	}
}

// encode makes a message of spans, which are all of one resource and one scope.
func encode(spans []sdk.ReadOnlySpan) message {
	list := make([]span, len(spans))
	for i, s := range spans {
		of := s.SpanContext()
		list[i] = span{
			TraceID: of.TraceID().String(), SpanID: of.SpanID().String(), TraceState: of.TraceState().String(), Flags: uint32(of.TraceFlags()),
			Name: s.Name(), Kind: int(s.SpanKind()),
			StartTimeUnixNano: strconv.FormatInt(s.StartTime().UnixNano(), 10), EndTimeUnixNano: strconv.FormatInt(s.EndTime().UnixNano(), 10),
			Attributes: keyValues(s.Attributes()), Status: status{codeOf(s)},
		}
		if parent := s.Parent(); parent.HasSpanID() {
			list[i].ParentSpanID = parent.SpanID().String()
		}
	}
	return message{[]resourceSpans{{
		Resource:   attributes{keyValues(spans[0].Resource().Attributes())},
		ScopeSpans: []scopeSpans{{Scope: scope{spans[0].InstrumentationScope().Name}, Spans: list}},
	}}}
}

// codeOf is a status as OTLP numbers it, which has OK before Error.
func codeOf(s sdk.ReadOnlySpan) int {
	switch s.Status().Code.String() {
	case "Ok":
		return 1
	case "Error":
		return 2
	}
	return 0
}

// keyValues spells out attributes: numbers and texts, of which all here are.
func keyValues(list []attribute.KeyValue) []keyValue {
	all := make([]keyValue, len(list))
	for i, a := range list {
		text := a.Value.String()
		all[i].Key = string(a.Key)
		if a.Value.Type() == attribute.INT64 {
			all[i].Value.IntValue = &text
		} else {
			all[i].Value.StringValue = &text
		}
	}
	return all
}
