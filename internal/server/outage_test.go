package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"latchkey/internal/store"
)

// An outage is told of once a minute for each cause; everything else each time.
func TestOutageHandler(t *testing.T) {
	var log strings.Builder
	h := newOutageHandler(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}}))
	begin := time.Now()
	say := func(at time.Duration, h slog.Handler, text string, err error) {
		record := slog.NewRecord(begin.Add(at), slog.LevelWarn, text, 0)
		record.AddAttrs(slog.Any("error", err))
		if err := h.Handle(context.Background(), record); err != nil {
			t.Fatal(err)
		}
	}
	refused, full := fmt.Errorf("%w: refused", store.ErrUnavailable), fmt.Errorf("a sign-up: %w: full", store.ErrUnavailable)
	for range 3 {
		say(0, h, "request", refused)
	}
	say(0, h.WithAttrs([]slog.Attr{slog.Int("mail", 1)}), "request", refused)
	say(time.Second, h, "request", full)
	say(time.Second, h, "mail", full)
	for range 2 {
		say(2*time.Second, h, "request", errors.New("a bug"))
	}
	say(2*time.Minute, h, "request", refused)
	for n := range 100 {
		say(2*time.Minute, h, "request", fmt.Errorf("%w: port %d", store.ErrUnavailable, n))
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	want := []string{
		`msg=request error="the database is unavailable: refused"`,
		`msg=request error="a sign-up: the database is unavailable: full" left_out=3`,
		`msg=mail error="a sign-up: the database is unavailable: full"`,
		`msg=request error="a bug"`,
		`msg=request error="a bug"`,
		`msg=request error="the database is unavailable: refused"`,
	}
	if got := strings.Join(lines[:min(len(want), len(lines))], "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the log says\n%s", got)
	}
	if n := len(lines) - len(want); n != outageCauses-1 {
		t.Errorf("of a hundred causes more in the same minute %d were told, want %d", n, outageCauses-1)
	}
}
