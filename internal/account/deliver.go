package account

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"latchkey/internal/mail"
	"latchkey/internal/store"
)

const (
	deliverers    = 4                      // conversations with the mail server at once
	slowMail      = 200 * time.Millisecond // a mail that takes longer does not hold up the rest
	mailPoll      = 5 * time.Second        // how often the queue is looked at without being told: another process may have died
	mailLease     = 45 * time.Second       // how long a mail is one deliverer's; longer than a conversation may take
	shutdownGrace = 5 * time.Second        // what a conversation under way may still take when the server stops
	firstRetry    = 15 * time.Second       // doubled with every attempt
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
				for ctx.Err() == nil && s.deliverNext(ctx) {
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

// deliverNext sends one mail that is due, and tells whether there was one. It takes no more than one: those behind a mail whose server is slow would wait,
// and outlast their lease. Errors of the database are logged and tried again later.
func (s *Service) deliverNext(ctx context.Context) (found bool) {
	defer s.survive(ctx)
	owed, err := s.Store.ClaimMail(ctx, s.Now(), mailLease, 1)
	if err != nil {
		if ctx.Err() == nil {
			s.Log.WarnContext(ctx, "the mail queue cannot be read", "error", err)
		}
		return false
	}
	for _, m := range owed {
		// There may be enough for another deliverer, but while this one is quick, mails that one change owes leave in order.
		help := time.AfterFunc(slowMail, s.wakeDelivery)
		s.deliverOne(ctx, m)
		help.Stop()
	}
	return len(owed) > 0
}

func (s *Service) deliverOne(ctx context.Context, m store.Mail) {
	ctx = context.WithoutCancel(ctx) // a mail in hand is finished: the server's shutdown waits for it
	sending, cancel := context.WithTimeout(ctx, mailLease-5*time.Second)
	defer cancel()
	sending, span := s.Tracer.Work(sending, "send mail")
	err := s.send(sending, m)
	span.End(err)
	switch {
	case err == nil:
		s.Metrics.Mail("sent")
		err = s.Store.MailSent(ctx, m.ID)
	case mail.Permanent(err) || s.Now().Sub(m.CreatedAt) > giveUpAfter:
		s.Metrics.Mail("given_up")
		s.Log.ErrorContext(ctx, "a mail is given up", "message_id", m.MessageID, "subject", m.Subject, "attempts", m.Attempts, "error", err)
		err = s.Store.MailSent(ctx, m.ID)
	default:
		s.Metrics.Mail("retried")
		next := s.Now().Add(min(firstRetry<<min(m.Attempts-1, 16), longestRetry))
		s.Log.WarnContext(ctx, "a mail could not be sent and is tried again", "message_id", m.MessageID, "attempts", m.Attempts, "next", next, "error", err)
		err = ignore(s.Store.MailFailed(ctx, m, trim(err.Error()), next), store.ErrNotFound) // another deliverer has it by now
	}
	if err != nil {
		s.Log.WarnContext(ctx, "the mail queue cannot be written", "message_id", m.MessageID, "error", err)
	}
}

// send hands a mail to the sender. One without recipient is a decoy and goes nowhere. A panic is this mail's failure and nobody else's.
func (s *Service) send(ctx context.Context, m store.Mail) (err error) {
	if m.Recipient == "" {
		return nil
	}
	err = errors.New("the sender panicked")
	defer s.survive(ctx)
	return s.Sender.Send(ctx, mail.Message{
		ID: m.MessageID, From: m.Sender, To: m.Recipient, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Date: m.CreatedAt,
	})
}

// survive, deferred, logs a panic and ends it: a bug met by one mail must not end the server.
func (s *Service) survive(ctx context.Context) {
	if p := recover(); p != nil {
		s.Log.ErrorContext(ctx, "delivering mail panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}

func trim(reason string) string {
	if len(reason) > trimmedReason {
		return reason[:trimmedReason]
	}
	return reason
}
