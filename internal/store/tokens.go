package store

import (
	"context"
	"errors"
	"time"
)

// A TokenKey is a row of authtoken_token: the key that signs a user in until it is deleted.
type TokenKey struct {
	Key     string
	Created time.Time
	UserID  ID
}

// UserByTokenKey reads the owner of a key.
func (s *Store) UserByTokenKey(ctx context.Context, key string) (*User, error) {
	return s.user(ctx, s.Model().byToken, key)
}

// TokenKeyOf reads a user's key.
func (s *Store) TokenKeyOf(ctx context.Context, id ID) (*TokenKey, error) {
	t := &TokenKey{}
	err := s.first(ctx, []any{&t.Key, instant{&t.Created}, &t.UserID}, `SELECT "key", created, user_id FROM authtoken_token WHERE user_id = $1`, id)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// TokenKeyFor is the user's key, which is fresh if there was none; calls that race get the same one. ErrNotFound when the user is gone.
func (s *Store) TokenKeyFor(ctx context.Context, id ID, fresh string, now time.Time) (string, error) {
	t, err := s.TokenKeyOf(ctx, id)
	if err == nil {
		return t.Key, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return "", err
	}
	err = s.InTx(ctx, func(tx *Store) error {
		_, err := tx.exec(ctx, `INSERT INTO authtoken_token ("key", created, user_id) SELECT $1, $2, `+s.key()+` FROM `+s.users+` WHERE `+s.key()+` = $3
			ON CONFLICT (user_id) DO NOTHING`, fresh, s.stamp(now), id)
		if err != nil {
			return err
		}
		t, err = tx.TokenKeyOf(ctx, id)
		return err
	})
	if err != nil {
		return "", err
	}
	return t.Key, nil
}

// DeleteTokenKey takes the user's key away, and tells whether there was one.
func (s *Store) DeleteTokenKey(ctx context.Context, id ID) (had bool, err error) {
	n, err := s.exec(ctx, "DELETE FROM authtoken_token WHERE user_id = $1", id)
	return n > 0, orNone(err)
}
