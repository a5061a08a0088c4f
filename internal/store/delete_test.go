package store_test

import (
	"errors"
	"testing"

	"latchkey/internal/store"
)

// fill gives a user a row in every table that can refer to one.
func fill(t *testing.T, s *store.Store, u *store.User) {
	t.Helper()
	must(t, s.InTx(ctx, func(tx *store.Store) error {
		_, err := tx.TokenKeyFor(ctx, u.ID, "key of "+u.Username, noon)
		must(t, err)
		must(t, tx.InsertOutstanding(ctx, store.Outstanding{UserID: u.ID, JTI: u.Username, ExpiresAt: noon}))
		must(t, tx.InsertRefresh(ctx, store.Refresh{JTI: u.Username, UserID: u.ID, IssuedAt: noon, ExpiresAt: noon}))
		must(t, tx.InsertLink(ctx, store.Link{Digest: u.Username, UserID: u.ID, CreatedAt: noon, ExpiresAt: noon}))
		must(t, tx.RecordActivation(ctx, u.ID, noon))
		must(t, tx.SaveSession(ctx, store.SessionRow{Key: "session of " + u.Username, Expires: noon}))
		must(t, tx.SaveDevice(ctx, store.Device{ID: u.Username, Kind: store.SessionDevice, UserID: u.ID, Handle: "session of " + u.Username, CreatedAt: noon, UsedAt: noon}))
		must(t, tx.CutOff(ctx, u.ID, store.Cutoff{Sessions: noon}))
		id, name := u.ID, u.Username
		for _, insert := range []struct {
			query string
			args  []any
		}{
			{"INSERT INTO auth_group (name) VALUES ($1)", []any{name}},
			{"INSERT INTO auth_user_groups (user_id, group_id) SELECT $1, id FROM auth_group WHERE name = $2", []any{id, name}},
			{"INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES ($1, 1)", []any{id}},
			{"INSERT INTO social_auth_usersocialauth (provider, uid, user_id, created, modified, extra_data) VALUES ('x', $2, $1, '2026-01-01', '2026-01-01', '{}')", []any{id, name}},
			{`INSERT INTO account_emailaddress (verified, "primary", user_id, email) VALUES (true, true, $1, $2)`, []any{id, name}},
			{`INSERT INTO account_emailconfirmation (created, "key", email_address_id) SELECT '2026-01-01', $1, id FROM account_emailaddress WHERE email = $2`, []any{name, name}},
			{"INSERT INTO socialaccount_socialaccount (provider, uid, last_login, date_joined, user_id, extra_data) VALUES ('x', $2, '2026-01-01', '2026-01-01', $1, '{}')", []any{id, name}},
			{"INSERT INTO socialaccount_socialtoken (token, token_secret, account_id) SELECT '', '', id FROM socialaccount_socialaccount WHERE uid = $1", []any{name}},
		} {
			if err := tx.Exec(ctx, insert.query, insert.args...); err != nil {
				t.Fatalf("%s: %v", insert.query, err)
			}
		}
		return nil
	}))
}

var dependants = []string{"auth_user", "auth_user_groups", "auth_user_user_permissions", "authtoken_token", "social_auth_usersocialauth",
	"account_emailaddress", "account_emailconfirmation", "socialaccount_socialaccount", "socialaccount_socialtoken",
	"latchkey_refresh", "latchkey_link", "latchkey_activation", "latchkey_device", "latchkey_cutoff", "django_session"}

// counts is how many rows each dependent table has.
func counts(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	n := map[string]string{}
	for _, table := range dependants {
		n[table] = rows(t, s, "SELECT count(*) FROM "+table)[0]
	}
	return n
}

// All that is the user's goes, nothing of anybody else's; outstanding tokens lose their owner.
func TestDeleteUser(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, bob := addUser(t, s, "ann"), addUser(t, s, "bob")
		fill(t, s, ann)
		fill(t, s, bob)
		for table, n := range counts(t, s) {
			if n != "2" {
				t.Fatalf("%s has %s rows before", table, n)
			}
		}
		must(t, s.DeleteUser(ctx, ann.ID))
		for table, n := range counts(t, s) {
			if n != "1" {
				t.Errorf("%s has %s rows after", table, n)
			}
		}
		same(t, "outstanding", rows(t, s, "SELECT jti, user_id FROM token_blacklist_outstandingtoken ORDER BY jti"), []string{"ann|NULL", "bob|" + bob.ID.String()})
		if err := s.DeleteUser(ctx, ann.ID); err != store.ErrNotFound {
			t.Errorf("again: got %v", err)
		}
		if next := addUser(t, s, "eve"); next.ID == ann.ID || next.ID == bob.ID {
			t.Errorf("a key came back: %v", next.ID)
		}
	})
}

// Rows of tables that are not ours to judge keep the user, and then everything stays as it was.
func TestDeleteUserStillReferenced(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, bob := addUser(t, s, "ann"), addUser(t, s, "bob")
		fill(t, s, ann)
		must(t, s.Exec(ctx, "CREATE TABLE shop_order (id integer PRIMARY KEY, buyer_id integer REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED)"))
		must(t, s.Exec(ctx, "CREATE TABLE shop_note (id integer PRIMARY KEY, user_id integer REFERENCES auth_user (id) ON DELETE CASCADE)"))
		must(t, s.Exec(ctx, "INSERT INTO shop_order (id, buyer_id) VALUES (1, $1)", ann.ID))
		must(t, s.Exec(ctx, "INSERT INTO shop_note (id, user_id) VALUES (1, $1)", bob.ID))
		before := counts(t, s)
		var referenced *store.Referenced
		if err := s.DeleteUser(ctx, ann.ID); !errors.As(err, &referenced) || referenced.Table != "shop_order" {
			t.Errorf("got %v, want a word about shop_order", err)
		}
		for table, n := range counts(t, s) {
			if n != before[table] {
				t.Errorf("%s went from %s rows to %s", table, before[table], n)
			}
		}
		must(t, s.DeleteUser(ctx, bob.ID)) // nothing of the shop's needs bob; its notes go by the database's own rule
		same(t, "notes", rows(t, s, "SELECT count(*) FROM shop_note"), []string{"0"})
	})
}

// Databases without the optional apps have fewer tables to clear.
func TestDeleteUserWithoutApps(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann := addUser(t, s, "ann")
		for _, table := range []string{"authtoken_token", "token_blacklist_blacklistedtoken", "token_blacklist_outstandingtoken", "account_emailconfirmation", "account_emailaddress"} {
			must(t, s.Exec(ctx, "DROP TABLE "+table))
		}
		must(t, s.DeleteUser(ctx, ann.ID))
	})
}
