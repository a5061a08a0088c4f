// Package throttle counts attempts in sliding windows, as DRF's SimpleRateThrottle does: the view layer says who is counted and for what.
package throttle

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Rate allows Count attempts in each Period.
type Rate struct {
	Count  int
	Period time.Duration
}

// ParseRate reads DRF's form N/period, of whose period only the first letter counts: s, m, h or d.
func ParseRate(text string) (Rate, error) {
	number, period, ok := strings.Cut(text, "/")
	count, err := strconv.Atoi(strings.TrimSpace(number))
	if !ok || err != nil || count < 0 || period == "" {
		return Rate{}, fmt.Errorf("%q is no rate: write a number, a slash and s, m, h or d, for instance 100/hour", text)
	}
	lengths := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	length, ok := lengths[period[0]]
	if !ok {
		return Rate{}, fmt.Errorf("%q is no rate: the period starts with s, m, h or d, for instance 100/hour", text)
	}
	return Rate{count, length}, nil
}

// maxKeys bounds how many callers are remembered at once; beyond it, those with nothing left to count are forgotten first.
const maxKeys = 100_000

// A Limiter remembers the allowed attempts of each key within its rate's period. It holds them in memory: each process counts for itself.
type Limiter struct {
	Now func() time.Time

	mu   sync.Mutex
	keys map[string]*window
}

type window struct {
	times  []time.Time // oldest first
	period time.Duration
}

// Allow counts an attempt, or tells how long to wait until one would be allowed. Refused attempts do not count.
func (l *Limiter) Allow(key string, rate Rate) (wait time.Duration, ok bool) {
	now := l.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = map[string]*window{}
	}
	w := l.keys[key]
	if w == nil {
		if len(l.keys) >= maxKeys {
			l.sweep(now)
		}
		w = &window{period: rate.Period}
		l.keys[key] = w
	}
	w.drop(now)
	if len(w.times) < rate.Count {
		w.times = append(w.times, now)
		return 0, true
	}
	if len(w.times) == 0 {
		return rate.Period, false
	}
	return rate.Period - now.Sub(w.times[0]), false
}

func (w *window) drop(now time.Time) {
	n := 0
	for n < len(w.times) && now.Sub(w.times[n]) >= w.period {
		n++
	}
	w.times = append(w.times[:0], w.times[n:]...)
}

// sweep forgets keys with no attempt left in their window, and any keys at all if that does not make room for a while.
func (l *Limiter) sweep(now time.Time) {
	for key, w := range l.keys {
		if w.drop(now); len(w.times) == 0 {
			delete(l.keys, key)
		}
	}
	for key := range l.keys {
		if len(l.keys) < maxKeys*9/10 {
			return
		}
		delete(l.keys, key)
	}
}
