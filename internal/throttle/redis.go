package throttle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Redis keeps counts in a Redis or Valkey server, for several machines. While that does not answer, this process counts for itself: limits stay, only wider.
type Redis struct {
	pool   *redis.Pool
	memory *Memory
	log    *slog.Logger
	down   atomic.Int64 // when the server is asked again, in nanoseconds since 1970; 0 while it answers
	broke  atomic.Int64 // when it last ended a connection, in the same unit: those from before are not used again
}

// ParseAddress tells whether an address is one of a Redis server.
func ParseAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("it is no URL") // url.Parse's own error shows the password
	case u.Scheme != "redis" && u.Scheme != "rediss":
		return errors.New("it must begin with redis:// or rediss://")
	case u.Hostname() == "":
		return errors.New("it names no host")
	case !database.MatchString(u.Path):
		return errors.New("its path must be the number of a database")
	case u.RawQuery != "":
		return errors.New("it takes no parameters")
	}
	return nil
}

var database = regexp.MustCompile(`^(/[0-9]*)?$`)

// NewRedis uses the server of a redis:// or rediss:// address. It need not answer yet.
func NewRedis(address string, now func() time.Time, log *slog.Logger) (*Redis, error) {
	if err := ParseAddress(address); err != nil {
		return nil, err
	}
	second := []redis.DialOption{redis.DialConnectTimeout(time.Second), redis.DialReadTimeout(time.Second), redis.DialWriteTimeout(time.Second)} // a limit is not worth waiting for
	r := &Redis{memory: NewMemory(now), log: log}
	r.pool = &redis.Pool{
		DialContext: func(ctx context.Context) (redis.Conn, error) { return redis.DialURLContext(ctx, address, second...) },
		TestOnBorrow: func(_ redis.Conn, since time.Time) error {
			if since.UnixNano() <= r.broke.Load() {
				return errStale
			}
			return nil
		},
		MaxActive: 10 * runtime.GOMAXPROCS(0), MaxIdle: 10, IdleTimeout: time.Minute, Wait: true,
	}
	return r, nil
}

var errStale = errors.New("the connection is from before the server went away")

// Close ends the connections.
func (r *Redis) Close() error { return r.pool.Close() }

// do runs fn on a connection, and once more on a new one where the server had closed that: it was started again meanwhile.
func (r *Redis) do(ctx context.Context, fn func(redis.Conn) (any, error)) (any, error) {
	for again := false; ; again = true {
		c, err := r.pool.GetContext(ctx)
		if err != nil {
			return nil, err
		}
		reply, err := fn(c)
		ended := c.Err() != nil
		_ = c.Close() // it goes back to the pool, or away
		var slow net.Error
		if !ended || again || ctx.Err() != nil || errors.As(err, &slow) && slow.Timeout() {
			return reply, err
		}
		r.broke.Store(time.Now().UnixNano())
	}
}

// run runs a script that answers a number.
func (r *Redis) run(ctx context.Context, script *redis.Script, keyAndArgs ...any) (int64, error) {
	return redis.Int64(r.do(ctx, func(c redis.Conn) (any, error) { return script.DoContext(ctx, c, keyAndArgs...) }))
}

// Times are the server's, in microseconds, so that machines need not agree about the time.
const redisNow = `local t = redis.call('TIME') local now = t[1] * 1000000 + t[2] `

// A window is a sorted set of times; a number keeps attempts of the same microsecond apart.
var redisAllow = redis.NewScript(1, redisNow+`
local count, period = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - period)
local n = redis.call('ZCARD', KEYS[1])
if n < count then
  redis.call('ZADD', KEYS[1], now, now .. ' ' .. n)
  redis.call('PEXPIRE', KEYS[1], math.ceil(period / 1000))
  return -1
end
if n == 0 then return period end
return period - (now - redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])`)

var redisAttempt = redis.NewScript(1, redisNow+`
local free, first, longest, forget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local tries = tonumber(redis.call('HGET', KEYS[1], 'tries') or '0')
local wait = tonumber(redis.call('HGET', KEYS[1], 'next') or '0') - now
if wait > 0 then return wait end
tries = tries + 1
local delay = 0
if tries >= free then delay = math.min(longest, first * 2 ^ math.min(tries - free, 32)) end
redis.call('HSET', KEYS[1], 'tries', tries, 'next', string.format('%.0f', now + delay))
redis.call('PEXPIRE', KEYS[1], math.ceil((delay + forget) / 1000))
return -1`)

// Allow counts an attempt in its key's window.
func (r *Redis) Allow(ctx context.Context, key string, rate Rate) (time.Duration, bool, error) {
	if r.asleep() {
		return r.memory.Allow(ctx, key, rate)
	}
	left, err := r.run(ctx, redisAllow, "latchkey:rate:"+key, rate.Count, rate.Period.Microseconds())
	if r.failed(ctx, err) {
		return r.memory.Allow(ctx, key, rate)
	}
	return verdict(left)
}

// Attempt counts a try that may fail.
func (r *Redis) Attempt(ctx context.Context, key string, delay Delay) (time.Duration, bool, error) {
	if r.asleep() {
		return r.memory.Attempt(ctx, key, delay)
	}
	left, err := r.run(ctx, redisAttempt, "latchkey:tries:"+key,
		delay.Free, delay.First.Microseconds(), delay.Longest.Microseconds(), delay.Forget.Microseconds())
	if r.failed(ctx, err) {
		return r.memory.Attempt(ctx, key, delay)
	}
	return verdict(left)
}

// Succeeded forgets a key's tries.
func (r *Redis) Succeeded(ctx context.Context, key string) error {
	if !r.asleep() {
		_, err := r.do(ctx, func(c redis.Conn) (any, error) { return redis.DoContext(c, ctx, "DEL", "latchkey:tries:"+key) })
		r.failed(ctx, err)
	}
	return r.memory.Succeeded(ctx, key)
}

// verdict reads a script's answer: how many microseconds to wait, or less than none.
func verdict(left int64) (wait time.Duration, ok bool, err error) {
	if left < 0 {
		return 0, true, nil
	}
	return time.Duration(left) * time.Microsecond, false, nil
}

// askAgain is how long a server that did not answer is left alone, so that not every request waits for it.
const askAgain = time.Second

func (r *Redis) asleep() bool {
	until := r.down.Load()
	return until > time.Now().UnixNano()
}

// failed tells whether the server did not answer, and the log when that begins and ends.
func (r *Redis) failed(ctx context.Context, err error) bool {
	if err != nil {
		if ctx.Err() == nil && r.down.Swap(time.Now().Add(askAgain).UnixNano()) == 0 {
			r.log.WarnContext(ctx, "throttle_store does not answer: this process counts for itself meanwhile", "error", fmt.Sprint(err))
		}
		return true
	}
	if r.down.Load() != 0 && r.down.Swap(0) != 0 {
		r.log.InfoContext(ctx, "throttle_store answers again")
	}
	return false
}
