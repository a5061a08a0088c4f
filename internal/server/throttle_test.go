package server

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/testenv"
	"latchkey/internal/throttle"
)

// eachCounter runs a test on every place where counts are kept. Redis goes by its own clock, so that there time really passes.
func eachCounter(t *testing.T, run func(t *testing.T, counts throttle.Counter, pass func(time.Duration))) {
	t.Run("memory", func(t *testing.T) {
		c := &clock{}
		run(t, throttle.NewMemory(c.Now), c.advance)
	})
	t.Run("database", func(t *testing.T) {
		testenv.EachDatabase(t, func(t *testing.T, url string) {
			c := &clock{}
			run(t, databaseCounter{testenv.OpenStore(t, url), c.Now}, c.advance)
		})
	})
	t.Run("redis", func(t *testing.T) {
		address, _, _ := testenv.Redis(t)
		r, err := throttle.NewRedis(address, time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		run(t, r, time.Sleep)
	})
}

func TestSlidingWindow(t *testing.T) {
	eachCounter(t, func(t *testing.T, counts throttle.Counter, pass func(time.Duration)) {
		rate := throttle.Rate{Count: 2, Period: 3 * time.Second}
		step := func(after time.Duration, wantOK bool, wantWait time.Duration) {
			t.Helper()
			pass(after)
			wait, ok, err := counts.Allow(context.Background(), "a", rate)
			if err != nil || ok != wantOK || wait > wantWait || wait < wantWait-900*time.Millisecond {
				t.Errorf("wait %v, ok %v, error %v; want about %v, %v", wait, ok, err, wantWait, wantOK)
			}
		}
		step(0, true, 0)
		step(time.Second, true, 0)
		step(time.Second, false, time.Second)
		step(1100*time.Millisecond, true, 0) // the first counts no more; refusals never did
		step(0, false, time.Second)
		if _, ok, err := counts.Allow(context.Background(), "b", rate); !ok || err != nil {
			t.Errorf("another key shares the window (%v)", err)
		}
		if wait, ok, err := counts.Allow(context.Background(), "none", throttle.Rate{Count: 0, Period: time.Minute}); ok || err != nil || wait != time.Minute {
			t.Errorf("a rate of none: wait %v, ok %v, error %v", wait, ok, err)
		}
	})
}

func TestGrowingDelay(t *testing.T) {
	eachCounter(t, func(t *testing.T, counts throttle.Counter, pass func(time.Duration)) {
		delay := throttle.Delay{Free: 2, First: time.Second, Longest: 2 * time.Second, Forget: time.Second}
		step := func(after time.Duration, wantOK bool, wantWait time.Duration) {
			t.Helper()
			pass(after)
			wait, ok, err := counts.Attempt(context.Background(), "a", delay)
			if err != nil || ok != wantOK || wait > wantWait || wait < wantWait-900*time.Millisecond || !ok && wait <= 0 {
				t.Errorf("wait %v, ok %v, error %v; want about %v, %v", wait, ok, err, wantWait, wantOK)
			}
		}
		step(0, true, 0)
		step(0, true, 0)
		step(0, false, time.Second)
		step(1100*time.Millisecond, true, 0)
		step(0, false, 2*time.Second)
		if _, ok, err := counts.Attempt(context.Background(), "b", delay); !ok || err != nil {
			t.Errorf("another key waits too (%v)", err)
		}
		if err := counts.Succeeded(context.Background(), "a"); err != nil {
			t.Fatal(err)
		}
		step(0, true, 0)
		step(0, true, 0)
		step(0, false, time.Second)
		step(3200*time.Millisecond, true, 0) // forgotten: it begins anew
		step(0, true, 0)
		step(0, false, time.Second)
	})
}

// TestCountsAtOnce: of many attempts at once, as many are allowed as of those one after the other.
func TestCountsAtOnce(t *testing.T) {
	eachCounter(t, func(t *testing.T, counts throttle.Counter, _ func(time.Duration)) {
		var hits, tries atomic.Int32
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				if _, ok, err := counts.Allow(context.Background(), "a", throttle.Rate{Count: 5, Period: time.Hour}); err != nil {
					t.Error(err)
				} else if ok {
					hits.Add(1)
				}
				if _, ok, err := counts.Attempt(context.Background(), "a", throttle.Delay{Free: 7, First: time.Hour, Longest: time.Hour, Forget: time.Hour}); err != nil {
					t.Error(err)
				} else if ok {
					tries.Add(1)
				}
			})
		}
		all.Wait()
		if hits.Load() != 5 || tries.Load() != 7 {
			t.Errorf("%d attempts and %d tries were allowed, not 5 and 7", hits.Load(), tries.Load())
		}
	})
}

// TestRedisDown: limits go on without the server, and with it once it is back.
func TestRedisDown(t *testing.T) {
	address, stop, start := testenv.Redis(t)
	r, err := throttle.NewRedis(address, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	other, err := throttle.NewRedis(address, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	allowed := func(c *throttle.Redis) (n int) {
		t.Helper()
		for range 6 {
			_, ok, err := c.Allow(context.Background(), "a", throttle.Rate{Count: 2, Period: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				n++
			}
		}
		return n
	}
	if n := allowed(r) + allowed(other); n != 2 {
		t.Errorf("two programs allowed %d together, not 2", n)
	}
	stop()
	if n := allowed(r); n != 2 {
		t.Errorf("without the server %d were allowed, not 2", n)
	}
	start()
	time.Sleep(1100 * time.Millisecond) // it is asked again after a second
	if n := allowed(other); n != 2 {
		t.Errorf("with the empty server back %d were allowed, not 2", n)
	}
	if n := allowed(r); n != 0 {
		t.Errorf("the server is back, but %d were allowed beside it", n)
	}
}
