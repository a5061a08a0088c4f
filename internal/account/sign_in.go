package account

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

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

// Credentials are what a sign-in brings: a name or an address, as the dialect read them, and the password.
type Credentials struct {
	Username, Email, Password string
	// Untrimmed is the password with the white space that its field cut off: tried first, where it is given, for passwords that were set elsewhere.
	Untrimmed string
}

// SignIn is SignInWith for a name and a password.
func (s *Service) SignIn(ctx context.Context, name, password string) (Login, error) {
	return s.SignInWith(ctx, Credentials{Username: name, Password: password})
}

// SignInWith is the one way in: it tries the password on whom each backend finds for a name or an address. Nobody found costs what a wrong password of some user
// costs, so that time does not tell who has an account. ErrBadCredentials whatever the reason; *TooOften for whoever must wait after those.
func (s *Service) SignInWith(ctx context.Context, c Credentials) (Login, error) {
	try := newAttempt(s.distinct(cmp.Or(c.Username, c.Email)), c.Password, c.Untrimmed)
	for _, backend := range s.Backends {
		users, err := s.candidates(ctx, backend, c)
		if err != nil {
			return Login{}, err
		}
		user, err := s.firstFit(ctx, try, users, backend == AllowAllBackend)
		if err != nil {
			return Login{}, err
		}
		if user != nil {
			return s.admit(ctx, try, user, backend)
		}
	}
	return Login{}, s.refuse(ctx, try)
}

// admit lets in whoever gave the right password, if the hook agrees.
func (s *Service) admit(ctx context.Context, try *attempt, user *store.User, backend string) (Login, error) {
	if err := s.succeeded(ctx, try.tries); err != nil {
		return Login{}, err
	}
	if err := s.askBefore(ctx, s.BeforeLogin, "before.login", user); err != nil {
		return Login{}, errors.Join(err, s.record(ctx, s.Store, user, Event{Name: EventLoginFailed, Via: ViaHook}))
	}
	return Login{user, backend}, nil
}

// SignInByEmail is SignIn by the account's address instead of its name, whatever the address's case and the backends. Of several users who have it, the first
// whose password fits is meant.
func (s *Service) SignInByEmail(ctx context.Context, email, password string) (Login, error) {
	try := newAttempt(lower(email), password, "")
	var users []store.User
	if email != "" {
		var err error
		if users, err = s.Store.UsersByEmailFold(ctx, email); err != nil {
			return Login{}, err
		}
	}
	user, err := s.firstFit(ctx, try, users, false)
	if err != nil {
		return Login{}, err
	}
	if user == nil {
		return Login{}, s.refuse(ctx, try)
	}
	return s.admit(ctx, try, user, ModelBackend)
}

// An attempt is a sign-in under way: its passwords, and whom they were tried on.
type attempt struct {
	name      string // one text for all spellings that are one account's
	passwords []string
	tries     string // the key that it counts by, once it does
	fits      map[store.ID]bool
	first     *store.User // nil while they were tried on nobody
}

// distinct is a name as far as it tells accounts apart: without its capitals where they do not. What an attempt on nobody is known by must not be coarser or finer
// than that, or trying the spellings of a name would tell whether somebody has one.
func (s *Service) distinct(name string) string {
	if slices.Contains(s.Backends, AllauthBackend) && (s.Allauth.LoginBy("username") || strings.Contains(name, "@")) {
		return lower(name)
	}
	return name
}

func newAttempt(name, password, untrimmed string) *attempt {
	try := &attempt{name: name, passwords: []string{password}, fits: map[store.ID]bool{}}
	if untrimmed != "" && untrimmed != password {
		try.passwords = []string{untrimmed, password}
	}
	return try
}

// maxNamesakes is how many users of one address are tried with a password: addresses are not unique in Django's table, and each try costs a hash.
const maxNamesakes = 4

// firstFit is the first user whose password it is and who may sign in; nil for none. Nobody is tried twice.
func (s *Service) firstFit(ctx context.Context, try *attempt, users []store.User, inactive bool) (*store.User, error) {
	for i := range users[:min(len(users), maxNamesakes)] {
		user := &users[i]
		fits, tried := try.fits[user.ID]
		if try.first == nil {
			try.first = user
		}
		if try.tries == "" {
			try.tries = s.triesOf(ctx, user)
			if err := s.mayTry(ctx, try.tries); err != nil {
				return nil, err
			}
		}
		for n := 0; n < len(try.passwords) && !fits && !tried; n++ {
			var err error
			if fits, err = s.checkPassword(ctx, user, try.passwords[n]); err != nil {
				return nil, err
			}
		}
		try.fits[user.ID] = fits
		if fits && (user.IsActive || inactive) {
			return user, nil
		}
	}
	return nil, nil
}

// refuse is ErrBadCredentials, after the hashing that an attempt on somebody would have cost.
func (s *Service) refuse(ctx context.Context, try *attempt) error {
	if len(try.fits) == 0 {
		if err := s.mayTry(ctx, s.triesOfNobody(ctx, try.name)); err != nil {
			return err
		}
		for _, password := range try.passwords {
			if err := s.Passwords.CheckNobody(ctx, try.name, password); err != nil {
				return err
			}
		}
	}
	if err := s.record(ctx, s.Store, try.first, Event{Name: EventLoginFailed}); err != nil {
		return err
	}
	return ErrBadCredentials
}

// candidates are those whom a backend would try the password on. A name or address that several have is nobody's, but for allauth.
func (s *Service) candidates(ctx context.Context, backend string, c Credentials) ([]store.User, error) {
	if backend == AllauthBackend {
		return s.allauthCandidates(ctx, c)
	}
	name := c.Username
	if name == "" && s.UsernameField == "email" {
		name = c.Email
	}
	if name == "" {
		return nil, nil
	}
	field := s.UsernameField
	if backend == LoginFieldBackend {
		field = s.LoginField
	}
	user, err := s.Store.UserBy(ctx, field, name)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrMultiple) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []store.User{*user}, nil
}

// CheckPassword tells whether one of these is the password of a user who is signed in. Wrong ones count as those of a sign-in do: *TooOften.
func (s *Service) CheckPassword(ctx context.Context, user *store.User, passwords ...string) (bool, error) {
	tries := s.triesOf(ctx, user)
	if err := s.mayTry(ctx, tries); err != nil {
		return false, err
	}
	for _, password := range passwords {
		right, err := s.checkPassword(ctx, user, password)
		if err != nil {
			return false, err
		}
		if right {
			return true, s.succeeded(ctx, tries)
		}
	}
	return false, nil
}

// checkPassword tells whether the password is the user's. A right one is hashed anew where Django would, in the row and in user.
func (s *Service) checkPassword(ctx context.Context, user *store.User, password string) (bool, error) {
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
		return true, nil
	}
	return s.checkAgain(ctx, user, password)
}

// checkAgain checks a password against the row as it is by now: another sign-in hashed the same one anew meanwhile, or it was changed.
func (s *Service) checkAgain(ctx context.Context, user *store.User, password string) (bool, error) {
	current, err := s.Store.User(ctx, user.ID)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ok, _, err := s.Passwords.Check(ctx, password, current.Password)
	if ok {
		*user = *current
	}
	return ok, err
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
