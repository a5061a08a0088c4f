package account

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"latchkey/internal/store"
)

// An EventName says what happened.
type EventName string

// What can happen to an account.
const (
	EventRegistered      EventName = "user.registered"
	EventImported        EventName = "user.imported" // for the audit alone, of many users at once
	EventActivated       EventName = "user.activated"
	EventDeactivated     EventName = "user.deactivated"
	EventUpdated         EventName = "user.updated" // Changed says what; a new name or address has an event of its own beside it
	EventDeleted         EventName = "user.deleted"
	EventLogin           EventName = "user.login"
	EventLogout          EventName = "user.logout"
	EventLoginFailed     EventName = "login.failed"
	EventSessionEnded    EventName = "session.ended" // Via says which kind; empty for all that the user had open
	EventTokenReused     EventName = "token.reused"  // a refresh token came back after its rotation, and its family was ended
	EventPasswordChanged EventName = "password.changed"
	EventPasswordReset   EventName = "password.reset"
	EventUsernameChanged EventName = "username.changed"
	EventEmailChanged    EventName = "email.changed"
	EventEmailConfirmed  EventName = "email.confirmed"
)

// EventNames are those that receivers are told of. A failed sign-in is none of them: anybody can cause as many as they like. An import is none either.
func EventNames() []EventName {
	return []EventName{
		EventRegistered, EventActivated, EventDeactivated, EventUpdated, EventDeleted, EventLogin, EventLogout, EventSessionEnded, EventTokenReused,
		EventPasswordChanged, EventPasswordReset, EventUsernameChanged, EventEmailChanged, EventEmailConfirmed,
	}
}

// Operator is the actor of what is done at the command line.
const Operator = "operator"

// What an event happened by, where it can happen by several.
const (
	ViaJWT      = "jwt"
	ViaToken    = "token"
	ViaSession  = "session"
	ViaPassword = "password"
	ViaLink     = "link"
	ViaHook     = "hook"
)

// An Event is something that happened to an account: what, to whom, by whom, when, from where. It holds no secret.
type Event struct {
	// ID names this event and no other.
	ID   string
	Name EventName
	At   time.Time
	// User is whom it happened to, as they are after it; the zero Person where nobody is known.
	User Person
	// Actor is the id of who did it: of the user, mostly, or of a member of staff; or it is Operator; empty where nobody is known.
	Actor string
	// Client is where the request came from; zero at the command line.
	Client Client
	// Changed are the columns that have other values now.
	Changed []string
	// Via is what it happened by, one of the constants of that name; empty where there is only one way.
	Via string
}

// A Person is what an event tells of a user.
type Person struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Email    string `json:"email"`
}

// person is who a user is, by the name that they sign in with.
func (s *Service) person(u *store.User) Person {
	return Person{ID: u.ID.String(), Username: s.Store.Model().Name(u), Email: u.Email}
}

// record notes in the transaction that something happened to a user, nil where none is known. It is the one place that events come from. One request signs a user
// in or out once, however many tokens, keys and sessions that hands out or takes back.
func (s *Service) record(ctx context.Context, tx *store.Store, user *store.User, e Event) error {
	e.ID, e.At = rand.Text(), s.Now()
	if user != nil {
		e.User = s.person(user)
	}
	if v := visitOf(ctx); v == nil {
		e.Actor = Operator
	} else {
		e.Client = v.Client
		switch {
		case !v.caller.IsZero():
			e.Actor = v.caller.String()
		case e.Name != EventLoginFailed:
			e.Actor = e.User.ID
		}
		if user != nil && (e.Name == EventLogin || e.Name == EventLogout) {
			if v.recorded[e.Name] == user.ID {
				return nil
			}
			tx.OnCommit(string(e.Name), func() {
				if v.recorded == nil {
					v.recorded = map[EventName]store.ID{}
				}
				v.recorded[e.Name] = user.ID
			})
		}
	}
	if err := s.audit(ctx, tx, &e); err != nil {
		return err
	}
	tx.OnCommit("count "+e.ID, func() { s.Metrics.Event(string(e.Name)) })
	return s.owe(ctx, tx, e)
}

// recordDifference records what shows in the row itself: whether the user may sign in, the name and the address.
func (s *Service) recordDifference(ctx context.Context, tx *store.Store, before, after *store.User) error {
	model := s.Store.Model()
	renamed := before.Username != after.Username || model.UsernameField != model.EmailField && model.Name(before) != model.Name(after)
	for _, difference := range []struct {
		is   bool
		name EventName
	}{
		{renamed, EventUsernameChanged},
		{before.Email != after.Email, EventEmailChanged},
		{!before.IsActive && after.IsActive, EventActivated},
		{before.IsActive && !after.IsActive, EventDeactivated},
	} {
		if difference.is {
			if err := s.record(ctx, tx, after, Event{Name: difference.name}); err != nil {
				return err
			}
		}
	}
	return nil
}

// body is the event as receivers get it.
func (e *Event) body() []byte {
	return envelope(string(e.Name), e.At, struct {
		User    Person   `json:"user"`
		Actor   string   `json:"actor"`
		Changed []string `json:"changed,omitempty"`
		Via     string   `json:"via,omitempty"`
		Client  *Client  `json:"client"`
	}{e.User, e.Actor, e.Changed, e.Via, e.Client.orNil()})
}

// envelope is what goes out: type, timestamp and data, as the Standard Webhooks specification recommends.
func envelope(kind string, at time.Time, data any) []byte {
	body, _ := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{kind, at.UTC().Truncate(time.Microsecond), data}) // texts and a time of this age: cannot fail
	return body
}
