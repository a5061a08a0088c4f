package throttle

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis keeps counts in a Redis or Valkey server, for several machines. While that does not answer, this process counts for itself: limits stay, only wider.
type Redis struct {
	client *redis.Client
	memory *Memory
	log    *slog.Logger
	down   atomic.Int64 // when the server is asked again, in nanoseconds since 1970; 0 while it answers
}

// ParseAddress tells whether an address is one of a Redis server.
func ParseAddress(address string) error {
	_, err := redis.ParseURL(address)
	return err
}

// NewRedis uses the server of a redis:// or rediss:// address. It need not answer yet.
func NewRedis(address string, now func() time.Time, log *slog.Logger) (*Redis, error) {
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true
	options.MaxRetries, options.DialerRetries = -1, 1 // a limit is not worth waiting for
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = time.Second, time.Second, time.Second
	redis.SetLogger(silent{}) // what goes wrong is told once, below
	return &Redis{client: redis.NewClient(options), memory: NewMemory(now), log: log}, nil
}

// Close ends the connections.
func (r *Redis) Close() error { return r.client.Close() }

// Times are the server's, in microseconds, so that machines need not agree about the time.
const redisNow = `local t = redis.call('TIME') local now = t[1] * 1000000 + t[2] `

// A window is a sorted set of times; a number keeps attempts of the same microsecond apart.
var redisAllow = redis.NewScript(redisNow + `
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

var redisAttempt = redis.NewScript(redisNow + `
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
	left, err := redisAllow.Run(ctx, r.client, []string{"latchkey:rate:" + key}, rate.Count, rate.Period.Microseconds()).Int64()
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
	left, err := redisAttempt.Run(ctx, r.client, []string{"latchkey:tries:" + key},
		delay.Free, delay.First.Microseconds(), delay.Longest.Microseconds(), delay.Forget.Microseconds()).Int64()
	if r.failed(ctx, err) {
		return r.memory.Attempt(ctx, key, delay)
	}
	return verdict(left)
}

// Succeeded forgets a key's tries.
func (r *Redis) Succeeded(ctx context.Context, key string) error {
	if !r.asleep() {
		r.failed(ctx, r.client.Del(ctx, "latchkey:tries:"+key).Err())
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

// silent is a logger for the client, which would write of every connection it does not get.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
