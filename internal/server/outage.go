package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"latchkey/internal/store"
)

const (
	outagePeriod = time.Minute
	outageCauses = 20 // some name a port, which differs from connection to connection
)

// An outageHandler has the log told of a database that does not answer once a minute for each message and cause, however many requests and workers meet it.
type outageHandler struct {
	slog.Handler
	told *told // shared with derived handlers
}

// told is what was said in the period that ends at until.
type told struct {
	mu      sync.Mutex
	until   time.Time
	lines   map[string]bool
	leftOut int
}

func newOutageHandler(h slog.Handler) outageHandler {
	return outageHandler{h, &told{lines: map[string]bool{}}}
}

// Handle leaves out what was said already, and counts it in the next line that is not.
func (h outageHandler) Handle(ctx context.Context, record slog.Record) error {
	cause := unavailableIn(record)
	if cause == "" {
		return h.Handler.Handle(ctx, record)
	}
	first, leftOut := h.told.first(record.Message+"\n"+cause, record.Time)
	if !first {
		return nil
	}
	if leftOut > 0 {
		record = record.Clone()
		record.AddAttrs(slog.Int("left_out", leftOut))
	}
	return h.Handler.Handle(ctx, record)
}

// first tells whether a line is to be written, and how many were not since the last one that was.
func (t *told) first(line string, now time.Time) (first bool, leftOut int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.After(t.until) {
		t.until = now.Add(outagePeriod)
		clear(t.lines)
	}
	if t.lines[line] || len(t.lines) == outageCauses {
		t.leftOut++
		return false, 0
	}
	t.lines[line] = true
	leftOut, t.leftOut = t.leftOut, 0
	return true, leftOut
}

// unavailableIn is the text of a record's error where that is the database's absence.
func unavailableIn(record slog.Record) (cause string) {
	record.Attrs(func(a slog.Attr) bool {
		if a.Value.Kind() != slog.KindAny {
			return true
		}
		if err, ok := a.Value.Any().(error); ok && errors.Is(err, store.ErrUnavailable) {
			cause = err.Error()
		}
		return cause == ""
	})
	return cause
}

// WithAttrs keeps the rule in derived handlers.
func (h outageHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return outageHandler{h.Handler.WithAttrs(attrs), h.told}
}

// WithGroup keeps the rule in derived handlers.
func (h outageHandler) WithGroup(name string) slog.Handler {
	return outageHandler{h.Handler.WithGroup(name), h.told}
}
