package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/throttle"
)

// TooManyTries asks whoever gave wrong passwords for an account to wait before the next one.
type TooManyTries struct{ Wait time.Duration }

func (*TooManyTries) Error() string { return "too many wrong passwords" }

// triesOf is the key by which the wrong passwords for an account are counted, whatever name it is called by: those of one network, so that nobody can keep
// the owner out from another. Empty where nothing is counted, as at the command line.
func (s *Service) triesOf(ctx context.Context, user *store.User) string {
	return s.triesKey(ctx, "user "+user.ID.String())
}

// triesOfNobody is the key of a name that nobody has, so that an account is not told from none.
func (s *Service) triesOfNobody(ctx context.Context, name string) string {
	return s.triesKey(ctx, "name "+shortened(lower(name)))
}

func (s *Service) triesKey(ctx context.Context, who string) string {
	client, ok := ClientOf(ctx)
	if !ok || s.Counts == nil || s.LoginDelay.Free == 0 {
		return ""
	}
	return throttle.Network(client.Address) + " " + who
}

// mayTry counts a password before it is hashed, so that many at once are counted too; *TooManyTries if it has to wait.
func (s *Service) mayTry(ctx context.Context, key string) error {
	if key == "" {
		return nil
	}
	wait, ok, err := s.Counts.Attempt(ctx, key, s.LoginDelay)
	if err != nil {
		return err
	}
	if !ok {
		return &TooManyTries{wait}
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

// shortened makes what somebody sent a key of fixed length.
func shortened(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}
