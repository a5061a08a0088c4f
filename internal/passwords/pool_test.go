package passwords

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPoolFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 1, 100)
		release := make(chan struct{})
		results := make(chan error, 2)
		for range 2 { // one works, one waits
			go func() { results <- p.do(t.Context(), 0, func() { <-release }) }()
		}
		synctest.Wait()

		if err := p.do(t.Context(), 0, func() { t.Error("the third worked") }); err != ErrBusy {
			t.Errorf("the third got %v, want ErrBusy", err)
		}
		close(release)
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if err := p.do(t.Context(), 0, func() {}); err != nil {
			t.Errorf("an empty pool: %v", err)
		}
	})
}

func TestPoolContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 1, 100)
		release := make(chan struct{})
		working, waiting := make(chan error, 1), make(chan error, 1)
		go func() { working <- p.do(t.Context(), 0, func() { <-release }) }()
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		go func() { waiting <- p.do(ctx, 0, func() { t.Error("a request that was gone worked") }) }()
		synctest.Wait()
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("the waiting one got %v", err)
		}
		// Its place in the queue is free again.
		go func() { waiting <- p.do(t.Context(), 0, func() {}) }()
		synctest.Wait()
		close(release)
		if err := errors.Join(<-working, <-waiting); err != nil {
			t.Error(err)
		}
		if err := p.do(ctx, 0, func() { t.Error("worked") }); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that had ended: %v", err)
		}
	})
}

// The time in this test is synctest's: every piece of work that may begin has begun when the first one ends.
func TestPoolMemory(t *testing.T) {
	for _, test := range []struct {
		workers      int
		memory, each int64
		want         int64 // used at most, and reached
	}{
		{workers: 4, memory: 10, each: 4, want: 8},
		{workers: 4, memory: 10, each: 10, want: 10},
		{workers: 4, memory: 10, each: 1, want: 4},
		{workers: 2, memory: 10, each: 4, want: 8},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPool(test.workers, 16, test.memory)
			var mu sync.Mutex
			var used, most int64
			use := func(bytes int64) {
				mu.Lock()
				defer mu.Unlock()
				used += bytes
				most = max(most, used)
			}
			results := make(chan error)
			for range 12 {
				go func() {
					results <- p.do(t.Context(), test.each, func() {
						use(test.each)
						time.Sleep(time.Second)
						use(-test.each)
					})
				}()
			}
			for range 12 {
				if err := <-results; err != nil {
					t.Error(err)
				}
			}
			if most != test.want {
				t.Errorf("%+v: used %d at once", test, most)
			}
		})
	}
}

// A piece of work that panics gives its worker, memory and place back.
func TestPoolPanic(t *testing.T) {
	p := newPool(1, 0, 1)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = p.do(t.Context(), 1, func() { panic("work") })
	}()
	if err := p.do(t.Context(), 1, func() {}); err != nil {
		t.Error(err)
	}
}

func TestBusy(t *testing.T) {
	cfg := allHashers("MD5PasswordHasher")
	cfg.Workers, cfg.Queue = 1, 0
	p := newPasswords(t, cfg)
	ctx := t.Context()
	encoded, err := p.Make(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	err = p.pool.do(ctx, 0, func() {
		if encoded, err := p.Make(ctx, "x"); encoded != "" || err != ErrBusy {
			t.Errorf("Make: %q, %v", encoded, err)
		}
		if ok, outdated, err := p.Check(ctx, "x", encoded); ok || outdated || err != ErrBusy {
			t.Errorf("Check: %v, %v, %v", ok, outdated, err)
		}
		if ok, outdated, err := p.Check(ctx, "x", "!"); ok || outdated || err != ErrBusy {
			t.Errorf("Check of an unusable hash: %v, %v, %v", ok, outdated, err)
		}
		if err := p.CheckNobody(ctx, "x"); err != ErrBusy {
			t.Errorf("CheckNobody: %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := p.Check(ctx, "x", encoded); !ok || err != nil {
		t.Errorf("Check when the pool is free: %v, %v", ok, err)
	}
}
