package throttle

import (
	"context"
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

func TestDelayAfter(t *testing.T) {
	d := Delay{Free: 3, First: time.Second, Longest: time.Minute}
	for tries, want := range map[int]time.Duration{
		1: 0, 2: 0, 3: time.Second, 4: 2 * time.Second, 8: 32 * time.Second, 9: time.Minute, 100: time.Minute, 1 << 40: time.Minute,
	} {
		if got := d.After(tries); got != want {
			t.Errorf("after %d tries: %v, want %v", tries, got, want)
		}
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":                 "192.0.2.7",
		"::ffff:192.0.2.7":          "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":      "2001:db8:1:2::/64",
		"2001:DB8:1:2:0:0:0:1":      "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::%eth0":  "2001:db8:1:2::/64",
		"a name that is no address": "a name that is no address",
	} {
		if got := Network(address); got != want {
			t.Errorf("Network(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	m := NewMemory(func() time.Time { return now })
	for i := range maxKeys * 3 / 2 {
		m.Allow(context.Background(), strconv.Itoa(i), Rate{1, time.Hour})
		m.Attempt(context.Background(), strconv.Itoa(i), Delay{Free: 1, First: time.Hour, Longest: time.Hour, Forget: time.Hour})
	}
	windows, tries := 0, 0
	for i := range m.shards {
		windows, tries = windows+len(m.shards[i].windows), tries+len(m.shards[i].tries)
	}
	if windows > maxKeys || tries > maxKeys || windows < maxKeys/2 || tries < maxKeys/2 {
		t.Errorf("%d windows and %d tries are remembered, of %d at most", windows, tries, maxKeys)
	}
}
