package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// A Mail is a row of latchkey_mail: a mail that is owed.
type Mail struct {
	ID                           int64
	MessageID, Sender, Recipient string
	Subject, Text, HTML          string
	CreatedAt                    time.Time
	Attempts                     int // how often it was claimed
}

// EnqueueMail owes a mail, due at once; m.ID and m.Attempts do not count.
func (s *Store) EnqueueMail(ctx context.Context, m Mail) error {
	return s.do(ctx, `INSERT INTO latchkey_mail
		(message_id, sender, recipient, subject, body_text, body_html, created_at, attempts, next_attempt_at, last_error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $7, '')`,
		m.MessageID, m.Sender, m.Recipient, m.Subject, m.Text, m.HTML, s.stamp(m.CreatedAt))
}

// OwedMail counts the mails that wait, and tells when the oldest was written.
func (s *Store) OwedMail(ctx context.Context) (n int, oldest time.Time, err error) {
	err = s.first(ctx, []any{&n, optional{&oldest}}, "SELECT count(*), min(created_at) FROM latchkey_mail")
	return n, oldest, err
}

// ClaimMail takes up to limit mails, those that have been due longest, and tells them in the order of their ids. They are due again after lease, for whoever asks then:
// report MailSent or MailFailed before.
func (s *Store) ClaimMail(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Mail, error) {
	var all []Mail
	err := s.scan(ctx, s.write, func(rows row) (bool, error) {
		var m Mail
		err := rows.Scan(&m.ID, &m.MessageID, &m.Sender, &m.Recipient, &m.Subject, &m.Text, &m.HTML, instant{&m.CreatedAt}, &m.Attempts)
		all = append(all, m)
		return true, err
	}, `WITH due AS MATERIALIZED (SELECT id FROM latchkey_mail WHERE next_attempt_at <= $1 ORDER BY next_attempt_at, id LIMIT $3`+s.engine.skipLocked+`)
		UPDATE latchkey_mail SET next_attempt_at = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM due)
		RETURNING id, message_id, sender, recipient, subject, body_text, body_html, created_at, attempts`,
		s.stamp(now), s.stamp(now.Add(lease)), limit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Mail) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// MailSent forgets a mail that went out.
func (s *Store) MailSent(ctx context.Context, id int64) error {
	return s.do(ctx, "DELETE FROM latchkey_mail WHERE id = $1", id)
}

// MailFailed keeps a mail to be tried again at next; ErrNotFound where the claim is over and the mail went, or is somebody else's by now.
func (s *Store) MailFailed(ctx context.Context, m Mail, reason string, next time.Time) error {
	return s.change(ctx, "UPDATE latchkey_mail SET next_attempt_at = $3, last_error = $4 WHERE id = $1 AND attempts = $2", m.ID, m.Attempts, s.stamp(next), reason)
}
