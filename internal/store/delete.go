package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// onDelete says what Django does with rows that refer to a user who is deleted, or to rows that go with the user:
// true deletes them, false sets their reference to NULL. Tables that are not listed belong to the project, whose rules only Django knows.
var onDelete = map[string]bool{
	"authtoken_token":                  true,
	"django_admin_log":                 true,
	"social_auth_usersocialauth":       true,
	"account_emailaddress":             true,
	"account_emailconfirmation":        true,
	"socialaccount_socialaccount":      true,
	"socialaccount_socialtoken":        true,
	"token_blacklist_outstandingtoken": false,
}

// A reference is a foreign key: Table's Column refers to the column Target.
type reference struct{ Table, Column, Target string }

// references lists the foreign keys to a table that the database does not clear up itself.
func (s *Store) references(ctx context.Context, table string) ([]reference, error) {
	var all []reference
	err := s.each(ctx, func(rows row) error {
		var r reference
		err := rows.Scan(&r.Table, &r.Column, &r.Target)
		r.Table = strings.Trim(r.Table, `"`)
		all = append(all, r)
		return err
	}, s.engine.references, table)
	return all, err
}

// cascade does for the rows of table where holds (of the user $1) what Django does before it deletes them: it deletes what belongs to
// them, and takes their number out of what outlives them.
func (s *Store) cascade(ctx context.Context, table, where string, id ID) error {
	references, err := s.references(ctx, table)
	if err != nil {
		return err
	}
	for _, r := range references {
		those := fmt.Sprintf("%s IN (SELECT %s FROM %s WHERE %s)", quote(r.Column), quote(r.Target), quote(table), where)
		remove, known := onDelete[r.Table]
		if r.Table == s.settings.Table+"_groups" || r.Table == s.settings.Table+"_user_permissions" {
			remove, known = true, true
		}
		switch {
		case !known:
			var used bool
			err = s.first(ctx, []any{&used}, fmt.Sprintf("SELECT EXISTS (SELECT 1 FROM %s WHERE %s)", quote(r.Table), those), id)
			if err == nil && used {
				err = &Referenced{Table: r.Table}
			}
		case remove:
			if err = s.cascade(ctx, r.Table, those, id); err == nil {
				_, err = s.exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s", quote(r.Table), those), id)
			}
		default:
			_, err = s.exec(ctx, fmt.Sprintf("UPDATE %s SET %s = NULL WHERE %s", quote(r.Table), quote(r.Column), those), id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteUser deletes a user as Django does, with all that refers to the user in the tables of Django, REST framework, SimpleJWT, allauth,
// social-auth and Latchkey; outstanding tokens stay, without owner. *Referenced when a table of the project's own still needs the user.
func (s *Store) DeleteUser(ctx context.Context, id ID) error {
	return s.InTx(ctx, func(tx *Store) error {
		if _, err := tx.UserForUpdate(ctx, id); err != nil {
			return err
		}
		if err := tx.cascade(ctx, s.settings.Table, s.key()+" = $1", id); err != nil {
			return err
		}
		if err := tx.EndDevicesOf(ctx, id, SessionDevice, time.Time{}); err != nil {
			return err
		}
		for _, table := range []string{"latchkey_refresh", "latchkey_link", "latchkey_activation", "latchkey_device", "latchkey_cutoff"} {
			if err := tx.do(ctx, "DELETE FROM "+table+" WHERE user_id = $1", id.String()); err != nil {
				return err
			}
		}
		return tx.change(ctx, "DELETE FROM "+s.users+s.byKey(), id)
	})
}
