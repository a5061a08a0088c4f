package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/message"
	"latchkey/internal/store"
	"latchkey/internal/webhook"
)

// A Hook is asked before something happens: a web address, or a function of the program around the server.
type Hook struct {
	// Ask answers nil for yes and a *webhook.Refusal for no. Any other error is no answer.
	Ask func(context.Context, webhook.Message) error
	// Timeout is how long it may take.
	Timeout time.Duration
	// AllowOnFailure goes on where there is no answer; otherwise that is ErrHookFailed.
	AllowOnFailure bool
}

// askBefore asks a hook about a user who is about to be made or let in; nil where there is no hook, and at the command line, where the operator decides. It is
// called outside of transactions, and of a sign-in after the password was right, so that its answer, and its time, tell no stranger who has an account.
func (s *Service) askBefore(ctx context.Context, hook *Hook, what string, user *store.User) (err error) {
	client, ok := ClientOf(ctx)
	if hook == nil || !ok {
		return nil
	}
	body := envelope(what, s.Now(), struct {
		User      Person  `json:"user"`
		FirstName string  `json:"first_name"`
		LastName  string  `json:"last_name"`
		Language  string  `json:"language"`
		Client    *Client `json:"client"`
	}{s.person(user), user.FirstName, user.LastName, message.From(ctx).Code(), client.orNil()})
	asking, cancel := context.WithTimeout(ctx, hook.Timeout)
	defer cancel()
	err = hook.Ask(asking, webhook.Message{ID: rand.Text(), Body: body})
	var no *webhook.Refusal
	if err == nil || errors.As(err, &no) || ctx.Err() != nil {
		return err
	}
	s.Log.ErrorContext(ctx, "a hook gave no answer", "hook", what, "allowed", hook.AllowOnFailure, "error", err)
	if hook.AllowOnFailure {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrHookFailed, err)
}
