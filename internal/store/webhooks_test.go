package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"latchkey/internal/store"
)

// Events are claimed in the order of each receiver and user, are one's until the lease is over, and when given up let the next ones pass.
func TestWebhookQueue(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		add := func(event, receiver, user string) {
			must(t, s.EnqueueWebhook(ctx, store.Webhook{EventID: event, Receiver: receiver, UserID: user, Event: "user.login", Body: "{}", QueuedAt: noon, ExpiresAt: noon.Add(24 * time.Hour)}))
		}
		add("a1", "r", "1")
		add("a2", "r", "1")
		add("b1", "r", "2")
		add("a1", "other", "1")
		now := noon
		claim := func(receiver, want string) *store.Webhook {
			t.Helper()
			got, err := s.ClaimWebhook(ctx, receiver, now, time.Minute)
			switch {
			case want == "" && err == store.ErrNotFound:
			case err != nil || got.EventID != want:
				t.Fatalf("got %+v, %v; want %q", got, err, want)
			}
			return got
		}
		a1 := claim("r", "a1")
		claim("r", "b1") // a2 waits for a1
		claim("r", "")
		claim("other", "a1")
		now = now.Add(time.Minute)
		again := claim("r", "a1") // the lease is over
		if err := s.WebhookPutOff(ctx, a1, "late", now); err != store.ErrNotFound {
			t.Errorf("the first claim is still good: %v", err)
		}
		must(t, s.WebhookPutOff(ctx, again, "later", now.Add(time.Hour)))
		b1 := claim("r", "b1")
		must(t, s.WebhookDelivered(ctx, b1.ID))
		claim("r", "")
		now = now.Add(time.Hour)
		again = claim("r", "a1")
		if again.LastError != "later" || again.Attempts != 3 {
			t.Errorf("got %+v", again)
		}
		must(t, s.WebhookFailed(ctx, again, "no", now, now.Add(time.Hour)))
		claim("r", "a2")
		if err := s.ReplayWebhook(ctx, b1.ID, now, now); err != store.ErrNotFound {
			t.Errorf("replaying what was delivered: %v", err)
		}
		must(t, s.ReplayWebhook(ctx, again.ID, now, now.Add(24*time.Hour)))
		claim("r", "a1")
		if n, err := s.FlushExpired(ctx, now.Add(23*time.Hour), 100, nil); n != 2 || err != nil { // which nobody tells any more
			t.Errorf("%d rows went, %v; want 2", n, err)
		}
	})
}

// What was given up goes when it expires.
func TestGivenUpWebhooksExpire(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		must(t, s.EnqueueWebhook(ctx, store.Webhook{EventID: "a", Receiver: "r", UserID: "1", QueuedAt: noon, ExpiresAt: noon}))
		w, err := s.ClaimWebhook(ctx, "r", noon, time.Minute)
		must(t, err)
		must(t, s.WebhookFailed(ctx, w, "no", noon, noon.Add(time.Hour)))
		for _, want := range []int64{0, 1} {
			if n, err := s.FlushExpired(ctx, noon.Add(time.Duration(want)*time.Hour), 100, nil); n != want || err != nil {
				t.Errorf("%d rows went, %v; want %d", n, err, want)
			}
		}
	})
}

// A long queue is taken from its front: what a claim costs does not grow with what waits behind. Where it did, these claims would take minutes, and now they take a second.
func TestWebhookQueueIsLong(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		const users, events, claims = 500, 10, 300
		must(t, s.InTx(ctx, func(tx *store.Store) error {
			for i := range users * events {
				if err := tx.EnqueueWebhook(ctx, store.Webhook{Receiver: "r", UserID: fmt.Sprint(i % users), QueuedAt: noon, ExpiresAt: noon.Add(time.Hour)}); err != nil {
					return err
				}
			}
			return nil
		}))
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		for i := range claims {
			w, err := s.ClaimWebhook(ctx, "r", noon, time.Minute)
			if err != nil {
				t.Fatalf("after %d claims: %v", i, err)
			}
			must(t, s.WebhookDelivered(ctx, w.ID))
		}
	})
}
