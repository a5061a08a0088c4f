package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"latchkey/internal/tokens"
)

// keys are where a token's key is looked for: in a fixed set, in one that is fetched, or in a server's own.
type keys interface {
	// find is what checks tokens of an algorithm, by the key of an id, or by all keys where the token names none.
	find(ctx context.Context, algorithm, id string) ([]*tokens.JWTs, error)
	// refind is find for a token without id that none of those tried took; nothing where there are no others.
	refind(ctx context.Context, algorithm string, tried []*tokens.JWTs) ([]*tokens.JWTs, error)
}

// own are the keys of a server in this process: it knows by itself which of them a token needs, and for which algorithm.
type own struct{ maker *tokens.JWTs }

func (o own) find(context.Context, string, string) ([]*tokens.JWTs, error) {
	return []*tokens.JWTs{o.maker}, nil
}

func (o own) refind(context.Context, string, []*tokens.JWTs) ([]*tokens.JWTs, error) { return nil, nil }

// A key is one that is known, with what it checks by algorithm.
type key struct {
	id       string
	checkers map[string]*tokens.JWTs
}

// A set is all keys that are known.
type set []key

// secret is the set of the one secret.
func (v *Verifier) secret() (set, error) {
	k := key{checkers: map[string]*tokens.JWTs{}}
	for _, algorithm := range v.cfg.Algorithms {
		checker, err := tokens.NewChecker(v.jwt, algorithm, []byte(v.cfg.Secret))
		if err != nil {
			return nil, fmt.Errorf("Secret: %w", err)
		}
		k.checkers[algorithm] = checker
	}
	return set{k}, nil
}

// published is the set of a JWKS document: those of its keys that any of the algorithms can use.
func (v *Verifier) published(document []byte) (set, error) {
	public, err := tokens.ParseKeySet(document)
	if err != nil {
		return nil, err
	}
	var all set
	for _, p := range public {
		k := key{id: p.ID, checkers: map[string]*tokens.JWTs{}}
		for _, algorithm := range v.cfg.Algorithms {
			if p.Algorithm != "" && p.Algorithm != algorithm {
				continue
			}
			if checker, err := tokens.NewChecker(v.jwt, algorithm, p.Key); err == nil {
				k.checkers[algorithm] = checker
			}
		}
		if len(k.checkers) > 0 {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the key set holds no public key for %s", strings.Join(v.cfg.Algorithms, ", "))
	}
	return all, nil
}

func (s set) find(_ context.Context, algorithm, id string) ([]*tokens.JWTs, error) {
	return s.fitting(algorithm, id), nil
}

func (s set) refind(context.Context, string, []*tokens.JWTs) ([]*tokens.JWTs, error) { return nil, nil }

// fitting are the keys of an id, or all where either side names none.
func (s set) fitting(algorithm, id string) []*tokens.JWTs {
	var found []*tokens.JWTs
	for _, k := range s {
		if checker := k.checkers[algorithm]; checker != nil && (id == "" || k.id == "" || k.id == id) {
			found = append(found, checker)
		}
	}
	return found
}

const (
	cooldown   = 10 * time.Second // the least time between two requests for the keys, whatever tokens come
	defaultAge = 5 * time.Minute  // how long keys are kept where Cache-Control does not say
	longestAge = 24 * time.Hour
	maxSet     = 1 << 20 // bytes of a document
)

// A remote set is fetched from its address, by one request at a time.
type remote struct {
	v      *Verifier
	flight singleflight.Group

	mu    sync.Mutex
	known set       // empty until the first time
	stale time.Time // when it should be fetched anew
	tried time.Time // when it was asked for last
}

func newRemote(v *Verifier) (*remote, error) {
	u, err := url.Parse(v.cfg.JWKSURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("JWKSURL: this is no http or https URL")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && !v.cfg.AllowHTTP && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("JWKSURL: over plain http anybody on the way can put in a key of their own; use https, or AllowHTTP on a network that is yours")
	}
	return &remote{v: v}, nil
}

func (r *remote) find(ctx context.Context, algorithm, id string) ([]*tokens.JWTs, error) {
	known, stale := r.state()
	if len(known) == 0 {
		if known = r.fetch(ctx); len(known) == 0 {
			return nil, ErrUnavailable
		}
	} else if stale {
		go r.fetch(context.WithoutCancel(ctx)) // nobody waits: what is known is good until then
	}
	found := known.fitting(algorithm, id)
	if len(found) == 0 && id != "" {
		found = r.fetch(ctx).fitting(algorithm, id)
	}
	return found, nil
}

func (r *remote) refind(ctx context.Context, algorithm string, tried []*tokens.JWTs) ([]*tokens.JWTs, error) {
	again := r.fetch(ctx).fitting(algorithm, "")
	if slices.Equal(again, tried) {
		return nil, nil
	}
	return again, nil
}

func (r *remote) state() (known set, stale bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.v.cfg.Now()
	return r.known, !now.Before(r.stale) && now.Sub(r.tried) >= cooldown
}

// fetch fetches the keys, unless that was tried a moment ago, and returns what is known then. Callers that come meanwhile wait for the same answer.
func (r *remote) fetch(ctx context.Context) set {
	done := r.flight.DoChan("", func() (any, error) {
		now := r.v.cfg.Now()
		r.mu.Lock()
		early := !r.tried.IsZero() && now.Sub(r.tried) < cooldown
		if !early {
			r.tried = now
		}
		r.mu.Unlock()
		if early {
			return nil, nil
		}
		fresh, age, err := r.request()
		if err != nil {
			r.v.cfg.Log.Warn("the keys that tokens are checked with cannot be fetched", "error", err)
			return nil, nil
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.known, r.stale = fresh, now.Add(age)
		return nil, nil
	})
	select {
	case <-done:
	case <-ctx.Done():
	}
	known, _ := r.state()
	return known
}

// request asks for the document.
func (r *remote) request() (fresh set, age time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // however patient the client is
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, r.v.cfg.JWKSURL, nil)
	if err != nil {
		return nil, 0, err
	}
	ask.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := r.v.cfg.Client.Do(ask)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("%s answered %s", r.v.cfg.JWKSURL, answer.Status)
	}
	document, err := io.ReadAll(io.LimitReader(answer.Body, maxSet+1))
	if err != nil {
		return nil, 0, err
	}
	if len(document) > maxSet {
		return nil, 0, fmt.Errorf("%s answered too much", r.v.cfg.JWKSURL)
	}
	fresh, err = r.v.published(document)
	return fresh, maxAge(answer.Header.Get("Cache-Control")), err
}

// maxAge is how long a Cache-Control lets keys be kept.
func maxAge(control string) time.Duration {
	age := defaultAge
	for directive := range strings.SplitSeq(control, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return cooldown
		case "max-age":
			if seconds, err := strconv.Atoi(strings.Trim(value, `"`)); err == nil && seconds >= 0 {
				age = time.Duration(min(seconds, int(longestAge/time.Second))) * time.Second
			}
		}
	}
	return max(age, cooldown)
}
