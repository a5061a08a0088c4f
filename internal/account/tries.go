package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/throttle"
)

// TooOften asks whoever gave wrong passwords for an account, or had mails sent to an address, to wait before the next one.
type TooOften struct{ Wait time.Duration }

func (*TooOften) Error() string { return "too often for one account" }

// triesOf is the key by which the wrong passwords for an account are counted, whatever name it is called by: those of one network, so that nobody can keep
// the owner out from another. Empty where nothing is counted, as at the command line.
func (s *Service) triesOf(ctx context.Context, user *store.User) string {
	return s.triesKey(ctx, "user "+user.ID.String())
}

// triesOfNobody is the key of a name that nobody has, as distinct makes it, so that an account is not told from none.
func (s *Service) triesOfNobody(ctx context.Context, name string) string {
	return s.triesKey(ctx, "name "+shortened(name))
}

func (s *Service) triesKey(ctx context.Context, who string) string {
	client, ok := ClientOf(ctx)
	if !ok || s.Counts == nil || s.LoginDelay.Free == 0 {
		return ""
	}
	return throttle.Network(client.Address) + " " + who
}

// mayTry counts a password before it is hashed, so that many at once are counted too; *TooOften if it has to wait.
func (s *Service) mayTry(ctx context.Context, key string) error {
	if key == "" {
		return nil
	}
	wait, ok, err := s.Counts.Attempt(ctx, key, s.LoginDelay)
	if err != nil {
		return err
	}
	if !ok {
		return &TooOften{wait}
	}
	return nil
}

// succeeded forgets the tries before the right password.
func (s *Service) succeeded(ctx context.Context, key string) error {
	if key == "" {
		return nil
	}
	return s.Counts.Succeeded(ctx, key)
}

// mayMail counts a request for a mail to an address, whoever asks and whether or not somebody has it: *TooOften if it has to wait. That keeps no owner from what they
// need, for the mails that were sent lie in their mailbox, and their links are good.
func (s *Service) mayMail(ctx context.Context, email string) error {
	if s.Counts == nil || s.MailRate.Count == 0 {
		return nil
	}
	wait, ok, err := s.Counts.Allow(ctx, "mail "+shortened(lower(email)), s.MailRate)
	if err != nil {
		return err
	}
	if !ok {
		return &TooOften{wait}
	}
	return nil
}

// shortened makes what somebody sent a key of fixed length.
func shortened(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}
