package account

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/webhook"
)

const (
	tellings     = 4                // events that one receiver is told of at once
	tellPoll     = 5 * time.Second  // how often the queue is looked at without being told: another process may have died
	tellTimeout  = 15 * time.Second // what a receiver may take
	tellLease    = 30 * time.Second // how long an event is one process's; longer than tellTimeout
	firstRetell  = 5 * time.Second  // doubled with every attempt
	retellFor    = 3 * 24 * time.Hour
	keepFailed   = 30 * 24 * time.Hour // how long what was given up can be replayed
	retellSpread = 0.2                 // how far a pause is lengthened or shortened, so that those of many users do not end at once
)

// A Receiver is told of events, each at least once and those of one user in their order: a web address, or a function of the program around the server.
type Receiver struct {
	// Name tells receivers apart, over restarts too.
	Name string
	// Events are those it is told of; all when empty.
	Events []EventName
	// Tell tells it; after an error, it is told again later.
	Tell func(context.Context, webhook.Message) error

	wake chan struct{}
}

func (r *Receiver) wants(name EventName) bool {
	if len(r.Events) == 0 {
		return slices.Contains(EventNames(), name)
	}
	return slices.Contains(r.Events, name)
}

// wakeUp says that an event may be owed. It never waits.
func (r *Receiver) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// owe writes the event into the queue of each receiver that wants it.
func (s *Service) owe(ctx context.Context, tx *store.Store, e Event) error {
	var body []byte
	for _, r := range s.Receivers {
		if !r.wants(e.Name) {
			continue
		}
		if body == nil {
			body = e.body()
		}
		owed := store.Webhook{EventID: e.ID, Receiver: r.Name, UserID: e.User.ID, Event: string(e.Name), Body: string(body), QueuedAt: e.At, ExpiresAt: e.At.Add(retellFor + keepFailed)}
		if err := tx.EnqueueWebhook(ctx, owed); err != nil {
			return err
		}
		tx.OnCommit("tell "+owed.Receiver, r.wakeUp)
	}
	return nil
}

// Owed lists events that receivers are owed or, where failed, those that were given up: the oldest limit of them.
func (s *Service) Owed(ctx context.Context, failed bool, limit int) ([]store.Webhook, error) {
	return s.Store.Webhooks(ctx, failed, limit)
}

// A NotGivenUp is the number of an event that cannot be replayed.
type NotGivenUp int64

func (n NotGivenUp) Error() string { return fmt.Sprintf("%d is no event that was given up", int64(n)) }

// Replay owes events that were given up anew, all of them or none: NotGivenUp.
func (s *Service) Replay(ctx context.Context, ids []int64) error {
	now := s.Now()
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		for _, id := range ids {
			err := tx.ReplayWebhook(ctx, id, now, now.Add(retellFor+keepFailed))
			if gone(err) {
				return NotGivenUp(id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ReplayAll owes all events anew that were given up, and tells how many there were.
func (s *Service) ReplayAll(ctx context.Context) (int64, error) {
	now := s.Now()
	return s.Store.ReplayWebhooks(ctx, now, now.Add(retellFor+keepFailed))
}

// tell keeps telling each receiver what it is owed; wait returns when those under way are over, after ctx ended.
func (s *Service) tell(ctx context.Context) (wait func()) {
	var running sync.WaitGroup
	for _, r := range s.Receivers {
		r.wake = make(chan struct{}, 1)
		running.Go(func() { s.tellReceiver(ctx, r) })
	}
	return running.Wait
}

// tellReceiver tells one receiver of what is due, several events at once, until ctx ends. A receiver that does not answer holds up nobody else.
func (s *Service) tellReceiver(ctx context.Context, r *Receiver) {
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, tellings)
	ticker := time.NewTicker(tellPoll)
	defer ticker.Stop()
	for ctx.Err() == nil {
		free <- struct{}{}
		owed := s.claimEvent(ctx, r)
		if owed != nil {
			running.Go(func() {
				defer r.wakeUp() // the same user's next event may be due now
				defer func() { <-free }()
				s.tellOne(ctx, r, owed)
			})
			continue
		}
		<-free
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-ticker.C:
		}
	}
}

// claimEvent takes the next event that is due, nil for none. Errors of the database are logged and tried again later.
func (s *Service) claimEvent(ctx context.Context, r *Receiver) *store.Webhook {
	owed, err := s.Store.ClaimWebhook(ctx, r.Name, s.Now(), tellLease)
	if err != nil && !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "the queue of events cannot be read", "receiver", r.Name, "error", err)
	}
	return owed
}

func (s *Service) tellOne(ctx context.Context, r *Receiver, owed *store.Webhook) {
	err := s.callReceiver(ctx, r, webhook.Message{ID: owed.EventID, Body: []byte(owed.Body)})
	ctx = context.WithoutCancel(ctx) // the server's shutdown waits for what comes now
	now := s.Now()
	log := s.Log.With("receiver", r.Name, "event", owed.Event, "id", owed.EventID, "attempts", owed.Attempts)
	switch {
	case err == nil:
		err = s.Store.WebhookDelivered(ctx, owed.ID)
	case webhook.Permanent(err) || now.Sub(owed.QueuedAt) > retellFor:
		log.ErrorContext(ctx, "an event is given up: latchkey webhook replay tells it again", "error", err)
		err = ignore(s.Store.WebhookFailed(ctx, owed, trim(err.Error()), now, now.Add(keepFailed)), store.ErrNotFound)
	default:
		next := now.Add(max(pause(owed.Attempts), min(webhook.RetryAfter(err), longestRetry)))
		log.WarnContext(ctx, "a receiver did not take an event and is told again", "next", next, "error", err)
		err = ignore(s.Store.WebhookPutOff(ctx, owed, trim(err.Error()), next), store.ErrNotFound) // another process has it by now
	}
	if err != nil {
		log.WarnContext(ctx, "the queue of events cannot be written", "error", err)
	}
}

// pause is how long to wait after so many attempts.
func pause(attempts int) time.Duration {
	d := min(firstRetell<<min(attempts-1, 16), longestRetry)
	return time.Duration(float64(d) * (1 - retellSpread + 2*retellSpread*rand.Float64()))
}

// callReceiver calls Tell within its time, of which there is less once the server stops. A panic is this event's failure and nobody else's.
func (s *Service) callReceiver(stopped context.Context, r *Receiver, m webhook.Message) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stopped), tellTimeout)
	defer cancel()
	defer context.AfterFunc(stopped, func() { time.AfterFunc(shutdownGrace, cancel) })()
	defer func() {
		if p := recover(); p != nil {
			s.Log.ErrorContext(ctx, "telling of an event panicked", "receiver", r.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errors.New("the receiver panicked")
		}
	}()
	return r.Tell(ctx, m)
}
