package account

import (
	"context"

	"latchkey/internal/tokens"
)

// ResembleUsers has sign-ins under names that nobody has cost what those of the users cost, as a sample of them keep their passwords now: in a database that comes
// from Django there are several ways, and some are dearer than a new hash.
func (s *Service) ResembleUsers(ctx context.Context) error {
	sample, err := s.Store.SamplePasswords(ctx)
	if err != nil {
		return err
	}
	s.Passwords.Resemble(s.Keys.Derive(tokens.ForNobody), sample)
	return nil
}
