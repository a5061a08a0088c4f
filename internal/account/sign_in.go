package account

import (
	"context"
	"errors"

	"latchkey/internal/passwords"
	"latchkey/internal/store"
)

// A Login is a successful sign-in: who, and which backend said so.
type Login struct {
	User    *store.User
	Backend string
}

// The backends that settings may name.
const (
	ModelBackend      = "django.contrib.auth.backends.ModelBackend"
	AllowAllBackend   = "django.contrib.auth.backends.AllowAllUsersModelBackend"
	LoginFieldBackend = "djoser.auth_backends.LoginFieldBackend"
	AllauthBackend    = "allauth.account.auth_backends.AuthenticationBackend"
)

// SignIn is the one way in: it checks a name and a password with each backend in turn. A name that does not exist, or exists twice, costs as much as a
// wrong password, so that time does not tell who has an account. ErrBadCredentials whatever the reason.
func (s *Service) SignIn(ctx context.Context, name, password string) (Login, error) {
	for _, backend := range s.Backends {
		user, err := s.Store.UserBy(ctx, s.lookupField(backend), name)
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrMultiple) {
			if err := s.Passwords.CheckNobody(ctx, password); err != nil {
				return Login{}, err
			}
			continue
		}
		if err != nil {
			return Login{}, err
		}
		ok, err := s.CheckPassword(ctx, user, password)
		if err != nil {
			return Login{}, err
		}
		if ok && (user.IsActive || backend == AllowAllBackend) {
			return Login{user, backend}, nil
		}
	}
	return Login{}, ErrBadCredentials
}

// maxNamesakes is how many users of one address are tried with a password: addresses are not unique in Django's table, and each try costs a hash.
const maxNamesakes = 4

// SignInByEmail is SignIn by address instead of name, whatever the address's case. Of several users who have it, the first whose password fits is meant.
func (s *Service) SignInByEmail(ctx context.Context, email, password string) (Login, error) {
	users, err := s.Store.UsersByEmailFold(ctx, email)
	if err != nil {
		return Login{}, err
	}
	if len(users) == 0 || email == "" {
		if err := s.Passwords.CheckNobody(ctx, password); err != nil {
			return Login{}, err
		}
		return Login{}, ErrBadCredentials
	}
	for i := range users[:min(len(users), maxNamesakes)] {
		user := &users[i]
		ok, err := s.CheckPassword(ctx, user, password)
		if err != nil {
			return Login{}, err
		}
		if ok && user.IsActive {
			return Login{user, ModelBackend}, nil
		}
	}
	return Login{}, ErrBadCredentials
}

func (s *Service) lookupField(backend string) string {
	if backend == LoginFieldBackend {
		return s.LoginField
	}
	return s.UsernameField
}

// CheckPassword tells whether the password is the user's. A right one is hashed anew where Django would, in the row and in user.
func (s *Service) CheckPassword(ctx context.Context, user *store.User, password string) (bool, error) {
	ok, outdated, err := s.Passwords.Check(ctx, password, user.Password)
	if err != nil || !ok {
		return false, err
	}
	if !outdated {
		return true, nil
	}
	fresh, err := s.Passwords.Make(ctx, password)
	if errors.Is(err, passwords.ErrBusy) {
		return true, nil // the next sign-in will do it
	}
	if err != nil {
		return false, err
	}
	written, err := s.Store.RehashPassword(ctx, user.ID, user.Password, fresh)
	if err != nil {
		return false, err
	}
	if written {
		user.Password = fresh
	}
	return true, nil
}

// StampLogin writes last_login. A user who is gone by now is ErrBadCredentials.
func (s *Service) StampLogin(ctx context.Context, user *store.User) error {
	now := s.Now()
	if err := s.Store.SetLastLogin(ctx, user.ID, now); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return ErrBadCredentials
		}
		return err
	}
	user.LastLogin = now
	return nil
}
