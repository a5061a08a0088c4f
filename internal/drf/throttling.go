package drf

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/message"
	"latchkey/internal/throttle"
)

// A Throttle is a throttle class with its rate: it says by which key a request is counted, or "" for not at all.
type Throttle struct {
	Rate throttle.Rate
	Key  func(r *Request) string
	// Scope is that of the routes that are counted; empty for all.
	Scope string
	// Counts are shared by all throttles of one server.
	Counts throttle.Counter
}

// AnonRateThrottle counts requests without user by client address.
func AnonRateThrottle(rate throttle.Rate, counts throttle.Counter, address func(*http.Request) string) Throttle {
	return Throttle{Rate: rate, Counts: counts, Key: func(r *Request) string {
		if r.User != nil {
			return ""
		}
		return "anon " + address(r.Request)
	}}
}

// UserRateThrottle counts by user, and requests without one by client address.
func UserRateThrottle(rate throttle.Rate, counts throttle.Counter, address func(*http.Request) string) Throttle {
	return Throttle{Rate: rate, Counts: counts, Key: identity("user", address)}
}

// ScopedRateThrottle counts the requests of all routes of a scope together, by user or client address; in the safe profile each path by itself, so that who
// logs out may still log in.
func ScopedRateThrottle(scope string, rate throttle.Rate, counts throttle.Counter, address func(*http.Request) string, byPath bool) Throttle {
	who := identity(scope, address)
	return Throttle{Rate: rate, Scope: scope, Counts: counts, Key: func(r *Request) string {
		if byPath {
			return r.URL.Path + " " + who(r)
		}
		return who(r)
	}}
}

// identity counts by user, and requests without one by client address.
func identity(name string, address func(*http.Request) string) func(*Request) string {
	return func(r *Request) string {
		if r.User != nil {
			return name + " " + r.User.ID.String()
		}
		return name + " " + address(r.Request)
	}
}

// ForwardedFor is how DRF finds a client's address: the peer's without proxies, else the entry of X-Forwarded-For that the outermost
// of numProxies wrote. Without a number the whole header is taken, which anybody can forge.
func ForwardedFor(numProxies *int) func(*http.Request) string {
	return func(r *http.Request) string {
		peer := r.RemoteAddr
		if i := strings.LastIndexByte(peer, ':'); i >= 0 {
			peer = peer[:i]
		}
		forwarded := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
		switch {
		case numProxies != nil && (*numProxies == 0 || forwarded == ""):
			return peer
		case numProxies != nil:
			hops := strings.Split(forwarded, ",")
			return strings.TrimSpace(hops[max(len(hops)-*numProxies, 0)])
		case forwarded != "":
			return strings.Join(strings.Fields(forwarded), "")
		}
		return peer
	}
}

// A Guard limits attempts by scope where nobody configured throttles: the safe profile's own limits.
type Guard struct {
	Rates   map[string]throttle.Rate
	Counts  throttle.Counter
	Address func(*http.Request) string
}

// throttle asks every throttle, also after one refused, and tells the longest wait.
func (v *View) throttle(r *Request, route *Route, endpoint Endpoint) error {
	wait, refused := time.Duration(0), false
	ask := func(counts throttle.Counter, key string, rate throttle.Rate) error {
		w, ok, err := counts.Allow(r.Context(), key, rate)
		if err == nil && !ok {
			wait, refused = max(wait, w), true
		}
		return err
	}
	for _, t := range v.Throttles {
		if t.Scope != "" && t.Scope != route.ThrottleScope {
			continue
		}
		if key := t.Key(r); key != "" {
			if err := ask(t.Counts, key, t.Rate); err != nil {
				return err
			}
		}
	}
	if v.Guard != nil && endpoint.Scope != "" {
		if rate, ok := v.Guard.Rates[endpoint.Scope]; ok {
			if err := ask(v.Guard.Counts, endpoint.Scope+" "+v.Guard.Address(r.Request), rate); err != nil {
				return err
			}
		}
	}
	if !refused {
		return nil
	}
	return Throttled(wait)
}

// Throttled is a 429 that tells how long to wait, in whole seconds.
func Throttled(wait time.Duration) *Error {
	seconds := max(int(math.Ceil(wait.Seconds())), 0)
	err := Detail(http.StatusTooManyRequests, message.Sentences(message.T("Request was throttled."),
		message.N("Expected available in {wait} second.", "Expected available in {wait} seconds.", seconds, "wait", seconds)))
	err.Header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return err
}
