package store

import (
	"context"
	"time"
)

// A Webhook is a row of latchkey_webhook: an event that a receiver is owed.
type Webhook struct {
	ID        int64
	EventID   string // the same for every receiver and every attempt
	Receiver  string
	UserID    string // as text, empty where nobody is known
	Event     string
	Body      string
	QueuedAt  time.Time
	ExpiresAt time.Time
	Attempts  int // how often it was claimed
	Next      time.Time
	LastError string
	FailedAt  time.Time // zero: not given up
}

const webhookColumns = "id, event_id, receiver, user_id, event, body, queued_at, expires_at, attempts, next_attempt_at, last_error, failed_at"

func (w *Webhook) fields() []any {
	return []any{&w.ID, &w.EventID, &w.Receiver, &w.UserID, &w.Event, &w.Body, instant{&w.QueuedAt}, instant{&w.ExpiresAt}, &w.Attempts, instant{&w.Next}, &w.LastError, optional{&w.FailedAt}}
}

// EnqueueWebhook owes a receiver an event, due at once: its id and what tells of attempts do not count.
func (s *Store) EnqueueWebhook(ctx context.Context, w Webhook) error {
	return s.do(ctx, `INSERT INTO latchkey_webhook (event_id, receiver, user_id, event, body, queued_at, expires_at, attempts, next_attempt_at, last_error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $6, '')`, w.EventID, w.Receiver, w.UserID, w.Event, w.Body, s.stamp(w.QueuedAt), s.stamp(w.ExpiresAt))
}

// ClaimWebhook takes the receiver's first event that is due and has none of the same user before it: ErrNotFound for none. It is due again after lease, for
// whoever asks then: report WebhookDelivered, WebhookPutOff or WebhookFailed before.
//
// Who is first of a user is asked by a query with a limit, which PostgreSQL leaves as it is: a NOT EXISTS it joins to the whole queue when its statistics are old, as a queue's are.
func (s *Store) ClaimWebhook(ctx context.Context, receiver string, now time.Time, lease time.Duration) (*Webhook, error) {
	w := &Webhook{}
	err := s.returning(ctx, w.fields(), `WITH due AS MATERIALIZED (SELECT w.id FROM latchkey_webhook AS w
			WHERE w.receiver = $1 AND w.failed_at IS NULL AND w.next_attempt_at <= $2
			AND w.id = (SELECT b.id FROM latchkey_webhook AS b WHERE b.receiver = w.receiver AND b.user_id = w.user_id AND b.failed_at IS NULL ORDER BY b.id LIMIT 1)
			ORDER BY w.id LIMIT 1`+s.engine.skipLocked+`)
		UPDATE latchkey_webhook SET next_attempt_at = $3, attempts = attempts + 1 WHERE id IN (SELECT id FROM due)
		RETURNING `+webhookColumns, receiver, s.stamp(now), s.stamp(now.Add(lease)))
	if err != nil {
		return nil, err
	}
	return w, nil
}

// WebhookDelivered forgets an event that its receiver took.
func (s *Store) WebhookDelivered(ctx context.Context, id int64) error {
	return s.do(ctx, "DELETE FROM latchkey_webhook WHERE id = $1", id)
}

// WebhookPutOff keeps an event to be told again at next; ErrNotFound where the claim is over, and the event is told or somebody else's by now.
func (s *Store) WebhookPutOff(ctx context.Context, w *Webhook, reason string, next time.Time) error {
	return s.change(ctx, "UPDATE latchkey_webhook SET next_attempt_at = $3, last_error = $4 WHERE id = $1 AND attempts = $2", w.ID, w.Attempts, s.stamp(next), reason)
}

// WebhookFailed gives an event up: it stays until it is replayed or expires, and lets the user's next ones pass. ErrNotFound as for WebhookPutOff.
func (s *Store) WebhookFailed(ctx context.Context, w *Webhook, reason string, now, expires time.Time) error {
	return s.change(ctx, "UPDATE latchkey_webhook SET failed_at = $3, expires_at = $4, last_error = $5 WHERE id = $1 AND attempts = $2",
		w.ID, w.Attempts, s.stamp(now), s.stamp(expires), reason)
}

// Webhooks lists events that are owed or, where failed, those that were given up: the oldest limit of them.
func (s *Store) Webhooks(ctx context.Context, failed bool, limit int) ([]Webhook, error) {
	state := "IS NULL"
	if failed {
		state = "IS NOT NULL"
	}
	var all []Webhook
	err := s.each(ctx, func(rows row) error {
		var w Webhook
		err := rows.Scan(w.fields()...)
		all = append(all, w)
		return err
	}, "SELECT "+webhookColumns+" FROM latchkey_webhook WHERE failed_at "+state+" ORDER BY id LIMIT $1", limit)
	if err != nil {
		return nil, err
	}
	return all, nil
}

const owedAnew = "failed_at = NULL, expires_at = $2, attempts = 0, queued_at = $1, next_attempt_at = $1 WHERE failed_at IS NOT NULL"

// ReplayWebhook owes an event that was given up anew, in its place before those of the same user that are still owed: ErrNotFound where it was not given up.
func (s *Store) ReplayWebhook(ctx context.Context, id int64, now, expires time.Time) error {
	return s.change(ctx, "UPDATE latchkey_webhook SET "+owedAnew+" AND id = $3", s.stamp(now), s.stamp(expires), id)
}

// ReplayWebhooks is ReplayWebhook for all that were given up, and tells how many there were.
func (s *Store) ReplayWebhooks(ctx context.Context, now, expires time.Time) (int64, error) {
	return s.exec(ctx, "UPDATE latchkey_webhook SET "+owedAnew, s.stamp(now), s.stamp(expires))
}
