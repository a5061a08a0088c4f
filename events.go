package latchkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/server"
	"latchkey/internal/webhook"
)

// The types of events. docs/webhooks.md tells when each happens.
const (
	UserRegistered  = "user.registered"
	UserActivated   = "user.activated"
	UserDeactivated = "user.deactivated"
	UserUpdated     = "user.updated"
	UserDeleted     = "user.deleted"
	UserLogin       = "user.login"
	UserLogout      = "user.logout"
	SessionEnded    = "session.ended"
	TokenReused     = "token.reused"
	PasswordChanged = "password.changed"
	PasswordReset   = "password.reset"
	UsernameChanged = "username.changed"
	EmailChanged    = "email.changed"
	EmailConfirmed  = "email.confirmed"
)

// An Event is something that happened to an account. It holds no secret.
type Event struct {
	// ID names this event and no other: whoever must not do a thing twice remembers it.
	ID string
	// Type is one of the constants above, UserRegistered for one. There may be more in later versions.
	Type string
	// Time is when it happened.
	Time time.Time
	// User is whom it happened to, as they are after it; after UserDeleted, as they were.
	User User
	// Actor is the id of who did it: the user's own mostly, or that of a member of staff; "operator" at the command line.
	Actor string
	// Changed names the columns that UserUpdated is about.
	Changed []string
	// Via says by what it happened where there are several ways: jwt, token, session or link.
	Via string
	// Client is where the request came from; zero at the command line.
	Client Client
}

// A User is what events tell of a user.
type User struct {
	// ID is the primary key as text, whatever its type is; empty before there is an account.
	ID string `json:"id"`
	// Username is what the user signs in with, and Email the address, where there is one.
	Username string `json:"username"`
	Email    string `json:"email"`
}

// A Client is where a request came from.
type Client struct {
	// Address is found behind the proxies that trusted_proxies names.
	Address string `json:"address"`
	// Agent is the User-Agent, cut short.
	Agent string `json:"agent"`
	// Request is the request's id in the log.
	Request string `json:"request"`
}

// An Attempt is somebody about to register or to log in.
type Attempt struct {
	// User has no ID yet where it is a registration.
	User User `json:"user"`
	// FirstName and LastName are the names that were given, or that the account has.
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	// Language is what a Refusal's words should be in, as in Content-Language: "en", "pt-br".
	Language string `json:"language"`
	// Client is where the request came from.
	Client Client `json:"client"`
}

// A Refusal is an error that says why somebody may not register or log in: messages by the field that they are about, answered with 400 in REST framework's form.
// What is about no field stands under "non_field_errors", or under "detail", whose one message is answered without a list around it.
type Refusal map[string][]string

// Error is the messages in one line.
func (r Refusal) Error() string {
	var all []string
	for _, field := range slices.Sorted(maps.Keys(r)) {
		all = append(all, field+": "+strings.Join(r[field], " "))
	}
	return strings.Join(all, "; ")
}

// theProgram is what the queue and the log call OnEvent. No webhook can be called so: a name of settings has no brackets unless somebody means this.
const theProgram = "(OnEvent)"

// give puts the functions among the server's options.
func (c *Config) give(o *server.Options) {
	if tell := c.OnEvent; tell != nil {
		o.Receivers = append(o.Receivers, &account.Receiver{Name: theProgram, Tell: func(ctx context.Context, m webhook.Message) error {
			e, err := readEvent(m)
			if err != nil {
				return err
			}
			return tell(ctx, e)
		}})
	}
	o.BeforeRegistration, o.BeforeLogin = asking(c.BeforeRegistration), asking(c.BeforeLogin)
}

// readEvent reads an event as it stands in the queue.
func readEvent(m webhook.Message) (Event, error) {
	var body struct {
		Type      string
		Timestamp time.Time
		Data      struct {
			User    User
			Actor   string
			Changed []string
			Via     string
			Client  Client
		}
	}
	if err := json.Unmarshal(m.Body, &body); err != nil {
		return Event{}, fmt.Errorf("an event cannot be read: %w", err)
	}
	d := body.Data
	return Event{ID: m.ID, Type: body.Type, Time: body.Timestamp, User: d.User, Actor: d.Actor, Changed: d.Changed, Via: d.Via, Client: d.Client}, nil
}

// asking makes a hook of a function; nil of none.
func asking(may func(context.Context, Attempt) error) *account.Hook {
	if may == nil {
		return nil
	}
	return &account.Hook{Timeout: webhook.MaxTimeout, Ask: func(ctx context.Context, m webhook.Message) error {
		var body struct{ Data Attempt }
		if err := json.Unmarshal(m.Body, &body); err != nil {
			return err
		}
		return refusal(may(ctx, body.Data))
	}}
}

// refusal puts a Refusal into the form that the answer is made of, and leaves other errors as they are.
func refusal(err error) error {
	var no Refusal
	if !errors.As(err, &no) {
		return err
	}
	out := &webhook.Refusal{}
	for _, field := range slices.Sorted(maps.Keys(no)) {
		out.Fields = append(out.Fields, webhook.Field{Name: field, Messages: no[field], Single: field == "detail" && len(no[field]) == 1})
	}
	return out
}
