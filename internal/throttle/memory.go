package throttle

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

const (
	// maxKeys bounds how many callers are remembered at once; beyond it, those with nothing left to count are forgotten first.
	maxKeys = 128 << 10
	shards  = 64 // so that requests do not wait for one lock
)

// Memory keeps counts in this process: for one machine.
type Memory struct {
	now    func() time.Time
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu      sync.Mutex
	windows map[string]*window
	tries   map[string]*tries
}

// A window holds the allowed attempts of a key within its rate's period.
type window struct {
	times  []time.Time // oldest first
	period time.Duration
}

// tries are those of a key that did not succeed.
type tries struct {
	count      int
	next, gone time.Time // when another is allowed, when they are forgotten
}

// NewMemory makes counters that go by a clock.
func NewMemory(now func() time.Time) *Memory {
	m := &Memory{now: now, seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].windows, m.shards[i].tries = map[string]*window{}, map[string]*tries{}
	}
	return m
}

func (m *Memory) shard(key string) *shard {
	return &m.shards[maphash.String(m.seed, key)%shards]
}

// Allow counts an attempt in its key's window.
func (m *Memory) Allow(_ context.Context, key string, rate Rate) (time.Duration, bool, error) {
	now, s := m.now(), m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.windows[key]
	if w == nil {
		makeRoom(s.windows, func(w *window) bool { w.drop(now); return len(w.times) == 0 })
		w = &window{period: rate.Period}
		s.windows[key] = w
	}
	w.drop(now)
	if len(w.times) < rate.Count {
		w.times = append(w.times, now)
		return 0, true, nil
	}
	if len(w.times) == 0 {
		return rate.Period, false, nil
	}
	return rate.Period - now.Sub(w.times[0]), false, nil
}

func (w *window) drop(now time.Time) {
	n := 0
	for n < len(w.times) && now.Sub(w.times[n]) >= w.period {
		n++
	}
	w.times = append(w.times[:0], w.times[n:]...)
}

// Attempt counts a try that may fail.
func (m *Memory) Attempt(_ context.Context, key string, delay Delay) (time.Duration, bool, error) {
	now, s := m.now(), m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tries[key]
	if t == nil {
		makeRoom(s.tries, func(t *tries) bool { return !now.Before(t.gone) })
		t = &tries{}
		s.tries[key] = t
	}
	if !now.Before(t.gone) {
		*t = tries{}
	}
	if wait := t.next.Sub(now); wait > 0 {
		return wait, false, nil
	}
	t.count++
	t.next = now.Add(delay.After(t.count))
	t.gone = t.next.Add(delay.Forget)
	return 0, true, nil
}

// Succeeded forgets a key's tries.
func (m *Memory) Succeeded(_ context.Context, key string) error {
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tries, key)
	return nil
}

// makeRoom forgets keys that count no more when a shard is full, and any keys at all if that does not make room for a while.
func makeRoom[T any](keys map[string]T, over func(T) bool) {
	const most = maxKeys / shards
	if len(keys) < most {
		return
	}
	for key, value := range keys {
		if over(value) {
			delete(keys, key)
		}
	}
	for key := range keys {
		if len(keys) < most*9/10 {
			return
		}
		delete(keys, key)
	}
}
