package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// An Audit is a row of latchkey_audit: something that happened. It names people by what they were called then, and outlives them.
type Audit struct {
	ID       string
	At       time.Time
	Event    string
	Result   string // ok or refused
	UserID   string // whom it happened to, empty where nobody is known
	Username string
	Actor    string // the id of who did it, or operator
	Via      string
	Changed  string // columns, joined by commas
	Address  string
	Agent    string
	Request  string
	Times    int // how often, where one row tells of several
}

const auditColumns = "id, at, event, result, user_id, username, actor, via, changed, address, agent, request, times"

func (a *Audit) fields() []any {
	return []any{&a.ID, instant{&a.At}, &a.Event, &a.Result, &a.UserID, &a.Username, &a.Actor, &a.Via, &a.Changed, &a.Address, &a.Agent, &a.Request, &a.Times}
}

// InsertAudit adds to the trail.
func (s *Store) InsertAudit(ctx context.Context, a Audit) error {
	return s.do(ctx, "INSERT INTO latchkey_audit ("+auditColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		a.ID, s.stamp(a.At), a.Event, a.Result, a.UserID, a.Username, a.Actor, a.Via, a.Changed, a.Address, a.Agent, a.Request, a.Times)
}

// An AuditFilter chooses rows of the trail; what is zero chooses all.
type AuditFilter struct {
	User         string   // an id or a name, of whom it happened to or who did it
	Events       []string // user.login, or user for all that begin so
	Since, Until time.Time
	Before       *Audit // only what comes behind this row
}

// AuditTrail reads the trail, the newest first, at most limit rows.
func (s *Store) AuditTrail(ctx context.Context, f AuditFilter, limit int) ([]Audit, error) {
	var where []string
	var args []any
	arg := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	}
	if f.User != "" {
		user := arg(f.User)
		where = append(where, "(user_id = "+user+" OR username = "+user+" OR actor = "+user+")")
	}
	if !f.Since.IsZero() {
		where = append(where, "at >= "+arg(s.stamp(f.Since)))
	}
	if !f.Until.IsZero() {
		where = append(where, "at < "+arg(s.stamp(f.Until)))
	}
	if f.Before != nil {
		at := arg(s.stamp(f.Before.At))
		where = append(where, "(at < "+at+" OR at = "+at+" AND id < "+arg(f.Before.ID)+")")
	}
	var events []string
	for _, name := range f.Events {
		if strings.Contains(name, ".") {
			events = append(events, "event = "+arg(name))
		} else {
			events = append(events, "event LIKE "+arg(name+".%"))
		}
	}
	if events != nil {
		where = append(where, "("+strings.Join(events, " OR ")+")")
	}
	query := "SELECT " + auditColumns + " FROM latchkey_audit"
	if where != nil {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	var all []Audit
	err := s.each(ctx, func(rows row) error {
		var a Audit
		err := rows.Scan(a.fields()...)
		all = append(all, a)
		return err
	}, query+" ORDER BY at DESC, id DESC LIMIT "+arg(limit), args...)
	return all, err
}

// PurgeAudit deletes what is older, in transactions of at most limit rows each, and tells how many rows went.
func (s *Store) PurgeAudit(ctx context.Context, before time.Time, limit int) (total int64, err error) {
	_, err = s.exec(ctx, "INSERT INTO latchkey_audit_retention (id, before) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET before = excluded.before", s.stamp(before))
	for gone := int64(limit); err == nil && gone >= int64(limit); total += gone {
		gone, err = s.exec(ctx, "DELETE FROM latchkey_audit WHERE id IN (SELECT id FROM latchkey_audit WHERE at < $1 ORDER BY at LIMIT $2)", s.stamp(before), limit)
	}
	return total, err
}
