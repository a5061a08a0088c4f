package server

import (
	"context"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/dialect/djrestauth"
	"latchkey/internal/drf"
	"latchkey/internal/store"
	"latchkey/internal/throttle"
)

// counter keeps the counts where throttle_store says; stop ends what that needs.
func counter(cfg *config.Config, db *store.Store, o Options) (counts throttle.Counter, stop func(), err error) {
	switch where := cfg.CountsIn(); where {
	case config.CountInMemory:
		return throttle.NewMemory(o.Now), func() {}, nil
	case config.CountInDatabase:
		return databaseCounter{db, o.Now}, func() {}, nil
	default:
		r, err := throttle.NewRedis(where, o.Now, o.Log)
		if err != nil {
			return nil, nil, fmt.Errorf("throttle_store: %w", err)
		}
		return r, func() {
			if err := r.Close(); err != nil {
				o.Log.Warn("throttle_store could not be closed", "error", err)
			}
		}, nil
	}
}

// A databaseCounter keeps counts in the database that all processes share.
type databaseCounter struct {
	store *store.Store
	now   func() time.Time
}

func (c databaseCounter) Allow(ctx context.Context, key string, rate throttle.Rate) (time.Duration, bool, error) {
	return c.store.CountHit(ctx, key, rate.Count, rate.Period, c.now())
}

func (c databaseCounter) Attempt(ctx context.Context, key string, d throttle.Delay) (time.Duration, bool, error) {
	return c.store.CountTry(ctx, key, d.Free, d.First, d.Longest, d.Forget, c.now())
}

func (c databaseCounter) Succeeded(ctx context.Context, key string) error {
	return c.store.ForgetTries(ctx, key)
}

// loginDelay is how the safe profile slows down whoever guesses passwords.
func loginDelay(cfg *config.Config) throttle.Delay {
	if cfg.Profile == config.Exact {
		return throttle.Delay{}
	}
	return throttle.Delay{Free: cfg.LoginDelayAfter, First: time.Second, Longest: cfg.LoginDelayLongest, Forget: time.Hour}
}

// mailRate is how often the safe profile mails to one address.
func mailRate(cfg *config.Config) (throttle.Rate, error) {
	if cfg.Profile == config.Exact || cfg.MailsPerAddress == "" {
		return throttle.Rate{}, nil
	}
	rate, err := throttle.ParseRate(cfg.MailsPerAddress)
	if err != nil {
		return throttle.Rate{}, fmt.Errorf("mails_per_address: %w", err)
	}
	return rate, nil
}

// throttles sets the configured throttle classes, and in the safe profile the limits of its own.
func (s *Server) throttles(cfg *config.Config, o Options, view *drf.View) error {
	counts := s.Accounts.Counts
	rest := cfg.RESTFramework
	address := drf.ForwardedFor(rest.NumProxies)
	rates, err := guardRates(cfg)
	if err != nil {
		return err
	}
	s.guard = &drf.Guard{Rates: rates, Counts: counts, Address: clientNetwork(cfg.TrustedProxies)}
	if cfg.Profile == config.Safe {
		address, view.Guard = s.guard.Address, s.guard
	}
	for _, name := range rest.DefaultThrottleClasses {
		switch strings.TrimPrefix(name, "rest_framework.throttling.") {
		case "AnonRateThrottle":
			if rate, ok, err := drfRate(rest, "anon"); err != nil {
				return err
			} else if ok {
				view.Throttles = append(view.Throttles, drf.AnonRateThrottle(rate, counts, address))
			}
		case "UserRateThrottle":
			if rate, ok, err := drfRate(rest, "user"); err != nil {
				return err
			} else if ok {
				view.Throttles = append(view.Throttles, drf.UserRateThrottle(rate, counts, address))
			}
		case "ScopedRateThrottle": // the one scope of DRF's that a view here has
			if rate, ok, err := drfRate(rest, djrestauth.ThrottleScope); err != nil {
				return err
			} else if ok {
				view.Throttles = append(view.Throttles,
					drf.ScopedRateThrottle(djrestauth.ThrottleScope, rate, counts, address, cfg.Profile == config.Safe))
			}
		}
	}
	return nil
}

// drfRate is the rate of a scope of DEFAULT_THROTTLE_RATES; not ok where it is switched off.
func drfRate(rest drf.Config, scope string) (rate throttle.Rate, ok bool, err error) {
	text := rest.DefaultThrottleRates[scope]
	if text == nil {
		return throttle.Rate{}, false, nil
	}
	if rate, err = throttle.ParseRate(*text); err != nil {
		return throttle.Rate{}, false, fmt.Errorf("REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.%s: %w", scope, err)
	}
	return rate, true, nil
}

// guardRates reads throttle_rates, the safe profile's limits by scope and client network; null switches one off.
func guardRates(cfg *config.Config) (map[string]throttle.Rate, error) {
	rates := map[string]throttle.Rate{}
	for scope, text := range cfg.ThrottleRates {
		if text == nil {
			continue
		}
		rate, err := throttle.ParseRate(*text)
		if err != nil {
			return nil, fmt.Errorf("throttle_rates.%s: %w", scope, err)
		}
		rates[scope] = rate
	}
	return rates, nil
}
