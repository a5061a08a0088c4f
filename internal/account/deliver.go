package account

import (
	"context"
	"sync"
	"time"

	"latchkey/internal/mail"
	"latchkey/internal/store"
)

const (
	deliverers    = 4                // conversations with the mail server at once
	mailBatch     = 8                // mails one deliverer takes at a time, sent in order
	mailPoll      = 5 * time.Second  // how often the queue is looked at without being told: another process may have died
	mailLease     = 45 * time.Second // how long a mail is one deliverer's; longer than a conversation may take
	shutdownGrace = 5 * time.Second  // what a conversation under way may still take when the server stops
	firstRetry    = 15 * time.Second // doubled with every attempt
	longestRetry  = time.Hour
	giveUpAfter   = 5 * 24 * time.Hour // as long as mail servers try
	trimmedReason = 500
)

// wakeDelivery tells a deliverer that something may be owed. It never waits.
func (s *Service) wakeDelivery() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// deliver starts the deliverers; they stop when ctx ends, after the mail in hand.
func (s *Service) deliver(ctx context.Context) (wait func()) {
	var running sync.WaitGroup
	for range deliverers {
		running.Go(func() {
			ticker := time.NewTicker(mailPoll)
			defer ticker.Stop()
			for {
				for ctx.Err() == nil && s.deliverBatch(ctx) {
				}
				select {
				case <-ctx.Done():
					return
				case <-s.wake:
				case <-ticker.C:
				}
			}
		})
	}
	return running.Wait
}

// deliverBatch sends what is due, and tells whether there may be more. Errors of the database are logged and tried again later.
func (s *Service) deliverBatch(ctx context.Context) (more bool) {
	owed, err := s.Store.ClaimMail(ctx, s.Now(), mailLease, mailBatch)
	if err != nil {
		if ctx.Err() == nil {
			s.Log.WarnContext(ctx, "the mail queue cannot be read", "error", err)
		}
		return false
	}
	if len(owed) > 0 {
		s.wakeDelivery() // there may be enough for another deliverer
	}
	for i, m := range owed {
		if i > 0 && ctx.Err() != nil {
			return false // the rest is leased and comes up again
		}
		s.deliverOne(ctx, m)
	}
	return len(owed) == mailBatch
}

func (s *Service) deliverOne(ctx context.Context, m store.Mail) {
	stopping := ctx
	ctx = context.WithoutCancel(ctx) // a mail in hand is finished: the server's shutdown waits a little for it
	sending, cancel := context.WithTimeout(ctx, mailLease-5*time.Second)
	defer cancel()
	defer context.AfterFunc(stopping, func() { time.AfterFunc(shutdownGrace, cancel) })()
	err := s.send(sending, m)
	switch {
	case err == nil:
		err = s.Store.MailSent(ctx, m.ID)
	case mail.Permanent(err) || s.Now().Sub(m.CreatedAt) > giveUpAfter:
		s.Log.ErrorContext(ctx, "a mail is given up", "message_id", m.MessageID, "subject", m.Subject, "attempts", m.Attempts, "error", err)
		err = s.Store.MailSent(ctx, m.ID)
	default:
		next := s.Now().Add(min(firstRetry<<min(m.Attempts-1, 16), longestRetry))
		s.Log.WarnContext(ctx, "a mail could not be sent and is tried again", "message_id", m.MessageID, "attempts", m.Attempts, "next", next, "error", err)
		err = s.Store.MailFailed(ctx, m.ID, trim(err.Error()), next)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "the mail queue cannot be written", "message_id", m.MessageID, "error", err)
	}
}

// send hands a mail to the sender. One without recipient is a decoy and goes nowhere.
func (s *Service) send(ctx context.Context, m store.Mail) error {
	if m.Recipient == "" {
		return nil
	}
	return s.Sender.Send(ctx, mail.Message{
		ID: m.MessageID, From: m.Sender, To: m.Recipient, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Date: m.CreatedAt,
	})
}

func trim(reason string) string {
	if len(reason) > trimmedReason {
		return reason[:trimmedReason]
	}
	return reason
}
