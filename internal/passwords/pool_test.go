package passwords

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/passwords/pbkdf2"
)

// alone has the pool do work, as it does everything but PBKDF2's keys.
func alone(ctx context.Context, p *pool, memory int64, work func()) error {
	return p.do(ctx, &turn{memory: memory, work: work})
}

func TestPoolFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 1, 100)
		release := make(chan struct{})
		results := make(chan error, 2)
		for range 2 { // one works, one waits
			go func() { results <- alone(t.Context(), p, 0, func() { <-release }) }()
		}
		synctest.Wait()

		if err := alone(t.Context(), p, 0, func() { t.Error("the third worked") }); err != ErrBusy {
			t.Errorf("the third got %v, want ErrBusy", err)
		}
		close(release)
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if err := alone(t.Context(), p, 0, func() {}); err != nil {
			t.Errorf("an empty pool: %v", err)
		}
	})
}

func TestPoolContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 1, 100)
		release := make(chan struct{})
		working, waiting := make(chan error, 1), make(chan error, 1)
		go func() { working <- alone(t.Context(), p, 0, func() { <-release }) }()
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		go func() { waiting <- alone(ctx, p, 0, func() { t.Error("a request that was gone worked") }) }()
		synctest.Wait()
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("the waiting one got %v", err)
		}
		// Its place in the queue is free again.
		go func() { waiting <- alone(t.Context(), p, 0, func() {}) }()
		synctest.Wait()
		close(release)
		if err := errors.Join(<-working, <-waiting); err != nil {
			t.Error(err)
		}
		if err := alone(ctx, p, 0, func() { t.Error("worked") }); !errors.Is(err, context.Canceled) {
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
					results <- alone(t.Context(), p, test.each, func() {
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
		_ = alone(t.Context(), p, 1, func() { panic("work") })
	}()
	if err := alone(t.Context(), p, 1, func() {}); err != nil {
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
	err = alone(ctx, p.pool, 0, func() {
		if encoded, err := p.Make(ctx, "x"); encoded != "" || err != ErrBusy {
			t.Errorf("Make: %q, %v", encoded, err)
		}
		if ok, outdated, err := p.Check(ctx, "x", encoded); ok || outdated || err != ErrBusy {
			t.Errorf("Check: %v, %v, %v", ok, outdated, err)
		}
		if ok, outdated, err := p.Check(ctx, "x", "!"); ok || outdated || err != ErrBusy {
			t.Errorf("Check of an unusable hash: %v, %v, %v", ok, outdated, err)
		}
		if err := p.CheckNobody(ctx, "nobody", "x"); err != ErrBusy {
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

// key is a job of so many iterations.
func key(iterations int) *pbkdf2.Job {
	return &pbkdf2.Job{Password: []byte("password"), Salt: []byte("salt"), Iterations: iterations, KeyLen: 32}
}

// A worker at a key is a turn that has begun and does not go on before proceed is closed, then with so many iterations.
func workerAtKey(t *testing.T, p *pool, results chan<- error, iterations int, end func()) (proceed chan struct{}) {
	t.Helper()
	begun, proceed := make(chan struct{}), make(chan struct{})
	first := &turn{key: key(1)}
	first.then = func([]byte) *pbkdf2.Job {
		close(begun)
		<-proceed
		first.then = func([]byte) *pbkdf2.Job { end(); return nil }
		return key(iterations)
	}
	go func() { results <- p.do(t.Context(), first) }()
	<-begun
	return proceed
}

// record notes who ends, in order.
type record struct {
	mu    sync.Mutex
	names []string
}

func (r *record) add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, name)
}

func (r *record) turn(name string, iterations int) *turn {
	return &turn{key: key(iterations), then: func([]byte) *pbkdf2.Job { r.add(name); return nil }}
}

func (r *record) want(t *testing.T, names ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.names, names) {
		t.Errorf("ended in the order %q, want %q", r.names, names)
	}
}

// waitFor returns when n turns wait.
func waitFor(p *pool, n int) {
	for {
		p.mu.Lock()
		waiting := len(p.waiting)
		p.mu.Unlock()
		if waiting == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// collect takes n results, which are no errors.
func collect(t *testing.T, results <-chan error, n int) {
	t.Helper()
	for range n {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// Keys that wait join a worker at one, in order, and leave it when they are done.
func TestPoolKeysJoin(t *testing.T) {
	var r record
	results := make(chan error)
	p := newPool(1, 16, 1)
	proceed := workerAtKey(t, p, results, 300_000, func() { r.add("first") })
	waiting := []string{"a", "b", "c", "d", "e", "f"}
	for i, name := range waiting {
		go func() { results <- p.do(t.Context(), r.turn(name, 20_000)) }()
		waitFor(p, i+1)
	}
	close(proceed)
	collect(t, results, 1+len(waiting))
	if pbkdf2.Width() == 1 {
		r.want(t, append([]string{"first"}, waiting...)...)
	} else {
		r.want(t, append(waiting, "first")...)
	}
}

// A key that comes when a worker is free does not wait for one that computes.
func TestPoolKeyAlone(t *testing.T) {
	var r record
	results := make(chan error)
	p := newPool(2, 0, 1)
	proceed := workerAtKey(t, p, results, 1, func() { r.add("first") })
	if err := p.do(t.Context(), r.turn("second", 5000)); err != nil {
		t.Error(err)
	}
	close(proceed)
	collect(t, results, 1)
	r.want(t, "second", "first")
}

// Keys that come one after the other do not keep a worker from other work that waits: nobody overtakes that.
func TestPoolKeysWaitForOthers(t *testing.T) {
	var r record
	results := make(chan error)
	p := newPool(1, 16, 1)
	proceed := workerAtKey(t, p, results, 100_000, func() { r.add("first") })
	go func() { results <- alone(t.Context(), p, 1, func() { r.add("other") }) }()
	waitFor(p, 1)
	go func() { results <- p.do(t.Context(), r.turn("last", 1)) }()
	waitFor(p, 2)
	close(proceed)
	collect(t, results, 3)
	r.want(t, "first", "other", "last")
}

// Work and the key after it are one turn: with no queue at all there is a place for both, and none for others.
func TestPoolWorkThenKey(t *testing.T) {
	p := newPool(1, 0, 1)
	var got []byte
	for range 2 { // the second finds the worker free again
		both := &turn{memory: 1}
		both.work = func() { both.key = key(1000) }
		both.then = func(computed []byte) *pbkdf2.Job {
			got = computed
			if err := p.do(t.Context(), &turn{key: key(1)}); err != ErrBusy {
				t.Errorf("another beside it got %v, want ErrBusy", err)
			}
			return nil
		}
		if err := p.do(t.Context(), both); err != nil {
			t.Fatal(err)
		}
	}
	if want := pbkdf2.Key([]byte("password"), []byte("salt"), 1000, 32); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// Keys that join a worker take a place like any.
func TestPoolKeysFullQueue(t *testing.T) {
	results := make(chan error)
	p := newPool(1, 2, 1)
	proceed := workerAtKey(t, p, results, 1, func() {})
	for i := range 2 {
		go func() { results <- p.do(t.Context(), &turn{key: key(1)}) }()
		waitFor(p, i+1)
	}
	if err := p.do(t.Context(), &turn{key: key(1)}); err != ErrBusy {
		t.Errorf("got %v, want ErrBusy", err)
	}
	close(proceed)
	collect(t, results, 3)
	if err := p.do(t.Context(), &turn{key: key(1)}); err != nil {
		t.Errorf("an empty pool: %v", err)
	}
}

func TestPoolKeyContextEnds(t *testing.T) {
	var r record
	results, gone := make(chan error), make(chan error)
	p := newPool(1, 1, 1)
	proceed := workerAtKey(t, p, results, 1, func() { r.add("first") })

	ctx, cancel := context.WithCancel(t.Context())
	go func() { gone <- p.do(ctx, r.turn("gone", 1)) }()
	waitFor(p, 1)
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the waiting one got %v", err)
	}
	go func() { results <- p.do(t.Context(), r.turn("last", 5000)) }() // its place in the queue is free again
	waitFor(p, 1)
	close(proceed)
	collect(t, results, 2)
	r.want(t, "first", "last")

	if err := p.do(ctx, r.turn("late", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that had ended: %v", err)
	}
}

// Whatever comes together, everybody gets the answer to what he asked.
func TestCheckTogether(t *testing.T) {
	cfg := allHashers("PBKDF2PasswordHasher")
	cfg.Iterations, cfg.Workers, cfg.Queue = 3000, 2, 1000
	p := newPasswords(t, cfg)
	const md5 = "md5$abcdefghijklmnopqrstuv$1634b5ef0b20a9998bb2e31cb4a2ddda"
	const old = "pbkdf2_sha256$1$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w="
	const password = "1311Qwqq!!"
	fresh, err := p.Make(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 10 {
		for _, encoded := range []string{fresh, old, md5} {
			wg.Go(func() {
				if ok, outdated, err := p.Check(t.Context(), password, encoded); !ok || outdated != (encoded != fresh) || err != nil {
					t.Errorf("%q: %v, outdated %v, %v", encoded, ok, outdated, err)
				}
			})
			wg.Go(func() {
				if ok, _, err := p.Check(t.Context(), "wrong", encoded); ok || err != nil {
					t.Errorf("%q, a wrong password: %v, %v", encoded, ok, err)
				}
			})
		}
		wg.Go(func() {
			encoded, err := p.Make(t.Context(), "another")
			if err != nil {
				t.Error(err)
			}
			if ok, outdated, err := p.Check(t.Context(), "another", encoded); !ok || outdated || err != nil {
				t.Errorf("%q: %v, outdated %v, %v", encoded, ok, outdated, err)
			}
		})
		wg.Go(func() {
			if err := p.CheckNobody(t.Context(), "nobody", "wrong"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// BenchmarkCheck is logins a second on one processor, against a hash of Django's.
func BenchmarkCheck(b *testing.B) {
	cfg := DefaultConfig()
	cfg.Workers = 1
	p := newPasswords(b, cfg)
	encoded, err := p.Make(b.Context(), "password")
	if err != nil {
		b.Fatal(err)
	}
	for _, callers := range []int{1, 8} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if ok, _, err := p.Check(b.Context(), "password", encoded); !ok || err != nil {
							b.Errorf("%v, %v", ok, err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
		})
	}
}
