package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/config"
	"latchkey/internal/drf"
	"latchkey/internal/message"
	"latchkey/internal/throttle"
)

// middleware is what every request passes on its way to the router: it recovers, logs, and says which language is spoken.
func (s *Server) middleware(cfg *config.Config, o Options, next http.Handler) http.Handler {
	local := cfg.HasMiddleware("django.middleware.locale.LocaleMiddleware")
	spoken := cfg.Spoken()
	fallback, _ := spoken.For(cfg.LanguageCode) // English where there is none
	hosts := cfg.AllowedHosts
	if cfg.Development && len(hosts) == 0 {
		hosts = []string{"localhost", ".localhost", "127.0.0.1", "::1"} // as Django's DEBUG: no page elsewhere can name this machine its own
	}
	address := clientAddress(cfg.TrustedProxies)
	forwarded, exact := cfg.UseXForwardedHost, cfg.Profile == config.Exact
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := o.Now()
		id := requestID(r)
		rec := &recorder{ResponseWriter: w}
		traced, answered := s.tracer.Request(r)
		ctx, cancel := context.WithTimeout(account.WithClient(traced, account.Client{Address: address(r), Agent: agent(r), Request: id}), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		header := w.Header()
		header["X-Request-Id"] = []string{id}
		header["X-Content-Type-Options"] = nosniff
		if s.leaving.Load() {
			header["Connection"] = closeIt
		}
		preflight := s.origins != nil && s.origins.Answer(header, r)
		language := fallback
		if local && !preflight {
			language = choose(spoken, r, fallback)
			header["Content-Language"] = []string{language.Code()}
			header["Vary"] = append(header["Vary"], "Accept-Language")
		}
		if !language.Plain() {
			r = r.WithContext(message.With(r.Context(), language))
		}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				o.Log.ErrorContext(r.Context(), "a request panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if rec.status == 0 {
					writeError(rec, r, drf.Detail(http.StatusInternalServerError, message.T("A server error occurred.")))
				}
			}
			end := o.Now()
			answered(rec.route, rec.status)
			s.metrics.Request(rec.route, r.Method, rec.status, end.Sub(start))
			if line := o.Log.Handler(); line.Enabled(r.Context(), slog.LevelInfo) { // a Logger would look up the line of the source each time
				// The path alone: a query may hold what is nobody's business. So may a path that somebody was mailed.
				record := slog.NewRecord(end, slog.LevelInfo, "request", 0)
				record.AddAttrs(slog.String("method", r.Method), slog.String("path", withoutKeys(r.URL.Path)), slog.Int("status", rec.status), slog.Duration("took", end.Sub(start)))
				_ = line.Handle(r.Context(), record) // nor would a Logger tell of a line that could not be written
			}
		}()
		if preflight {
			rec.WriteHeader(http.StatusOK)
			return
		}
		if host := r.Header.Values("X-Forwarded-Host"); forwarded && len(host) > 0 {
			r.Host = strings.Join(host, ",")
		}
		// Who looks after the machines asks by address, and may.
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		if !probe && (exact && !hostForm.MatchString(r.Host) || !hostAllowed(r.Host, hosts)) {
			page(rec, r, http.StatusBadRequest, message.T("Bad Request"), message.T("The Host header is not valid here."))
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// requestTimeout bounds what a request may spend waiting for the database or the hasher: a queue that does not move answers 503 in the end.
const requestTimeout = 20 * time.Second

// longestWord is how long a segment of a path may be to stand in the log. Those of routes are shorter, and the keys of mailed links longer.
const longestWord = 24

// withoutKeys is a path for the log, in which an ellipsis stands for what may be the key of a mailed link.
func withoutKeys(path string) string {
	if len(path) <= longestWord {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if len(segment) > longestWord {
			segments[i] = "…"
		}
	}
	return strings.Join(segments, "/")
}

var (
	nosniff = []string{"nosniff"}
	closeIt = []string{"close"}
)

// requestID is the id that a proxy gave the request, if it looks like one, else a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) >= 8 && len(id) <= 64 && !strings.ContainsFunc(id, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) {
		return id
	}
	return rand.Text()
}

// maxAgent is how much of a User-Agent is kept, in bytes.
const maxAgent = 200

// agent is what the client calls itself, as any database can hold it.
func agent(r *http.Request) string {
	name := r.UserAgent()
	return strings.ToValidUTF8(name[:min(len(name), maxAgent)], "")
}

// A recorder remembers an answer's status.
type recorder struct {
	http.ResponseWriter
	status int
	route  string // the pattern, for metrics
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// LogHandler adds the request id to every line that is logged about a request.
type LogHandler struct{ slog.Handler }

// Handle adds the id.
func (h LogHandler) Handle(ctx context.Context, record slog.Record) error {
	if client, ok := account.ClientOf(ctx); ok {
		record.AddAttrs(slog.String("request", client.Request))
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs keeps the id in derived handlers.
func (h LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return LogHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the id in derived handlers.
func (h LogHandler) WithGroup(name string) slog.Handler { return LogHandler{h.Handler.WithGroup(name)} }

// hostForm is what Django takes for a host. The safe profile is less strict: machines on inner networks have underscores in their names.
var hostForm = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[A-Fa-f0-9]*:[A-Fa-f0-9.:]+\])(:[0-9]+)?$`)

// hostAllowed applies ALLOWED_HOSTS: names, .suffixes and *; an empty list allows any.
func hostAllowed(host string, allowed []string) bool {
	if len(allowed) == 0 || slices.Contains(allowed, "*") {
		return true
	}
	name := strings.ToLower(host)
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".")
	return slices.ContainsFunc(allowed, func(pattern string) bool {
		pattern = strings.ToLower(pattern)
		if suffix, ok := strings.CutPrefix(pattern, "."); ok {
			return name == suffix || strings.HasSuffix(name, pattern)
		}
		return name == pattern
	})
}

// headerOf turns a header's WSGI spelling, HTTP_X_FORWARDED_PROTO, into its own.
func headerOf(wsgi string) string {
	return http.CanonicalHeaderKey(strings.ReplaceAll(strings.TrimPrefix(wsgi, "HTTP_"), "_", "-"))
}

// secureBy tells whether a request came over TLS: by itself, or as SECURE_PROXY_SSL_HEADER says.
func secureBy(setting []string) func(*http.Request) bool {
	if len(setting) != 2 {
		return func(r *http.Request) bool { return r.TLS != nil }
	}
	name, value := headerOf(setting[0]), setting[1]
	return func(r *http.Request) bool {
		sent := r.Header.Get(name)
		first, _, _ := strings.Cut(sent, ",")
		if sent != "" {
			return strings.TrimSpace(first) == value
		}
		return r.TLS != nil
	}
}

// clientAddress finds a client's address, taken from X-Forwarded-For only as far as the hops that wrote it are trusted.
func clientAddress(trusted []netip.Prefix) func(*http.Request) string {
	isTrusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return func(r *http.Request) string {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return r.RemoteAddr
		}
		client := peer.Addr().Unmap()
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && isTrusted(client); i-- {
			hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			client = hop.Unmap().WithZone("")
		}
		return client.String()
	}
}

// clientNetwork finds the network a client is counted by: its IPv4 address or its IPv6 /64.
func clientNetwork(trusted []netip.Prefix) func(*http.Request) string {
	address := clientAddress(trusted)
	return func(r *http.Request) string {
		return throttle.Network(address(r))
	}
}

// HTTPServer is a net/http server with a bound on every stage of a request.
func HTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       3 * time.Minute, // longer than proxies keep a connection that waits, Caddy two minutes: whoever ends it first must not be the one that is sent to
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
