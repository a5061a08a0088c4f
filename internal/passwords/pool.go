package passwords

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"latchkey/internal/passwords/pbkdf2"
	"latchkey/internal/tracing"
)

// ErrBusy says that all workers hash and the queue for them is full. The caller answers 503 with Retry-After.
var ErrBusy = errors.New("passwords: too many hashes are waiting")

// A pool bounds how many processors hash at once, how much memory they use together and how many turns wait.
//
// A worker does one turn after another, first come, first served. Keys of PBKDF2-SHA-256 are an exception, because a
// processor computes several together in less time than one after the other: a worker at keys has those of the next turns
// join as soon as it has a lane free, as long as the next turn is one of keys.
type pool struct {
	memory *semaphore.Weighted // bytes of everybody at work

	mu      sync.Mutex
	places  int     // for more turns, running or waiting
	most    int     // workers
	refused uint64  // turns that found no place
	workers int     // without a turn
	waiting []*turn // none while a worker is without one
}

// A turn is what one request asks of a worker.
type turn struct {
	// work runs first, on the goroutine that asks for it. It is nil in a turn of nothing but keys.
	work func()
	// memory is what work needs, in bytes; not above the pool's.
	memory int64
	// key is computed then; nil for none. work may still set it.
	key *pbkdf2.Job
	// then gets the key, and may give another to compute after it, in the same turn. It is nil when nobody wants the key.
	then func(key []byte) *pbkdf2.Job

	// ready is closed when a worker is there for work, or when a turn without work has ended.
	ready chan struct{}
}

func newPool(workers, queue int, memory int64) *pool {
	return &pool{
		memory:  semaphore.NewWeighted(memory),
		places:  workers + queue,
		most:    workers,
		workers: workers,
	}
}

// do gives t its turn and returns when that has ended. It returns ErrBusy at once when the queue is full, and the
// context's error when that ends before the turn; then nothing of it is done. A turn that has begun goes on to its end.
func (p *pool) do(ctx context.Context, t *turn) (err error) {
	ctx, span := tracing.Start(ctx, "hash password")
	defer func() { span.End(err) }()
	t.ready = make(chan struct{})
	if err := p.enter(ctx, t); err != nil {
		return err
	}
	defer p.leave()
	select {
	case <-t.ready:
	case <-ctx.Done():
		if p.withdraw(t) {
			return ctx.Err()
		}
		<-t.ready
	}
	if t.work == nil {
		return nil
	}
	return p.work(ctx, t)
}

// enter takes a place and lets t begin, or wait.
func (p *pool) enter(ctx context.Context, t *turn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.places == 0 {
		p.refused++
		return ErrBusy
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p.places--
	if p.workers > 0 {
		p.workers--
		p.begin(t)
	} else {
		p.waiting = append(p.waiting, t)
	}
	return nil
}

// load is how many turns have a worker, how many wait, and how many were refused since the start.
func (p *pool) load() (running, waiting int, refused uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most - p.workers, len(p.waiting), p.refused
}

// leave gives the place back.
func (p *pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places++
}

// withdraw takes t out of the queue, if it is still there.
func (p *pool) withdraw(t *turn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting, t)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	return i >= 0
}

// begin gives a worker to t.
func (p *pool) begin(t *turn) {
	if t.work == nil {
		go p.compute(t)
	} else {
		close(t.ready)
	}
}

// release gives a worker to the next turn.
func (p *pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.workers++
		return
	}
	p.begin(p.next())
}

// next takes the next turn out of the queue.
func (p *pool) next() *turn {
	t := p.waiting[0]
	p.waiting = slices.Delete(p.waiting, 0, 1)
	return t
}

// work does a turn that has a worker, and gives that back.
func (p *pool) work(ctx context.Context, t *turn) error {
	worker := true
	defer func() {
		if worker { // after a panic as well
			p.release()
		}
	}()
	// Whoever holds memory is running, so that waiting for it with a worker in hand ends.
	if err := p.memory.Acquire(ctx, t.memory); err != nil {
		return err
	}
	func() {
		defer p.memory.Release(t.memory)
		t.work()
	}()
	if t.key != nil {
		keys := &turn{key: t.key, then: t.then, ready: make(chan struct{})}
		worker = false // compute has it now
		go p.compute(keys)
		<-keys.ready
	}
	return nil
}

// compute does the keys of t and of those that join it, and gives the worker back. It is a goroutine of its own because
// that may be long after t has ended.
func (p *pool) compute(t *turn) {
	defer p.release()
	var lanes pbkdf2.Lanes
	add(&lanes, t)
	for lanes.Busy() {
		lanes.Step()
		// One between two steps, so that two workers share what waits.
		if lanes.Free() {
			if t := p.joining(); t != nil {
				add(&lanes, t)
			}
		}
	}
}

// joining takes the next turn out of the queue if it is one of keys.
func (p *pool) joining() *turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 || p.waiting[0].work != nil {
		return nil
	}
	return p.next()
}

// add has the lanes do what remains of t.
func add(lanes *pbkdf2.Lanes, t *turn) {
	lanes.Add(*t.key, func(key []byte) {
		var next *pbkdf2.Job
		if t.then != nil {
			next = t.then(key)
		}
		if next == nil {
			close(t.ready)
			return
		}
		t.key = next
		add(lanes, t)
	})
}
