package account

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"time"

	"latchkey/internal/store"
)

// An EventName says what happened.
type EventName string

// What can happen to an account.
const (
	EventRegistered      EventName = "user.registered"
	EventActivated       EventName = "user.activated"
	EventDeactivated     EventName = "user.deactivated"
	EventUpdated         EventName = "user.updated" // Changed says what; a new name or address has an event of its own beside it
	EventDeleted         EventName = "user.deleted"
	EventLogin           EventName = "user.login"
	EventLogout          EventName = "user.logout"
	EventLoginFailed     EventName = "login.failed"
	EventPasswordChanged EventName = "password.changed"
	EventPasswordReset   EventName = "password.reset"
	EventUsernameChanged EventName = "username.changed"
	EventEmailChanged    EventName = "email.changed"
	EventEmailConfirmed  EventName = "email.confirmed"
)

// EventNames are those that receivers are told of. A failed sign-in is none of them: anybody can cause as many as they like.
func EventNames() []EventName {
	return []EventName{
		EventRegistered, EventActivated, EventDeactivated, EventUpdated, EventDeleted, EventLogin, EventLogout,
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
type Person struct{ ID, Username, Email string }

// record notes in the transaction that something happened to a user, nil where none is known. It is the one place that events come from. One request signs a user
// in or out once, however many tokens, keys and sessions that hands out or takes back.
func (s *Service) record(ctx context.Context, tx *store.Store, user *store.User, e Event) error {
	e.ID, e.At = rand.Text(), s.Now()
	if user != nil {
		e.User = Person{ID: user.ID.String(), Username: user.Username, Email: user.Email}
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
	return s.owe(ctx, tx, e)
}

// recordDifference records what shows in the row itself: whether the user may sign in, the name and the address.
func (s *Service) recordDifference(ctx context.Context, tx *store.Store, before, after *store.User) error {
	for _, difference := range []struct {
		is   bool
		name EventName
	}{
		{before.Username != after.Username, EventUsernameChanged},
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

// A Receiver is told of events: a web address, or a function of the program around the server.
type Receiver struct {
	// Name tells receivers apart, over restarts too.
	Name string
	// Events are those it is told of; all when empty.
	Events []EventName
}

func (r *Receiver) wants(name EventName) bool {
	if len(r.Events) == 0 {
		return slices.Contains(EventNames(), name)
	}
	return slices.Contains(r.Events, name)
}

// owe writes the event into the queue of each receiver that wants it.
func (s *Service) owe(ctx context.Context, tx *store.Store, e Event) error {
	var body []byte
	for i := range s.Receivers {
		if !s.Receivers[i].wants(e.Name) {
			continue
		}
		if body == nil {
			body = e.body()
		}
		owed := store.Webhook{EventID: e.ID, Receiver: s.Receivers[i].Name, UserID: e.User.ID, Event: string(e.Name), Body: string(body), CreatedAt: e.At}
		if err := tx.EnqueueWebhook(ctx, owed); err != nil {
			return err
		}
	}
	return nil
}

// body is the event as receivers get it: type, timestamp and data, as the Standard Webhooks specification recommends.
func (e *Event) body() []byte {
	type user struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Email    string `json:"email"`
	}
	type client struct {
		Address string `json:"address"`
		Agent   string `json:"agent"`
		Request string `json:"request"`
	}
	type data struct {
		User    user     `json:"user"`
		Actor   string   `json:"actor"`
		Changed []string `json:"changed,omitempty"`
		Via     string   `json:"via,omitempty"`
		Client  *client  `json:"client"`
	}
	out := struct {
		Type      EventName `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      data      `json:"data"`
	}{e.Name, e.At.UTC().Truncate(time.Microsecond), data{User: user(e.User), Actor: e.Actor, Changed: e.Changed, Via: e.Via}}
	if e.Client != (Client{}) {
		out.Data.Client = (*client)(&e.Client)
	}
	body, _ := json.Marshal(out) // texts and a time of this age: cannot fail
	return body
}
