package account

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// A session key shorter than this is no key of Django's.
const minSessionKey = 8

// OpenSession signs a user into a Django session and returns its key. The caller's old session is carried on under a new key, or dropped if it was somebody
// else's, so that a key known before the sign-in is worth nothing after it. more is what the session holds beside the sign-in. ErrBadCredentials where the user
// changed since.
func (s *Service) OpenSession(ctx context.Context, oldKey string, login Login, more ...tokens.Claim) (key string, err error) {
	if !s.Store.Apps().Sessions {
		return "", ErrNotServed
	}
	next := tokens.Session{UserID: login.User.ID.String(), Backend: login.Backend, Hash: s.Keys.SessionHash(login.User.Password)}
	key = tokens.NewSessionKey()
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		if err := s.hold(ctx, tx, login.User); err != nil {
			return err
		}
		old, _, err := s.session(ctx, tx, oldKey)
		if err != nil && !errors.Is(err, ErrUserNotFound) {
			return err
		}
		if err == nil {
			if old.UserID == "" || old.UserID == next.UserID {
				next.Other = old.Other
			}
			if err := tx.DeleteSession(ctx, oldKey, sessionDevice(oldKey)); err != nil {
				return err
			}
		}
		for _, claim := range more {
			next.Other.Set(claim.Name, claim.Value)
		}
		if err := s.saveSession(ctx, tx, key, next); err != nil {
			return err
		}
		if s.Devices {
			if err := tx.SaveDevice(ctx, s.device(ctx, login.User, store.SessionDevice, sessionDevice(key), key, s.Now().Add(s.SessionAge))); err != nil {
				return err
			}
		}
		return s.record(ctx, tx, login.User, Event{Name: EventLogin, Via: ViaSession})
	})
	return key, err
}

// RenewSession carries a session on under a new key after its user's password changed, and returns the key; empty where there was no session of this user.
func (s *Service) RenewSession(ctx context.Context, oldKey string, user *store.User) (key string, err error) {
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		old, _, err := s.session(ctx, tx, oldKey)
		if errors.Is(err, ErrUserNotFound) || err == nil && old.UserID != user.ID.String() {
			return nil
		}
		if err != nil {
			return err
		}
		device := s.device(ctx, user, store.SessionDevice, "", "", time.Time{})
		if known, err := tx.Device(ctx, sessionDevice(oldKey)); err == nil {
			device.CreatedAt = known.CreatedAt
		} else if !gone(err) {
			return err
		}
		key = tokens.NewSessionKey()
		old.Hash = s.Keys.SessionHash(user.Password)
		if err := tx.DeleteSession(ctx, oldKey, sessionDevice(oldKey)); err != nil {
			return err
		}
		if err := s.saveSession(ctx, tx, key, old); err != nil || !s.Devices {
			return err
		}
		device.ID, device.Handle, device.ExpiresAt = sessionDevice(key), key, s.Now().Add(s.SessionAge)
		return tx.SaveDevice(ctx, device)
	})
	return key, err
}

// NoteInSession stores something in the caller's session, or in a new one of nobody where there is none, and returns its key.
func (s *Service) NoteInSession(ctx context.Context, oldKey string, note ...tokens.Claim) (key string, err error) {
	if !s.Store.Apps().Sessions {
		return "", ErrNotServed
	}
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		key = oldKey
		session, _, err := s.session(ctx, tx, oldKey)
		if errors.Is(err, ErrUserNotFound) {
			key, err = tokens.NewSessionKey(), nil
		}
		if err != nil {
			return err
		}
		for _, claim := range note {
			session.Other.Set(claim.Name, claim.Value)
		}
		return s.saveSession(ctx, tx, key, session)
	})
	return key, err
}

// NewSession stores a session of nobody, as the reference does for a caller without one.
func (s *Service) NewSession(ctx context.Context, hash string) (key string, err error) {
	return s.NoteInSession(ctx, "", tokens.Claim{Name: "_auth_user_hash", Value: tokens.TextValue(hash)})
}

// SessionHash is what ties a session to a user's password.
func (s *Service) SessionHash(user *store.User) string { return s.Keys.SessionHash(user.Password) }

// CloseSession removes a session.
func (s *Service) CloseSession(ctx context.Context, key string) error {
	if !s.Store.Apps().Sessions || len(key) < minSessionKey {
		return nil
	}
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		user, err := s.userOfRow(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := tx.DeleteSession(ctx, key, sessionDevice(key)); err != nil || user == nil {
			return err
		}
		return s.record(ctx, tx, user, Event{Name: EventLogout, Via: ViaSession})
	})
}

// userOfRow is the user of a session's row, good or not; nil where there is none.
func (s *Service) userOfRow(ctx context.Context, tx *store.Store, key string) (*store.User, error) {
	session, _, err := s.session(ctx, tx, key)
	if err != nil {
		return nil, ignore(err, ErrUserNotFound)
	}
	id, ok := tx.ParseID(session.UserID)
	if !ok {
		return nil, nil
	}
	user, err := tx.User(ctx, id)
	return user, ignore(err, store.ErrNotFound)
}

// UserOfSession finds the active user whom a session signs in: ErrUserNotFound for one that signs nobody in, ErrNoSession for one that is not there, has expired,
// or ended with its user's password or all else that the user had open.
func (s *Service) UserOfSession(ctx context.Context, key string) (*store.User, error) {
	if !s.Store.Apps().Sessions {
		return nil, ErrUserNotFound
	}
	session, row, err := s.session(ctx, s.Store, key)
	if errors.Is(err, ErrUserNotFound) {
		return nil, ErrNoSession
	}
	if err != nil {
		return nil, err
	}
	id, ok := s.Store.ParseID(session.UserID)
	if !ok || !s.knowsBackend(session.Backend) {
		return nil, ErrUserNotFound
	}
	user, err := s.Store.User(ctx, id)
	if err != nil {
		return nil, notFound(err)
	}
	if ok, _ := s.Keys.CheckSessionHash(user.Password, session.Hash); !ok {
		return nil, errors.Join(ErrNoSession, s.Store.DeleteSession(ctx, key, sessionDevice(key))) // as Django, which flushes it
	}
	if !user.IsActive {
		return nil, ErrUserNotFound
	}
	if err := s.noteSession(ctx, user, session, row); err != nil {
		return nil, err
	}
	return user, nil
}

func (s *Service) knowsBackend(name string) bool {
	for _, backend := range s.Backends {
		if backend == name {
			return true
		}
	}
	return false
}

// session reads a session that has not expired, and its row: ErrUserNotFound.
func (s *Service) session(ctx context.Context, tx *store.Store, key string) (tokens.Session, *store.SessionRow, error) {
	if len(key) < minSessionKey {
		return tokens.Session{}, nil, ErrUserNotFound
	}
	row, err := tx.Session(ctx, key, s.Now())
	if err != nil {
		return tokens.Session{}, nil, notFound(err)
	}
	session, ok := s.Keys.DecodeSession(row.Data)
	if !ok {
		return tokens.Session{}, nil, ErrUserNotFound
	}
	return session, row, nil
}

func (s *Service) saveSession(ctx context.Context, tx *store.Store, key string, session tokens.Session) error {
	now := s.Now()
	return tx.SaveSession(ctx, store.SessionRow{Key: key, Data: s.Keys.EncodeSession(session, now), Expires: now.Add(s.SessionAge)})
}
