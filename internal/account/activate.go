package account

import (
	"context"

	"latchkey/internal/store"
)

// Activate lets the link's user in, once: ErrBadUID, ErrBadLink, or ErrStale for one who is active already.
func (s *Service) Activate(ctx context.Context, link Link, letter *Letter) error {
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		user, err := s.userOfLink(ctx, tx, link, tx.UserForUpdate)
		if err != nil {
			return err
		}
		if user.IsActive {
			return ErrStale
		}
		if err := s.spend(ctx, tx, user, link); err != nil {
			return err
		}
		done, err := tx.Activate(ctx, user.ID)
		if err != nil {
			return err
		}
		if !done {
			return ErrStale
		}
		if err := tx.RecordActivation(ctx, user.ID, s.Now()); err != nil {
			return err
		}
		if err := s.prove(ctx, tx, user); err != nil {
			return err
		}
		if !s.Exact {
			if err := tx.EndLinks(ctx, user.ID, s.Now()); err != nil {
				return err
			}
		}
		if err := s.record(ctx, tx, user, Event{Name: EventActivated, Via: ViaLink}); err != nil {
			return err
		}
		return s.post(ctx, tx, user, letter)
	})
}

// SetActive switches an account on or off, as an administrator does. Switching off ends what the account has open.
func (s *Service) SetActive(ctx context.Context, id store.ID, active bool) error {
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		user, err := tx.UserForUpdate(ctx, id)
		if err != nil {
			return notFound(err)
		}
		if err := tx.SetActive(ctx, id, active); err != nil {
			return notFound(err)
		}
		after := *user
		after.IsActive = active
		if err := s.recordDifference(ctx, tx, user, &after); err != nil {
			return err
		}
		if err := tx.RecordActivation(ctx, id, s.Now()); err != nil { // whoever is switched off is not let in by a link
			return err
		}
		if active || !s.End.OnDeactivation {
			return nil
		}
		return s.end(ctx, tx, id, true)
	})
}
