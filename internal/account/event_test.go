package account_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/mail"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// everything is a receiver of all events.
func everything(s *account.Service) {
	s.Receivers = []*account.Receiver{{Name: "test"}}
	s.Allauth = account.DefaultConfig()
	s.Allauth.EmailVerification = account.MandatoryVerification
}

// owed takes all events out of the queue, in order.
func (w *world) owed() (names string, bodies []map[string]any) {
	w.t.Helper()
	rows, err := w.db.Query("SELECT event, body FROM latchkey_webhook ORDER BY id")
	must(w.t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name, text string
		must(w.t, rows.Scan(&name, &text))
		var body map[string]any
		must(w.t, json.Unmarshal([]byte(text), &body))
		all, bodies = append(all, name), append(bodies, body)
	}
	must(w.t, rows.Err())
	_, err = w.db.Exec("DELETE FROM latchkey_webhook")
	must(w.t, err)
	return strings.Join(all, " "), bodies
}

// eventless are the verbs that change no account, each with the reason; all others are verbs of TestEveryVerbRecords.
var eventless = map[string]string{
	"Start": "starts the service", "JudgePassword": "asks", "UserOfToken": "asks", "UserOfKey": "asks", "UserOfSession": "asks", "UserOfLink": "asks", "LookAtKey": "asks", "SiteNow": "asks", "Verified": "asks",
	"AddressVerified": "asks", "JudgeName": "asks", "EmailTaken": "asks", "ColumnTaken": "asks", "Users": "asks", "UserBy": "asks", "Verify": "asks", "SessionHash": "asks",
	"CheckPassword": "asks, and keeps the same password in another encoding", "StampLogin": "belongs to a sign-in, whose token, key or session is its event",
	"DevicesOf": "asks", "FlushAudit": "writes what was counted", "ResembleUsers": "asks", "RefreshSliding": "carries a sign-in on", "RenewSession": "carries a session on", "NoteInSession": "is about nobody",
	"NewSession": "is about nobody", "BlacklistNobody": "is about nobody", "MailLink": "only mails", "MailReset": "only mails", "ResendConfirmation": "only mails",
	"Arrived": "has a row in the audit alone", "ImportAddress": "brings in what was proven elsewhere",
	"SignInWith": "a failure is for the audit alone, and a success has its event when something is handed out", "SignIn": "is SignInWith", "SignInByEmail": "as SignInWith",
	"Owed": "asks", "Replay": "is about events", "ReplayAll": "is about events",
}

// Every verb that changes an account records it in its own transaction: what it was, to whom and by whom.
func TestEveryVerbRecords(t *testing.T) {
	password := func(w *world, ann *store.User) account.PasswordChange {
		return account.PasswordChange{User: w.user(ann.ID), Password: anything}
	}
	verbs := map[string]struct {
		do   func(w *world, ann *store.User) error
		want string
	}{
		"Register": {func(w *world, _ *store.User) error { w.register("bob", true); return nil }, "user.registered"},
		"SignUp": {func(w *world, _ *store.User) error {
			_, err := w.SignUp(ctx, account.SignUp{Username: "bob", Email: "bob@example.com", Password: anything, Letter: *letter(mail.EmailConfirmation)})
			return err
		}, "user.registered"},
		"Activate": {func(w *world, _ *store.User) error {
			w.queue()
			w.register("bob", true)
			return w.Activate(ctx, w.link(), nil)
		}, "user.registered email.confirmed user.activated"},
		"SetActive": {func(w *world, ann *store.User) error {
			must(w.t, w.SetActive(ctx, ann.ID, true)) // she is
			must(w.t, w.SetActive(ctx, ann.ID, false))
			return w.SetActive(ctx, ann.ID, true)
		}, "user.deactivated user.activated"},
		"Overwritten": {func(w *world, ann *store.User) error {
			columns, values := []string{"first_name", "password", "is_active"}, []any{"Anna", "!", false}
			return w.Store.InTx(ctx, func(tx *store.Store) error {
				must(w.t, tx.UpdateUserRow(ctx, ann.ID, columns, values))
				return w.Overwritten(ctx, tx, ann, columns)
			})
		}, "user.updated user.deactivated password.changed"},
		"Update": {func(w *world, ann *store.User) error {
			values := []account.Value{{Field: "first_name", Value: "Ann"}, {Field: "email", Value: "new@example.com"}, {Field: "username", Value: "anna"}, {Field: "last_name", Value: ""}}
			_, err := w.Update(ctx, account.Update{ID: ann.ID, Values: values, Activation: letter(mail.Activation)})
			return err
		}, "user.updated username.changed email.changed user.deactivated"},
		"ChangeUsername": {func(w *world, ann *store.User) error { return w.ChangeUsername(ctx, ann.ID, "anna", account.Letters{}) }, "username.changed"},
		"ResetUsername": {func(w *world, ann *store.User) error {
			return w.ResetUsername(ctx, w.ofDjango(ann), "anna", account.Letters{})
		}, "username.changed"},
		"ChangePassword": {func(w *world, ann *store.User) error { return w.ChangePassword(ctx, password(w, ann)) }, "password.changed"},
		"SetPassword":    {func(w *world, ann *store.User) error { return w.SetPassword(ctx, ann.ID, anything) }, "password.changed"},
		"ResetPassword": {func(w *world, ann *store.User) error {
			return w.ResetPassword(ctx, account.PasswordReset{Link: w.ofDjango(ann), Password: anything})
		}, "password.reset"},
		"ConfirmEmail": {func(w *world, _ *store.User) error {
			w.queue()
			_, err := w.SignUp(ctx, account.SignUp{Username: "bob", Email: "bob@example.com", Password: anything,
				Letter: account.Letter{Kind: mail.EmailConfirmation, Path: "confirm/x/{key}", Protocol: "https"}})
			must(w.t, err)
			return w.ConfirmEmail(ctx, w.link().Token)
		}, "user.registered email.confirmed"},
		"Delete":  {func(w *world, ann *store.User) error { return w.Delete(ctx, ann.ID) }, "user.deleted"},
		"NewPair": {func(w *world, ann *store.User) error { _, err := w.NewPair(ctx, ann); return err }, "user.login"},
		"NewPairUnstamped": {func(w *world, ann *store.User) error {
			_, err := w.NewPairUnstamped(ctx, ann)
			return err
		}, "user.login"},
		"NewSliding": {func(w *world, ann *store.User) error { _, err := w.NewSliding(ctx, ann); return err }, "user.login"},
		"Key":        {func(w *world, ann *store.User) error { _, err := w.Key(ctx, ann); return err }, "user.login"},
		"OpenSession": {func(w *world, ann *store.User) error {
			_, err := w.OpenSession(ctx, "", account.Login{User: ann})
			return err
		}, "user.login"},
		"Blacklist": {func(w *world, ann *store.User) error {
			pair, err := w.NewPair(ctx, ann)
			must(w.t, err)
			must(w.t, w.Blacklist(ctx, pair.Refresh))
			if err := w.Blacklist(ctx, pair.Refresh); !is(err, listed) {
				w.t.Errorf("a second time: %v", err)
			}
			return nil
		}, "user.login user.logout"},
		"DropKey": {func(w *world, ann *store.User) error {
			_, err := w.Key(ctx, ann)
			must(w.t, err)
			must(w.t, w.DropKey(ctx, ann))
			return w.DropKey(ctx, ann) // there is none any more
		}, "user.login user.logout"},
		"EndDevice": {func(w *world, ann *store.User) error {
			_, err := w.Key(ctx, ann)
			must(w.t, err)
			must(w.t, w.EndDevice(ctx, ann, store.KeyDeviceID(ann.ID)))
			wants(w.t, "a second time", w.EndDevice(ctx, ann, store.KeyDeviceID(ann.ID)), account.ErrNoSession)
			return nil
		}, "user.login session.ended"},
		"EndDevices": {func(w *world, ann *store.User) error { return w.EndDevices(ctx, ann) }, "session.ended"},
		"EndOtherDevices": {func(w *world, ann *store.User) error {
			_, err := w.Key(ctx, ann)
			must(w.t, err)
			wants(w.t, "by nobody knows whom", w.EndOtherDevices(ctx, ann, account.Proof{}), account.ErrNoSession)
			return w.EndOtherDevices(ctx, ann, account.Proof{Key: true})
		}, "user.login session.ended"},
		"Refresh": {func(w *world, ann *store.User) error {
			pair, err := w.NewPair(ctx, ann)
			must(w.t, err)
			w.refresh(pair.Refresh)
			w.clock.advance(w.RefreshGrace + 1)
			for range 2 {
				_, err = w.Refresh(ctx, pair.Refresh)
				wants(w.t, "reuse", err, listed)
			}
			return nil
		}, "user.login token.reused"},
		"CloseSession": {func(w *world, ann *store.User) error {
			key, err := w.OpenSession(ctx, "", account.Login{User: ann})
			must(w.t, err)
			must(w.t, w.CloseSession(ctx, key))
			return w.CloseSession(ctx, key)
		}, "user.login user.logout"},
	}
	known := slices.Concat(slices.Collect(maps.Keys(verbs)), slices.Collect(maps.Keys(eventless)))
	for method := range reflect.TypeFor[*account.Service]().Methods() {
		if !slices.Contains(known, method.Name) {
			t.Errorf("%s records nothing: try it here, or say why in eventless", method.Name)
		}
	}
	for name, verb := range verbs {
		t.Run(name, func(t *testing.T) {
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				w := newWorld(t, url, everything)
				ann := w.register("ann", false)
				w.owed()
				must(t, verb.do(w, w.user(ann.ID)))
				names, bodies := w.owed()
				same(t, "events", names, verb.want)
				for _, body := range bodies {
					data, _ := body["data"].(map[string]any)
					if user, _ := data["user"].(map[string]any); user["id"] == "" || user["username"] == "" || data["actor"] != account.Operator {
						t.Errorf("an event tells %v", body)
					}
					if text := strings.ToLower(strings.Join(slices.Collect(maps.Keys(data)), " ")); strings.Contains(text, "password") {
						t.Errorf("an event holds %s", text)
					}
				}
			})
		})
	}
}

// What is undone leaves no event behind.
func TestNoEventOfWhatWasUndone(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, everything)
		w.register("ann", false)
		w.register("bob", false)
		w.owed()
		bob, err := w.UserBy(ctx, "username", "bob")
		must(t, err)
		wants(t, "a taken name", w.ChangeUsername(ctx, bob.ID, "ann", account.Letters{}), account.ErrTaken)
		_, err = w.Register(ctx, account.Registration{Username: "ann", Password: password})
		wants(t, "a taken name", err, account.ErrTaken)
		stale := *bob
		stale.Password = "!"
		wants(t, "a stale password", w.ChangePassword(ctx, account.PasswordChange{User: &stale, Password: anything}), account.ErrBadPassword)
		names, _ := w.owed()
		same(t, "events", names, "")
	})
}

// An event tells where the request came from and who was calling; one request signs in once, whatever it hands out.
func TestEventsOfARequest(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, everything)
		client := account.Client{Address: "192.0.2.7", Agent: "curl/8", Request: "request-1"}
		request := func() context.Context { return account.WithClient(ctx, client) }
		ann := w.register("ann", false)
		root := w.register("root", false)
		w.owed()

		login := request()
		_, err := w.NewPair(login, ann)
		must(t, err)
		key, err := w.OpenSession(login, "", account.Login{User: ann})
		must(t, err)
		_, err = w.NewPair(login, root) // somebody else
		must(t, err)
		names, bodies := w.owed()
		same(t, "events", names, "user.login user.login")
		data, _ := bodies[0]["data"].(map[string]any)
		same(t, "the client", data["client"], map[string]any{"address": "192.0.2.7", "agent": "curl/8", "request": "request-1"})
		same(t, "the actor", data["actor"], ann.ID)
		same(t, "by", data["via"], account.ViaJWT)
		at, err := time.Parse(time.RFC3339Nano, bodies[0]["timestamp"].(string))
		must(t, err)
		same(t, "when", at, noon)

		must(t, w.CloseSession(request(), key))
		staff := request()
		account.SetCaller(staff, root.ID)
		_, err = w.Update(staff, account.Update{ID: ann.ID, Values: []account.Value{{Field: "last_name", Value: "Ash"}}})
		must(t, err)
		names, bodies = w.owed()
		same(t, "events", names, "user.logout user.updated")
		data, _ = bodies[1]["data"].(map[string]any)
		same(t, "the actor", data["actor"], root.ID)
		same(t, "changed", data["changed"], []string{"last_name"})
	})
}

// A receiver is told of the events that it asked for, and nobody of failed sign-ins.
func TestReceiversGetWhatTheyAskedFor(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, func(s *account.Service) {
			s.Receivers = []*account.Receiver{{Name: "all"}, {Name: "some", Events: []account.EventName{account.EventDeleted}}}
		})
		ann := w.register("ann", false)
		_, err := w.SignIn(ctx, "ann", anything)
		wants(t, "a wrong password", err, account.ErrBadCredentials)
		_, err = w.SignIn(ctx, "nobody", anything)
		wants(t, "a wrong name", err, account.ErrBadCredentials)
		must(t, w.Delete(ctx, ann.ID))
		var got []string
		rows, err := w.db.Query("SELECT receiver, event FROM latchkey_webhook ORDER BY id")
		must(t, err)
		defer rows.Close()
		for rows.Next() {
			var receiver, event string
			must(t, rows.Scan(&receiver, &event))
			got = append(got, receiver+" "+event)
		}
		must(t, rows.Err())
		same(t, "owed", got, []string{"all user.registered", "all user.deleted", "some user.deleted"})
		same(t, "the ids of one event", w.count("SELECT count(DISTINCT event_id) FROM latchkey_webhook WHERE event = 'user.deleted'"), 1)
	})
}

// docs/webhooks.md tells of every event.
func TestEventsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/webhooks.md")
	must(t, err)
	for _, name := range account.EventNames() {
		if !strings.Contains(string(text), "`"+string(name)+"`") {
			t.Errorf("there is no %s", name)
		}
	}
}
