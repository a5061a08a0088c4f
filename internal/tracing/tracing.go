// Package tracing tells an OpenTelemetry collector how long a request took, and what of it the database, the hashing of passwords and mail were.
// Nothing that a client sent goes out but the method: routes are patterns and statements have placeholders.
package tracing

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/net/http/httpguts"
)

// Config says where traces go.
type Config struct {
	// Endpoint is a collector's address for OTLP over HTTP: http://127.0.0.1:4318.
	Endpoint string
	// Headers go with what is sent there.
	Headers map[string]string
	// Percent of the requests that begin here are traced. One whose caller is traced already is traced with it, and one whose caller is not is not.
	Percent int
	Version string
	// Failed is told when the collector does not take what it is sent; nobody waits for it, and what it missed is lost.
	Failed func(error)
}

// ParseHeaders reads headers as OTEL_EXPORTER_OTLP_HEADERS has them: name=value,name=value. Its error does not repeat them.
func ParseHeaders(text string) (map[string]string, error) {
	headers := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(pair, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case strings.TrimSpace(pair) == "":
		case !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
			return nil, errors.New("it is no list of headers")
		default:
			headers[name] = value
		}
	}
	return headers, nil
}

// A Tracer traces requests, and what is done without one, sampled alike. Nil traces nothing.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// New traces to a collector, which need not be there yet.
func New(c Config) *Tracer {
	exporter := &exporter{url: c.Endpoint + "/v1/traces", headers: c.Headers, failed: c.Failed}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(float64(c.Percent)/100))),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "latchkey"), attribute.String("service.version", c.Version))),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("latchkey")}
}

// Close sends what is left.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

var traceContext propagation.TraceContext

// Request begins the span of a request, below that which its traceparent header names. answered ends it, with the pattern of the route and the status.
func (t *Tracer) Request(r *http.Request) (ctx context.Context, answered func(route string, status int)) {
	if t == nil {
		return r.Context(), func(string, int) {}
	}
	ctx, span := t.tracer.Start(traceContext.Extract(r.Context(), propagation.HeaderCarrier(r.Header)), r.Method, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", r.Method)))
	return ctx, func(route string, status int) {
		if route != "" {
			span.SetName(r.Method + " " + route)
			span.SetAttributes(attribute.String("http.route", route))
		}
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Work begins a span of something that no request waits for, the sending of a mail for instance.
func (t *Tracer) Work(ctx context.Context, name string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(ctx, name)
	return ctx, Span{span}
}

// A Span is a part of what is traced; its zero value of nothing.
type Span struct{ span trace.Span }

// Start begins a part of what ctx belongs to: nothing, at the price of a look into the context, where that is not traced. It is of the kind client: somebody else
// does it, a database for instance.
func Start(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer("latchkey").Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return ctx, Span{span}
}

// Statement begins the span of a statement of SQL, whose text has placeholders where values are. system is postgresql or sqlite.
func Statement(ctx context.Context, system, text string) (context.Context, Span) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, Span{}
	}
	verb, _, _ := strings.Cut(text, " ")
	return Start(ctx, verb, attribute.String("db.system.name", system), attribute.String("db.query.text", text))
}

// End ends the span. Of an error it says that there was one, for its text may hold what a user wrote.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}
