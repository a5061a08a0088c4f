package account

import (
	"context"

	"latchkey/internal/store"
)

// Delete removes a user with everything that Django's own tables hold of them.
func (s *Service) Delete(ctx context.Context, id store.ID) error {
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		user, err := tx.UserForUpdate(ctx, id) // a sign-in on its way is over by then, and its tokens are found
		if err != nil {
			return notFound(err)
		}
		if s.End.OnDeletion && tx.Apps().Blacklist {
			if err := tx.BlacklistUser(ctx, id, s.Now()); err != nil {
				return err
			}
		}
		if err := tx.DeleteUser(ctx, id); err != nil {
			return notFound(err)
		}
		return s.record(ctx, tx, user, Event{Name: EventDeleted})
	})
}
