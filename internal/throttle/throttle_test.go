package throttle

import (
	"strconv"
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"100/hour": {100, time.Hour},
		"0/min":    {0, time.Minute},
		"2/day":    {2, 24 * time.Hour},
		"5/s":      {5, time.Second},
		" 7/mxyz":  {7, time.Minute},
	} {
		if got, err := ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "5/", "/m", "x/m", "-1/m", "5/year"} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", text, got)
		}
	}
}

func TestSlidingWindow(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := &Limiter{Now: func() time.Time { return now }}
	rate := Rate{2, time.Minute}
	step := func(after time.Duration, wantOK bool, wantWait time.Duration) {
		t.Helper()
		now = now.Add(after)
		if wait, ok := l.Allow("a", rate); ok != wantOK || wait != wantWait {
			t.Errorf("at %v: wait %v, ok %v; want %v, %v", now, wait, ok, wantWait, wantOK)
		}
	}
	step(0, true, 0)
	step(10*time.Second, true, 0)
	step(5*time.Second, false, 45*time.Second)
	step(44*time.Second, false, time.Second)
	step(time.Second, true, 0) // the first is a minute old and counts no more; refusals never did
	step(0, false, 10*time.Second)
	if _, ok := l.Allow("b", rate); !ok {
		t.Error("another key shares the window")
	}
	if wait, ok := l.Allow("none", Rate{0, time.Minute}); ok || wait != time.Minute {
		t.Errorf("a rate of none: wait %v, ok %v", wait, ok)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := &Limiter{Now: func() time.Time { return now }}
	for i := range maxKeys + 1000 {
		l.Allow(strconv.Itoa(i), Rate{1, time.Hour})
	}
	if len(l.keys) > maxKeys {
		t.Errorf("%d keys are remembered, at most %d may be", len(l.keys), maxKeys)
	}
}
