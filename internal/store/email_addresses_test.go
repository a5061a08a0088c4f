package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/internal/store"
)

// people inserts users named a, b, …, with addresses of their own.
func people(t *testing.T, s *store.Store, n int) []store.ID {
	t.Helper()
	ids := make([]store.ID, n)
	for i := range ids {
		name := string(rune('a' + i))
		u := &store.User{Password: "x", Username: name, Email: name + "@example.com", IsActive: true, DateJoined: noon}
		must(t, s.InsertUser(ctx, u))
		ids[i] = u.ID
	}
	return ids
}

func insertAddress(t *testing.T, s *store.Store, user store.ID, email string, verified, primary bool) *store.EmailAddress {
	t.Helper()
	a := &store.EmailAddress{UserID: user, Email: email, Verified: verified, Primary: primary}
	if inserted, err := s.InsertEmailAddress(ctx, a); err != nil || !inserted || a.ID == 0 {
		t.Fatalf("%s: %v, %v", email, inserted, err)
	}
	return a
}

func TestEmailAddresses(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ids := people(t, s, 2)
		first := insertAddress(t, s, ids[0], "shared@example.com", false, true)
		second := insertAddress(t, s, ids[1], "shared@example.com", false, true)
		capitals := insertAddress(t, s, ids[1], "Shared@Example.com", false, false)
		for _, again := range []store.EmailAddress{{UserID: ids[0], Email: "shared@example.com"}, {UserID: ids[0], Email: "more@example.com", Primary: true}} {
			if inserted, err := s.InsertEmailAddress(ctx, &again); inserted || err != nil {
				t.Errorf("%+v: %v, %v", again, inserted, err)
			}
		}
		find := func(folded bool) string {
			all, err := s.EmailAddressesBy(ctx, "shared@example.com", folded)
			must(t, err)
			found := ""
			for _, a := range all {
				found += fmt.Sprint(a.ID, " ")
			}
			return found
		}
		if exact, folded := find(false), find(true); exact != fmt.Sprint(first.ID, " ", second.ID, " ") || folded != fmt.Sprint(exact, capitals.ID, " ") {
			t.Errorf("found %s and %s", exact, folded)
		}
		if got, err := s.EmailAddress(ctx, second.ID); err != nil || *got != *second {
			t.Errorf("got %+v, %v", got, err)
		}
		for _, id := range []int64{0, 99, 1 << 40, 1<<63 - 1} {
			if _, err := s.EmailAddress(ctx, id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%d: %v", id, err)
			}
		}
		if got, err := s.FirstEmailAddress(ctx); err != nil || got.ID != first.ID {
			t.Errorf("the first is %+v, %v", got, err)
		}

		verify := func(id int64, shared, want bool) {
			t.Helper()
			if done, err := s.VerifyEmailAddress(ctx, id, shared); err != nil || done != want {
				t.Errorf("verify %d: %v, %v", id, done, err)
			}
		}
		verify(first.ID, false, true)
		verify(first.ID, false, false)
		verify(second.ID, false, false)
		var duplicate *store.Duplicate
		if _, err := s.VerifyEmailAddress(ctx, second.ID, true); !errors.As(err, &duplicate) {
			t.Errorf("past the index: %v", err)
		}
		must(t, s.MakePrimary(ctx, *capitals))
		must(t, s.MakePrimary(ctx, *capitals))
		must(t, s.InsertEmailConfirmation(ctx, store.EmailConfirmation{Key: "k", AddressID: second.ID, Created: noon}))
		must(t, s.DeleteOtherEmailAddresses(ctx, *capitals))
		left, err := s.EmailAddressesOf(ctx, ids[1])
		capitals.Primary = true
		if err != nil || fmt.Sprint(left) != fmt.Sprint([]store.EmailAddress{*capitals}) {
			t.Errorf("left %+v, %v", left, err)
		}
		if _, err := s.EmailConfirmationByKey(ctx, "k"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the key of an address that is gone: %v", err)
		}
	})
}

func TestEmailConfirmations(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ids := people(t, s, 1)
		a := insertAddress(t, s, ids[0], "a@example.com", false, true)
		for _, want := range []store.EmailConfirmation{{Key: "sent", AddressID: a.ID, Created: noon, Sent: noon.Add(time.Second)}, {Key: "never", AddressID: a.ID, Created: noon}} {
			must(t, s.InsertEmailConfirmation(ctx, want))
			if got, err := s.EmailConfirmationByKey(ctx, want.Key); err != nil || *got != want {
				t.Errorf("got %+v, %v", got, err)
			}
		}
		var duplicate *store.Duplicate
		if err := s.InsertEmailConfirmation(ctx, store.EmailConfirmation{Key: "sent", AddressID: a.ID, Created: noon}); !errors.As(err, &duplicate) {
			t.Errorf("a second key: %v", err)
		}
		for _, key := range []string{"", "SENT", "a\x00b", "\xff"} {
			if _, err := s.EmailConfirmationByKey(ctx, key); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%q: %v", key, err)
			}
		}
		must(t, s.DeleteUser(ctx, ids[0])) // takes addresses and keys along
		if _, err := s.FirstEmailAddress(ctx); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an address without user: %v", err)
		}
	})
}

func TestUsersByFold(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ids := people(t, s, 2)
		for _, name := range []string{"a", "A"} {
			if users, err := s.UsersByFold(ctx, "username", name); err != nil || len(users) != 1 || users[0].ID != ids[0] {
				t.Errorf("%s: %v, %v", name, users, err)
			}
		}
		for _, name := range []string{"", "%", "_", "a\x00"} {
			if users, err := s.UsersByFold(ctx, "username", name); err != nil || len(users) != 0 {
				t.Errorf("%q: %v, %v", name, users, err)
			}
		}
		if _, err := s.UsersByFold(ctx, "is_staff", "1"); err == nil {
			t.Error("looked up by a flag")
		}
	})
}
