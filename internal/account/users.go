package account

import (
	"context"

	"latchkey/internal/store"
)

// Users are all users, by their ids.
func (s *Service) Users(ctx context.Context) ([]store.User, error) { return s.Store.Users(ctx) }

// UserBy finds the one user with a value in a column: ErrUserNotFound where there is none, or several.
func (s *Service) UserBy(ctx context.Context, column, value string) (*store.User, error) {
	user, err := s.Store.UserBy(ctx, column, value)
	if err != nil {
		return nil, notFound(err)
	}
	return user, nil
}
