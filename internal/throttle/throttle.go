// Package throttle counts attempts: in sliding windows, as DRF's SimpleRateThrottle does, and in delays that grow with each failure. The layers above say who is
// counted and for what; a Counter says where the counts are kept.
package throttle

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Counter keeps counts by key. Its methods are atomic: of any number of attempts at once, no more are allowed than one after the other would be.
type Counter interface {
	// Allow counts an attempt, or tells how long to wait until one would be allowed. Refused attempts do not count.
	Allow(ctx context.Context, key string, rate Rate) (wait time.Duration, ok bool, err error)
	// Attempt counts a try that may fail, or tells how long to wait before the next one. Refused tries do not count.
	Attempt(ctx context.Context, key string, delay Delay) (wait time.Duration, ok bool, err error)
	// Succeeded forgets a key's tries.
	Succeeded(ctx context.Context, key string) error
}

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

// A Delay grows with the tries that did not succeed: none after the first Free-1, First after the next, then twice as long each time, up to Longest. A key
// that Forget passes without a try begins anew.
type Delay struct {
	Free                   int
	First, Longest, Forget time.Duration
}

// After is how long to wait behind so many tries.
func (d Delay) After(tries int) time.Duration {
	over := tries - d.Free
	switch {
	case over < 0:
		return 0
	case over >= 32 || d.First<<over > d.Longest:
		return d.Longest
	}
	return d.First << over
}
