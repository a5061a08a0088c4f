package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxDuration keeps sums of a duration and a date within what both Go and Python can hold.
const maxDuration = 100 * 365 * 24 * time.Hour

var errDuration = errors.New("not a duration")

// units are the letters of a duration from large to small, which is also the order in which they must be written.
var units = []struct {
	letter string
	size   time.Duration
}{
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// ParseDuration reads 5m, 24h, 7d, 1d12h, 500ms, or a number of seconds. Days have 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return secondsToDuration(seconds)
	}
	var total time.Duration
	next := 0 // the first unit that may still come
	for rest := text; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		letters := len(rest[digits:]) - len(strings.TrimLeft(rest[digits:], "dhms"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil {
			return 0, errDuration
		}
		unit := rest[digits : digits+letters]
		for next < len(units) && units[next].letter != unit {
			next++
		}
		if next == len(units) || n > int64((maxDuration-total)/units[next].size) {
			return 0, errDuration
		}
		total += time.Duration(n) * units[next].size
		next++
		rest = rest[digits+letters:]
	}
	if text == "" {
		return 0, errDuration
	}
	return total, nil
}

// secondsToDuration refuses what is negative, no number or too long.
func secondsToDuration(seconds float64) (time.Duration, error) {
	if math.IsNaN(seconds) || seconds < 0 || seconds > maxDuration.Seconds() {
		return 0, errDuration
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), nil
}

// formatDuration writes what ParseDuration reads; parts smaller than a millisecond come as seconds with a fraction.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	if d%time.Millisecond != 0 {
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
	}
	var b strings.Builder
	for _, u := range units {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.letter)
			d -= n * u.size
		}
	}
	return b.String()
}
