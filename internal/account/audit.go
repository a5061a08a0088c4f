package account

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"latchkey/internal/store"
)

// The results of what the audit trail tells.
const (
	AuditOK      = "ok"
	AuditRefused = "refused"
)

// AuditedEvents are those that the trail tells of.
func AuditedEvents() []EventName { return append(EventNames(), EventLoginFailed, EventImported) }

// audit adds an event to the trail, in the transaction of what it tells.
func (s *Service) audit(ctx context.Context, tx *store.Store, e *Event) error {
	if !s.Audit {
		return nil
	}
	row := store.Audit{
		ID: e.ID, At: e.At, Event: string(e.Name), Result: AuditOK, UserID: e.User.ID, Username: e.User.Username, Actor: e.Actor, Via: e.Via,
		Changed: strings.Join(e.Changed, ","), Address: e.Client.Address, Agent: e.Client.Agent, Request: e.Client.Request, Times: 1,
	}
	if e.Name == EventLoginFailed || e.Name == EventTokenReused {
		row.Result = AuditRefused
	}
	if e.Name == EventLoginFailed {
		write, missed := s.failures.count(e.At)
		if err := s.auditMissed(ctx, tx, missed); err != nil || !write {
			return err
		}
	}
	return tx.InsertAudit(ctx, row)
}

// auditMissed adds a row that stands for failed sign-ins which had none of their own.
func (s *Service) auditMissed(ctx context.Context, tx *store.Store, missed missed) error {
	if missed.times == 0 {
		return nil
	}
	return tx.InsertAudit(ctx, store.Audit{ID: rand.Text(), At: missed.last, Event: string(EventLoginFailed), Result: AuditRefused, Times: missed.times})
}

// FlushAudit writes what is not written yet of failed sign-ins.
func (s *Service) FlushAudit(ctx context.Context) error {
	return s.auditMissed(ctx, s.Store, s.failures.take())
}

// maxFailures is how many failed sign-ins a minute have a row of their own: anybody can cause as many as they like, and a disk is not endless. The rest are
// counted, and one row tells how many they were.
const maxFailures = 60

// failures counts failed sign-ins.
type failures struct {
	mu      sync.Mutex
	minute  time.Time
	written int
	missed  missed
}

// missed are failed sign-ins without a row.
type missed struct {
	times int
	last  time.Time
}

// count tells whether a failure has a row of its own, and what was missed in a minute that is over.
func (f *failures) count(now time.Time) (write bool, over missed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(f.minute) {
		f.minute, f.written = minute, 0
		over, f.missed = f.missed, missed{}
	}
	if f.written < maxFailures {
		f.written++
		return true, over
	}
	f.missed = missed{f.missed.times + 1, now}
	return false, over
}

// take is what was missed so far.
func (f *failures) take() missed {
	f.mu.Lock()
	defer f.mu.Unlock()
	over := f.missed
	f.missed = missed{}
	return over
}
