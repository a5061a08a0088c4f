package passwords

import (
	"context"
	"errors"

	"golang.org/x/sync/semaphore"
)

// ErrBusy says that all workers hash and the queue for them is full. The caller answers 503 with Retry-After.
var ErrBusy = errors.New("passwords: too many hashes are waiting")

// A pool bounds how many hashes run at once, how much memory they use together and how many wait.
// The work runs on the goroutine that asks for it.
type pool struct {
	places  *semaphore.Weighted // everybody running or waiting
	workers *semaphore.Weighted // everybody running
	memory  *semaphore.Weighted // bytes of everybody running
}

func newPool(workers, queue int, memory int64) *pool {
	return &pool{
		places:  semaphore.NewWeighted(int64(workers) + int64(queue)),
		workers: semaphore.NewWeighted(int64(workers)),
		memory:  semaphore.NewWeighted(memory),
	}
}

// do runs work when its turn comes: first come, first served. It returns ErrBusy at once when the queue is full, and
// the context's error when that ends before the turn; then work does not run. Work that has begun runs to its end.
// memory must not be above the pool's.
func (p *pool) do(ctx context.Context, memory int64, work func()) error {
	if !p.places.TryAcquire(1) {
		return ErrBusy
	}
	defer p.places.Release(1)
	if err := p.workers.Acquire(ctx, 1); err != nil {
		return err
	}
	defer p.workers.Release(1)
	// Whoever holds memory is running, so that waiting for it with a worker in hand ends.
	if err := p.memory.Acquire(ctx, memory); err != nil {
		return err
	}
	defer p.memory.Release(memory)
	work()
	return nil
}
