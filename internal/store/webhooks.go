package store

import (
	"context"
	"time"
)

// A Webhook is a row of latchkey_webhook: an event that a receiver is owed.
type Webhook struct {
	ID       int64
	EventID  string // the same for every receiver and every attempt
	Receiver string
	UserID   string // as text, empty where nobody is known
	Event    string
	Body     string

	CreatedAt time.Time
	Attempts  int // how often it was claimed
}

// EnqueueWebhook owes a receiver an event, due at once; w.ID and w.Attempts do not count.
func (s *Store) EnqueueWebhook(ctx context.Context, w Webhook) error {
	_, err := s.exec(ctx, `INSERT INTO latchkey_webhook (event_id, receiver, user_id, event, body, created_at, attempts, next_attempt_at, last_error)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $6, '')`, w.EventID, w.Receiver, w.UserID, w.Event, w.Body, s.stamp(w.CreatedAt))
	return err
}
