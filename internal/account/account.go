// Package account holds what people do with their accounts, one file per verb: the rules that every dialect obeys.
// It knows no HTTP and no sentence of an API; dialects translate its errors into their own words.
package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/metrics"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/throttle"
	"latchkey/internal/tokens"
	"latchkey/internal/tracing"
)

// A Service is the one place where accounts change. Its fields are set once, before it serves.
type Service struct {
	Store     *store.Store
	Passwords *passwords.Passwords
	JWTs      *tokens.JWTs
	JWT       tokens.JWTConfig
	Keys      tokens.Keys
	Resets    tokens.Resets
	Templates *mail.Templates
	Sender    mail.Sender
	Log       *slog.Logger
	Now       func() time.Time

	// Backends are Django's AUTHENTICATION_BACKENDS by their dotted names, tried in order.
	Backends []string
	// UsernameField is the user model's USERNAME_FIELD, LoginField what LoginFieldBackend looks up.
	UsernameField, LoginField string
	// Exact keeps the reference's weaknesses, for teams that must.
	Exact bool
	// End says after what a user's refresh tokens, token key and outstanding links end.
	End End
	// RefreshGrace is how long after its rotation a refresh token may come again, and gets the same successor; later its family ends.
	RefreshGrace time.Duration
	// Devices keeps on record what users have open, so that they can see and end it.
	Devices bool
	// EndAccess ends access tokens with the rest, which costs a query for each request that one signs in.
	EndAccess bool
	// SessionAge is how long a session lives after its last write.
	SessionAge time.Duration
	// Allauth is allauth's settings.
	Allauth Config
	// Counts are those of confirmation mails to each address, which Allauth limits, and of passwords that were wrong; nil for no limit.
	Counts throttle.Counter
	// LoginDelay is how long whoever gave wrong passwords for an account must wait before the next one; none in its zero value.
	LoginDelay throttle.Delay
	// MailRate is how many mails may be asked for to one address; any number in its zero value.
	MailRate throttle.Rate
	// Audit keeps a trail of what happens.
	Audit bool
	// Receivers are told of events.
	Receivers []*Receiver
	// BeforeRegistration and BeforeLogin are asked first, and may refuse; nil where nobody is.
	BeforeRegistration, BeforeLogin *Hook
	// Metrics count what happens; nil for none.
	Metrics *metrics.Metrics
	// Tracer traces what is done without a request; nil for nothing.
	Tracer *tracing.Tracer
	// Site is what mails say of the site.
	Site Site
	// From is the sender of every mail.
	From string

	failures failures
	wake     chan struct{}
}

// End switches, one for each occasion, what a change ends beside itself.
type End struct {
	OnPasswordChange, OnEmailChange, OnDeactivation, OnDeletion bool
}

// Errors that dialects translate. What is no error of these is a failure of the machine.
var (
	ErrBadCredentials  = errors.New("no such name and password")
	ErrBadPassword     = errors.New("the current password is wrong")
	ErrUserNotFound    = errors.New("no such user")
	ErrInactive        = errors.New("the user is not active")
	ErrNoUserClaim     = errors.New("the token names no user")
	ErrPasswordChanged = errors.New("the password was changed after the token was made")
	ErrBlacklisted     = errors.New("the token is blacklisted")
	ErrTaken           = errors.New("the username is taken")
	ErrBadUID          = errors.New("the uid names nobody")
	ErrBadLink         = errors.New("the link's token is not good for this user")
	ErrStale           = errors.New("the user is active already")
	ErrNotServed       = errors.New("the database has no table for this")
	ErrNoSession       = errors.New("there is no such session any more")
	ErrBadKey          = errors.New("the key confirms no address")
	ErrRefused         = errors.New("a rule of the database forbids these values")
	ErrHookFailed      = errors.New("a hook that must agree gave no answer")
)

// A WeakPassword is refused by the password validators; Messages are theirs, in order.
type WeakPassword struct{ Messages []*message.Text }

func (*WeakPassword) Error() string { return "the password is too weak" }

// Start prepares a service, and keeps delivering owed mail and telling receivers of events until ctx ends; wait returns when the last of both is over.
func (s *Service) Start(ctx context.Context) (wait func()) {
	s.wake = make(chan struct{}, 1)
	delivered, told := s.deliver(ctx), s.tell(ctx)
	return func() {
		delivered()
		told()
	}
}

// JudgePassword runs the password validators against what is known of the user.
func (s *Service) JudgePassword(password string, about passwords.Attributes) error {
	if messages := s.Passwords.Weaknesses(password, about); len(messages) > 0 {
		return &WeakPassword{messages}
	}
	return nil
}

// About is what the password validators compare a user's password with.
func About(u *store.User) passwords.Attributes {
	if u == nil {
		return passwords.Attributes{}
	}
	return passwords.Attributes{Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email}
}

// notFound turns the store's missing row into this package's missing user.
func notFound(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrMultiple) {
		return ErrUserNotFound
	}
	return err
}

// ignore drops an error of one kind.
func ignore(err, kind error) error {
	if errors.Is(err, kind) {
		return nil
	}
	return err
}

// Taken says which column's value belongs to somebody already; errors.Is finds ErrTaken in it.
type Taken struct{ Column string }

func (t *Taken) Error() string { return "the " + t.Column + " is taken" }

// Is makes every Taken an ErrTaken.
func (t *Taken) Is(target error) bool { return target == ErrTaken }

// taken turns a broken unique rule into *Taken, and any other rule that is broken into ErrRefused.
func taken(err error) error {
	var duplicate *store.Duplicate
	var referenced *store.Referenced
	var refused *store.Refused
	switch {
	case errors.As(err, &duplicate):
		return &Taken{duplicate.Column}
	case errors.As(err, &referenced), errors.As(err, &refused):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
